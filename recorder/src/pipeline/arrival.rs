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
use taffrail_trace::event::{Body, Entered, EnteredBy, Event, Image, Lifecycle, LifecycleOp};
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

    /// An image was seen to live in a container. The first to have a mount namespace gives it to the container.
    pub fn lives(&mut self, key: ContainerKey, image: &Image) {
        let mounts = image.namespaces.map_or(0, |namespaces| namespaces.mount);
        if mounts != 0 && mounts != self.host_mounts {
            self.by_mounts.entry(mounts).or_insert(key);
        }
    }

    /// A container is gone.
    pub fn forget(&mut self, key: ContainerKey) {
        self.begun.remove(&key);
        self.by_mounts.retain(|_, known| *known != key);
    }

    /// Whether an image is not inside a container: it belongs elsewhere, or still sees the host's files.
    fn is_outside(&self, key: ContainerKey, known: &Known) -> bool {
        let mounts = known.image.namespaces.map_or(0, |namespaces| namespaces.mount);
        known.home != key || mounts == self.host_mounts
    }
}

impl Pipeline {
    /// Where an exec belongs, and whether it came from outside. `key` is its cgroup's container.
    pub(super) fn arrival(&mut self, header: &Header, ran: &Ran, key: ContainerKey) -> (ContainerKey, Option<Entered>) {
        let creator = self.processes.creator(header.image, ran.parent);
        let mounts = ran.namespaces.mount;
        let host = self.containers.host();
        if mounts == 0 || mounts == self.doors.host_mounts {
            return (key, None);
        }
        if key == host {
            // Only a container's namespaces make it a container's process: sandboxes of the host have some too.
            let Some(home) = self.doors.by_mounts.get(&mounts).copied().filter(|home| *home != host) else {
                return (key, None);
            };
            let by = creator.filter(|creator| creator.home != home);
            let entered = by.map(|by| Entered { way: EnteredBy::Namespaces, by: Some(by.image.exec_id) });
            return (home, entered);
        }
        if let Some(visited) = self.doors.by_mounts.get(&mounts).copied().filter(|home| *home != key) {
            self.visited(header, ran, key, visited);
        }
        let sender = self.sender(key, creator);
        if self.doors.begun.insert(key) {
            return (key, None);
        }
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
            if known.image.origin != taffrail_trace::event::Origin::Fork {
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
