//! What a key asks for, and what becomes of the state.

use super::words::SECOND;
use super::{Chip, Filter, Focus, Prompting, State, View};
use crossterm::event::KeyEvent;
use std::time::Duration;

/// What a key, or the clock, asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Look at the moment in this way.
    Show(View),
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
    /// To the next finding, or the one before where negative.
    Finding(i8),
    /// To the trigger.
    Trigger,
    /// Begin to type a time.
    GoTo,
    /// The strip looks this many steps closer.
    Zoom(i8),
    /// A range begins or ends here.
    Range,
    /// To the first event.
    First,
    /// To the last event.
    Last,
    /// The next pane, or the one before where false.
    Focus(bool),
    /// Move in the pane.
    Move(Move),
    /// Look closer at the row; or take the typed text.
    Enter,
    /// Close what is open, else go back along the trail, else clear the filters.
    Escape,
    /// Fold or unfold the row.
    Fold,
    /// Fold or unfold all.
    FoldAll,
    /// The processes of the whole record, or those of the moment.
    AllProcesses,
    /// Keep only what the row is about.
    Only(Only),
    /// Take the last filter off.
    DropChip,
    /// Begin to type a text filter.
    Find,
    /// Begin to type a text to search.
    Search,
    /// To the next match, or the one before where negative.
    Match(i8),
    /// The next kind filter.
    NextKind,
    /// Mark the event, or take the mark off.
    Mark,
    /// Begin to type a note.
    Annotate,
    /// Write the notes down beside the bundle.
    ExportNotes,
    /// Copy the row.
    Copy,
    /// The next theme.
    NextTheme,
    /// Listen to the mouse, or not.
    Mouse,
    /// Begin to type a command.
    Palette,
    /// Open or close the help.
    Help,
    /// Leave.
    Quit,
    /// A character typed into the prompt.
    Type(char),
    /// Take the prompt's last character back.
    Erase,
    /// Take the prompt's text back.
    EraseAll,
    /// Write what the word in the prompt can only become.
    Complete,
    /// A key for the editor of the SQL view.
    Edit(KeyEvent),
    /// To this many thousandths of what the strip shows.
    StripAt(u16),
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

/// What of a row is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Only {
    /// Its process and what descends from it.
    Process,
    /// Its file.
    File,
    /// Its address.
    Address,
    /// What led to it.
    LedHere,
    /// What came after it.
    CameAfter,
}

impl State {
    /// Does what is asked for.
    pub fn apply(&mut self, action: Action) {
        if !matches!(action, Action::Tick(_)) {
            self.notice = None;
        }
        self.timeline.begin_turn();
        match action {
            Action::Show(view) => self.show(view),
            Action::PlayOrPause => self.play_or_pause(),
            Action::Speed(by) => self.speed.change(by),
            Action::SkipIdle => {
                self.skip_idle = !self.skip_idle;
                self.notice = Some(if self.skip_idle { "silence is skipped" } else { "silence is played" }.to_owned());
            }
            Action::Step(by) if self.view == View::Sql && self.sql.rows().is_some() => self.sql.shift(by),
            Action::Step(by) => self.by_hand(|state| state.step(by)),
            Action::Seconds(by) => {
                let target = self.at.saturating_add(by.saturating_mul(SECOND));
                self.tree_choice = None;
                self.move_to(target);
            }
            Action::Finding(direction) => self.by_hand(|state| state.to_finding(direction)),
            Action::Trigger => self.by_hand(Self::to_trigger),
            Action::GoTo => self.prompt_for(Prompting::GoTo),
            Action::Zoom(by) => self.zoom_by(by),
            Action::Range => self.range(),
            Action::First => self.by_hand(|state| state.stand_on(0)),
            Action::Last => self.by_hand(|state| state.stand_on(usize::MAX)),
            Action::Focus(next) => self.turn(next),
            Action::Move(by) => self.move_in_pane(by),
            Action::Enter => self.enter(),
            Action::Escape => self.escape(),
            Action::Fold => self.fold(),
            Action::FoldAll => self.fold_all(),
            Action::AllProcesses => {
                // From another view it is the way to all of them.
                self.all_processes = self.view != View::Processes || !self.all_processes;
                self.show(View::Processes);
            }
            Action::Only(only) => self.only(only),
            Action::DropChip => {
                if let Some(last) = self.filter.chips().last() {
                    self.take_off(*last);
                }
            }
            Action::Find => self.prompt_for(Prompting::Filter),
            Action::Search => self.prompt_for(Prompting::Search),
            Action::Match(direction) => self.by_hand(|state| state.find_match(direction, false)),
            Action::NextKind => {
                let kind = self.filter.kind.next();
                self.set_filter(Filter { kind, ..self.filter.clone() });
            }
            Action::Mark => self.mark(),
            Action::Annotate => self.prompt_for(Prompting::Note),
            Action::ExportNotes => self.notes.ask_export(),
            Action::Copy => self.copied = self.row_text(),
            Action::NextTheme => {
                self.palette = self.palette.next();
                self.notice = Some(format!("colours: {}", self.palette.as_str()));
            }
            Action::Mouse => {
                self.mouse = !self.mouse;
                self.notice = Some(
                    if self.mouse { "the mouse is listened to" } else { "the mouse is the terminal's" }.to_owned(),
                );
            }
            Action::Palette => self.prompt_for(Prompting::Palette),
            Action::Help => self.help = if self.help.is_some() { None } else { Some(0) },
            Action::Quit => self.quit = true,
            Action::Type(ch) => self.edit(|text| text.push(ch)),
            Action::Erase => self.edit(|text| {
                text.pop();
            }),
            Action::EraseAll => self.edit(String::clear),
            Action::Complete => self.complete(),
            Action::Edit(key) => self.edit_sql(key),
            Action::StripAt(thousandths) => self.by_hand(|state| {
                let (from, to) = state.strip_range();
                let part = (i128::from(to) - i128::from(from)) * i128::from(thousandths.min(1000)) / 1000;
                state.move_to((i128::from(from) + part) as i64);
            }),
            Action::Tick(wall) => self.tick(wall),
        }
        self.refresh();
    }

