//! Which key asks for what: a TOML file that is built in, and a person's own over it.

use super::named;
use crate::state::{Action, Prompting, State};
use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use std::collections::BTreeMap;

/// The keys as they are without a file of one's own.
const BUILT_IN: &str = include_str!("keymap.toml");
/// The largest file that is read: far more than every command with ten keys.
pub const FILE_BYTES_MAX: u64 = 64 << 10;

/// Why a file of keys cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeymapError {
    /// It is no table of names and lists of keys.
    #[error("the keys cannot be read: {0}")]
    Toml(#[from] toml::de::Error),
    /// No command has this name.
    #[error("no command is named {0:?}; the help and the command palette name all")]
    Command(String),
    /// No key has this name.
    #[error("no key is named {key:?} (for {command})")]
    Key {
        /// The command.
        command: String,
        /// What was written.
        key: String,
    },
    /// A key would ask for two things.
    #[error("{key} asks for {first} and for {second}")]
    Twice {
        /// The key.
        key: String,
        /// One command.
        first: &'static str,
        /// The other.
        second: &'static str,
    },
}

/// A key as it is pressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    code: KeyCode,
    held: KeyModifiers,
}

/// Keys to actions.
#[derive(Clone, Debug)]
pub struct Keymap {
    keys: Vec<(Key, &'static str, Action)>,
}

impl Default for Keymap {
    /// What is built in. A test reads it, so it is never empty.
    fn default() -> Self {
        Self { keys: Vec::new() }.with(BUILT_IN).unwrap_or(Self { keys: Vec::new() })
    }
}

impl Keymap {
    /// These keys, but for the commands that `toml` names.
    ///
    /// # Errors
    /// [`KeymapError`] for what is no TOML, an unknown command or key, and a key that would have two meanings.
    pub fn with(mut self, toml: &str) -> Result<Self, KeymapError> {
        let wanted: BTreeMap<String, Vec<String>> = toml::from_str(toml)?;
        for (command, keys) in wanted {
            let known = named().find(|(name, ..)| *name == command);
            let Some((name, action, _)) = known else { return Err(KeymapError::Command(command)) };
            self.keys.retain(|(_, of, _)| *of != name);
            for key in keys {
                let parsed = Key::parse(&key);
                let Some(parsed) = parsed else { return Err(KeymapError::Key { command: command.clone(), key }) };
                self.keys.push((parsed, name, action));
            }
        }
        for (at, (key, first, _)) in self.keys.iter().enumerate() {
            if let Some((_, second, _)) = self.keys[at + 1..].iter().find(|(other, ..)| other == key) {
                return Err(KeymapError::Twice { key: key.name(), first, second });
            }
        }
        Ok(self)
    }

    /// What a key asks for in this state.
    pub fn action(&self, state: &State, event: &KeyEvent) -> Option<Action> {
        if event.kind == KeyEventKind::Release {
            return None;
        }
        let key = Key::of(event);
        let bound = || self.keys.iter().find(|(bound, ..)| *bound == key).map(|(.., action)| *action);
        let quits = event.modifiers.contains(KeyModifiers::CONTROL) && event.code == KeyCode::Char('c');
        if quits {
            return bound();
        }
        if state.sql_is_edited() && state.prompt.is_none() && state.help.is_none() {
            return Some(Action::Edit(*event));
        }
        if let Some(prompt) = &state.prompt {
            // What can be typed is typed; arrows and the like keep their meaning, but in a list they move.
            match (event.code, prompt.what) {
                (KeyCode::Char(ch), _) if !event.modifiers.contains(KeyModifiers::CONTROL) => {
                    return Some(Action::Type(ch));
                }
                (KeyCode::Char('u'), _) if event.modifiers == KeyModifiers::CONTROL => return Some(Action::EraseAll),
                (KeyCode::Backspace, _) => return Some(Action::Erase),
                (KeyCode::Tab, Prompting::Filter) => return Some(Action::Complete),
                (KeyCode::Enter, _) => return Some(Action::Enter),
                (KeyCode::Esc, _) => return Some(Action::Escape),
                (_, Prompting::Filter | Prompting::Palette) => {}
                _ => return None,
            }
        }
        bound()
    }

    /// The keys that ask for a command, as the help shows them.
    pub fn names_of(&self, command: &str) -> impl Iterator<Item = String> {
        self.keys.iter().filter(move |(_, name, _)| *name == command).map(|(key, ..)| key.name())
    }

    /// Every key with its action.
    pub fn all(&self) -> impl Iterator<Item = (Key, Action)> {
        self.keys.iter().map(|(key, _, action)| (*key, *action))
    }
}

impl Key {
    /// The key of an event. Shift is already in a character.
    fn of(event: &KeyEvent) -> Self {
        let held = event.modifiers & (KeyModifiers::SHIFT | KeyModifiers::CONTROL | KeyModifiers::ALT);
        match event.code {
            KeyCode::Char(_) | KeyCode::BackTab => Self { code: event.code, held: held - KeyModifiers::SHIFT },
            code => Self { code, held },
        }
    }

