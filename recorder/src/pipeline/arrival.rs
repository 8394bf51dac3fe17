//! Who comes into a container from outside.
//!
//! A container's own init comes from outside too, and everything it runs descends from it. Whoever else runs a program
//! in the container and was made by a process that lives elsewhere has *entered*: by being put into its cgroup
//! (`docker exec`, `kubectl exec`) or by joining its namespaces from another cgroup (`nsenter`).

use super::Pipeline;
use crate::enrich::processes::{Known, Ran};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use taffrail_probes::abi::cgroup::Attach;
use taffrail_probes::abi::{Header, ImageKey};
use taffrail_trace::event::{Body, Entered, EnteredBy, Event, Lifecycle, LifecycleOp, Namespaces, Origin};
use taffrail_trace::ids::ContainerKey;

/// What must be known of all containers to tell.
#[derive(Debug, Default)]
pub struct Doors {
    /// The host's mount namespace.
    host_mounts: u32,
    /// Containers by their mount namespace.
    by_mounts: HashMap<u32, ContainerKey>,
    /// Containers whose init runs.
    begun: HashSet<ContainerKey>,
}

impl Doors {
    /// Nothing is known but the host.
    pub fn new(host_mounts: u32) -> Self {
        Self { host_mounts, ..Self::default() }
    }

    /// A container was running before the recorder.
    pub fn was_there(&mut self, key: ContainerKey) {
        self.begun.insert(key);
    }

    /// An image with a mount namespace was seen to live in a container. The first to have it gives it to the container.
    pub fn lives(&mut self, key: ContainerKey, namespaces: Option<Namespaces>) {
        let mounts = mount_number(namespaces);
        if mounts != 0 && mounts != self.host_mounts {
            self.by_mounts.entry(mounts).or_insert(key);
        }
    }

    /// A container's cgroup was removed: nobody is in it, and the kernel gives the number of its mount namespace to the
    /// next container that comes.
    pub fn closed(&mut self, key: ContainerKey) {
        self.by_mounts.retain(|_, known| *known != key);
    }

    /// A container and its history are gone.
    pub fn forget(&mut self, key: ContainerKey) {
        self.closed(key);
        self.begun.remove(&key);
    }

    /// Whether an image is not inside a container: it belongs elsewhere, or still sees the host's files.
    fn is_outside(&self, key: ContainerKey, known: &Known) -> bool {
        known.home != key || mount_number(known.image.namespaces) == self.host_mounts
    }

    /// Whether an image was run inside a container: what its process runs next comes from there, whoever made it.
    fn ran_inside(&self, key: ContainerKey, known: &Known) -> bool {
        known.image.origin == Origin::Exec && !self.is_outside(key, known)
    }
}

fn mount_number(namespaces: Option<Namespaces>) -> u32 {
    namespaces.map_or(0, |namespaces| namespaces.mount)
}

impl Pipeline {
    /// Where an exec belongs, and whether it came from outside. `before` is the image that its process was until now, `key`
    /// its cgroup's container.
    pub(super) fn arrival(
        &mut self,
        header: &Header,
        ran: &Ran,
        before: &Known,
        key: ContainerKey,
    ) -> (ContainerKey, Option<Entered>) {
        let creator = self.processes.creator(header.image, ran.parent);
        let mounts = ran.namespaces.mount;
        let host = self.containers.host();
        if mounts == 0 || mounts == self.doors.host_mounts {
            return (key, None);
        }
        if key == host {
            // Only a container's namespaces make it a container's process: sandboxes of the host have some too. Whoever
            // is in there may outlive the container.
            let inherited = (mount_number(before.image.namespaces) == mounts).then_some(before.home);
            let home = self.doors.by_mounts.get(&mounts).copied().or(inherited).filter(|home| *home != host);
            let Some(home) = home else { return (key, None) };
            let by = creator.filter(|creator| creator.home != home && !self.doors.ran_inside(home, before));
            let entered = by.map(|by| Entered { way: EnteredBy::Namespaces, by: Some(by.image.exec_id) });
            return (home, entered);
        }
        if let Some(visited) = self.doors.by_mounts.get(&mounts).copied().filter(|home| *home != key) {
            self.visited(header, ran, key, visited);
        }
        if self.doors.begun.insert(key) || self.doors.ran_inside(key, before) {
            return (key, None);
        }
        let sender = self.sender(key, creator);
        let entered = sender.map(|by| Entered { way: EnteredBy::Cgroup, by: Some(by.image.exec_id) });
        (key, entered)
    }

