//! What is known while a bundle is on the screen, and how actions change it. Nothing here draws.
//!
//! ```text
//! strings, recording    the history: events, images, texts; never changes
//! draft                 rows of the evidence -> Recording, sorted, linked, checked
//! summary, words        one line of an event; numbers to words
//! filter                which events the list shows
//! marks                 where on the strip something vital happened
//! moment                the process tree at the playhead
//! action                what a key asks for
//! play                  the passing of time
//! ```
//!
//! Invariant: `selected` is the last visible event that is not after the playhead `at`, except where the playhead
//! stands on one of several events of the same moment.

mod action;
pub mod draft;
mod filter;
mod marks;
mod moment;
mod play;
pub mod recording;
pub mod strings;
pub mod summary;
pub mod words;

pub use action::{Action, Move};
pub use filter::{Filter, KindFilter};
pub use marks::Marks;
pub use moment::{Life, Moment, TreeRow};
pub use play::{SPEEDS, Skip, Speed};

use recording::{Body, Event, ProcessIx, Recording, Time};
use taffrail_trace::bundle::Verdict;

/// How long after its start or end a process is marked in the tree.
const FADE_NS: i64 = words::SECOND;
/// How often the strip can look closer: the last time at a 512th of the window.
const ZOOM_MAX: u8 = 3;

/// Everything that the screen shows.
#[derive(Clone, Debug)]
pub struct State {
    /// The history.
    pub recording: Recording,
    /// What checking the bundle against its own checksums gave; `None` where nobody checked.
    pub verdict: Option<Verdict>,
    /// The playhead.
    pub at: Time,
    /// The event it stands on or has last passed: index into the recording's events. `None` before the first one.
    pub selected: Option<u32>,
    /// The events that pass the filter.
    pub visible: Vec<u32>,
    /// The moments among them that stand out.
    pub marks: Marks,
    /// The filter.
    pub filter: Filter,
    /// The text being typed, while it is.
    pub prompt: Option<Prompt>,
    /// The pane that the arrow keys move in.
    pub focus: Focus,
    /// How closely the strip looks: 0 is the whole window, each step an eighth of the one before.
    pub zoom: u8,
    /// How far the help is scrolled, while it is open.
    pub help: Option<u16>,
    /// Time passes.
    pub playing: bool,
    /// How fast.
    pub speed: Speed,
    /// Long quiet stretches are jumped over while playing.
    pub skip_idle: bool,
    /// The jump that was just made.
    pub skipped: Option<Skip>,
    /// The process chosen in the tree; `None` follows the selected event.
    pub tree_choice: Option<ProcessIx>,
    /// How far the detail is scrolled.
    pub detail_scroll: u16,
    /// The tree at the playhead.
    pub moment: Moment,
    /// How much the screen shows at once, told by whoever draws.
    pub pages: Pages,
    /// The person wants to leave.
    pub quit: bool,
}

/// A pane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Focus {
    /// The process tree.
    Tree,
    /// The event list.
    Events,
    /// The selected event's detail.
    Detail,
}

/// The text filter while it is being typed.
#[derive(Clone, Debug)]
pub struct Prompt {
    /// What the filter was before.
    before: Filter,
    /// Where the playhead was.
    at: Time,
    selected: Option<u32>,
}

/// How many rows fit each pane; and how far detail and help can be scrolled.
#[derive(Clone, Copy, Debug, Default)]
pub struct Pages {
    /// Rows of the tree.
    pub tree: u16,
    /// Rows of the event list.
    pub events: u16,
    /// Rows of the detail.
    pub detail: u16,
    /// The detail's largest scroll.
    pub detail_end: u16,
    /// The help's largest scroll.
    pub help_end: u16,
}

impl State {
    /// Opens a recording at its trigger, paused.
    pub fn new(recording: Recording) -> Self {
        let visible = Filter::default().apply(&recording);
        let at = recording.about.trigger;
        let marks = Marks::of(&recording, &visible);
        let mut state = Self {
            recording,
            verdict: None,
            at,
            selected: None,
            visible,
            marks,
            filter: Filter::default(),
            prompt: None,
            focus: Focus::Events,
            zoom: 0,
            help: None,
            playing: false,
            speed: Speed::default(),
            skip_idle: true,
            skipped: None,
            tree_choice: None,
            detail_scroll: 0,
            moment: Moment::default(),
            pages: Pages { tree: 10, events: 10, detail: 5, ..Pages::default() },
            quit: false,
        };
        state.to_trigger();
        state.refresh_moment();
        state
    }

