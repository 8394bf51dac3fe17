//! An event where it happened, as models are asked about it.

use super::{Match, Pipeline, own_actor};
use crate::enrich::processes::Known;
use std::sync::Arc;
use taffrail_rules::scene::Scene;
use taffrail_trace::clock::{Anchor, BootNs, Clock, UtcNs};
use taffrail_trace::container::Container;
use taffrail_trace::event::{Body, Event, Finding, Image};
use taffrail_trace::ids::ContainerKey;

struct Moment<'a> {
    event: &'a Event,
    known: Option<&'a Arc<Known>>,
    container: &'a Container,
    now: Anchor,
}

impl Scene for Moment<'_> {
    fn event(&self) -> &Event {
        self.event
    }

    fn image(&self, generation: usize) -> Option<&Image> {
        self.known?.lineage().nth(generation).map(|known| &known.image)
    }

    fn container(&self) -> &Container {
        self.container
    }

    fn utc(&self, boot_ns: BootNs) -> UtcNs {
        Clock::new(vec![self.now]).utc(boot_ns)
    }
}

impl Pipeline {
    /// What the model of a container's image says of an event.
    pub(super) fn modelled(&mut self, key: ContainerKey, event: &Event, known: Option<&Arc<Known>>) -> Option<Finding> {
        let container = self.containers.get(key)?;
        self.models.as_mut()?.see(&Moment { event, known, container, now: self.now })
    }

    /// Shows a model a program that is older than the recorder.
    pub(super) fn was_there(&mut self, known: &Arc<Known>) {
        let (key, time_ns) = (known.home, self.now.boot_ns);
        let body = Body::Image(Box::new(known.image.clone()));
        let event = Event { time_ns, actor: Some(own_actor(&known.image)), body };
        if let Some(finding) = self.modelled(key, &event, Some(known)) {
            let body = Body::Finding(Box::new(finding));
            self.deviated(key, Event { body, ..event }, Some(known));
        }
    }

    /// Puts a model's finding into the history and has its evidence sealed.
    pub(super) fn deviated(&mut self, key: ContainerKey, event: Event, known: Option<&Arc<Known>>) {
        if let Body::Finding(finding) = &event.body {
            let finding = Finding::clone(finding);
            self.matched.push(Match { container: key, time_ns: event.time_ns, finding });
        }
        self.store(key, event, known);
    }
}
