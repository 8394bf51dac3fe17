//! A recording that stays in its bundle shows what one in memory shows.

use crate::keys::{press, type_in};
use crossterm::event::KeyCode;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use taffrail_query::{Condition, Session, Sort};
use taffrail_trace::bundle::Bundle;
use taffrail_trace::fixture;
use taffrail_tui::state::recording::Body;
use taffrail_tui::state::{Action, Asker, KindFilter, Looking, Only, Shown, View, summary};
use taffrail_tui::{Bundles, State, load_cut, screen_text};

/// Opened in one piece, and in pages of a few events.
fn both(paths: &[PathBuf]) -> [State; 2] {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let session = Arc::new(runtime.block_on(Session::open(paths)).expect("a session"));
    let asker: Arc<dyn Asker> = Arc::new(Bundles(Arc::clone(&session)));
    let mut whole = load_cut(&session, usize::MAX, 1).expect("in one piece");
    let mut paged = load_cut(&session, 0, 19).expect("in pages");
    assert!(whole.timeline.reader().is_none() && paged.timeline.reader().is_some());
    assert!(paged.timeline.cuts().pages() > 3);
    paged.wait();
    (whole.asker, paged.asker) = (Some(Arc::clone(&asker)), Some(asker));
    [whole, paged]
}

fn samples() -> Vec<Vec<PathBuf>> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../sample-traces");
    let named = |name: &str| dir.join(format!("{name}.evidence.zip"));
    let all = std::fs::read_dir(&dir).expect("samples").flatten().map(|entry| entry.path());
    let bundles = all.filter(|path| path.to_string_lossy().ends_with(".evidence.zip"));
    let mut cases: Vec<Vec<PathBuf>> = bundles.map(|path| vec![path]).collect();
    let own = Box::leak(Box::new(tempfile::tempdir().expect("a directory")));
    let incident = fixture::write_incident(own.path());
    cases.push(vec![incident.clone()]);
    cases.push(vec![incident, named("reverse-shell")]);
    cases
}

/// An event, however long its page takes.
fn fetched(state: &mut State, number: u32) -> Shown {
    loop {
        state.timeline.begin_turn();
        if let Some(event) = state.timeline.fetch(number) {
            return event;
        }
    }
}

/// Every visible event in a line, with its time.
fn lines(state: &mut State) -> Vec<(i64, String)> {
    let visible: Vec<u32> = state.visible.iter().collect();
    let events = visible.into_iter().map(|number| fetched(state, number));
    events.map(|event| (event.time, summary::of(&event.recording, &event))).collect()
}

#[test]
fn pages_have_the_events_the_story_the_map_and_the_files_of_the_whole() {
    for paths in samples() {
        let [mut whole, mut paged] = both(&paths);
        assert_eq!(whole.recording.about.from, paged.recording.about.from);
        assert_eq!(whole.recording.about.to, paged.recording.about.to);
        assert_eq!((whole.at, whole.selected), (paged.at, paged.selected), "{paths:?}");
        assert_eq!(lines(&mut whole), lines(&mut paged), "{paths:?}");
        for view in View::ALL.into_iter().filter(|view| *view != View::Sql) {
            for move_to in [Action::First, Action::Trigger, Action::Last] {
                let screens = [&mut whole, &mut paged].map(|state| {
                    state.apply(Action::Show(view));
                    state.apply(move_to);
                    state.wait();
                    // The strip's heights are as if the events of a page were spread evenly.
                    let screen = screen_text(state, 120, 40);
                    let (top, body): (Vec<&str>, Vec<&str>) =
                        (screen.lines().take(3).collect(), screen.lines().skip(7).collect());
                    [top, body].concat().join("\n")
                });
                assert_eq!(screens[0], screens[1], "{paths:?} {view:?} {move_to:?}");
            }
        }
    }
}

#[test]
fn a_filter_finds_in_pages_what_it_finds_in_the_whole() {
    for paths in samples() {
        let mut states = both(&paths);
        let found = states.each_mut().map(|state| {
            let mut found = Vec::new();
            for text in ["tmp", "connect", "e", "no event has this"] {
                press(state, KeyCode::Char('f'));
                type_in(state, text);
                press(state, KeyCode::Enter);
                state.wait();
                found.push(lines(state));
                press(state, KeyCode::Esc);
                state.wait();
            }
            for only in [Only::Process, Only::File, Only::Address, Only::LedHere, Only::CameAfter] {
                state.apply(Action::Show(View::Timeline));
                state.apply(Action::Trigger);
                state.apply(Action::Only(only));
                state.wait();
                found.push(lines(state));
                press(state, KeyCode::Esc);
                state.wait();
            }
            while state.filter.kind != KindFilter::Finding {
                state.apply(Action::NextKind);
                state.wait();
                found.push(lines(state));
            }
            found
        });
        assert_eq!(found[0], found[1], "{paths:?}");
    }
}

#[test]
fn a_letter_more_stops_the_look_for_the_letters_before() {
    let [_, mut state] = both(&samples()[0]);
    press(&mut state, KeyCode::Char('f'));
    type_in(&mut state, "sh");
    assert!(
        state.progress().is_some_and(|progress| progress.what == Looking::Filter),
        "it is looked for in the background"
    );
    type_in(&mut state, "zzz");
    state.wait();
    assert!(state.visible.is_empty());
    press(&mut state, KeyCode::Esc);
    assert_eq!(state.visible.len(), state.timeline.len(), "without a filter everything is there at once");
}

