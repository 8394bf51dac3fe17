//! Texts that a person types at the bottom line.

use super::condition::is_condition;
use super::filter::{self, Filter};
use super::recording::Time;
use super::{Action, State};
use crate::keys;
use std::time::{Duration, Instant};
use taffrail_query::{Condition, Fault};

/// How long one key searches. The next goes on from there.
const PATIENCE: Duration = Duration::from_millis(30);
/// The clock is looked at every so many events.
const SEARCHED_AT_ONCE: usize = 256;

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
    /// What the filter was before.
    pub(super) before: Filter,
    /// Where the playhead was.
    pub(super) at: Time,
    pub(super) selected: Option<u32>,
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
            Prompting::Filter => self.filter.condition.clone().unwrap_or_else(|| self.filter.text.clone()),
            Prompting::Note => self.notes.text_at(self).unwrap_or_default(),
            _ => String::new(),
        };
        let offered = Vec::new();
        self.prompt = Some(Prompt { what, text, chosen: 0, fault: None, offered, before, at, selected });
        self.offer();
    }

    /// Changes the typed text and shows at once what it does.
    pub(super) fn edit(&mut self, change: impl FnOnce(&mut String)) {
        let Some(prompt) = &mut self.prompt else { return };
        change(&mut prompt.text);
        prompt.chosen = 0;
        let (what, text, selected, at) = (prompt.what, prompt.text.clone(), prompt.selected, prompt.at);
        self.offer();
        match what {
            Prompting::Filter => {
                let condition = (self.asker.is_some() && is_condition(&text)).then(|| Condition::parse(&text));
                let (filter, fault) = match condition {
                    None => (Filter { text, condition: None, ..self.filter.clone() }, None),
                    Some(Ok(_)) => (Filter { text: String::new(), condition: Some(text), ..self.filter.clone() }, None),
                    // Until it is a condition, the last one that it was holds.
                    Some(Err(fault)) => (Filter { text: String::new(), ..self.filter.clone() }, Some(fault)),
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
                self.at = at;
                self.select(selected);
                self.find_match(1, true);
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
            Prompting::Search => self.search.clear(),
            Prompting::GoTo | Prompting::Note | Prompting::Palette => return,
        }
        self.at = prompt.at;
        self.select(prompt.selected);
    }

    /// To the next visible event that has the searched text, or the one before.
    pub(super) fn find_match(&mut self, direction: i8, here_too: bool) {
        if self.search.is_empty() {
            self.step(i64::from(direction));
            return;
        }
        let passed = self.passed_here();
        let here = self.position().unwrap_or(passed.saturating_sub(1));
        let (search, began) = (self.search.clone(), Instant::now());
        let mut line = String::new();
        let (mut at, last) =
            if direction > 0 { (if here_too { here } else { here + 1 }, self.visible.len()) } else { (here, 0) };
        let (mut found, mut end) = (None, None);
        while at != last && found.is_none() {
            let place = if direction > 0 { at } else { at - 1 };
            let Some(event) = self.visible.get(place).and_then(|number| self.timeline.fetch(number)) else { break };
            if filter::finds(&event.recording, &event, &search, &mut line) {
                found = Some(place);
            } else if place % SEARCHED_AT_ONCE == 0 && began.elapsed() > PATIENCE {
                end = Some(place);
                break;
            }
            at = if direction > 0 { at + 1 } else { place };
        }
        match (found, end) {
            (Some(position), _) => self.stand_on(position),
            (None, Some(end)) if !here_too => {
                self.stand_on(end);
                self.notice = Some("not found yet; once more searches on from here".to_owned());
            }
            (None, Some(_)) => self.notice = Some("not found near; Enter and then the next match search on".to_owned()),
            _ => self.notice = Some(format!("no {} match", if direction > 0 { "further" } else { "earlier" })),
        }
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
