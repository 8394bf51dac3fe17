//! Containers and processes that are there at start, come and go, and what of that is told in histories.

use super::{Pipeline, place, report};
use crate::enrich::containers::Change;
use crate::enrich::scan::Found;
use taffrail_probes::Record;
use taffrail_probes::abi::Kind;
use taffrail_trace::clock::BootNs;
use taffrail_trace::event::{Body, Class, Event, Gap, GapCause, Lifecycle, LifecycleOp};
use taffrail_trace::ids::ContainerKey;

impl Pipeline {
    /// Notes the containers that were there at start. Of those that an earlier recorder knew nobody told anything since.
    pub fn found(&mut self, changes: &[Change]) {
        self.admit(changes);
        for change in changes {
            let Change::New(key) = change else { continue };
            self.doors.was_there(*key);
            for class in Class::ALL {
                let newest_ns = self.ring.history(*key).and_then(|history| history.reach(class).newest_ns);
                if let Some(from_ns) = newest_ns {
                    let (cause, to_ns) = (GapCause::RecorderDown, self.now.boot_ns);
                    self.gap(*key, Gap { class, cause, lost: None, from_ns, to_ns, own: true });
                }
            }
            let Some(container) = self.containers.get(*key) else { continue };
            let moment = Lifecycle { op: LifecycleOp::Found, cgroup_path: container.cgroup_path.clone(), detail: None };
            let event = Event { time_ns: self.now.boot_ns, actor: None, body: Body::Lifecycle(moment) };
            self.append(*key, event, None);
        }
    }

    /// Takes over what `/proc` showed. What began after `attached_ns` is left out: the kernel tells of it.
    pub fn adopt_processes(&mut self, found: Vec<Found>, attached_ns: BootNs) {
        let older: Vec<Found> = found.into_iter().filter(|process| process.told.start_ns < attached_ns).collect();
        let mut changes = Vec::new();
        let containers = &mut self.containers;
        let adopted = self.processes.adopt(older, &mut |path| {
            let key = containers.of_path(path, &mut changes);
            place(containers, key)
        });
        for known in &adopted {
            self.doors.lives(known.home, known.image.namespaces);
        }
        self.admit(&changes);
        self.changes.extend(changes);
        adopted.iter().for_each(|known| self.was_there(known));
        tracing::debug!(processes = adopted.len(), "processes older than the recorder are known");
    }

    /// Cgroups that were made since the last call, and their containers.
    pub fn new_cgroups(&mut self) -> Vec<(u64, ContainerKey)> {
        std::mem::take(&mut self.made)
    }

    /// Cgroups that went since the last call.
    pub fn gone_cgroups(&mut self) -> Vec<u64> {
        std::mem::take(&mut self.gone)
    }

    /// Forgets a container whose history is gone.
    pub fn forget(&mut self, key: ContainerKey) {
        self.containers.forget(key);
        self.counters.forget(key);
        self.doors.forget(key);
        self.watch.forget(key);
    }

    /// What changed among containers since the last call.
    pub fn changes(&mut self) -> Vec<Change> {
        std::mem::take(&mut self.changes)
    }

    /// Tells the ring which containers are there now, and which are not any more.
    pub fn admit(&mut self, changes: &[Change]) {
        for change in changes {
            if let (Change::Removed(key), Some(models)) = (change, &mut self.watch.models) {
                models.gone(*key);
            }
            match change {
                Change::New(key) if self.ring.history(*key).is_none() => self.describe(*key),
                Change::New(key) if !self.containers.is_removed(*key) => self.ring.runs(*key),
                Change::New(_) => {}
                Change::Removed(key) => self.ring.stopped(*key),
            }
        }
    }

    fn describe(&mut self, key: ContainerKey) {
        if let Some(container) = self.containers.get(key) {
            report(self.ring.describe(container));
        }
    }

    /// Puts right what somebody removed from the ring's directory, and says what went.
    pub fn mend(&mut self) {
        for (key, gaps) in self.ring.missing() {
            tracing::error!(container = %key, "somebody removed files of a history");
            self.describe(key);
            for gap in gaps {
                self.gap(key, gap);
            }
        }
    }

    /// The kernel made a cgroup, or removed one.
    pub(super) fn cgroup(&mut self, record: &Record<'_>, id: u64, path: &str, changes: &mut Vec<Change>) {
        let before = changes.len();
        let (key, op) = if record.kind == Kind::CgroupMake {
            (self.containers.made(id, path, record.header.time_ns, changes), LifecycleOp::Created)
        } else {
            (self.containers.gone(id, path, changes), LifecycleOp::Removed)
        };
        self.admit(changes);
        // Here, and once: what changed in a drain is admitted again with each of its records.
        if changes[before..].contains(&Change::Removed(key)) {
            self.doors.closed(key);
        }
        if op == LifecycleOp::Created {
            self.made.push((id, key));
        } else {
            self.gone.push(id);
        }
        // Cgroups inside a container, and the host's own, come and go without being containers.
        if changes[before..].iter().any(|change| matches!(change, Change::New(k) | Change::Removed(k) if *k == key)) {
            let body = Body::Lifecycle(Lifecycle { op, cgroup_path: path.to_owned(), detail: None });
            self.append(key, Event { time_ns: record.header.time_ns, actor: None, body }, None);
        }
    }
}
