//! From a bundle's bytes to the screen, through the query engine.

use std::path::PathBuf;
use taffrail_query::Session;
use taffrail_trace::fixture;
use taffrail_tui::state::recording::{Kind, Lost};
use taffrail_tui::state::{Action, summary};
use taffrail_tui::{State, TuiError, load, screen_text};

fn open(paths: &[PathBuf]) -> Result<State, TuiError> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(async { load(&Session::open(paths).await?).await })
}

fn incident() -> State {
    let dir = tempfile::tempdir().expect("a directory");
    open(&[fixture::write_incident(dir.path())]).expect("the fixture loads")
}

fn lines(state: &State) -> Vec<String> {
    state.recording.events.iter().map(|event| summary::of(&state.recording, event)).collect()
}

#[test]
fn every_kind_of_event_is_read_from_a_bundle() {
    let state = incident();
    let lines = lines(&state);
    for expected in [
        "container created",
        "exec httpd -f -p 8080",
        "listen [::]:8080",
        "open /etc/httpd.conf",
        "open /etc/httpd.d/extra.conf: ENOENT",
        "rename /tmp/.part -> /tmp/.x",
        "connect 127.0.0.1:4444: ECONNREFUSED",
        "connect 198.51.100.7:4444",
        "killed by SIGKILL",
        "exit 137",
    ] {
        assert!(lines.iter().any(|line| line == expected), "{expected} is not among {lines:#?}");
    }
    assert_eq!(state.recording.lost, Lost { own: 3, maybe: 0, unknown: false });
}

#[test]
fn every_row_of_the_evidence_is_an_event_or_an_image() {
    let state = incident();
    let (manifest, _) = fixture::incident();
    let rows = |name: &str| manifest.tables.iter().find(|table| table.name == name).map_or(0, |table| table.rows);
    let recording = &state.recording;
    assert_eq!(recording.images.len() as u64, rows("process"));
    assert_eq!(recording.files.len() as u64, rows("file"));
    assert_eq!(recording.flows.len() as u64, rows("network"));
    assert_eq!(recording.moments.len() as u64, rows("lifecycle"));
    assert_eq!(recording.findings.len() as u64, rows("finding"));
    assert_eq!(recording.gaps.len() as u64, rows("gap"));
}

#[test]
fn the_screen_of_a_bundle_opens_on_why_it_was_sealed() {
    let state = incident();
    assert_eq!(state.current().map(|event| event.body.kind()), Some(Kind::Finding));
    let screen = screen_text(&state, 120, 40);
    for expected in ["web", "registry.example/web:1.4", "on quay", "CRITICAL", "reverse_shell", "lost: 3"] {
        assert!(screen.contains(expected), "{expected} is not in\n{screen}");
    }
}

#[test]
fn a_hostile_name_in_a_bundle_does_not_reach_the_terminal() {
    let mut state = incident();
    state.apply(Action::First);
    for _ in 0..state.visible.len() {
        let screen = screen_text(&state, 120, 40);
        assert!(screen.chars().all(|ch| ch == '\n' || !ch.is_control()), "{screen:?}");
        state.apply(Action::Step(1));
    }
}

#[test]
fn two_bundles_at_once_are_refused() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = fixture::write_incident(dir.path());
    let refused = open(&[path.clone(), path]);
    assert!(matches!(refused, Err(TuiError::OneBundle(2))), "{:?}", refused.err());
}
