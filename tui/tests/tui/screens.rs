//! How it looks. Each snapshot was looked at by a person; `INSTA_UPDATE=always` writes them anew.

use crate::story;
use taffrail_trace::bundle::{Mismatch, Verdict};
use taffrail_tui::State;
use taffrail_tui::state::Action;

pub fn check(name: &str, state: &State, sizes: &[(u16, u16)]) {
    for (width, height) in sizes {
        snapshot(&format!("{name}_{width}x{height}"), &taffrail_tui::screen_text(state, *width, *height));
    }
}

pub fn snapshot(name: &str, text: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("../snapshots");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, text));
}

pub const ALL: &[(u16, u16)] = &[(20, 8), (80, 24), (120, 40)];

#[test]
fn the_incident_at_its_trigger() {
    let state = story::incident().with_verdict(Verdict::Intact(7));
    check("incident", &state, ALL);
}

#[test]
fn a_few_seconds_later() {
    let mut state = story::incident().with_verdict(Verdict::Intact(7));
    state.apply(Action::Seconds(2));
    for _ in 0..6 {
        state.apply(Action::Step(1));
    }
    check("later", &state, ALL);
}

#[test]
fn a_closer_look_at_the_strip() {
    let mut state = story::incident();
    state.apply(Action::Zoom(1));
    check("zoomed", &state, &[(20, 8), (80, 24)]);
}

#[test]
fn an_empty_bundle_says_so() {
    check("empty", &story::empty(), ALL);
}

#[test]
fn somebody_types_in_the_container() {
    let mut state = story::incident_with(|rows| {
        story::others(rows, 5_980, story::who(8, 9109, "sh"), "sample");
        story::terminal(rows, 6_000, "ls -l /srv\n", "total 8\ndrwxr-xr-x\t2 root\\e[01;34m www\\e[0m\n");
    });
    state.apply(Action::Find);
    "drwx".chars().for_each(|ch| state.apply(Action::Type(ch)));
    state.apply(Action::Enter);
    state.apply(Action::Escape);
    check("terminal", &state, ALL);
}

#[test]
fn a_lossy_bundle_says_what_is_missing() {
    let changed = Verdict::Altered(vec![Mismatch::Changed("events/file.parquet".to_owned())]);
    let mut state = story::lossy().with_verdict(changed);
    state.apply(Action::Seconds(-25));
    state.apply(Action::Find);
    "missing".chars().for_each(|ch| state.apply(Action::Type(ch)));
    state.apply(Action::Enter);
    let gap = state.selected;
    state.apply(Action::Escape);
    assert_eq!(state.selected, gap);
    check("lossy", &state, ALL);
}

#[test]
fn the_help_over_everything() {
    let mut state = story::incident();
    state.apply(Action::Help);
    check("help", &state, ALL);
}

#[test]
fn a_filter_is_named_where_it_filters() {
    let mut state = story::incident();
    state.apply(Action::Focus(false));
    state.apply(Action::Enter);
    state.apply(Action::Find);
    "tmp".chars().for_each(|ch| state.apply(Action::Type(ch)));
    check("typing", &state, ALL);
    state.apply(Action::Enter);
    check("filtered", &state, ALL);
}

#[test]
fn a_filter_that_nothing_passes_says_how_to_leave() {
    let mut state = story::incident();
    state.apply(Action::Find);
    "no such thing".chars().for_each(|ch| state.apply(Action::Type(ch)));
    state.apply(Action::Enter);
    check("nothing_found", &state, &[(80, 24)]);
}

#[test]
fn playing_says_so_and_tells_what_it_skips() {
    let mut state = story::incident();
    state.apply(Action::First);
    state.apply(Action::Step(6));
    state.apply(Action::Speed(1));
    state.apply(Action::PlayOrPause);
    for _ in 0..3 {
        state.apply(Action::Tick(std::time::Duration::from_millis(33)));
    }
    check("playing", &state, ALL);
}
