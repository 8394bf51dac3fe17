//! Moving within a view: from row to row, from pane to pane; folding.

use super::{Focus, Move, Prompting, State, View};

impl State {
    /// The next pane, session, or the editor.
    pub(super) fn turn(&mut self, next: bool) {
        match self.view {
            View::Timeline => self.focus = self.focus.turned(next),
            // Each session is two panes: its screen, and what was typed there.
            View::Terminal if !self.sessions.is_empty() && self.typed_from.is_some() != next => {
                self.typed_from = next.then_some(0);
            }
            View::Terminal if !self.sessions.is_empty() => {
                self.typed_from = (!next).then_some(0);
                let (here, count) = (self.session().unwrap_or(0), self.sessions.len());
                self.session_choice = Some(if next { here + 1 } else { here + count - 1 } % count);
            }
            View::Sql => self.sql.editing = true,
            _ => {}
        }
    }

    /// Up or down where keys go.
    pub(super) fn move_in_pane(&mut self, by: Move) {
        let lines = |page: u16| match by {
            Move::Line(by) => i64::from(by),
            Move::Page(by) => i64::from(by) * i64::from(page.saturating_sub(1).max(1)),
        };
        let scrolled = |at: u16, by: i64, end: u16| (i64::from(at) + by).clamp(0, i64::from(end)) as u16;
        if let Some(at) = self.help {
            self.help = Some(scrolled(at, lines(self.pages.detail.max(8)), self.pages.help_end));
            return;
        }
        if let Some(prompt) = &mut self.prompt
            && prompt.what == Prompting::Palette
        {
            let count = super::prompt::commands(&prompt.text).len();
            prompt.chosen = moved(prompt.chosen, lines(8), count);
            return;
        }
        let page = lines(self.pages.body);
        match (self.view, self.focus) {
            (View::Story, _) => self.by_hand(|state| state.step_in_story(page)),
            (View::Terminal, _) => match self.typed_from {
                Some(from) => self.typed_from = Some(scrolled(from, page, self.pages.typed_end)),
                None => self.by_hand(|state| state.step_in_session(page)),
            },
            (View::Processes, _) | (View::Timeline, Focus::Tree) => {
                let rows: Vec<_> = self.tree_rows().iter().map(|row| row.process).collect();
                let chosen = self.tree_process();
                let here = rows.iter().position(|row| Some(*row) == chosen);
                let target = here.map_or(0, |here| moved(here, lines(self.pages.tree), rows.len()));
                self.tree_choice = rows.get(target).copied();
            }
            (View::Network, _) => self.map.list.chosen = moved(self.map.list.chosen, page, self.map.list.rows.len()),
            (View::Files, _) => {
                self.changes.list.chosen = moved(self.changes.list.chosen, page, self.changes.list.rows.len())
            }
            (View::Sql, _) => self.sql.step(page),
            (View::Timeline, Focus::Events) => {
                let by = lines(self.pages.events);
                self.by_hand(|state| state.step(by));
            }
            (View::Timeline, Focus::Detail) => {
                let by = lines(self.pages.detail);
                self.detail_scroll = scrolled(self.detail_scroll, by, self.pages.detail_end);
            }
        }
    }

    /// From sentence to sentence; the playhead follows.
    fn step_in_story(&mut self, by: i64) {
        let sentences = self.sentences();
        let here = self.sentence().and_then(|here| sentences.iter().position(|at| *at == here));
        let target = match here {
            Some(here) => moved(here, by, sentences.len()),
            None => 0,
        };
        if let Some(sentence) = sentences.get(target).and_then(|at| self.story.get(*at)) {
            self.stand_on_event(sentence.event, sentence.time);
        }
    }

    /// From one stretch of bytes of the session to the next; the playhead follows.
    fn step_in_session(&mut self, by: i64) {
        let Some(session) = self.session().and_then(|index| self.sessions.get(index)) else { return };
        let target = (session.passed(self.at) as i64 - 1 + by).clamp(-1, session.stretches.len() as i64 - 1);
        let stretch = usize::try_from(target).ok().and_then(|at| session.stretches.get(at));
        match stretch.map(|stretch| (stretch.event, stretch.time)) {
            Some((event, time)) => self.stand_on_event(event, time),
            // Before its first byte.
            None => {
                let first = session.stretches.first().map_or(self.at, |stretch| stretch.time);
                self.move_to(first.saturating_sub(1));
            }
        }
    }

    /// Folds or unfolds the chosen row.
    pub(super) fn fold(&mut self) {
        match self.view {
            View::Network => _ = self.map.list.toggle(),
            View::Files => _ = self.changes.list.toggle(),
            _ => {
                if let Some(process) = self.tree_process()
                    && !self.folds.remove(&process)
                {
                    self.folds.insert(process);
                    self.tree_choice = Some(process);
                }
            }
        }
    }

    /// Folds or unfolds all rows.
    pub(super) fn fold_all(&mut self) {
        match self.view {
            View::Network => self.map.list.toggle_all(),
            View::Files => self.changes.list.toggle_all(),
            _ if self.folds.is_empty() => {
                let rows = &self.moment.rows;
                let parents = rows.windows(2).filter(|pair| pair[1].depth > pair[0].depth && pair[0].depth > 0);
                self.folds = parents.map(|pair| pair[0].process).collect();
            }
            _ => self.folds.clear(),
        }
    }
}

/// `here` moved by so many rows of `count`.
fn moved(here: usize, by: i64, count: usize) -> usize {
    let target = (here as i64).saturating_add(by).max(0);
    usize::try_from(target).unwrap_or(0).min(count.saturating_sub(1))
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
