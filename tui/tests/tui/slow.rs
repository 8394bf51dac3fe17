//! Bundles that are slow to read, cannot be read to their end, or are in no order: nothing waits for them, and no view
//! says that something did not happen before all has been read.

#[path = "../../examples/bench/busy.rs"]
mod busy;

use crate::keys::{press, type_in};
use crossterm::event::KeyCode;
use std::ops::Range;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};
use taffrail_query::Session;
use taffrail_tui::state::recording::Recording;
use taffrail_tui::state::{Extent, Looking, Reader, View, summary, words};
use taffrail_tui::{State, TuiError, load_cut, screen_text};

/// Reads pages below a limit; who wants others waits until it is raised.
#[derive(Debug)]
struct Gate {
    inner: Arc<dyn Reader>,
    limit: Mutex<usize>,
    raised: Condvar,
    /// Beyond the limit nobody waits: it cannot be read.
    fails: bool,
}

impl Gate {
    fn raise(&self, limit: usize) {
        *self.limit.lock().expect("the limit") = limit;
        self.raised.notify_all();
    }
}

impl Reader for Gate {
    fn read(&self, pages: Range<usize>) -> Result<Arc<Recording>, String> {
        let mut limit = self.limit.lock().expect("the limit");
        while *limit < pages.end {
            if self.fails {
                return Err("the disk is gone".to_owned());
            }
            limit = self.raised.wait(limit).expect("the limit");
        }
        self.inner.read(pages)
    }
}

fn session(path: &Path) -> Session {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(Session::open(&[path.to_owned()])).expect("a session")
}

/// A sample in one piece, and in pages of so many events, of which none can be read yet. A scan reads 32 at once.
fn gated(sample: &str, page: usize, fails: bool) -> (State, State, Arc<Gate>) {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../sample-traces");
    let session = session(&dir.join(format!("{sample}.evidence.zip")));
    let whole = load_cut(&session, usize::MAX, 1).expect("in one piece");
    let paged = load_cut(&session, 0, page).expect("in pages");
    assert!(paged.timeline.cuts().pages() > 33, "more than one run");
    let inner = Arc::clone(paged.timeline.reader().expect("a reader"));
    let gate = Arc::new(Gate { inner, limit: Mutex::new(0), raised: Condvar::new(), fails });
    let reader: Arc<dyn Reader> = Arc::clone(&gate) as Arc<dyn Reader>;
    let gated = State::paged((*paged.recording).clone(), Arc::clone(paged.timeline.cuts()), reader);
    (whole, gated, gate)
}