    /// A move that a person makes stops the clock, so that what they went to stays on the screen.
    pub(super) fn by_hand(&mut self, act: impl FnOnce(&mut Self)) {
        self.playing = false;
        self.skipped = None;
        self.tree_choice = None;
        self.searching = None;
        act(self);
    }

    /// The first press begins a range at the playhead, the second ends it there.
    fn range(&mut self) {
        match self.range_from.take() {
            Some(from) => {
                let range = Some((from.min(self.at), from.max(self.at)));
                self.keep(Filter { range, ..self.filter.clone() });
            }
            None => {
                self.range_from = Some(self.at);
                self.notice = Some("a range begins here; go to its end and press the key again".to_owned());
            }
        }
    }

    fn enter(&mut self) {
        if self.prompt.is_some() {
            self.take_prompt();
            return;
        }
        if self.help.take().is_some() {
            return;
        }
        match self.view {
            View::Story => {
                if let Some(view) = self.sentence().and_then(|at| self.story.get(at)).map(|sentence| sentence.view) {
                    self.drill(view);
                    self.focus = Focus::Events;
                }
            }
            View::Timeline if self.focus == Focus::Tree => self.follow(),
            View::Processes => {
                self.follow();
                self.show(View::Timeline);
            }
            View::Timeline => self.closer(),
            View::Network => match self.map.enter() {
                Some(host) => {
                    let filter = Filter { address: Some(host), ..self.filter.clone() };
                    self.keep(filter);
                    self.show(View::Timeline);
                }
                None => {}
            },
            View::Files => match self.changes.enter() {
                Some(path) => {
                    let filter = Filter { file: Some(path), ..self.filter.clone() };
                    self.keep(filter);
                    self.show(View::Timeline);
                }
                None => {}
            },
            View::Terminal => self.drill(View::Timeline),
            View::Sql if self.sql.lists_relations() => self.sql.ask_relation(),
            View::Sql => {
                if let Some(time) = self.sql.row_time() {
                    self.drill(View::Timeline);
                    self.by_hand(|state| state.move_to(time));
                } else {
                    self.notice = Some("this row has no time to go to".to_owned());
                }
            }
        }
    }

    /// Only the chosen process and its descendants.
    fn follow(&mut self) {
        if let Some(process) = self.tree_process() {
            self.tree_choice = Some(process);
            self.keep(Filter { process: Some(process), ..self.filter.clone() });
        }
    }

    /// The view that shows the selected event best.
    fn closer(&mut self) {
        use super::recording::Kind;
        let view = match self.current().map(|event| event.body.kind()) {
            Some(Kind::Process) => View::Processes,
            Some(Kind::Network | Kind::Dns) => View::Network,
            Some(Kind::File) => View::Files,
            Some(Kind::Terminal) => View::Terminal,
            Some(Kind::Finding | Kind::Lifecycle | Kind::Gap) => View::Story,
            _ => return,
        };
        self.drill(view);
    }

    fn escape(&mut self) {
        if let Some(prompt) = self.prompt.take() {
            self.drop_prompt(prompt);
            return;
        }
        let closed = self.help.take().is_some()
            || self.stop_search()
            || self.sql.cancel()
            || self.range_from.take().is_some()
            || self.back();
        if !closed && !self.filter.is_off() {
            self.set_filter(Filter::default());
        }
    }

    /// The label of a chip, for whoever shows it.
    pub fn chip_label(&self, chip: Chip) -> String {
        self.filter.label(chip, &self.recording)
    }
}
