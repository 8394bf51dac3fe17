//! The row that the person looks at, whatever the view: the event, process, file or address that it is about.

use super::filter::{Chip, Filter, Lineage, address_of, file_of};
use super::recording::{Body, ImageIx, ProcessIx, Time};
use super::{Only, State, TreeRow, View, summary};
use taffrail_trace::clock::rfc3339;

impl State {
    /// The rows of the tree that are not folded away.
    pub fn tree_rows(&self) -> Vec<&TreeRow> {
        let mut below: Option<u16> = None;
        let unfolded = |row: &&TreeRow| {
            if below.is_some_and(|depth| row.depth > depth) {
                return false;
            }
            below = self.folds.contains(&row.process).then_some(row.depth);
            true
        };
        self.moment.rows.iter().filter(unfolded).collect()
    }

    /// The image that the row is about.
    pub fn row_image(&self) -> Option<ImageIx> {
        match self.view {
            View::Processes => {
                let process = self.tree_process()?;
                self.moment.rows.iter().find(|row| row.process == process).map(|row| row.image)
            }
            View::Network => self.map.current()?.image,
            View::Files => self.changes.current()?.image,
            View::Terminal => self.sessions.get(self.session()?)?.image,
            _ if self.view == View::Timeline && self.focus == super::Focus::Tree => {
                let process = self.tree_process()?;
                self.moment.rows.iter().find(|row| row.process == process).map(|row| row.image)
            }
            _ => {
                let event = self.current()?;
                event.recording.actor(&event).image
            }
        }
    }

    /// The process that the row is about.
    pub fn row_process(&self) -> Option<ProcessIx> {
        Some(self.recording.image(self.row_image()?)?.process)
    }

    /// Keeps what the row is about, and puts the present place on the trail.
    pub(super) fn only(&mut self, only: Only) {
        let event = self.current();
        let mut filter = self.filter.clone();
        let found = match only {
            Only::Process => self.row_process().map(|process| filter.process = Some(process)),
            Only::File => {
                let file = match self.view {
                    View::Files => self.changes.current().map(|change| self.changes.text(change.path).to_owned()),
                    _ => event
                        .as_ref()
                        .and_then(|event| Some(event.recording.text(file_of(&event.recording, event)?).to_owned())),
                };
                file.map(|file| filter.file = Some(file))
            }
            Only::Address => {
                let address = match self.view {
                    View::Network => self.map.current().map(|edge| edge.host.clone()),
                    _ => event.as_ref().and_then(|event| address_of(&event.recording, event).map(str::to_owned)),
                };
                address.map(|address| filter.address = Some(address))
            }
            Only::LedHere | Only::CameAfter => {
                let time = event.as_ref().map_or(self.at, |event| event.time);
                let after = only == Only::CameAfter;
                self.row_image().map(|image| filter.lineage = Some(Lineage { image, time, after }))
            }
        };
        if found.is_none() && self.is_coming() {
            self.notice = Some("this row is still being read".to_owned());
            return;
        }
        if found.is_none() {
            let is_own = event.is_some_and(|event| matches!(event.body, Body::Lifecycle(_)));
            if is_own && matches!(only, Only::Process | Only::LedHere | Only::CameAfter) {
                self.notice = Some("the container's own row: no process of it to follow".to_owned());
                return;
            }
            let what = match only {
                Only::Process | Only::LedHere | Only::CameAfter => "process",
                Only::File => "file",
                Only::Address => "address",
            };
            self.notice = Some(format!("this row names no {what}"));
            return;
        }
        self.keep(filter);
    }

    /// Takes a filter that a row asked for. The view stays, so that what is left of it is seen at once.
    pub(super) fn keep(&mut self, filter: Filter) {
        if filter != self.filter {
            self.remember();
            self.set_filter(filter);
        }
    }

    /// Takes a filter off. Where that leads back to where one came from, the trail is that much shorter.
    pub(super) fn take_off(&mut self, chip: Chip) {
        let filter = self.filter.clone().without(chip);
        if self.trail.last().is_some_and(|place| place.is(self.view, &filter)) {
            self.trail.pop();
        }
        self.set_filter(filter);
    }

    /// The row as text, for the clipboard.
    pub(super) fn row_text(&self) -> Option<String> {
        match self.view {
            View::Story => Some(self.story.get(self.sentence()?)?.text.clone()),
            View::Processes => {
                let image = self.recording.image(self.row_image()?)?;
                Some(self.recording.text(image.cmdline).to_owned())
            }
            View::Network => Some(self.map.current()?.host.clone()),
            View::Files => Some(self.changes.text(self.changes.current()?.path).to_owned()),
            View::Sql => self.sql.row_text(),
            View::Terminal => self.film.as_ref().map(|film| film.screen().contents()),
            View::Timeline => self.current().map(|event| {
                let (recording, actor) = (&event.recording, event.recording.actor(&event));
                let who = recording.text_of(actor.comm).unwrap_or("-");
                let pid = actor.pid.map_or_else(String::new, |pid| format!(" {pid}"));
                format!("{} {who}{pid} {}", rfc3339(event.time), summary::of(recording, &event))
            }),
        }
    }

    /// The story's sentences that the filter lets through: indices into [`State::story`].
    pub fn sentences(&self) -> Vec<usize> {
        let passes = |at: &usize| {
            let event = self.story[*at].event;
            self.filter.is_off() || self.visible.contains(event)
        };
        (0..self.story.len()).filter(passes).collect()
    }

    /// The sentence that the playhead stands on or has last passed.
    pub fn sentence(&self) -> Option<usize> {
        let here = self.selected?;
        self.sentences().into_iter().take_while(|at| self.story[*at].event <= here).last()
    }

    /// Stands on an event of this time, also where it is one of several of a moment.
    pub(super) fn stand_on_event(&mut self, event: u32, time: Time) {
        if self.visible.contains(event) {
            self.stand_on_number(event);
        } else {
            self.move_to(time);
        }
    }

    /// The moments at which rules matched, among the visible events.
    pub(super) fn to_finding(&mut self, direction: i8) {
        let passed = self.passed_here().checked_sub(1).and_then(|place| self.visible.get(place));
        let found = match self.selected.or(passed) {
            Some(here) => self.marks().finding_beside(here, direction > 0),
            None => self.marks().first_finding().filter(|_| direction > 0),
        };
        match found {
            Some(event) => self.stand_on_number(event),
            None => {
                let side = if direction > 0 { "after" } else { "before" };
                let suffix = self.pass_extent().suffix();
                self.notice = Some(format!("no finding {side} this moment{suffix}"));
            }
        }
    }
}
