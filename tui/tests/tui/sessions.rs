//! Sessions with real keys: every command is asked for with the keys that the keymap has for it, and does what it says.

use crate::keys::type_in;
use crate::story::{self, at};
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use std::time::Duration;
use taffrail_tui::keys::{Keymap, named};
use taffrail_tui::state::{Action, Focus, KindFilter, Palette, Prompting, SPEEDS, View};
use taffrail_tui::{State, screen_text};

/// The incident with somebody at two terminals, looked at on a screen of 80x24.
fn opened() -> State {
    let mut state = story::incident_with(|rows| {
        story::terminal(rows, 3_000, "ls /srv\n", "www\n");
        story::terminal_bytes(rows, 3_200, b"from another terminal\n");
    });
    state.pages = taffrail_tui::view::pages(&state, ratatui::layout::Rect::new(0, 0, 80, 24));
    state
}

/// Presses the first key that the keymap has for a command.
fn ask(state: &mut State, command: &str) {
    let (name, action, _) = named().find(|(name, ..)| *name == command).expect("a command");
    let key =
        Keymap::default().all().find(|(key, of)| *of == action && state.keymap.names_of(name).any(|n| n == key.name()));
    let (key, _) = key.unwrap_or_else(|| panic!("{command} has a key"));
    let asked = state.keymap.clone().action(state, &key.event()).unwrap_or_else(|| panic!("{command} is asked for"));
    assert_eq!(asked, action, "{command}");
    state.apply(asked);
    state.wait();
}

