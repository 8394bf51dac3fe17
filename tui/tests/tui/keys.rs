//! The table of keys.

use crate::story;
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use std::collections::HashSet;
use taffrail_tui::keys::{BINDINGS, Key, action};
use taffrail_tui::screen_text;
use taffrail_tui::state::Action;

fn press(code: KeyCode) -> KeyEvent {
    KeyEvent::new(code, KeyModifiers::NONE)
}

#[test]
fn no_key_has_two_meanings() {
    let mut seen = HashSet::new();
    for (key, _) in BINDINGS.iter().flat_map(|binding| binding.keys) {
        assert!(seen.insert(key.name()), "{} is bound twice", key.name());
    }
}

#[test]
fn every_key_of_the_table_does_what_the_table_says() {
    let state = story::incident();
    for (key, wanted) in BINDINGS.iter().flat_map(|binding| binding.keys) {
        let event = match *key {
            Key::Char(ch) if ch.is_uppercase() => KeyEvent::new(KeyCode::Char(ch), KeyModifiers::SHIFT),
            Key::Char(ch) => press(KeyCode::Char(ch)),
            Key::Named(KeyCode::BackTab) => KeyEvent::new(KeyCode::BackTab, KeyModifiers::SHIFT),
            Key::Named(code) => press(code),
            Key::Shift(code) => KeyEvent::new(code, KeyModifiers::SHIFT),
            Key::Control(ch) => KeyEvent::new(KeyCode::Char(ch), KeyModifiers::CONTROL),
        };
        assert_eq!(action(&state, &event), Some(*wanted), "{}", key.name());
    }
}

#[test]
fn the_help_names_every_key() {
    let mut state = story::incident();
    state.apply(Action::Help);
    let screen = screen_text(&state, 120, 40);
    for binding in BINDINGS {
        let line = screen.lines().find(|line| line.contains(binding.does));
        assert!(line.is_some_and(|line| line.contains(&binding.names())), "{}:\n{screen}", binding.does);
    }
}

#[test]
fn letters_are_text_while_a_text_is_typed() {
    let mut state = story::incident();
    state.apply(Action::Find);
    assert_eq!(action(&state, &press(KeyCode::Char('q'))), Some(Action::Type('q')));
    assert_eq!(action(&state, &press(KeyCode::Backspace)), Some(Action::Erase));
    assert_eq!(action(&state, &press(KeyCode::Esc)), Some(Action::Escape));
    let interrupt = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
    assert_eq!(action(&state, &interrupt), Some(Action::Quit));
}

#[test]
fn an_unbound_key_does_nothing() {
    let state = story::incident();
    assert_eq!(action(&state, &press(KeyCode::F(5))), None);
    assert_eq!(action(&state, &KeyEvent::new(KeyCode::Char('q'), KeyModifiers::ALT)), None);
}
