//! Bundles that no recorder wrote.

use crate::story::{self, Program, at, program, who};
use proptest::prelude::*;
use taffrail_tui::state::draft::{Draft, Row};
use taffrail_tui::state::recording::{About, Finding, Gap, Lifecycle, Terminal};
use taffrail_tui::state::{Action, Answer, Focus, Move, Only, View};
use taffrail_tui::{State, screen_svg, screen_text};

const EVIL: &str = "\u{1b}[2J\u{1b}]0;owned\u{7}\u{9b}31m\u{202e}\u{200b}\r\n\t\u{0}x";

/// Every text of this bundle is an attack on the terminal.
fn evil() -> State {
    evil_with(EVIL, EVIL.as_bytes())
}

/// The same of any attack, and of any bytes of a terminal.
fn evil_with(evil: &str, bytes: &[u8]) -> State {
    let text = || evil.to_owned();
    let about = About {
        container: text(),
        image: Some(text()),
        runtime: text(),
        host: text(),
        rule: text(),
        reason: text(),
        ..story::about()
    };
    let mut draft = Draft::new(about);
    let exe = format!("/tmp/{evil}");
    program(
        &mut draft,
        &Program {
            id: 1,
            process: 1,
            exe: &exe,
            cmdline: evil,
            start: -500,
            end: Some(500),
            code: Some(3),
            ..Program::default()
        },
    );
    let mut rows = draft.link_images();
    for op in [evil, "open", "chmod"] {
        story::file(&mut rows, -100, who(1, 7, evil), op, evil, -2);
    }
    let call = story::Call { op: evil, local: evil, remote: Some(evil), end: Some(50), bytes: (1, 2), result: 0 };
    story::flow(&mut rows, -50, who(1, 7, evil), &call);
    let sym = rows.sym(evil);
    rows.row(
        Some(at(0)),
        who(1, 7, evil),
        Row::Finding(Finding { rule: sym, severity: sym, message: sym, source: Some(sym), techniques: Some(sym) }),
    );
    rows.row(Some(at(1)), who(1, 7, evil), Row::Lifecycle(Lifecycle { op: sym, cgroup: sym, detail: Some(sym) }));
    story::others(&mut rows, 20, who(1, 7, evil), evil);
    for direction in ["typed", "printed"] {
        let (direction, data) = (rows.sym(direction), rows.bytes(bytes));
        let (session, fd) = (Some(1), Some(1));
        let stretch = Terminal { direction, text: sym, data, session, fd, bytes: 9, cut: false, unkept: 0 };
        rows.row(Some(at(1)), who(1, 7, evil), Row::Terminal(stretch));
    }
    rows.gap(Gap { class: sym, cause: sym, lost: None, from: at(2), to: at(3), own: true });
    State::new(rows.finish())
}

