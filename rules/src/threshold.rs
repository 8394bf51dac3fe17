//! So many events, or so many different values, in so short a time.
//!
//! ```text
//! key       container and the values of `by`; an event in which one of these is unset does not count
//! window    slides: of every key the events that are not older than `within` before its newest one
//! reached   `count` events, or with `distinct` events with `count` different values of that field: a finding
//! after     the events are used up, and the key rests: what comes until `within` after the finding is not looked at
//! ```
//!
//! Time is that of the events. They may come in any order: one that is older than the window of its key is late and
//! does not count, any other takes its place. Where a field has several values the first counts. Of a value that came
//! twice the newer event stands. Late and resting events are counted in [`Counts`](crate::judge::Missed).

use crate::expr::Expr;
use crate::operand::Operand;
use std::collections::VecDeque;
use taffrail_trace::clock::BootNs;
use taffrail_trace::event::EventRef;

/// What `count` can be: every event that may still count is kept.
pub const COUNT_MAX: usize = 1000;

/// So many events, or different values, in a window of time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Threshold {
    /// What counts. An event that is several of these counts for each.
    pub counted: Vec<Counted>,
    /// How many, 2 to [`COUNT_MAX`].
    pub count: usize,
    /// Different values are counted, not events.
    pub distinct: bool,
    /// How long the window is.
    pub within_ns: u64,
}

/// A sort of events that count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counted {
    /// What an event has to be.
    pub condition: Expr,
    /// What it has in common with the others, beside the container: as many fields for each sort.
    pub by: Vec<Operand>,
    /// Its value.
    pub value: Counts,
}

/// What is counted of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Counts {
    /// The event itself.
    Event,
    /// The value of a field.
    Field(Operand),
    /// This: what sort of event it is.
    Name(String),
}

/// The events of one key that count.
#[derive(Debug, Default)]
pub struct Tally {
    newest: BootNs,
    /// The end of the rest after a finding.
    rests_until: Option<BootNs>,
    /// By time.
    entries: VecDeque<Entry>,
}

/// An event that counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Which.
    pub event: EventRef,
    /// Its value; empty where events are counted.
    pub value: Box<str>,
}

/// What became of an event.
#[derive(Debug, PartialEq, Eq)]
pub enum Added {
    /// It counts, and there are too few.
    Kept,
    /// It is older than the window.
    Late,
    /// The key rests.
    Resting,
    /// There are enough: these, by time.
    Reached(VecDeque<Entry>),
}

impl Tally {
    /// Adds an event.
    pub fn add(&mut self, threshold: &Threshold, entry: Entry) -> Added {
        let time_ns = entry.event.time_ns;
        if self.rests_until.is_some_and(|until| time_ns <= until) {
            return Added::Resting;
        }
        self.newest = self.newest.max(time_ns);
        let begin = self.newest.saturating_sub(threshold.within_ns);
        if time_ns < begin {
            return Added::Late;
        }
        while self.entries.front().is_some_and(|oldest| oldest.event.time_ns < begin) {
            self.entries.pop_front();
        }
        if threshold.distinct
            && let Some(same) = self.entries.iter().position(|known| known.value == entry.value)
        {
            if self.entries[same].event.time_ns > time_ns {
                return Added::Kept;
            }
            self.entries.remove(same);
        }
        let place = self.entries.partition_point(|known| known.event.time_ns <= time_ns);
        self.entries.insert(place, entry);
        if self.entries.len() < threshold.count {
            return Added::Kept;
        }
        self.rests_until = Some(self.newest.saturating_add(threshold.within_ns));
        Added::Reached(std::mem::take(&mut self.entries))
    }
}
