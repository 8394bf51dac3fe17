//! Moving through the events, and choosing which.

use crate::story::{self, Program, TRIGGER, at, program};
use taffrail_tui::State;
use taffrail_tui::state::draft::Draft;
use taffrail_tui::state::recording::{Body, Kind};
use taffrail_tui::state::{Action, Focus, Life, Move, summary};

fn line(state: &State) -> String {
    state.current().map(|event| summary::of(&event.recording, &event)).unwrap_or_default()
}

fn kinds(state: &State) -> Vec<Kind> {
    let mut kinds: Vec<Kind> = Vec::new();
    for event in state.visible.iter() {
        let kind = state.recording.events[event as usize].body.kind();
        if !kinds.contains(&kind) {
            kinds.push(kind);
        }
    }
    kinds
}

fn typed(state: &mut State, text: &str) {
    state.apply(Action::Find);
    text.chars().for_each(|ch| state.apply(Action::Type(ch)));
}

fn names(state: &State) -> Vec<(String, Life)> {
    let name = |image: u32| state.recording.text(state.recording.images[image as usize].comm).to_owned();
    state.moment.rows.iter().map(|row| (name(row.image), row.life)).collect()
}

#[test]
fn a_replay_opens_on_the_finding() {
    let state = story::incident();
    assert!(matches!(state.current().expect("an event").body, Body::Finding(_)));
    assert_eq!(state.at, TRIGGER);
    assert!(!state.playing);
}

#[test]
fn jump_to_trigger_selects_the_finding() {
    let mut state = story::incident();
    state.apply(Action::First);
    assert!(!matches!(state.current().expect("an event").body, Body::Finding(_)));
    state.apply(Action::Trigger);
    assert!(matches!(state.current().expect("an event").body, Body::Finding(_)));
}

#[test]
fn jump_to_trigger_without_its_finding_selects_what_came_last_before_it() {
    let mut state = story::incident();
    for _ in 0..2 {
        state.apply(Action::NextKind);
    }
    state.apply(Action::Trigger);
    assert_eq!(line(&state), "open /srv/www/upload.php");
}

#[test]
fn stepping_past_the_end_stays_on_the_last_event() {
    let mut state = story::incident();
    state.apply(Action::Last);
    let last = state.selected;
    state.apply(Action::Step(1));
    assert_eq!(state.selected, last);
    assert_eq!(line(&state), "container removed");
}

#[test]
fn stepping_before_the_beginning_stays_on_the_first_event() {
    let mut state = story::incident();
    state.apply(Action::First);
    state.apply(Action::Step(-1));
    assert_eq!(state.position(), Some(0));
}

#[test]
fn stepping_reaches_every_event_of_one_moment() {
    let mut state = story::incident();
    typed(&mut state, "curl");
    state.apply(Action::Enter);
    state.apply(Action::First);
    let mut seen = vec![state.selected];
    for _ in 1..state.visible.len() {
        state.apply(Action::Step(1));
        seen.push(state.selected);
    }
    seen.dedup();
    assert_eq!(seen.len(), state.visible.len());
}

#[test]
fn ten_seconds_back_moves_the_clock_and_not_the_events() {
    let mut state = story::incident();
    state.apply(Action::Seconds(-10));
    assert_eq!(state.at, at(-10_000));
    assert!(state.current().expect("an event").time <= state.at);
    state.apply(Action::Seconds(-1000));
    assert_eq!(state.at, state.recording.about.from);
}

#[test]
fn the_tree_shows_only_who_lives_at_the_playhead() {
    let mut state = story::incident();
    state.apply(Action::First);
    let alive: Vec<String> = names(&state).into_iter().map(|(name, _)| name).collect();
    assert_eq!(alive, ["systemd", "containerd-shim", "httpd", "httpd"]);
    state.apply(Action::Trigger);
    assert_eq!(names(&state).last(), Some(&("sh".to_owned(), Life::New)));
}

#[test]
fn a_process_that_just_ended_is_marked_and_then_gone() {
    let mut state = story::incident();
    typed(&mut state, "exit 0");
    state.apply(Action::Enter);
    state.apply(Action::Trigger);
    state.apply(Action::Step(1));
    assert!(names(&state).contains(&("curl".to_owned(), Life::Ended)), "{:?}", names(&state));
    state.apply(Action::Escape);
    state.apply(Action::Seconds(3));
    assert!(names(&state).iter().all(|(name, _)| name != "curl"));
    assert!(names(&state).contains(&("kworkerds".to_owned(), Life::Alive)));
}

#[test]
fn the_strip_looks_closer_around_the_playhead_and_never_beyond_the_window() {
    let mut state = story::incident();
    let whole = state.strip_range();
    assert_eq!(whole, (state.recording.about.from, state.recording.about.to));
    for _ in 0..3 {
        state.apply(Action::Zoom(1));
        let (from, to) = state.strip_range();
        assert!(from <= state.at && state.at <= to && from >= whole.0 && to <= whole.1);
        assert!(to - from < (whole.1 - whole.0) / 7);
    }
    state.apply(Action::Last);
    assert!(state.strip_range().1 <= whole.1);
    state.apply(Action::Zoom(-3));
    assert_eq!(state.strip_range(), whole);
}

#[test]
fn a_long_way_down_from_the_host_is_folded() {
    let mut draft = Draft::new(story::about());
    for id in 1..=9 {
        let inside = id > 7;
        program(
            &mut draft,
            &Program {
                id,
                process: id,
                parent: Some(id - 1),
                pid: id as u32,
                start: -60_000,
                inside,
                ..Program::default()
            },
        );
    }
    let state = State::new(draft.link_images().finish());
    let rows: Vec<(u32, u16, u16)> = state.moment.rows.iter().map(|row| (row.process, row.depth, row.folded)).collect();
    assert_eq!(rows, [(0, 0, 0), (6, 1, 5), (7, 2, 0), (8, 3, 0)]);
}

