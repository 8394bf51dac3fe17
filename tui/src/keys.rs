//! The one table of key bindings. The dispatcher, the help and the footer all read it, so that none can drift.

use crate::state::{Action, Move, State};
use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

/// A row of the table: keys that belong together.
#[derive(Debug)]
pub struct Binding {
    /// The keys, each with what it asks for.
    pub keys: &'static [(Key, Action)],
    /// What they do, for the help.
    pub does: &'static str,
    /// What the footer says, where there is room: its own short form of the keys, and a word.
    pub hint: Option<(&'static str, &'static str)>,
}

/// A key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// A character, as typed: its case is part of it.
    Char(char),
    /// A key with a name.
    Named(KeyCode),
    /// A key with a name, and Shift.
    Shift(KeyCode),
    /// A character, and Control.
    Control(char),
}

/// The table.
pub const BINDINGS: &[Binding] = &[
    Binding { keys: &[(Key::Char(' '), Action::PlayOrPause)], does: "play or pause", hint: Some(("Space", "play")) },
    Binding {
        keys: &[
            (Key::Named(KeyCode::Left), Action::Step(-1)),
            (Key::Named(KeyCode::Right), Action::Step(1)),
            (Key::Char('h'), Action::Step(-1)),
            (Key::Char('l'), Action::Step(1)),
        ],
        does: "one event back, on",
        hint: Some(("\u{2190}\u{2192}", "step")),
    },
    Binding {
        keys: &[
            (Key::Shift(KeyCode::Left), Action::Seconds(-10)),
            (Key::Shift(KeyCode::Right), Action::Seconds(10)),
            (Key::Char('H'), Action::Seconds(-10)),
            (Key::Char('L'), Action::Seconds(10)),
        ],
        does: "ten seconds back, on",
        hint: None,
    },
    Binding { keys: &[(Key::Char('t'), Action::Trigger)], does: "to the trigger", hint: Some(("t", "trigger")) },
    Binding {
        keys: &[
            (Key::Named(KeyCode::Home), Action::First),
            (Key::Named(KeyCode::End), Action::Last),
            (Key::Char('g'), Action::First),
            (Key::Char('G'), Action::Last),
        ],
        does: "first, last event",
        hint: None,
    },
    Binding {
        keys: &[(Key::Char('z'), Action::Zoom)],
        does: "the strip: 8 times, 64 times, 512 times closer, whole",
        hint: Some(("z", "zoom")),
    },
    Binding {
        keys: &[
            (Key::Char('+'), Action::Speed(1)),
            (Key::Char('-'), Action::Speed(-1)),
            (Key::Char('='), Action::Speed(1)),
            (Key::Char(']'), Action::Speed(1)),
            (Key::Char('['), Action::Speed(-1)),
        ],
        does: "faster, slower (0.25x to 64x)",
        hint: None,
    },
    Binding {
        keys: &[(Key::Char('s'), Action::SkipIdle)],
        does: "skip idle stretches while playing: on, off",
        hint: None,
    },
    Binding {
        keys: &[(Key::Named(KeyCode::Tab), Action::Focus(true)), (Key::Named(KeyCode::BackTab), Action::Focus(false))],
        does: "next, previous pane",
        hint: Some(("Tab", "pane")),
    },
    Binding {
        keys: &[
            (Key::Named(KeyCode::Up), Action::Move(Move::Line(-1))),
            (Key::Named(KeyCode::Down), Action::Move(Move::Line(1))),
            (Key::Char('k'), Action::Move(Move::Line(-1))),
            (Key::Char('j'), Action::Move(Move::Line(1))),
        ],
        does: "up, down in the pane",
        hint: None,
    },
    Binding {
        keys: &[
            (Key::Named(KeyCode::PageUp), Action::Move(Move::Page(-1))),
            (Key::Named(KeyCode::PageDown), Action::Move(Move::Page(1))),
        ],
        does: "a page up, down in the pane",
        hint: None,
    },
    Binding {
        keys: &[(Key::Named(KeyCode::Enter), Action::Enter)],
        does: "in the tree: only this process and its descendants",
        hint: None,
    },
    Binding {
        keys: &[(Key::Char('/'), Action::Find)],
        does: "only events with a text (Enter keeps, Esc forgets)",
        hint: Some(("/", "find")),
    },
    Binding {
        keys: &[(Key::Char('n'), Action::Step(1)), (Key::Char('N'), Action::Step(-1))],
        does: "next, previous of the events found",
        hint: None,
    },
    Binding {
        keys: &[(Key::Char('f'), Action::NextKind)],
        does: "only one kind of event, one after the other, then all",
        hint: Some(("f", "kind")),
    },
    Binding {
        keys: &[(Key::Named(KeyCode::Esc), Action::Escape)],
        does: "close the help; clear all filters",
        hint: None,
    },
    Binding { keys: &[(Key::Char('?'), Action::Help)], does: "this help", hint: Some(("?", "help")) },
    Binding {
        keys: &[(Key::Char('q'), Action::Quit), (Key::Control('c'), Action::Quit)],
        does: "quit",
        hint: Some(("q", "quit")),
    },
];

/// What a key asks for in this state.
pub fn action(state: &State, event: &KeyEvent) -> Option<Action> {
    if event.kind == KeyEventKind::Release {
        return None;
    }
    let control = event.modifiers.contains(KeyModifiers::CONTROL);
    if state.prompt.is_some() && !control {
        // Arrows and the like keep their meaning; what can be typed is typed.
        match event.code {
            KeyCode::Char(ch) => return Some(Action::Type(ch)),
            KeyCode::Backspace => return Some(Action::Erase),
            _ => {}
        }
    }
    BINDINGS.iter().flat_map(|binding| binding.keys).find(|(key, _)| key.is(event)).map(|(_, action)| *action)
}

impl Key {
    fn is(self, event: &KeyEvent) -> bool {
        let held = event.modifiers - KeyModifiers::SHIFT;
        let shift = event.modifiers.contains(KeyModifiers::SHIFT);
        match self {
            // Shift is already in the character.
            Self::Char(ch) => event.code == KeyCode::Char(ch) && held.is_empty(),
            Self::Named(KeyCode::BackTab) => event.code == KeyCode::BackTab && held.is_empty(),
            Self::Named(code) => event.code == code && held.is_empty() && !shift,
            Self::Shift(code) => event.code == code && held.is_empty() && shift,
            Self::Control(ch) => event.code == KeyCode::Char(ch) && held == KeyModifiers::CONTROL,
        }
    }

    /// The key's name in the help.
    pub fn name(self) -> String {
        let named = |code: KeyCode| match code {
            KeyCode::Left => "\u{2190}".to_owned(),
            KeyCode::Right => "\u{2192}".to_owned(),
            KeyCode::Up => "\u{2191}".to_owned(),
            KeyCode::Down => "\u{2193}".to_owned(),
            KeyCode::BackTab => "Shift-Tab".to_owned(),
            KeyCode::PageUp => "PgUp".to_owned(),
            KeyCode::PageDown => "PgDn".to_owned(),
            other => other.to_string(),
        };
        match self {
            Self::Char(' ') => "Space".to_owned(),
            Self::Char(ch) => ch.to_string(),
            Self::Named(code) => named(code),
            Self::Shift(code) => format!("Shift-{}", named(code)),
            Self::Control(ch) => format!("Ctrl-{}", ch.to_ascii_uppercase()),
        }
    }
}

impl Binding {
    /// All its keys, as the help shows them.
    pub fn names(&self) -> String {
        let names: Vec<String> = self.keys.iter().map(|(key, _)| key.name()).collect();
        names.join(" ")
    }
}
