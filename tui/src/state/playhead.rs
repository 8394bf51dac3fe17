//! Where one stands: the playhead and the selected event.
//!
//! Invariant: `selected` is the last visible event that is not after the playhead `at`, except where the playhead
//! stands on one of several events of the same moment.

use super::State;
use super::recording::{Body, Time};

/// A move whose end is not known before a page has been read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unsettled {
    /// To the last visible event that is not after the playhead.
    Moment,
    /// To this event.
    Event(u32),
    /// To the trigger's finding.
    Trigger,
    /// To the first finding of the worst.
    Start,
    /// To an event that passes the filter.
    Filter,
}

impl State {
    /// Moves the playhead and selects what it has passed.
    pub(super) fn move_to(&mut self, time: Time) {
        let (from, to) = self.bounds();
        self.at = time.clamp(from, to.max(from));
        let passed = self.passed_here();
        let selected = passed.checked_sub(1).and_then(|at| self.visible.get(at));
        self.select(selected);
        self.unsettled = self.is_unread(self.at).then_some(Unsettled::Moment);
    }

    /// Whether the page at a moment is still being read.
    pub(super) fn is_unread(&self, time: Time) -> bool {
        self.timeline.cuts().page_at(time).is_some_and(|page| self.timeline.is_coming(page))
    }

    /// Whether the selected event is still being read.
    pub fn is_coming(&self) -> bool {
        self.selected.is_some_and(|number| self.timeline.is_coming(self.timeline.cuts().page_of(number)))
    }

    /// Stands where one has been.
    pub(super) fn stand_at(&mut self, at: Time, selected: Option<u32>) {
        self.at = at;
        self.select(selected);
    }

    /// Ends the move that waited for a page, where that is there by now.
    pub(super) fn settle(&mut self) {
        let Some(unsettled) = self.unsettled else { return };
        match unsettled {
            Unsettled::Event(number) => self.stand_on_number(number),
            Unsettled::Moment => self.move_to(self.at),
            Unsettled::Trigger => self.to_trigger(),
            Unsettled::Start => self.to_start(),
            Unsettled::Filter => self.settle_on_visible(),
        }
    }

    /// How many visible events the playhead has passed. Its page is read for it.
    pub(super) fn passed_here(&mut self) -> usize {
        if let Some(page) = self.timeline.cuts().page_at(self.at) {
            self.timeline.hold(page);
        }
        self.passed(self.at)
    }

    /// Puts the playhead on the visible event at `position`, or the nearest there is.
    pub(super) fn stand_on(&mut self, position: usize) {
        let position = position.min(self.visible.len().saturating_sub(1));
        if let Some(number) = self.visible.get(position) {
            self.stand_on_number(number);
        }
    }

    /// Puts the playhead on an event.
    pub(super) fn stand_on_number(&mut self, number: u32) {
        let page = self.timeline.cuts().page_of(number);
        match self.timeline.fetch(number) {
            Some(event) => {
                self.at = event.time;
                self.select(Some(number));
            }
            None if self.timeline.is_coming(page) => {
                self.at = self.timeline.cuts().firsts.get(page).copied().unwrap_or(self.at);
                self.select(Some(number));
                self.unsettled = Some(Unsettled::Event(number));
            }
            // It could not be read, and the person has been told.
            None => self.unsettled = None,
        }
    }

    pub(super) fn select(&mut self, selected: Option<u32>) {
        self.unsettled = None;
        if self.selected != selected {
            self.detail_scroll = 0;
        }
        self.selected = selected;
    }

    /// Moves by events; the first step from before the first event reaches it.
    pub(super) fn step(&mut self, by: i64) {
        let passed = self.passed_here() as i64;
        let here = self.position().map_or(passed - 1, |at| at as i64);
        let target = here.saturating_add(by).max(0);
        self.stand_on(usize::try_from(target).unwrap_or(0));
    }

    /// The first finding of the worst, else the trigger.
    pub(super) fn to_start(&mut self) {
        match self.alarm {
            Some(alarm) => {
                let rule = self.recording.text(alarm.rule).to_owned();
                self.to_finding_at(alarm.time, &rule, Unsettled::Start);
            }
            None => self.to_trigger(),
        }
    }

    /// The finding at the trigger's moment, else whatever came last before it.
    pub(super) fn to_trigger(&mut self) {
        let rule = self.recording.about.rule.clone();
        self.to_finding_at(self.recording.about.trigger, &rule, Unsettled::Trigger);
    }

    /// The finding of this moment, the rule's where there are several; else whatever came last before it. `again` says
    /// what to do once a page that it takes has been read.
    fn to_finding_at(&mut self, time: Time, rule: &str, again: Unsettled) {
        self.move_to(time);
        if self.unsettled.is_some() {
            self.unsettled = Some(again);
            return;
        }
        let mut first = None;
        for position in (0..self.passed_here()).rev() {
            let Some(number) = self.visible.get(position) else { break };
            let Some(event) = self.timeline.fetch(number) else {
                let page = self.timeline.cuts().page_of(number);
                self.unsettled = self.timeline.is_coming(page).then_some(again);
                return;
            };
            if event.time != time {
                break;
            }
            let Body::Finding(at) = event.body else { continue };
            first = first.or(Some(position));
            let name = event.recording.findings.get(at as usize).map(|finding| event.recording.text(finding.rule));
            if name == Some(rule) {
                first = Some(position);
                break;
            }
        }
        if let Some(position) = first {
            self.stand_on(position);
        }
    }
}
