//! Putting sentences together: one that is told already gets a number, a crowd one sentence.

use super::crowd::{Crowd, Deed};
use super::{SENTENCES_MAX, Sentence, Teller, View, place};
use crate::state::recording::{Event, Kind, Recording};
use std::collections::hash_map::Entry;

impl Teller {
    /// A sentence more, or one that is told already: its place, where there is room for it.
    pub(super) fn tell(&mut self, index: u32, event: &Event, text: String, view: View) -> Option<usize> {
        let kind = event.body.kind();
        // A hole is one of its own.
        if kind != Kind::Gap {
            let next = self.told.len();
            match self.known.entry((kind, text.clone())) {
                Entry::Occupied(at) => {
                    if let Some(sentence) = self.told.get_mut(*at.get()) {
                        sentence.times = sentence.times.saturating_add(1);
                    }
                    return Some(*at.get());
                }
                Entry::Vacant(free) if next < SENTENCES_MAX => _ = free.insert(next),
                Entry::Vacant(_) => {}
            }
        }
        let place = self.told.len();
        self.push(Sentence { event: index, time: event.time, kind, text, times: 1, view });
        (place < SENTENCES_MAX).then_some(place)
    }

    /// A sentence more, and the last one where there are too many.
    pub(super) fn push(&mut self, sentence: Sentence) {
        if self.told.len() < SENTENCES_MAX {
            self.told.push(sentence);
        } else if !std::mem::replace(&mut self.full, true) {
            let text = "More happened than a story can tell; the timeline has all of it".to_owned();
            self.told.push(Sentence { kind: Kind::Lifecycle, text, times: 1, view: View::Timeline, ..sentence });
        }
    }

    /// Tells an event together with those that have `key` in common; `crowd` is what the first of them begins.
    pub(super) fn join(
        &mut self,
        recording: &Recording,
        index: u32,
        event: &Event,
        key: &str,
        mut crowd: Crowd,
        (thing, port, bytes): (&str, Option<u16>, (u64, u64)),
    ) {
        crowd.place = place(recording, event);
        let view = match crowd.deed {
            Deed::Opened => View::Files,
            Deed::Ran => View::Processes,
            _ => View::Network,
        };
        let key = (crowd.deed, format!("{}{key}", crowd.place));
        if !self.crowds.contains_key(&key) {
            let (at, kind, text) = (self.told.len(), event.body.kind(), String::new());
            self.push(Sentence { event: index, time: event.time, kind, text, times: 1, view });
            if self.full {
                return;
            }
            self.crowds.insert(key.clone(), (at, crowd));
        }
        if let Some((_, crowd)) = self.crowds.get_mut(&key) {
            crowd.add(thing, port, bytes);
        }
    }
}