    /// A program of one container runs in the namespaces of another: the one it belongs to has the rows, the other one
    /// is told.
    fn visited(&mut self, header: &Header, ran: &Ran, from: ContainerKey, visited: ContainerKey) {
        let name = |key| self.containers.get(key).map_or("?", |container| container.name.as_str());
        let detail = format!("pid {} {} of container {} joined its namespaces", header.image.pid, ran.exe, name(from));
        let cgroup_path =
            self.containers.get(visited).map(|container| container.cgroup_path.clone()).unwrap_or_default();
        let moment = Lifecycle { op: LifecycleOp::Entered, cgroup_path, detail: Some(detail) };
        self.append(visited, Event { time_ns: header.time_ns, actor: None, body: Body::Lifecycle(moment) }, None);
    }

    /// The image outside a container that made a process in it, through copies of itself; none where the process was
    /// made inside.
    fn sender(&self, key: ContainerKey, creator: Option<Arc<Known>>) -> Option<Arc<Known>> {
        let mut next = creator;
        while let Some(known) = next {
            if self.doors.is_outside(key, &known) {
                return Some(known);
            }
            if known.image.origin != Origin::Fork {
                return None;
            }
            next = known.parent.clone();
        }
        None
    }

    /// A process was moved to another cgroup.
    pub(super) fn attached(&mut self, header: &Header, mover: &Arc<Known>, attach: &Attach, to: ContainerKey) {
        let moved = self.processes.current(ImageKey { ..attach.moved });
        let from = moved.as_ref().map(|moved| moved.home);
        // Its first process makes a container; moves within one say nothing.
        if from == Some(to) || !self.doors.begun.contains(&to) || to == self.containers.host() {
            return;
        }
        let exe = moved.as_ref().map_or("?", |moved| moved.image.exe.as_str());
        let detail = format!("pid {} {exe}, put in by pid {} {}", attach.moved.pid, mover.image.pid, mover.image.exe);
        let path = self.containers.get(to).map(|container| container.cgroup_path.clone()).unwrap_or_default();
        let moment = Lifecycle { op: LifecycleOp::Entered, cgroup_path: path, detail: Some(detail) };
        let actor = super::actor(header, mover);
        let event = Event { time_ns: header.time_ns, actor: Some(actor), body: Body::Lifecycle(moment) };
        self.append(to, event, Some(mover));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use taffrail_trace::ids::BootId;

    #[test]
    fn a_namespaces_number_is_its_next_owners_once_a_container_is_gone() {
        let boot = BootId("b".to_owned());
        let [first, next] = [40, 41].map(|cgroup| ContainerKey::new(&boot, cgroup));
        let mounts = |mount| Some(Namespaces { mount, ..Namespaces::default() });
        let mut doors = Doors::new(1);
        doors.lives(first, mounts(7));
        doors.lives(next, mounts(7));
        assert_eq!(doors.by_mounts.get(&7), Some(&first), "while it is there it is its own");
        doors.closed(first);
        doors.lives(next, mounts(7));
        assert_eq!(doors.by_mounts.get(&7), Some(&next));
        doors.lives(next, mounts(1));
        assert_eq!(doors.by_mounts.get(&1), None, "the host's is nobody's");
    }
}