#[test]
fn an_orphan_hangs_on_its_nearest_living_ancestor() {
    let mut state = story::incident();
    state.apply(Action::Seconds(9));
    let rows = &state.moment.rows;
    let image = |row: &taffrail_tui::state::TreeRow| state.recording.images[row.image as usize];
    let miner = rows.iter().find(|row| image(row).pid == 9116).expect("the miner lives");
    let worker = rows.iter().find(|row| image(row).pid == 2251).expect("the worker lives");
    assert_eq!(miner.depth, worker.depth + 1);
}

#[test]
fn enter_in_the_tree_keeps_a_process_and_its_descendants() {
    let mut state = story::incident();
    state.apply(Action::Focus(false));
    assert_eq!(state.focus, Focus::Tree);
    state.apply(Action::Enter);
    let pids: Vec<Option<u32>> =
        state.visible.iter().map(|at| state.recording.actor(&state.recording.events[at as usize]).pid).collect();
    assert!(!pids.contains(&Some(2251)), "the shell's parent is not of its family");
    assert!(pids.contains(&Some(9116)), "the miner is a grandchild");
    state.apply(Action::Escape);
    assert!(state.filter.is_off());
    assert_eq!(state.visible.len(), state.recording.events.len());
}

#[test]
fn moving_in_the_tree_chooses_a_process() {
    let mut state = story::incident();
    state.apply(Action::Focus(false));
    state.apply(Action::Move(Move::Line(-1)));
    let chosen = state.tree_process().expect("a process");
    let row = state.moment.rows.iter().find(|row| row.process == chosen).expect("in the tree");
    assert_eq!(state.recording.images[row.image as usize].pid, 2251);
    state.apply(Action::Step(1));
    assert_eq!(state.tree_choice, None, "a step follows the events again");
}

#[test]
fn a_kind_filter_never_hides_a_gap() {
    let mut state = story::incident_with(|rows| {
        story::gap(rows, -30_000, -21_500, Some(1_204), true);
        story::others(rows, 4_000, story::who(8, 9109, "sh"), "x");
    });
    state.apply(Action::NextKind);
    assert_eq!(kinds(&state), [Kind::Gap, Kind::Process]);
    let rounds: [&[Kind]; 5] = [
        &[Kind::File],
        &[Kind::Network, Kind::Dns],
        &[Kind::Privilege, Kind::Kernel],
        &[Kind::Terminal],
        &[Kind::Finding],
    ];
    for expected in rounds {
        state.apply(Action::NextKind);
        let kinds = kinds(&state);
        assert_eq!(kinds.len(), expected.len() + 1, "{kinds:?}");
        assert!(kinds.contains(&Kind::Gap) && expected.iter().all(|kind| kinds.contains(kind)), "{kinds:?}");
    }
    state.apply(Action::NextKind);
    assert!(state.filter.is_off());
}

#[test]
fn a_text_is_found_in_summary_name_and_executable_whatever_its_case() {
    let mut state = story::incident();
    for (text, hit) in
        [("ETC/SHADOW", "open /etc/shadow: EACCES"), ("kworkerds", ""), ("/usr/bin/id", ""), ("3333", "")]
    {
        state.apply(Action::Escape);
        typed(&mut state, text);
        assert!(!state.visible.is_empty(), "{text}");
        state.apply(Action::Enter);
        if !hit.is_empty() {
            assert_eq!(line(&state), hit);
        }
    }
}

#[test]
fn a_text_is_found_in_what_was_printed_also_beyond_its_first_line() {
    let printed = format!("{}\nhunter2\n", "x".repeat(4_000));
    let mut state = story::incident_with(|rows| story::terminal(rows, 7_000, "cat pass\n", &printed));
    typed(&mut state, "hunter2");
    assert_eq!(state.visible.len(), 1);
    state.apply(Action::Enter);
    assert!(line(&state).starts_with("printed \"xxx") && line(&state).chars().count() < 140);
}

#[test]
fn forgetting_a_text_goes_back_to_where_one_was() {
    let mut state = story::incident();
    let before = (state.at, state.selected, state.visible.len());
    typed(&mut state, "removed");
    assert_ne!(state.selected, before.1);
    state.apply(Action::Escape);
    assert_eq!((state.at, state.selected, state.visible.len()), before);
}

#[test]
fn a_filter_that_nothing_passes_selects_nothing() {
    let mut state = story::incident();
    typed(&mut state, "no such thing");
    assert_eq!(state.selected, None);
    for action in [Action::Enter, Action::Step(1), Action::Step(-1), Action::First, Action::Last, Action::Trigger] {
        state.apply(action);
        assert_eq!(state.selected, None);
    }
    state.apply(Action::Escape);
    state.apply(Action::Trigger);
    assert!(state.selected.is_some());
}

#[test]
fn an_empty_bundle_can_be_walked_through() {
    let mut state = story::empty();
    for action in [
        Action::Step(1),
        Action::Last,
        Action::Trigger,
        Action::Seconds(10),
        Action::PlayOrPause,
        Action::Tick(std::time::Duration::from_secs(99)),
        Action::Focus(true),
        Action::Move(Move::Page(1)),
        Action::Focus(true),
        Action::Move(Move::Line(-1)),
        Action::Enter,
    ] {
        state.apply(action);
    }
    assert_eq!(state.selected, None);
}
