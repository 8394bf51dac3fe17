//! What a key asks for, and what becomes of the state.

use super::words::SECOND;
use super::{Filter, Focus, Prompt, State};
use std::time::Duration;

/// What a key, or the clock, asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Start or stop.
    PlayOrPause,
    /// Faster or slower by this many steps.
    Speed(i32),
    /// Jump over idle stretches, or not.
    SkipIdle,
    /// This many events on, or back where negative.
    Step(i64),
    /// This many seconds on, or back.
    Seconds(i64),
    /// To the trigger.
    Trigger,
    /// The strip looks closer; after the closest at the whole window again.
    Zoom,
    /// To the first event.
    First,
    /// To the last event.
    Last,
    /// The next pane, or the one before where false.
    Focus(bool),
    /// Move in the pane.
    Move(Move),
    /// Only the chosen process and its descendants; or take the typed text.
    Enter,
    /// Close what is open, else clear the filters.
    Escape,
    /// Begin to type a text filter.
    Find,
    /// The next kind filter.
    NextKind,
    /// Open or close the help.
    Help,
    /// Leave.
    Quit,
    /// A character typed into the prompt.
    Type(char),
    /// Take the prompt's last character back.
    Erase,
    /// This much of the viewer's time has passed.
    Tick(Duration),
}

/// A move in a pane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Move {
    /// By lines.
    Line(i8),
    /// By pages.
    Page(i8),
}

impl State {
    /// Does what is asked for.
    pub fn apply(&mut self, action: Action) {
        match action {
            Action::PlayOrPause => self.play_or_pause(),
            Action::Speed(by) => self.speed.change(by),
            Action::SkipIdle => self.skip_idle = !self.skip_idle,
            Action::Step(by) => self.by_hand(|state| state.step(by)),
            Action::Seconds(by) => {
                let target = self.at.saturating_add(by.saturating_mul(SECOND));
                self.tree_choice = None;
                self.move_to(target);
            }
            Action::Trigger => self.by_hand(Self::to_trigger),
            Action::Zoom => self.zoom = (self.zoom + 1) % (super::ZOOM_MAX + 1),
            Action::First => self.by_hand(|state| state.stand_on(0)),
            Action::Last => self.by_hand(|state| state.stand_on(usize::MAX)),
            Action::Focus(next) => self.focus = self.focus.turned(next),
            Action::Move(by) => self.move_in_pane(by),
            Action::Enter => self.enter(),
            Action::Escape => self.escape(),
            Action::Find => self.find(),
            Action::NextKind => {
                let kind = self.filter.kind.next();
                self.set_filter(Filter { kind, ..self.filter.clone() });
            }
            Action::Help => self.help = if self.help.is_some() { None } else { Some(0) },
            Action::Quit => self.quit = true,
            Action::Type(ch) => self.edit(|text| text.push(ch)),
            Action::Erase => self.edit(|text| {
                text.pop();
            }),
            Action::Tick(wall) => self.tick(wall),
        }
        self.refresh_moment();
    }

    /// A move that a person makes stops the clock, so that what they went to stays on the screen.
    fn by_hand(&mut self, act: impl FnOnce(&mut Self)) {
        self.playing = false;
        self.skipped = None;
        self.tree_choice = None;
        act(self);
    }

    fn move_in_pane(&mut self, by: Move) {
        let lines = |page: u16| match by {
            Move::Line(by) => i64::from(by),
            Move::Page(by) => i64::from(by) * i64::from(page.saturating_sub(1).max(1)),
        };
        let scrolled = |at: u16, by: i64, end: u16| (i64::from(at) + by).clamp(0, i64::from(end)) as u16;
        if let Some(at) = self.help {
            self.help = Some(scrolled(at, lines(self.pages.detail.max(8)), self.pages.help_end));
            return;
        }
        match self.focus {
            Focus::Events => {
                let by = lines(self.pages.events);
                self.by_hand(|state| state.step(by));
            }
            Focus::Detail => {
                let by = lines(self.pages.detail);
                self.detail_scroll = scrolled(self.detail_scroll, by, self.pages.detail_end);
            }
            Focus::Tree => {
                let rows = &self.moment.rows;
                let chosen = self.tree_process();
                let here = rows.iter().position(|row| Some(row.process) == chosen);
                let target = here.map_or(0, |here| (here as i64).saturating_add(lines(self.pages.tree)).max(0));
                let target = usize::try_from(target).unwrap_or(0).min(rows.len().saturating_sub(1));
                self.tree_choice = rows.get(target).map(|row| row.process);
            }
        }
    }

    fn enter(&mut self) {
        if self.prompt.take().is_some() || self.help.take().is_some() {
            return;
        }
        if self.focus == Focus::Tree
            && let Some(process) = self.tree_process()
        {
            self.tree_choice = Some(process);
            self.set_filter(Filter { process: Some(process), ..self.filter.clone() });
        }
    }

    fn escape(&mut self) {
        if let Some(prompt) = self.prompt.take() {
            self.set_filter(prompt.before);
            self.at = prompt.at;
            self.select(prompt.selected);
        } else if self.help.take().is_none() {
            self.set_filter(Filter::default());
        }
    }

    fn find(&mut self) {
        self.playing = false;
        self.help = None;
        let (before, at, selected) = (self.filter.clone(), self.at, self.selected);
        self.prompt = Some(Prompt { before, at, selected });
    }

    /// Changes the typed text and shows at once what it finds.
    fn edit(&mut self, change: impl FnOnce(&mut String)) {
        if self.prompt.is_none() {
            return;
        }
        let mut filter = self.filter.clone();
        change(&mut filter.text);
        self.set_filter(filter);
    }
}

impl Focus {
    fn turned(self, next: bool) -> Self {
        match (self, next) {
            (Self::Tree, true) | (Self::Detail, false) => Self::Events,
            (Self::Events, true) | (Self::Tree, false) => Self::Detail,
            (Self::Detail, true) | (Self::Events, false) => Self::Tree,
        }
    }
}