#[test]
fn searching_and_stepping_find_the_same_events_in_pages() {
    for paths in samples() {
        let mut states = both(&paths);
        let stands = states.each_mut().map(|state| {
            let mut stands = Vec::new();
            press(state, KeyCode::Home);
            press(state, KeyCode::Char('/'));
            type_in(state, "o");
            press(state, KeyCode::Enter);
            state.wait();
            for key in "nnnnNnlllh]][".chars() {
                press(state, KeyCode::Char(key));
                state.wait();
                stands.push((state.at, state.selected));
            }
            stands
        });
        assert_eq!(stands[0], stands[1], "{paths:?}");
    }
}

#[test]
fn a_condition_lets_through_what_hunt_finds_and_what_is_missing() {
    for paths in samples() {
        for text in
            ["evt.type = connect", "proc.name in (sh, wget) and evt.type in (open, openat)", "fd.name startswith /tmp"]
        {
            let condition = Condition::parse(text).expect("a condition");
            let (mut met, mut asked) = (0, 0);
            for path in &paths {
                let bundle = Bundle::open(path).expect("a bundle");
                condition
                    .ask(&bundle, &mut |_, found| {
                        met += usize::from(found.is_some_and(|met| met.sort != Sort::Close));
                        true
                    })
                    .expect("asked");
            }
            let found = both(&paths).each_mut().map(|state| {
                press(state, KeyCode::Char('f'));
                type_in(state, text);
                press(state, KeyCode::Enter);
                assert!(state.prompt.is_none() && state.filter.conditions == [text]);
                state.wait();
                let lines = lines(state);
                // Of findings, ends of flows and gaps others than those that meet it pass too.
                let beside = |kind: &Body| matches!(kind, Body::Finding(_) | Body::FlowEnd(_) | Body::Gap(_));
                let numbers: Vec<u32> = state.visible.iter().collect();
                asked = numbers.into_iter().filter(|at| !beside(&fetched(state, *at).body)).count();
                state.apply(Action::DropChip);
                assert!(state.filter.is_off(), "the chip is taken off");
                lines
            });
            assert_eq!(found[0], found[1], "{text} {paths:?}");
            assert_eq!(asked, met, "{text} {paths:?}");
        }
    }
}

#[test]
fn a_condition_keeps_the_findings_on_what_meets_it_and_the_ends_of_its_flows() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../sample-traces");
    for state in &mut both(&[dir.join("reverse-shell.evidence.zip")]) {
        for text in ["evt.type = connect and proc.name = wget", "proc.name = nc"] {
            press(state, KeyCode::Char('f'));
            type_in(state, text);
            press(state, KeyCode::Enter);
            state.wait();
            let found = lines(state);
            let has = |text: &str| found.iter().any(|(_, line)| line.contains(text));
            assert!(has("close ") && has("received"), "{text}: {found:#?}");
            assert!(text != "proc.name = nc" || has("Netcat gives a program away"), "{found:#?}");
            press(state, KeyCode::Backspace);
            state.wait();
        }
    }
}

#[test]
fn completions_come_one_after_the_other_and_the_one_that_is_written_is_in_sight() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../sample-traces");
    let [mut state, _] = both(&[dir.join("reverse-shell.evidence.zip")]);
    press(&mut state, KeyCode::Char('f'));
    type_in(&mut state, "proc.");
    let all = state.prompt.as_ref().expect("a prompt").offered.clone();
    assert!(all.len() > 10);
    for word in all.iter().chain(&all[..1]) {
        press(&mut state, KeyCode::Tab);
        assert_eq!(&state.prompt.as_ref().expect("a prompt").text, word);
        let screen = screen_text(&state, 80, 24);
        assert!(screen.lines().last().is_some_and(|line| line.contains(word.as_str())), "{word}\n{screen}");
    }
    type_in(&mut state, " = ");
    assert_ne!(state.prompt.as_ref().expect("a prompt").offered, all, "a typed letter begins anew");
}

#[test]
fn a_condition_is_completed_and_a_fault_of_it_stands_under_its_place() {
    let [mut state, _] = both(&samples()[0]);
    press(&mut state, KeyCode::Char('f'));
    type_in(&mut state, "proc.na");
    assert!(screen_text(&state, 100, 30).contains("Tab: proc.name"), "{}", screen_text(&state, 100, 30));
    press(&mut state, KeyCode::Tab);
    assert_eq!(state.prompt.as_ref().expect("a prompt").text, "proc.name ");
    type_in(&mut state, "= runc and proc.nmae = x");
    let screen = screen_text(&state, 100, 30);
    let lines: Vec<&str> = screen.lines().collect();
    let (bar, fault) = (lines[28], lines[29]);
    let of = |line: &str, text: &str| line.find(text).map(|at| line[..at].chars().count());
    assert_eq!(of(bar, "proc.nmae"), of(fault, "^"), "{screen}");
    assert!(fault.contains("did you mean 'proc.name'"), "{screen}");
    press(&mut state, KeyCode::Enter);
    assert!(state.prompt.is_some(), "a fault is not taken");
    (0..8).for_each(|_| press(&mut state, KeyCode::Backspace));
    type_in(&mut state, "name = \"runc:[2:INIT]\"");
    state.wait();
    assert!(state.visible.len() < state.timeline.len() && screen_text(&state, 100, 30).contains("events"));
    press(&mut state, KeyCode::Esc);
    assert!(state.filter.is_off());
}
