//! Keys and commands.

use crate::story;
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use std::sync::Arc;
use taffrail_tui::keys::{BINDINGS, Keymap, named};
use taffrail_tui::state::{Action, Prompting, View};
use taffrail_tui::{State, screen_text};

/// Presses a key as a terminal sends it.
pub fn press(state: &mut State, code: KeyCode) {
    let event = KeyEvent::new(code, KeyModifiers::NONE);
    if let Some(action) = state.keymap.clone().action(state, &event) {
        state.apply(action);
    }
}

/// Types a text, letter by letter.
pub fn type_in(state: &mut State, text: &str) {
    text.chars().for_each(|ch| press(state, KeyCode::Char(ch)));
}

#[test]
fn every_key_of_the_keymap_asks_for_its_command() {
    let state = story::incident();
    for (key, wanted) in Keymap::default().all() {
        assert_eq!(state.keymap.action(&state, &key.event()), Some(wanted), "{}", key.name());
    }
}

#[test]
fn the_help_names_every_command_with_its_keys() {
    let mut state = story::incident();
    state.apply(Action::Help);
    let screen = screen_text(&state, 120, 120);
    for binding in BINDINGS {
        let begin: String = binding.does.chars().take(36).collect();
        let line = screen.lines().find(|line| line.contains(&begin));
        for (name, _) in binding.actions {
            let key = state.keymap.names_of(name).next().expect("a key");
            assert!(line.is_some_and(|line| line.contains(&key)), "{key} for {}:\n{screen}", binding.does);
        }
    }
}

#[test]
fn ones_own_keys_are_in_the_help_and_do_what_they_say() {
    let mut state = story::incident();
    state.keymap = Arc::new(Keymap::default().with("trigger = ['f9']").expect("keys"));
    press(&mut state, KeyCode::Home);
    press(&mut state, KeyCode::Char('t'));
    assert_ne!(state.at, story::TRIGGER, "the old key does nothing");
    press(&mut state, KeyCode::F(9));
    assert_eq!(state.at, story::TRIGGER);
    press(&mut state, KeyCode::Char('?'));
    assert!(screen_text(&state, 120, 120).contains("F9"));
}

#[test]
fn letters_are_text_while_a_text_is_typed() {
    let mut state = story::incident();
    press(&mut state, KeyCode::Char('f'));
    type_in(&mut state, "qcurl");
    assert!(!state.quit);
    press(&mut state, KeyCode::Backspace);
    assert_eq!(state.filter.texts, ["qcur"]);
    let interrupt = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
    assert_eq!(state.keymap.action(&state, &interrupt), Some(Action::Quit));
    press(&mut state, KeyCode::Esc);
    assert!(state.filter.is_off() && state.prompt.is_none());
}

#[test]
fn an_unbound_key_does_nothing() {
    let state = story::incident();
    let key = |code, held| state.keymap.action(&state, &KeyEvent::new(code, held));
    assert_eq!(key(KeyCode::F(7), KeyModifiers::NONE), None);
    assert_eq!(key(KeyCode::Char('q'), KeyModifiers::ALT), None);
}

#[test]
fn the_palette_finds_a_command_by_some_of_its_letters_and_does_it() {
    let mut state = story::incident();
    press(&mut state, KeyCode::Char(':'));
    assert_eq!(state.prompt.as_ref().map(|prompt| prompt.what), Some(Prompting::Palette));
    let all = screen_text(&state, 80, 24);
    assert!(all.contains(&format!("commands: {}", named().count())), "{all}");
    type_in(&mut state, "netw");
    press(&mut state, KeyCode::Enter);
    assert_eq!(state.view, View::Network);
    assert!(state.prompt.is_none());
}

#[test]
fn the_palettes_list_is_moved_through_with_the_arrows() {
    let mut state = story::incident();
    press(&mut state, KeyCode::Char(':'));
    press(&mut state, KeyCode::Down);
    press(&mut state, KeyCode::Down);
    press(&mut state, KeyCode::Enter);
    assert_eq!(state.view, View::Processes, "the third command");
}