/// A command, and what is so once it was asked for in a fresh session.
type Case = (&'static str, fn(&mut State));

const CASES: &[Case] = &[
    ("story", |state| assert_eq!(state.view, View::Story)),
    ("timeline", |state| assert_eq!(state.view, View::Timeline)),
    ("processes", |state| assert_eq!(state.view, View::Processes)),
    ("network", |state| assert_eq!(state.view, View::Network)),
    ("files", |state| assert_eq!(state.view, View::Files)),
    ("terminal", |state| assert_eq!(state.view, View::Terminal)),
    ("sql", |state| assert!(state.sql_is_edited())),
    ("play", |state| {
        let before = state.at;
        state.apply(Action::Tick(Duration::from_millis(500)));
        assert!(state.playing && state.at > before);
        ask(state, "play");
        assert!(!state.playing);
    }),
    ("back", |state| {
        assert!(state.position() < opened().position());
        ask(state, "on");
        assert_eq!(state.position(), opened().position());
    }),
    ("on", |state| assert_eq!(state.position(), opened().position().map(|at| at + 1))),
    ("second-back", |state| assert_eq!(state.at, at(-1_000))),
    ("second-on", |state| assert_eq!(state.at, at(1_000))),
    ("ten-back", |state| assert_eq!(state.at, at(-10_000))),
    ("ten-on", |state| assert_eq!(state.at, at(10_000))),
    ("finding-back", |state| assert!(state.notice.as_deref().is_some_and(|text| text.contains("no finding before")))),
    ("finding-on", |state| assert!(state.notice.as_deref().is_some_and(|text| text.contains("no finding after")))),
    ("trigger", |state| {
        ask(state, "last");
        assert!(state.at > story::TRIGGER);
        ask(state, "trigger");
        assert_eq!(state.at, story::TRIGGER);
    }),
    ("first", |state| assert_eq!(state.position(), Some(0))),
    ("last", |state| assert_eq!(state.position(), Some(state.visible.len() - 1))),
    ("go-to", |state| {
        type_in(state, "+2s");
        ask_prompt(state, KeyCode::Enter);
        assert_eq!(state.at, at(2_000));
    }),
    ("closer", |state| {
        assert_eq!(state.zoom, 1);
        ask(state, "farther");
        assert_eq!(state.zoom, 0);
    }),
    ("farther", |state| assert_eq!(state.zoom, 0, "it is at its farthest")),
    ("faster", |state| {
        assert_eq!(state.speed.as_str(), "2x");
        (0..SPEEDS.len()).for_each(|_| ask(state, "faster"));
        assert_eq!(state.speed.as_str(), "1000x");
    }),
    ("slower", |state| assert_eq!(state.speed.as_str(), "0.5x")),
    ("skip-silence", |state| {
        assert!(!state.skip_idle);
        ask(state, "skip-silence");
        assert!(state.skip_idle);
    }),
    ("range", |state| {
        ask(state, "second-on");
        ask(state, "range");
        assert_eq!(state.filter.range, Some((at(0), at(1_000))));
    }),
    ("pane", |state| assert_eq!(state.focus, Focus::Detail)),
    ("pane-back", |state| {
        assert_eq!(state.focus, Focus::Tree);
        ask(state, "last");
        ask(state, "terminal");
        let before = state.session();
        ask(state, "pane-back");
        assert_ne!(state.session(), before, "the session before");
    }),
    ("up", |state| assert_eq!(state.position(), opened().position().map(|at| at - 1))),
    ("down", |state| assert_eq!(state.position(), opened().position().map(|at| at + 1))),
    ("page-up", |state| assert!(state.position().map(|at| at + 3) < opened().position())),
    ("page-down", |state| assert!(state.position() > opened().position().map(|at| at + 3))),
    ("enter", |state| {
        assert_eq!(state.view, View::Story, "a finding is told there");
        ask(state, "escape");
        assert_eq!(state.view, View::Timeline);
    }),
    ("escape", |state| assert!(state.filter.is_off() && state.trail.is_empty())),
    ("fold", |state| assert_eq!(state.folds.len(), 1)),
    ("fold-all", |state| {
        assert!(!state.folds.is_empty());
        ask(state, "fold-all");
        assert!(state.folds.is_empty());
    }),
    ("all-processes", |state| {
        assert!(state.view == View::Processes && state.all_processes);
        let all = state.moment.rows.len();
        ask(state, "all-processes");
        assert!(!state.all_processes && state.moment.rows.len() < all);
    }),
    ("only-process", |state| {
        assert!(state.filter.process.is_some() && state.visible.len() < state.timeline.len());
        ask(state, "drop-filter");
        assert!(state.filter.is_off() && state.trail.is_empty(), "one is back where one was");
    }),
    ("only-file", |state| assert!(state.notice.as_deref().is_some_and(|text| text.contains("names no file")))),
    ("only-address", |state| assert!(state.notice.as_deref().is_some_and(|text| text.contains("names no address")))),
    ("led-here", |state| assert!(state.filter.lineage.is_some_and(|lineage| !lineage.after))),
    ("came-after", |state| assert!(state.filter.lineage.is_some_and(|lineage| lineage.after))),
    ("search", |state| {
        type_in(state, "kworkerds");
        ask_prompt(state, KeyCode::Enter);
        let first = state.position();
        ask(state, "next-match");
        assert!(state.position() > first);
        ask(state, "previous-match");
        assert_eq!(state.position(), first);
    }),
    ("next-match", |state| assert_eq!(state.position(), opened().position().map(|at| at + 1), "nothing is searched")),
    ("previous-match", |state| assert_eq!(state.position(), opened().position().map(|at| at - 1))),
    ("filter", |state| {
        type_in(state, "curl");
        ask_prompt(state, KeyCode::Enter);
        let curl = state.visible.len();
        ask(state, "filter");
        assert_eq!(state.prompt.as_ref().expect("a prompt").text, "", "another one begins");
        type_in(state, "connect");
        ask_prompt(state, KeyCode::Enter);
        assert_eq!(state.filter.texts, ["curl", "connect"]);
        assert!(state.visible.len() < curl && !state.visible.is_empty());
        ask(state, "drop-filter");
        assert_eq!(state.filter.texts, ["curl"]);
        ask(state, "filter");
        type_in(state, "9108");
        ask_prompt(state, KeyCode::Enter);
        assert!(!state.visible.is_empty(), "a process is found by its number");
        ask(state, "filter");
        type_in(state, "nonsense");
        let erase = KeyEvent::new(KeyCode::Char('u'), KeyModifiers::CONTROL);
        let erase = state.keymap.clone().action(state, &erase).expect("Ctrl-U");
        state.apply(erase);
        assert_eq!(state.prompt.as_ref().expect("a prompt").text, "");
    }),
    ("kind", |state| assert_eq!(state.filter.kind, KindFilter::Process)),
    ("drop-filter", |state| assert!(state.filter.is_off())),
    ("mark", |state| {
        assert_eq!(state.notes.notes.len(), 1);
        ask(state, "mark");
        assert!(state.notes.notes.is_empty());
    }),
    ("annotate", |state| {
        type_in(state, "the way in");
        ask_prompt(state, KeyCode::Enter);
        let note = &state.notes.notes[0];
        assert_eq!((note.text.as_str(), note.process.as_str()), ("the way in", "sh 9107"));
        assert!(note.lineage.ends_with("httpd > sh") && note.exec_id == Some(6), "{note:?}");
    }),
    ("export-notes", |state| assert!(state.notes.take_export())),
    ("copy", |state| {
        let copied = state.copied.take().expect("a text");
        assert!(copied.starts_with("2026-01-31T12:00:00") && copied.contains(" sh 9107 "), "{copied}");
    }),
    ("theme", |state| assert_ne!(state.palette, Palette::default())),
    ("mouse", |state| assert!(state.mouse)),
    ("palette", |state| {
        assert_eq!(state.prompt.as_ref().map(|prompt| prompt.what), Some(Prompting::Palette));
        type_in(state, "finding-b");
        assert!(screen_text(state, 80, 24).contains("to the finding before"));
    }),
    ("help", |state| {
        let help = screen_text(state, 120, 200);
        for meaning in
            ["its input is a connection", "it waits for anybody to call", "moved", "program not from the image"]
        {
            assert!(help.contains(meaning), "{meaning}\n{help}");
        }
        ask(state, "help");
        assert!(state.help.is_none());
    }),
    ("quit", |state| assert!(state.quit)),
];

fn ask_prompt(state: &mut State, code: KeyCode) {
    let action = state.keymap.clone().action(state, &KeyEvent::new(code, KeyModifiers::NONE));
    state.apply(action.expect("a key of the prompt"));
    state.wait();
}

#[test]
fn every_command_does_what_it_says_when_its_key_is_pressed() {
    for (command, is_done) in CASES {
        let mut state = opened();
        ask(&mut state, command);
        is_done(&mut state);
        for (width, height) in [(20, 8), (80, 24), (120, 40)] {
            screen_text(&state, width, height);
        }
    }
    for (command, ..) in named() {
        assert!(CASES.iter().any(|(tried, _)| *tried == command), "{command} is tried");
    }
}
