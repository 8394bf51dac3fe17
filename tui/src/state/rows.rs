//! The row that the person looks at, whatever the view: the event, process, file or address that it is about.

use super::filter::{Filter, Lineage, address_of, file_of};
use super::recording::{Body, ImageIx, ProcessIx};
use super::{Only, State, TreeRow, View, summary};

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
            _ => self.recording.actor(self.current()?).image,
        }
    }

    /// The process that the row is about.
    pub fn row_process(&self) -> Option<ProcessIx> {
        Some(self.recording.image(self.row_image()?)?.process)
    }

    /// Keeps what the row is about, and puts the present place on the trail.
    pub(super) fn only(&mut self, only: Only) {
        let event = self.current().copied();
        let mut filter = self.filter.clone();
        let found = match only {
            Only::Process => self.row_process().map(|process| filter.process = Some(process)),
            Only::File => {
                let file = match self.view {
                    View::Files => self.changes.current().map(|change| change.path),
                    _ => event.and_then(|event| file_of(&self.recording, &event)),
                };
                file.map(|file| filter.file = Some(file))
            }
            Only::Address => {
                let address = match self.view {
                    View::Network => self.map.current().map(|edge| edge.host.clone()),
                    _ => event.and_then(|event| address_of(&self.recording, &event).map(str::to_owned)),
                };
                address.map(|address| filter.address = Some(address))
            }
            Only::LedHere | Only::CameAfter => {
                let time = event.map_or(self.at, |event| event.time);
                let after = only == Only::CameAfter;
                self.row_image().map(|image| filter.lineage = Some(Lineage { image, time, after }))
            }
        };
        if found.is_none() {
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

    /// The row as text, for the clipboard.
    pub(super) fn row_text(&self) -> Option<String> {
        match self.view {
            View::Story => Some(self.story.get(self.sentence()?)?.text.clone()),
            View::Processes => {
                let image = self.recording.image(self.row_image()?)?;
                Some(self.recording.text(image.cmdline).to_owned())
            }
            View::Network => Some(self.map.current()?.host.clone()),
            View::Files => Some(self.recording.text(self.changes.current()?.path).to_owned()),
            View::Sql => self.sql.row_text(),
            View::Terminal => self.film.as_ref().map(|film| film.screen().contents()),
            View::Timeline => Some(summary::of(&self.recording, self.current()?)),
        }
    }

    /// The story's sentences that the filter lets through: indices into [`State::story`].
    pub fn sentences(&self) -> Vec<usize> {
        let passes = |at: &usize| {
            let event = self.story[*at].event;
            self.filter.is_off() || self.visible.binary_search(&event).is_ok()
        };
        (0..self.story.len()).filter(passes).collect()
    }

    /// The sentence that the playhead stands on or has last passed.
    pub fn sentence(&self) -> Option<usize> {
        let here = self.selected?;
        self.sentences().into_iter().take_while(|at| self.story[*at].event <= here).last()
    }

    /// Stands on an event, also where it is one of several of a moment.
    pub(super) fn stand_on_event(&mut self, event: u32) {
        if let Ok(position) = self.visible.binary_search(&event) {
            self.stand_on(position);
        } else if let Some(event) = self.recording.events.get(event as usize) {
            let time = event.time;
            self.move_to(time);
        }
    }

    /// The moments at which rules matched, among the visible events.
    pub(super) fn to_finding(&mut self, direction: i8) {
        let here = self.position().unwrap_or_else(|| self.passed(self.at));
        let is_finding =
            |position: &usize| matches!(self.recording.events[self.visible[*position] as usize].body, Body::Finding(_));
        let found = if direction > 0 {
            (here.saturating_add(1)..self.visible.len()).find(is_finding)
        } else {
            (0..here.min(self.visible.len())).rev().find(is_finding)
        };
        match found {
            Some(position) => self.stand_on(position),
            None => {
                let side = if direction > 0 { "after" } else { "before" };
                self.notice = Some(format!("no finding {side} this moment"));
            }
        }
    }
}
