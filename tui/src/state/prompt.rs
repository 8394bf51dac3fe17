//! Texts that a person types at the bottom line.

use super::condition::is_condition;
use super::filter::Filter;
use super::recording::Time;
use super::{Action, State};
use crate::keys;
use taffrail_query::{Condition, Fault};

/// A text being typed.
#[derive(Clone, Debug)]
pub struct Prompt {
    /// What it is for.
    pub what: Prompting,
    /// The text.
    pub text: String,
    /// The chosen line of the palette.
    pub chosen: usize,
    /// What is wrong with the condition that is typed, and where.
    pub fault: Option<Fault>,
    /// What the last word of a filter can become.
    pub offered: Vec<String>,
    /// Which of them stands in the text, where they come one after the other.
    pub turn: Option<Turn>,
    /// What the filter was before.
    pub(super) before: Filter,
    /// Where the playhead was.
    pub(super) at: Time,
    pub(super) selected: Option<u32>,
}

/// A completion in the text, of several.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Turn {
    /// Where its word begins.
    pub start: usize,
    /// Which it is.
    pub at: usize,
}

/// What a typed text is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prompting {
    /// Events without it are hidden.
    Filter,
    /// Events with it are found.
    Search,
    /// A time to go to.
    GoTo,
    /// A note on the event.
    Note,
    /// A command by its name.
    Palette,
}

impl State {
    pub(super) fn prompt_for(&mut self, what: Prompting) {
        self.playing = false;
        self.help = None;
        let (before, at, selected) = (self.filter.clone(), self.at, self.selected);
        let text = match what {
            Prompting::Note => self.notes.text_at(self).unwrap_or_default(),
            _ => String::new(),
        };
        let offered = Vec::new();
        self.prompt = Some(Prompt { what, text, chosen: 0, fault: None, offered, turn: None, before, at, selected });
        self.offer();
    }

    /// Changes the typed text and shows at once what it does.
    pub(super) fn edit(&mut self, change: impl FnOnce(&mut String)) {
        let Some(prompt) = &mut self.prompt else { return };
        change(&mut prompt.text);
        prompt.chosen = 0;
        let (what, text, selected, at) = (prompt.what, prompt.text.clone(), prompt.selected, prompt.at);
        let before = prompt.before.clone();
        self.offer();
        match what {
            Prompting::Filter => {
                let condition = (self.asker.is_some() && is_condition(&text)).then(|| Condition::parse(&text));
                let (filter, fault) = match condition {
                    None => (before.with_text(text), None),
                    Some(Ok(_)) => (before.with_condition(text), None),
                    // Until it is a condition, the last one that it was holds.
                    Some(Err(fault)) => (Filter { texts: before.texts, ..self.filter.clone() }, Some(fault)),
                };
                if let Some(prompt) = &mut self.prompt {
                    prompt.fault = fault;
                }
                if filter != self.filter {
                    self.set_filter(filter);
                }
            }
            Prompting::Search => {
                self.search = text.to_lowercase();
                self.searching = None;
                self.stand_at(at, selected);
                if !self.search.is_empty() {
                    self.find_match(1, true);
                }
            }
            Prompting::GoTo | Prompting::Note | Prompting::Palette => {}
        }
    }

    /// Takes the typed text.
    pub(super) fn take_prompt(&mut self) {
        let Some(prompt) = self.prompt.take() else { return };
        if prompt.fault.is_some() {
            // It stays open, with what is wrong under it.
            self.prompt = Some(prompt);
            return;
        }
        match prompt.what {
            Prompting::Filter | Prompting::Search => {}
            Prompting::GoTo => match self.time_of(&prompt.text) {
                Some(time) => self.by_hand(|state| state.move_to(time)),
                None => {
                    self.notice = Some("not a time; try 12:03:04, -30s, +2m, trigger, start or end".to_owned());
                }
            },
            Prompting::Note => self.note(&prompt.text),
            Prompting::Palette => {
                let chosen = commands(&prompt.text).get(prompt.chosen).map(|(_, action, _)| *action);
                match chosen {
                    Some(action) => self.apply(action),
                    None => self.notice = Some("no command has these letters in its name".to_owned()),
                }
            }
        }
    }

    /// Forgets the typed text and what it did.
    pub(super) fn drop_prompt(&mut self, prompt: Prompt) {
        match prompt.what {
            Prompting::Filter => self.set_filter(prompt.before),
            Prompting::Search => {
                self.search.clear();
                self.searching = None;
            }
            Prompting::GoTo | Prompting::Note | Prompting::Palette => return,
        }
        self.stand_at(prompt.at, prompt.selected);
    }
}

/// The commands whose names have the letters of `typed` in this order; those that begin with it first.
pub fn commands(typed: &str) -> Vec<(&'static str, Action, &'static str)> {
    let typed = typed.trim().to_lowercase();
    let matches = |name: &str| {
        let mut letters = name.chars();
        typed.chars().all(|wanted| letters.any(|letter| letter == wanted))
    };
    let mut found: Vec<_> = keys::named().filter(|(name, ..)| matches(name)).collect();
    found.sort_by_key(|(name, ..)| (!name.starts_with(&typed), !name.contains(&typed)));
    found
}