    /// Says what checking the bundle against its own SHA256SUMS gave, for the header.
    #[must_use]
    pub fn with_verdict(mut self, verdict: Verdict) -> Self {
        self.verdict = Some(verdict);
        self
    }

    /// The selected event.
    pub fn current(&self) -> Option<&Event> {
        self.recording.events.get(self.selected? as usize)
    }

    /// Where the selected event is among the visible ones.
    pub fn position(&self) -> Option<usize> {
        self.visible.binary_search(&self.selected?).ok()
    }

    /// The process that the tree marks: the chosen one while it is there, else the selected event's.
    pub fn tree_process(&self) -> Option<ProcessIx> {
        let there = |process: &ProcessIx| self.moment.rows.iter().any(|row| row.process == *process);
        self.tree_choice.filter(there).or_else(|| {
            let image = self.recording.actor(self.current()?).image?;
            Some(self.recording.image(image)?.process)
        })
    }

    /// How many visible events are not after `time`.
    pub fn passed(&self, time: Time) -> usize {
        self.visible.partition_point(|at| self.recording.events[*at as usize].time <= time)
    }

    /// How many visible events there are in `[from, to)`.
    pub fn visible_within(&self, from: Time, to: Time) -> usize {
        let before = |time: Time| self.visible.partition_point(|at| self.recording.events[*at as usize].time < time);
        before(to).saturating_sub(before(from))
    }

    /// The stretch that the strip shows, both ends included: around the playhead, never beyond the window.
    pub fn strip_range(&self) -> (Time, Time) {
        let (from, to) = (i128::from(self.recording.about.from), i128::from(self.recording.about.to));
        let span = (to - from) >> (3 * self.zoom);
        let begin = (i128::from(self.at) - span / 2).clamp(from, to - span);
        // Both lie between the window's ends, which are times.
        (begin as Time, (begin + span) as Time)
    }

    /// Moves the playhead and selects what it has passed.
    fn move_to(&mut self, time: Time) {
        let about = &self.recording.about;
        self.at = time.clamp(about.from, about.to);
        let passed = self.passed(self.at);
        let selected = passed.checked_sub(1).and_then(|at| self.visible.get(at)).copied();
        self.select(selected);
    }

    /// Puts the playhead on the visible event at `position`, or the nearest there is.
    fn stand_on(&mut self, position: usize) {
        let position = position.min(self.visible.len().saturating_sub(1));
        if let Some(event) = self.visible.get(position).copied() {
            self.at = self.recording.events[event as usize].time;
            self.select(Some(event));
        }
    }

    fn select(&mut self, selected: Option<u32>) {
        if self.selected != selected {
            self.detail_scroll = 0;
        }
        self.selected = selected;
    }

    /// Moves by events; the first step from before the first event reaches it.
    fn step(&mut self, by: i64) {
        let passed = self.passed(self.at) as i64;
        let here = self.position().map_or(passed - 1, |at| at as i64);
        let target = here.saturating_add(by).max(0);
        self.stand_on(usize::try_from(target).unwrap_or(0));
    }

    /// The finding at the trigger's moment, else whatever came last before it.
    fn to_trigger(&mut self) {
        let trigger = self.recording.about.trigger;
        self.move_to(trigger);
        let rule = self.recording.about.rule.as_str();
        let until = self.passed(trigger);
        let at_trigger = self.visible[..until].iter().enumerate().rev();
        let mut findings = at_trigger
            .take_while(|(_, event)| self.recording.events[**event as usize].time == trigger)
            .filter_map(|(position, event)| match self.recording.events[*event as usize].body {
                Body::Finding(at) => Some((position, self.recording.text(self.recording.findings[at as usize].rule))),
                _ => None,
            });
        let first = findings.next();
        let named = first.into_iter().chain(findings).find(|(_, name)| *name == rule).or(first);
        if let Some((position, _)) = named {
            self.stand_on(position);
        }
    }

    /// Takes a new filter, and keeps the selected event where it still passes.
    fn set_filter(&mut self, filter: Filter) {
        self.filter = filter;
        self.visible = self.filter.apply(&self.recording);
        self.marks = Marks::of(&self.recording, &self.visible);
        if self.position().is_some() {
            return;
        }
        match self.passed(self.at) {
            0 => {
                self.select(None);
                self.stand_on(0);
            }
            passed => self.stand_on(passed - 1),
        }
    }

    fn refresh_moment(&mut self) {
        // At 64x a second is over in a frame; the mark stays for a second of the viewer's time.
        let fade = if self.playing { self.speed.of(FADE_NS).max(FADE_NS) } else { FADE_NS };
        if !self.moment.holds_at(self.at, fade) {
            self.moment = Moment::at(&self.recording, self.at, fade);
        }
    }
}