    /// The event of this key, as a terminal sends it.
    pub fn event(self) -> KeyEvent {
        KeyEvent::new(self.code, self.held)
    }

    /// `shift-left`, `ctrl-c`, `space`, `a`.
    fn parse(text: &str) -> Option<Self> {
        let mut held = KeyModifiers::empty();
        let mut rest = text;
        loop {
            let (modifier, after) = match rest.split_once('-') {
                Some(("shift", after)) if !after.is_empty() => (KeyModifiers::SHIFT, after),
                Some(("ctrl", after)) if !after.is_empty() => (KeyModifiers::CONTROL, after),
                Some(("alt", after)) if !after.is_empty() => (KeyModifiers::ALT, after),
                _ => break,
            };
            held |= modifier;
            rest = after;
        }
        let code = match rest {
            "space" => KeyCode::Char(' '),
            "enter" => KeyCode::Enter,
            "esc" => KeyCode::Esc,
            "tab" if held == KeyModifiers::SHIFT => {
                held = KeyModifiers::empty();
                KeyCode::BackTab
            }
            "tab" => KeyCode::Tab,
            "backspace" => KeyCode::Backspace,
            "delete" => KeyCode::Delete,
            "up" => KeyCode::Up,
            "down" => KeyCode::Down,
            "left" => KeyCode::Left,
            "right" => KeyCode::Right,
            "home" => KeyCode::Home,
            "end" => KeyCode::End,
            "pageup" => KeyCode::PageUp,
            "pagedown" => KeyCode::PageDown,
            other => {
                let mut chars = other.chars();
                match (chars.next(), chars.as_str()) {
                    (Some(ch), "") => KeyCode::Char(ch),
                    (Some('f'), number) => KeyCode::F(number.parse().ok().filter(|number| (1..=12).contains(number))?),
                    _ => return None,
                }
            }
        };
        Some(Self { code, held })
    }

    /// The key's name in the help.
    pub fn name(self) -> String {
        let code = match self.code {
            KeyCode::Char(' ') => "Space".to_owned(),
            KeyCode::Char(ch) if self.held.contains(KeyModifiers::CONTROL) => ch.to_ascii_uppercase().to_string(),
            KeyCode::Char(ch) => ch.to_string(),
            KeyCode::Left => "\u{2190}".to_owned(),
            KeyCode::Right => "\u{2192}".to_owned(),
            KeyCode::Up => "\u{2191}".to_owned(),
            KeyCode::Down => "\u{2193}".to_owned(),
            KeyCode::BackTab => "Shift-Tab".to_owned(),
            KeyCode::PageUp => "PgUp".to_owned(),
            KeyCode::PageDown => "PgDn".to_owned(),
            other => other.to_string(),
        };
        let mut name = String::new();
        for (modifier, word) in
            [(KeyModifiers::CONTROL, "Ctrl-"), (KeyModifiers::ALT, "Alt-"), (KeyModifiers::SHIFT, "Shift-")]
        {
            if self.held.contains(modifier) {
                name.push_str(word);
            }
        }
        name + &code
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_file_gives_every_command_a_key_and_no_key_two_commands() {
        let keymap = Keymap { keys: Vec::new() }.with(BUILT_IN).expect("the built-in keys");
        for (name, ..) in named() {
            assert!(keymap.names_of(name).next().is_some(), "{name} has no key");
        }
    }

    #[test]
    fn a_file_of_ones_own_replaces_what_it_names_and_nothing_else() {
        let keymap = Keymap::default().with("play = ['ctrl-p', 'f5']\nquit = ['Q']").expect("keys");
        assert_eq!(keymap.names_of("play").collect::<Vec<_>>(), ["Ctrl-P", "F5"]);
        assert_eq!(keymap.names_of("trigger").collect::<Vec<_>>(), ["t"]);
        assert_eq!(keymap.names_of("quit").collect::<Vec<_>>(), ["Q"]);
    }

    #[test]
    fn a_file_that_cannot_be_meant_is_refused_with_the_reason() {
        let refused = |toml| Keymap::default().with(toml).expect_err("refused").to_string();
        assert_eq!(refused("ply = ['p']"), "no command is named \"ply\"; the help and the command palette name all");
        assert_eq!(refused("play = ['hyper-p']"), "no key is named \"hyper-p\" (for play)");
        assert!(refused("play = ['t']").contains("asks for"));
        assert!(refused("play = 3").starts_with("the keys cannot be read"));
    }
}
