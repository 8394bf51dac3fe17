//! The lives of program images: who each was, when it ended, and who its ancestors were.

use crate::clock::BootNs;
use crate::event::{Body, Event, Exit, Image};
use crate::ids::{ExecId, ProcessId};
use crate::manifest::Window;
use std::collections::{HashMap, HashSet};

/// Every image that the events and the live lists tell of.
#[derive(Debug)]
pub struct Processes<'a> {
    images: HashMap<ExecId, &'a Image>,
    ends: HashMap<ExecId, End>,
}

/// How and when an image ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct End {
    /// When.
    pub time_ns: BootNs,
    /// How its process ended; `None` where the process ran another image.
    pub exit: Option<Exit>,
}

/// One image from beginning to end.
#[derive(Clone, Copy, Debug)]
pub struct Life<'a> {
    /// The image.
    pub image: &'a Image,
    /// Its end, where it has been seen.
    pub end: Option<End>,
}

impl<'a> Processes<'a> {
    /// Collects images from `live` and `events` (sorted by time).
    pub fn of(live: &'a [Image], events: &'a [Event]) -> Self {
        let mut images: HashMap<ExecId, &'a Image> = live.iter().map(|image| (image.exec_id, image)).collect();
        let mut current: HashMap<ProcessId, &'a Image> = HashMap::new();
        for image in live {
            let newest = current.entry(image.process_id).or_insert(image);
            if image.time_ns > newest.time_ns {
                *newest = image;
            }
        }
        let mut ends = HashMap::new();
        for event in events {
            match &event.body {
                Body::Image(image) => {
                    images.entry(image.exec_id).or_insert(image);
                    let before = current.insert(image.process_id, image);
                    if let Some(before) = before.filter(|before| before.exec_id != image.exec_id) {
                        ends.insert(before.exec_id, End { time_ns: event.time_ns, exit: None });
                    }
                }
                Body::Exit(exit) => {
                    if let Some(actor) = &event.actor {
                        ends.insert(actor.exec_id, End { time_ns: event.time_ns, exit: Some(*exit) });
                    }
                }
                _ => {}
            }
        }
        Self { images, ends }
    }

    /// The image with this identity.
    pub fn image(&self, exec_id: ExecId) -> Option<&'a Image> {
        self.images.get(&exec_id).copied()
    }

    /// The images that were alive in the window or that `named` asks for, and the ancestors of all of them, by time.
    pub fn within(&self, window: Window, named: &HashSet<ExecId>) -> Vec<Life<'a>> {
        let alive = |image: &Image| {
            image.time_ns <= window.to_ns
                && self.ends.get(&image.exec_id).is_none_or(|end| end.time_ns >= window.from_ns)
        };
        let mut wanted: HashSet<ExecId> = HashSet::new();
        for image in self.images.values().filter(|image| alive(image) || named.contains(&image.exec_id)) {
            let mut next = Some(image.exec_id);
            while let Some(image) = next.filter(|id| wanted.insert(*id)).and_then(|id| self.image(id)) {
                next = image.parent_exec_id;
            }
        }
        let mut lives: Vec<Life<'a>> = wanted
            .iter()
            .filter_map(|id| self.image(*id))
            .map(|image| Life { image, end: self.ends.get(&image.exec_id).copied() })
            .collect();
        lives.sort_by_key(|life| (life.image.time_ns, life.image.exec_id));
        lives
    }
}
