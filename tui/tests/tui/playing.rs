//! The passing of time.

use crate::story::{self, at};
use std::time::Duration;
use taffrail_tui::State;
use taffrail_tui::state::Action;

/// Playing from the first event, nothing skipped.
fn playing() -> State {
    let mut state = story::incident();
    state.apply(Action::First);
    state.apply(Action::SkipIdle);
    state.apply(Action::PlayOrPause);
    state
}

#[test]
fn playing_at_2x_moves_twice_as_far() {
    let mut once = playing();
    let start = once.at;
    once.apply(Action::Tick(Duration::from_millis(100)));
    let mut twice = playing();
    twice.apply(Action::Speed(1));
    twice.apply(Action::Tick(Duration::from_millis(100)));
    assert_eq!(once.at - start, 100_000_000);
    assert_eq!(twice.at - start, 200_000_000);
}

#[test]
fn speed_stays_between_a_tenth_and_a_thousand() {
    let mut state = playing();
    for _ in 0..20 {
        state.apply(Action::Speed(1));
    }
    assert_eq!(state.speed.as_str(), "1000x");
    for _ in 0..20 {
        state.apply(Action::Speed(-1));
    }
    assert_eq!(state.speed.as_str(), "0.1x");
}

#[test]
fn the_selection_follows_the_playhead() {
    let mut state = playing();
    state.apply(Action::Tick(Duration::from_millis(20)));
    let event = state.current().expect("an event");
    let next = &state.recording.events[state.selected.expect("selected") as usize + 1];
    assert!(event.time <= state.at && next.time > state.at);
}

#[test]
fn a_paused_clock_stands() {
    let mut state = playing();
    state.apply(Action::PlayOrPause);
    let before = state.at;
    state.apply(Action::Tick(Duration::from_secs(5)));
    assert_eq!(state.at, before);
}

#[test]
fn a_step_by_hand_stops_the_clock() {
    let mut state = playing();
    state.apply(Action::Step(1));
    assert!(!state.playing);
}

#[test]
fn an_idle_stretch_is_jumped_over_and_the_jump_is_told() {
    let mut state = playing();
    state.apply(Action::SkipIdle);
    // The first request is over after 80 ms; the next comes six seconds after the first.
    state.apply(Action::Tick(Duration::from_millis(2_200)));
    state.apply(Action::Tick(Duration::from_millis(100)));
    let skip = state.skipped.expect("a jump");
    assert!(skip.ns > 1_000_000_000);
    assert!(state.at < at(-50_000), "it lands a little before the next event");
    assert!(state.at > at(-51_000));
}

#[test]
fn playing_ends_at_the_windows_end_and_starts_over_from_there() {
    let mut state = playing();
    state.apply(Action::Tick(Duration::from_secs(3600)));
    assert!(!state.playing);
    assert_eq!(state.at, at(10_000));
    state.apply(Action::PlayOrPause);
    assert_eq!(state.at, at(-58_000));
    assert!(state.playing);
}

#[test]
fn playing_passes_only_events_that_the_filter_lets_pass() {
    let mut state = story::incident();
    state.apply(Action::NextKind);
    state.apply(Action::First);
    state.apply(Action::PlayOrPause);
    for _ in 0..400 {
        state.apply(Action::Tick(Duration::from_millis(33)));
        if let Some(selected) = state.selected {
            assert!(state.visible.contains(selected));
        }
    }
}
