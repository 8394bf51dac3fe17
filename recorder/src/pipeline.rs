//! The way of one event, on one page.
//!
//! ```text
//! record -> cgroup -> container -> image -> event -> rule?  -> ring
//!                                                     '-> finding -> ring, order -> incident -> seal
//! ```
//!
//! Everything here runs on the recording thread and waits for nobody: what goes to others goes through bounded
//! channels, and a full one is counted.

use crate::enrich::containers::{Change, Containers};
use crate::enrich::convert::{self, Names};
use crate::enrich::processes::{In, Known, Processes, comm};
use crate::enrich::scan::Found;
use crate::health::Counters;
use crate::ring::{Ring, RingError};
use crate::trigger;
use std::collections::HashMap;
use std::sync::Arc;
use taffrail_probes::abi::{Class as RawClass, Header, Kind};
use taffrail_probes::{Body as RawBody, Record};
use taffrail_trace::clock::{Anchor, BootNs};
use taffrail_trace::event::{Actor, Body, Class, Event, Finding, Gap, Lifecycle, LifecycleOp};
use taffrail_trace::ids::ContainerKey;
use taffrail_trace::text;

/// Identities, ring and rule: what an event meets on its way.
#[derive(Debug)]
pub struct Pipeline {
    /// The directory of containers.
    pub containers: Containers,
    /// The process table.
    pub processes: Processes,
    /// The ring.
    pub ring: Ring,
    /// What was counted.
    pub counters: Counters,
    flows: HashMap<u64, Arc<Known>>,
    changes: Vec<Change>,
    matched: Vec<Match>,
    now: Anchor,
}

/// A rule matched.
#[derive(Debug)]
pub struct Match {
    /// Where.
    pub container: ContainerKey,
    /// When.
    pub time_ns: BootNs,
    /// What.
    pub finding: Finding,
}

impl Pipeline {
    /// A pipeline whose parts know what was there at start.
    pub fn new(containers: Containers, processes: Processes, ring: Ring, now: Anchor) -> Self {
        Self {
            containers,
            processes,
            ring,
            counters: Counters::default(),
            flows: HashMap::new(),
            changes: Vec::new(),
            matched: Vec::new(),
            now,
        }
    }

    /// Sets the clocks that batches written from now on are stamped with.
    pub fn tick(&mut self, now: Anchor) {
        self.now = now;
    }

    /// Takes one record to the ring.
    pub fn take(&mut self, record: &Record<'_>) {
        let header = &record.header;
        let mut changes = std::mem::take(&mut self.changes);
        if let RawBody::Cgroup { cgroup, path } = &record.body {
            self.cgroup(record, cgroup.id, &text::from_bytes(path), &mut changes);
        } else {
            let key = self.containers.of(header.cgroup_id, &mut changes);
            self.admit(&changes);
            self.act(record, key, &mut changes);
        }
        self.changes = changes;
    }

    /// Notes the containers that were there at start.
    pub fn found(&mut self, changes: &[Change]) {
        self.admit(changes);
        for change in changes {
            let Change::New(key) = change else { continue };
            let Some(container) = self.containers.get(*key) else { continue };
            let moment = Lifecycle { op: LifecycleOp::Found, cgroup_path: container.cgroup_path.clone() };
            let event = Event { time_ns: self.now.boot_ns, actor: None, body: Body::Lifecycle(moment) };
            self.append(*key, event, None);
        }
    }

    /// Takes over what `/proc` showed. What began after `attached_ns` is left out: the kernel tells of it.
    pub fn adopt_processes(&mut self, found: Vec<Found>, attached_ns: BootNs) {
        let older: Vec<Found> = found.into_iter().filter(|process| process.start_ns < attached_ns).collect();
        let mut changes = Vec::new();
        let containers = &mut self.containers;
        let adopted = self.processes.adopt(older, &mut |path| {
            let key = containers.of_path(path, &mut changes);
            let place = place(containers, key);
            (place.id, place.name)
        });
        self.admit(&changes);
        self.changes.extend(changes);
        tracing::debug!(processes = adopted.len(), "processes older than the recorder are known");
    }

    /// What changed among containers, and which rules matched, since the last call.
    pub fn news(&mut self) -> (Vec<Change>, Vec<Match>) {
        (std::mem::take(&mut self.changes), std::mem::take(&mut self.matched))
    }

    /// Makes room in the ring for containers that are new.
    pub fn admit(&mut self, changes: &[Change]) {
        for change in changes {
            if let Change::New(key) = change
                && self.ring.history(*key).is_none()
                && let Some(container) = self.containers.get(*key)
            {
                let described = self.ring.describe(container);
                report(described);
            }
        }
    }