fn assert_harmless(screen: &str, what: &str) {
    let bad = screen.chars().find(|ch| {
        (ch.is_control() && *ch != '\n')
            || matches!(ch, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
    });
    assert_eq!(bad, None, "{what}: {screen:?}");
}

#[test]
fn no_escape_sequence_of_a_trace_reaches_a_cell() {
    let mut state = evil();
    for (width, height) in [(20, 8), (80, 24), (120, 40), (200, 60)] {
        state.apply(Action::First);
        for step in 0..state.visible.len() {
            for _ in 0..3 {
                state.apply(Action::Focus(true));
                let screen = screen_text(&state, width, height);
                assert_harmless(&screen, &format!("{width}x{height}, event {step}"));
            }
            state.apply(Action::Step(1));
        }
    }
    assert!(screen_text(&state, 120, 40).contains("\\e[2J"), "it is shown, not hidden");
}

#[test]
fn no_escape_sequence_of_a_trace_reaches_a_cell_of_any_view() {
    let mut state = evil();
    for view in View::ALL {
        state.apply(Action::Show(view));
        for moment in [Action::First, Action::Trigger, Action::Last] {
            state.apply(moment);
            for (width, height) in [(1, 1), (20, 8), (60, 16), (80, 24), (120, 40), (250, 80)] {
                for row in 0..3 {
                    let screen = screen_text(&state, width, height);
                    assert_harmless(&screen, &format!("{view:?}, {width}x{height}, {row}"));
                    state.apply(Action::Move(Move::Line(1)));
                }
            }
        }
        for action in [Action::Only(Only::Process), Action::Only(Only::File), Action::Only(Only::Address), Action::Mark]
        {
            state.apply(action);
            assert_harmless(&screen_text(&state, 120, 40), "a chip");
            state.apply(Action::Escape);
        }
    }
    assert_harmless(&state.notes.markdown().replace('\n', " "), "the notes as a document");
}

#[test]
fn an_answer_full_of_escape_sequences_is_harmless() {
    let mut state = evil();
    state.apply(Action::Show(View::Sql));
    let row = || vec![EVIL.to_owned(), EVIL.repeat(1_000)];
    state.sql.answered(Ok(Answer {
        columns: row(),
        rows: vec![row(); 100],
        times: vec![None; 100],
        total: 100,
        ..Answer::default()
    }));
    assert_harmless(&screen_text(&state, 120, 40), "rows");
    state.sql.answered(Err(EVIL.to_owned()));
    assert_harmless(&screen_text(&state, 120, 40), "a problem");
}

/// A small generator of numbers, always the same: fuzzing that a failed test can repeat.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}

#[test]
fn a_terminal_that_prints_anything_at_all_is_played_back_harmlessly() {
    let pieces: [&[u8]; 16] = [
        b"\x1b[",
        b"\x1b]0;",
        b"\x1bP",
        b"\x1b(0",
        b"\x1b[?1049h",
        b"\x1b[999999;999999H",
        b"\x1b[2J",
        b"\x1b[65535L",
        b"\x1b[65535P",
        b"\xe6\xbc\xa2",
        b"\xe2\x80\xae",
        b"\xff\xfe",
        b"\xcc\x81",
        b"\r\n",
        b"\x1b[1;1r",
        b"abc",
    ];
    let mut numbers = Numbers(0x5eed);
    for round in 0..200 {
        let mut bytes = Vec::new();
        for _ in 0..300 {
            let number = numbers.next();
            match number % 3 {
                0 => bytes.extend_from_slice(pieces[(number / 3 % 16) as usize]),
                1 => bytes.push((number / 3 % 256) as u8),
                _ => bytes.extend_from_slice(format!("{};{}m", number / 3 % 70_000, number / 7 % 300).as_bytes()),
            }
        }
        let mut state = story::incident_with(|rows| story::terminal_bytes(rows, 1_000, &bytes));
        state.apply(Action::Show(View::Terminal));
        state.apply(Action::Seconds(2));
        for (width, height) in [(20, 8), (80, 24), (120, 40)] {
            assert_harmless(&screen_text(&state, width, height), &format!("round {round}"));
        }
    }
}

#[test]
fn a_terminal_full_of_lines_stays_bounded_and_harmless() {
    let text = format!("{EVIL}\n").repeat(100_000);
    let mut state = story::incident_with(|rows| story::terminal(rows, 7_000, "top\n", &text));
    state.apply(Action::Find);
    "printed".chars().for_each(|ch| state.apply(Action::Type(ch)));
    state.apply(Action::Enter);
    state.apply(Action::Escape);
    state.focus = Focus::Detail;
    let mut told = false;
    for scroll in (0..4_000).step_by(10) {
        state.detail_scroll = scroll;
        let screen = screen_text(&state, 80, 60);
        assert_harmless(&screen, "terminal");
        told |= screen.contains("bytes more");
    }
    assert!(told, "what is left out is told");
}

#[test]
fn a_typed_or_filtered_text_is_harmless_too() {
    let mut state = evil();
    state.apply(Action::Find);
    EVIL.chars().for_each(|ch| state.apply(Action::Type(ch)));
    assert_harmless(&screen_text(&state, 80, 24), "prompt");
    state.apply(Action::Enter);
    assert_harmless(&screen_text(&state, 80, 24), "title");
}

#[test]
fn the_picture_is_well_formed_whatever_the_trace_says() {
    let svg = screen_svg(&evil(), 80, 24);
    assert_harmless(&svg, "svg");
    let mut story = story::incident_with(|rows| {
        story::file(rows, 1, who(6, 9107, "<b>&\"'"), "open", "/tmp/<script>alert(1)</script>&amp;]]>", 0);
    });
    story.apply(Action::Step(1));
    let svg = screen_svg(&story, 80, 24);
    assert!(!svg.contains("<script"), "{svg}");
    assert!(svg.contains("&lt;script&gt;"));
    assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"));
}

#[test]
fn impossible_times_do_not_stop_a_replay() {
    for (from, to, trigger) in
        [(i64::MIN, i64::MAX, 0), (i64::MAX, i64::MIN, i64::MIN), (0, 0, i64::MAX), (i64::MIN, i64::MIN, i64::MAX)]
    {
        let mut draft = Draft::new(About { from, to, trigger, ..story::about() });
        program(
            &mut draft,
            &Program { id: 1, process: 1, start: 9, end: Some(-9), code: Some(0), ..Program::default() },
        );
        let mut rows = draft.link_images();
        let sym = rows.sym("x");
        for time in [None, Some(i64::MIN), Some(-1), Some(i64::MAX)] {
            rows.row(time, who(1, 1, "x"), Row::Lifecycle(Lifecycle { op: sym, cgroup: sym, detail: None }));
        }
        rows.gap(Gap { class: sym, cause: sym, lost: Some(u64::MAX), from: i64::MAX, to: i64::MIN, own: true });
        rows.gap(Gap { class: sym, cause: sym, lost: Some(u64::MAX), from: i64::MIN, to: i64::MAX, own: true });
        let mut state = State::new(rows.finish());
        for action in [Action::First, Action::Seconds(10), Action::PlayOrPause, Action::Last, Action::Trigger] {
            state.apply(action);
            state.apply(Action::Tick(std::time::Duration::from_secs(u64::MAX)));
            for (width, height) in [(1, 1), (20, 8), (80, 24)] {
                screen_text(&state, width, height);
            }
        }
    }
}

#[test]
fn processes_that_descend_from_each_other_are_all_shown_once() {
    let mut draft = Draft::new(story::about());
    for (id, process, parent) in [(1, 1, 3), (2, 1, 4), (3, 2, 2), (4, 2, 1), (5, 5, 5)] {
        let pid = process as u32;
        program(&mut draft, &Program { id, process, parent: Some(parent), pid, start: -1_000, ..Program::default() });
    }
    let state = State::new(draft.link_images().finish());
    let mut seen: Vec<u32> = state.moment.rows.iter().map(|row| row.process).collect();
    seen.sort_unstable();
    assert_eq!(seen, [0, 1, 2]);
}

#[test]
fn a_very_deep_tree_and_a_very_long_line_are_drawn() {
    let mut draft = Draft::new(story::about());
    let long = format!("sh -c '{}'", "x ".repeat(1 << 20));
    for id in 1..3_000_u64 {
        program(
            &mut draft,
            &Program {
                id,
                process: id,
                parent: Some(id - 1),
                pid: id as u32,
                cmdline: &long,
                start: -2_000 + id as i64 / 3,
                ..Program::default()
            },
        );
    }
    let mut state = State::new(draft.link_images().finish());
    state.apply(Action::Last);
    assert_eq!(state.moment.rows.len(), 2_999);
    for focus in [Focus::Tree, Focus::Events, Focus::Detail] {
        state.focus = focus;
        state.apply(Action::Move(Move::Page(1)));
        assert!(screen_text(&state, 80, 24).contains("sh -c"));
    }
}

#[test]
fn every_size_of_screen_can_be_drawn() {
    let mut state = story::lossy();
    for overlay in [None, Some(Action::Palette), Some(Action::Escape), Some(Action::Help)] {
        if let Some(action) = overlay {
            state.apply(action);
        }
        for view in View::ALL {
            state.view = view;
            state.apply(Action::Tick(std::time::Duration::ZERO));
            for width in (0..30).chain(55..64).chain([100, 250]) {
                for height in 0..26 {
                    screen_text(&state, width, height);
                }
            }
        }
    }
}

/// Letters, and everything that does something to a terminal or to the order of letters.
fn attacks() -> impl Strategy<Value = String> {
    let sign = prop_oneof![
        any::<char>(),
        (0_u32..0xa0).prop_map(|code| char::from_u32(code).unwrap_or('x')),
        prop::sample::select(vec![
            '\u{202e}', '\u{200b}', '\u{2066}', '\u{feff}', '\u{301}', '\u{6f22}', '\u{1b}', '\n', '\t'
        ]),
    ];
    prop::collection::vec(sign, 0..40).prop_map(String::from_iter)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_names_are_and_terminals_say_no_view_shows_more_than_text(
        text in attacks(),
        bytes in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        let mut state = evil_with(&text, &bytes);
        for view in View::ALL {
            state.apply(Action::Show(view));
            for move_to in [Action::First, Action::Trigger, Action::Last] {
                state.apply(move_to);
                for (width, height) in [(20, 8), (80, 24), (130, 30)] {
                    assert_harmless(&screen_text(&state, width, height), &format!("{view:?} {width}x{height} {text:?}"));
                }
                let picture = screen_svg(&state, 80, 24);
                assert!(picture.chars().all(|ch| ch == '\n' || !ch.is_control()), "{view:?} {text:?}");
            }
        }
    }
}