/// Looks again and again until something is so.
fn until(state: &mut State, what: &str, is_so: impl Fn(&State) -> bool) {
    let began = Instant::now();
    while !is_so(state) {
        assert!(began.elapsed() < Duration::from_secs(60), "{what}:\n{}", screen_text(state, 120, 40));
        state.catch_up();
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// What no view may say before everything has been read.
const ABSENCES: [&str; 11] = [
    "Nobody used",
    "Nobody has talked",
    "No file has been",
    "Nothing that stands out",
    "The story tells none",
    "The story does not tell",
    "No event passes",
    "Nothing was typed",
    "no event passes",
    "no events in",
    "before the first event",
];

fn assert_claims_nothing(state: &mut State) {
    for key in '1'..='6' {
        press(state, KeyCode::Char(key));
        state.catch_up();
        for (width, height) in [(20, 8), (80, 24), (120, 40)] {
            let screen = screen_text(state, width, height);
            let joined = screen.replace('\n', " ");
            let said = ABSENCES.iter().find(|absence| joined.contains(**absence));
            assert_eq!(said, None, "{key}\n{screen}");
        }
    }
}

#[test]
fn while_the_recording_is_read_no_view_says_that_something_did_not_happen() {
    let (_, mut state, _gate) = gated("reverse-shell", 2, false);
    assert_claims_nothing(&mut state);
    assert!(screen_text(&state, 120, 40).contains("is being read"), "{}", screen_text(&state, 120, 40));
    press(&mut state, KeyCode::Char('f'));
    type_in(&mut state, "sh");
    press(&mut state, KeyCode::Enter);
    assert_claims_nothing(&mut state);
    press(&mut state, KeyCode::Char(']'));
    assert!(state.notice.as_deref().is_some_and(|notice| notice.ends_with("so far")), "{:?}", state.notice);
}

#[test]
fn a_recording_that_cannot_be_read_to_its_end_says_so_in_place_of_what_is_missing() {
    let (_, mut state, _gate) = gated("reverse-shell", 2, true);
    until(&mut state, "the scan ends", |state| state.extent(View::Network) == Extent::Cut);
    assert!(state.notice.as_deref().is_some_and(|notice| notice.contains("the disk is gone")), "{:?}", state.notice);
    assert_claims_nothing(&mut state);
    assert!(screen_text(&state, 120, 40).contains("could not be read to its end"));
    assert!(!state.waits(), "nobody tries again and again");
}

#[test]
fn keys_do_not_wait_for_pages_and_come_to_where_they_lead_once_these_are_read() {
    let far = [KeyCode::Home, KeyCode::End, KeyCode::Char('t'), KeyCode::Char('{')];
    let near = [KeyCode::Right, KeyCode::Left, KeyCode::Char('l'), KeyCode::Char('j')];
    let (mut whole, mut paged, gate) = gated("day-in-the-life", 4, false);
    gate.raise(usize::MAX);
    paged.wait();
    for first in far {
        for then in near {
            gate.raise(0);
            for state in [&mut whole, &mut paged] {
                press(state, KeyCode::Char('2'));
                // Nothing can be read that is not there: a key that waited for it would never come back.
                [first, then, then].into_iter().for_each(|key| press(state, key));
                screen_text(state, 80, 24);
            }
            gate.raise(usize::MAX);
            paged.wait();
            // A moment is settled before a step goes on from there.
            if first != KeyCode::Char('{') {
                assert_eq!((whole.at, whole.selected), (paged.at, paged.selected), "{first:?} {then:?}");
            }
            assert!(!paged.is_coming() && paged.current().is_some(), "{first:?} {then:?}");
        }
    }
    gate.raise(0);
    for state in [&mut whole, &mut paged] {
        press(state, KeyCode::End);
        press(state, KeyCode::Char('{'));
    }
    gate.raise(usize::MAX);
    paged.wait();
    assert_eq!((whole.at, whole.selected), (paged.at, paged.selected), "ten seconds back");
}

#[test]
fn the_map_the_files_and_the_terminal_show_what_there_is_so_far() {
    let pages = gated("reverse-shell", 2, false).1.timeline.cuts().pages();
    for (key, view) in [('4', View::Network), ('5', View::Files), ('6', View::Terminal)] {
        let (mut whole, mut state, gate) = gated("reverse-shell", 2, false);
        press(&mut state, KeyCode::End);
        press(&mut state, KeyCode::Char(key));
        // All runs but the last.
        gate.raise((pages - 1) / 32 * 32);
        let is_there = |state: &State| match view {
            View::Network => !state.map.edges.is_empty(),
            View::Files => !state.changes.files.is_empty(),
            _ => !state.sessions.is_empty(),
        };
        let has_any = {
            press(&mut whole, KeyCode::End);
            press(&mut whole, KeyCode::Char(key));
            is_there(&whole)
        };
        assert!(has_any, "the sample has something to show in {view:?}");
        until(&mut state, "something is there before all is read", |state| {
            is_there(state) || state.extent(view) != Extent::SoFar
        });
        assert_eq!(state.extent(view), Extent::SoFar, "{view:?}");
        let screen = screen_text(&state, 120, 40);
        assert!(screen.contains(" so far") && screen.contains("% read"), "{screen}");
        gate.raise(usize::MAX);
        state.wait();
        press(&mut state, KeyCode::End);
        assert!(!screen_text(&state, 120, 40).contains(" so far"));
    }
}

#[test]
fn bytes_that_a_terminal_lacks_are_counted_so_far_until_all_is_read() {
    let (whole, mut state, gate) = gated("host-mount", 2, false);
    // All runs but the last.
    gate.raise((state.timeline.cuts().pages() - 1) / 32 * 32);
    until(&mut state, "some of it is there", |state| state.unkept() > 0);
    let number = words::bytes(state.unkept());
    for (width, text) in [
        (120, format!("{number} not kept so far")),
        (60, format!("{number} not kept so far")),
        (20, format!("+{number}+")),
    ] {
        let screen = screen_text(&state, width, 40);
        assert!(screen.lines().next().is_some_and(|header| header.contains(&text)), "{text}\n{screen}");
    }
    gate.raise(usize::MAX);
    state.wait();
    assert_eq!(state.unkept(), whole.unkept());
    assert!(!screen_text(&state, 120, 40).contains("so far"));
}

#[test]
fn a_search_goes_on_in_the_background_tells_how_far_it_is_and_is_stopped_with_escape() {
    let (mut whole, mut state, gate) = gated("reverse-shell", 2, false);
    for state in [&mut whole, &mut state] {
        press(state, KeyCode::Home);
        press(state, KeyCode::Char('/'));
        type_in(state, "/var/tmp/.cache");
        press(state, KeyCode::Enter);
    }
    whole.wait();
    let searched = |state: &State| state.progress().is_some_and(|progress| progress.what == Looking::Search);
    assert!(searched(&state) && screen_text(&state, 120, 40).contains("searched"), "{}", screen_text(&state, 120, 40));
    press(&mut state, KeyCode::Esc);
    assert!(!searched(&state) && screen_text(&state, 120, 40).contains("the search is stopped"));
    press(&mut state, KeyCode::Char('n'));
    assert!(searched(&state));
    gate.raise(usize::MAX);
    state.wait();
    assert_eq!((whole.at, whole.selected), (state.at, state.selected));
    let line = state.current().map(|event| summary::of(&event.recording, &event)).expect("an event");
    assert!(line.contains("/var/tmp/.cache"), "{line}");
}

#[test]
fn rows_in_no_order_are_sorted_where_they_are_few_and_refused_where_they_are_many() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("disorder.evidence.zip");
    busy::write(400, &path, |number| if number == 200 { 3 } else { number }).expect("a bundle");
    let session = session(&path);
    let state = load_cut(&session, usize::MAX, 64).expect("few enough");
    assert!(state.recording.events.is_sorted_by_key(|event| event.time));
    let refused = load_cut(&session, 100, 64);
    assert!(matches!(refused, Err(TuiError::Disorder { .. })), "{:?}", refused.err());
}

#[test]
fn more_events_of_one_moment_than_can_be_one_page_are_refused() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("moment.evidence.zip");
    busy::write(140_000, &path, |_| 7).expect("a bundle");
    let refused = load_cut(&session(&path), 1_000, 64);
    assert!(matches!(refused, Err(TuiError::TooLarge { what: "one moment", .. })), "{:?}", refused.err());
    let message = refused.err().map(|problem| problem.to_string()).unwrap_or_default();
    assert!(message.contains("taffrail query"), "{message}");
}