    fn act(&mut self, record: &Record<'_>, key: ContainerKey, changes: &mut Vec<Change>) {
        let header = &record.header;
        let known = self.actor(record, key);
        match &record.body {
            RawBody::Exec { exec, exe, cwd, args } => {
                let ran = convert::exec(header, exec, exe, cwd, args);
                let place = place(&self.containers, key);
                let known = self.processes.ran(header, ran, place.within());
                self.began(key, &known, header.time_ns);
            }
            RawBody::Fork(fork) => {
                let child_key = self.containers.of(fork.child_cgroup_id, changes);
                self.admit(changes);
                let place = place(&self.containers, child_key);
                let child = self.processes.forked(header, fork.child, &known, fork.child_uid, place.within());
                self.began(child_key, &child, header.time_ns);
            }
            RawBody::Exit(exit) => {
                self.put(key, header, &known, Body::Exit(convert::exit(exit)));
                self.processes.ended(header.image);
            }
            RawBody::File { op, base, path, new_base, new_path } => {
                let names = Names { parts: [base, path, new_base, new_path] };
                let file = convert::file(header, record.kind, op, &names);
                self.put(key, header, &known, Body::File(Box::new(file)));
            }
            RawBody::Flow(flow) => {
                match record.kind {
                    Kind::FlowEnd => self.flows.remove(&flow.flow_id),
                    _ => self.flows.insert(flow.flow_id, Arc::clone(&known)),
                };
                if let Some(flow) = convert::flow(record.kind, flow) {
                    self.put(key, header, &known, Body::Flow(Box::new(flow)));
                }
            }
            RawBody::Cgroup { .. } => {}
        }
    }

    /// The image that acted. The later moments of a flow are its owner's, who may be dead by then.
    fn actor(&mut self, record: &Record<'_>, key: ContainerKey) -> Arc<Known> {
        if let RawBody::Flow(flow) = &record.body
            && matches!(record.kind, Kind::FlowEnd | Kind::Established)
            && let Some(owner) = self.flows.get(&flow.flow_id)
        {
            return Arc::clone(owner);
        }
        if matches!(record.body, RawBody::Exec { .. })
            && let Some(before) = self.processes.current(record.header.image)
        {
            return before;
        }
        let mut fresh = Vec::new();
        let place = place(&self.containers, key);
        let known = self.processes.of(&record.header, place.within(), &mut fresh);
        for stranger in fresh {
            self.began(key, &stranger, record.header.time_ns);
        }
        known
    }

    /// An image came to be: the event of it, and the rule's word on it.
    fn began(&mut self, key: ContainerKey, known: &Arc<Known>, time_ns: BootNs) {
        let image = &known.image;
        let actor =
            Actor { exec_id: image.exec_id, pid: image.pid, tid: image.pid, uid: image.uid, comm: image.comm.clone() };
        let event = Event { time_ns, actor: Some(actor.clone()), body: Body::Image(Box::new(image.clone())) };
        let finding = trigger::judge(&event);
        self.append(key, event, Some(known));
        if let Some(finding) = finding {
            let body = Body::Finding(Box::new(finding.clone()));
            self.append(key, Event { time_ns, actor: Some(actor), body }, Some(known));
            self.matched.push(Match { container: key, time_ns, finding });
        }
    }

    fn put(&mut self, key: ContainerKey, header: &Header, known: &Arc<Known>, body: Body) {
        let actor = Actor {
            exec_id: known.image.exec_id,
            pid: header.image.pid,
            tid: header.tid,
            uid: header.uid,
            comm: comm(header),
        };
        self.append(key, Event { time_ns: header.time_ns, actor: Some(actor), body }, Some(known));
    }

    fn cgroup(&mut self, record: &Record<'_>, id: u64, path: &str, changes: &mut Vec<Change>) {
        let before = changes.len();
        let (key, op) = if record.kind == Kind::CgroupMake {
            (self.containers.made(id, path, record.header.time_ns, changes), LifecycleOp::Created)
        } else {
            (self.containers.gone(id, path, changes), LifecycleOp::Removed)
        };
        self.admit(changes);
        // Cgroups inside a container, and the host's own, come and go without being containers.
        if changes[before..].iter().any(|change| matches!(change, Change::New(k) | Change::Removed(k) if *k == key)) {
            let body = Body::Lifecycle(Lifecycle { op, cgroup_path: path.to_owned() });
            self.append(key, Event { time_ns: record.header.time_ns, actor: None, body }, None);
        }
    }

    /// Puts a gap into a container's history.
    pub fn gap(&mut self, key: ContainerKey, gap: Gap) {
        if gap.own {
            self.counters.own_gap(key, &gap);
        }
        let event = Event { time_ns: gap.to_ns, actor: None, body: Body::Gap(gap) };
        self.append(key, event, None);
    }

    /// Puts an event into a container's history.
    pub fn append(&mut self, key: ContainerKey, event: Event, named: Option<&Arc<Known>>) {
        self.counters.event(key);
        let appended = self.ring.append(key, event, named, self.now);
        report(appended);
    }
}

/// Says that evidence could not be written. The ring has counted it.
pub fn report(result: Result<(), RingError>) {
    if let Err(error) = result {
        tracing::error!(%error, "events could not be written to the ring");
    }
}

/// A record's class in the words of the evidence.
pub fn class_of(raw: RawClass) -> Class {
    match raw {
        RawClass::Vital => Class::Vital,
        RawClass::Bulk => Class::Bulk,
    }
}

/// A container's id and name at this moment.
struct Place {
    id: String,
    name: String,
}

impl Place {
    fn within(&self) -> In<'_> {
        In { container_id: &self.id, container_name: &self.name }
    }
}

fn place(containers: &Containers, key: ContainerKey) -> Place {
    containers.get(key).map_or_else(
        || Place { id: key.to_string(), name: key.to_string() },
        |container| Place { id: container.id.clone(), name: container.name.clone() },
    )
}
