//! What rules and models say of an event, and where that goes: into the ring, and to whoever opens incidents.

use super::{Pipeline, own_actor};
use crate::enrich::processes::Known;
use crate::trigger::{Found, Surroundings};
use std::sync::Arc;
use taffrail_trace::clock::BootNs;
use taffrail_trace::event::{Actor, Body, Event, Finding};
use taffrail_trace::ids::ContainerKey;

/// A rule matched, or something deviated from a model.
#[derive(Debug)]
pub struct Match {
    /// Where.
    pub container: ContainerKey,
    /// When.
    pub time_ns: BootNs,
    /// What.
    pub finding: Finding,
    /// What it goes by when it comes again.
    pub cause: String,
}

impl Pipeline {
    /// Puts an event into a container's history, and what rules and models have to say of it.
    pub fn append(&mut self, key: ContainerKey, event: Event, named: Option<&Arc<Known>>) {
        let found = self.judged(key, &event, named);
        if found.is_empty() {
            return self.keep(key, event, named);
        }
        let (time_ns, actor) = (event.time_ns, event.actor.clone());
        self.keep(key, event, named);
        self.found_out(key, time_ns, actor, found, named);
    }

    /// Shows a program that is older than the recorder to whoever has to know it.
    pub(super) fn was_there(&mut self, known: &Arc<Known>) {
        let body = Body::Image(Box::new(known.image.clone()));
        let event = Event { time_ns: self.now.boot_ns, actor: Some(own_actor(&known.image)), body };
        let found = self.judged(known.home, &event, Some(known));
        self.found_out(known.home, event.time_ns, event.actor, found, Some(known));
    }

    /// Puts a finding that no event led to into a container's history.
    pub fn tell(&mut self, key: ContainerKey, time_ns: BootNs, finding: Finding) {
        self.append(key, finding_event(time_ns, None, finding), None);
    }

    /// What was found and pulls the cord where it is told to, since the last call.
    pub fn matches(&mut self) -> Vec<Match> {
        std::mem::take(&mut self.matched)
    }

    /// Puts what was found too often to say it each time into the history, as a number, a minute after it began.
    pub fn tell_storms(&mut self) {
        for (key, time_ns, finding) in self.watch.overdue(self.now.boot_ns) {
            self.keep(key, finding_event(time_ns, None, finding), None);
        }
    }

    /// Does so with what was found in one container until now: its history is sealed. What came after `to_ns`, the end of
    /// that, is a moment of it and told at its end.
    pub fn tell_storms_of(&mut self, key: ContainerKey, to_ns: BootNs) {
        for (time_ns, finding) in self.watch.untold(key) {
            self.keep(key, finding_event(time_ns.min(to_ns), None, finding), None);
        }
    }

    /// Does so with what was found anywhere until now: the recording ends.
    pub fn tell_all_storms(&mut self) {
        self.tell_storms();
        for key in self.watch.busy() {
            self.tell_storms_of(key, BootNs::MAX);
        }
    }

    fn judged(&mut self, key: ContainerKey, event: &Event, actor: Option<&Arc<Known>>) -> Vec<Found> {
        let around = Surroundings { containers: &self.containers, files: &self.files, actor };
        self.watch.see(key, event, around)
    }

    fn found_out(
        &mut self,
        key: ContainerKey,
        time_ns: BootNs,
        actor: Option<Actor>,
        found: Vec<Found>,
        named: Option<&Arc<Known>>,
    ) {
        for Found { finding, cause } in found {
            self.keep(key, finding_event(time_ns, actor.clone(), finding.clone()), named);
            self.matched.push(Match { container: key, time_ns, finding, cause });
        }
    }
}

fn finding_event(time_ns: BootNs, actor: Option<Actor>, finding: Finding) -> Event {
    Event { time_ns, actor, body: Body::Finding(Box::new(finding)) }
}
