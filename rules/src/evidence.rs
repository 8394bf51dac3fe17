//! Rules asked about a bundle: its events one after the other, each with what surrounded it.

use crate::judge::Judge;
use crate::names::Names;
use crate::scene::{Descriptor, Scene};
use std::collections::HashMap;
use std::net::IpAddr;
use taffrail_trace::bundle::Bundle;
use taffrail_trace::clock::{BootNs, Clock, UtcNs};
use taffrail_trace::container::Container;
use taffrail_trace::event::{Body, Event, Finding, Image};
use taffrail_trace::recall::{Recall, RecallError};

/// Descriptors that are kept of all processes together. Beyond that no further one is known until some are closed.
const DESCRIPTORS_MAX: usize = 1 << 20;

/// What a bundle told so far, and the event that it tells now.
pub struct Evidence<'a> {
    recall: Recall,
    container: &'a Container,
    clock: &'a Clock,
    hostname: &'a str,
    names: Names,
    /// Paths by process and descriptor.
    open: HashMap<u32, HashMap<i32, String>>,
    /// How many there are.
    descriptors: usize,
    now: Option<Event>,
}

impl<'a> Evidence<'a> {
    /// The evidence of a bundle, before its first event.
    ///
    /// # Errors
    /// [`RecallError`] where a table cannot be read.
    pub fn of(bundle: &'a Bundle) -> Result<Self, RecallError> {
        let manifest = bundle.manifest();
        Ok(Self {
            recall: Recall::of(bundle)?,
            container: &manifest.container,
            clock: &manifest.clock,
            hostname: &manifest.host.hostname,
            names: Names::default(),
            open: HashMap::new(),
            descriptors: 0,
            now: None,
        })
    }

    /// The next event where it happened; `None` when all were told.
    ///
    /// # Errors
    /// [`RecallError`] where a table cannot be read any further.
    pub fn next_scene(&mut self) -> Result<Option<Moment<'_>>, RecallError> {
        if let Some(before) = self.now.take() {
            self.keep(&before);
        }
        self.now = self.recall.next_event()?;
        Ok(self.now.as_ref().map(|event| Moment { evidence: self, event }))
    }

    /// Rows that nobody who writes this format writes, and were passed over.
    pub fn passed_over(&self) -> u64 {
        self.recall.passed_over()
    }

    /// What later events may be asked about.
    fn keep(&mut self, event: &Event) {
        let pid = event.actor.as_ref().map(|actor| actor.pid);
        match (&event.body, pid) {
            (Body::Dns(message), _) => self.names.heard(message),
            (Body::File(file), Some(pid)) => {
                let Some(fd) = file.fd else { return };
                let of = self.open.entry(pid).or_default();
                if let Some(known) = of.get_mut(&fd) {
                    known.clone_from(&file.path);
                } else if self.descriptors < DESCRIPTORS_MAX {
                    of.insert(fd, file.path.clone());
                    self.descriptors += 1;
                }
            }
            (Body::Io(io), Some(pid)) if io.closed => {
                let closed = self.open.get_mut(&pid).and_then(|of| of.remove(&io.fd));
                self.descriptors -= usize::from(closed.is_some());
            }
            (Body::Exit(_), Some(pid)) => {
                self.descriptors -= self.open.remove(&pid).map_or(0, |of| of.len());
            }
            _ => {}
        }
    }
}

/// One event of a bundle where it happened.
pub struct Moment<'e> {
    evidence: &'e Evidence<'e>,
    event: &'e Event,
}

impl Scene for Moment<'_> {
    fn event(&self) -> &Event {
        self.event
    }

    fn image(&self, generation: usize) -> Option<&Image> {
        let recall = &self.evidence.recall;
        let own = match &self.event.body {
            Body::Image(image) => image.as_ref(),
            _ => recall.image(self.event.actor.as_ref()?.exec_id)?,
        };
        (0..generation).try_fold(own, |image, _| recall.parent(image))
    }

    fn ancestors(&self, eye: &mut dyn FnMut(&Image) -> bool) -> bool {
        let mut next = self.image(1);
        // A bundle may say of two images that each made the other.
        for _ in 0..GENERATIONS_MAX {
            let Some(image) = next else { return false };
            if eye(image) {
                return true;
            }
            next = self.evidence.recall.parent(image);
        }
        false
    }

    fn container(&self) -> &Container {
        self.evidence.container
    }

    fn utc(&self, boot_ns: BootNs) -> UtcNs {
        self.evidence.clock.utc(boot_ns)
    }

    fn descriptor(&self, fd: i32) -> Option<Descriptor<'_>> {
        let pid = self.event.actor.as_ref()?.pid;
        self.evidence.open.get(&pid)?.get(&fd).map(|path| Descriptor::File { path })
    }

    fn names_of(&self, addr: IpAddr, eye: &mut dyn FnMut(&str) -> bool) -> bool {
        self.evidence.names.show(addr, eye)
    }

    fn hostname(&self) -> Option<&str> {
        Some(self.evidence.hostname)
    }
}

/// How far up a lineage is followed.
const GENERATIONS_MAX: usize = 1024;

/// What [`hunt`] looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hunted {
    /// Events.
    pub events: u64,
    /// Rows that are no events of this format.
    pub passed_over: u64,
}

/// Asks rules about every event of a bundle, by time, and tells `found` what they found and where.
///
/// # Errors
/// [`RecallError`] where a table cannot be read; what was found until then has been told.
pub fn hunt(
    bundle: &Bundle,
    judge: &mut Judge,
    found: &mut dyn FnMut(Finding, &dyn Scene),
) -> Result<Hunted, RecallError> {
    let mut evidence = Evidence::of(bundle)?;
    let mut events = 0;
    while let Some(scene) = evidence.next_scene()? {
        events += 1;
        for matched in judge.see(&scene) {
            found(matched.finding(&scene), &scene);
        }
    }
    Ok(Hunted { events, passed_over: evidence.passed_over() })
}
