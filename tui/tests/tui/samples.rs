//! Every sample trace in every view at every size: what it looks like, and colours where they carry meaning. A sample is
//! opened once and has one snapshot.

use crate::colours::{GREEN, RED, cells, drawn};
use crate::keys::{press, type_in};
use crossterm::event::KeyCode;
use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color, Modifier};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use taffrail_query::Session;
use taffrail_tui::state::recording::{Kind, Lost, Severity};
use taffrail_tui::state::{ChangeRow, Deed, Edge, Life, MapRow, Palette, View};
use taffrail_tui::{Desk, State, load, screen_text, verdict, view};

const SIZES: [(u16, u16); 3] = [(20, 8), (80, 24), (120, 40)];
/// What the SQL view is asked; the same rows in the same order each time.
const QUESTION: &str = "select time, severity, rule, message from finding order by time, rule, message";

/// The samples, by name.
fn samples() -> Vec<PathBuf> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../sample-traces");
    let all = std::fs::read_dir(dir).expect("samples").flatten().map(|entry| entry.path());
    let mut bundles: Vec<PathBuf> = all.filter(|path| path.to_string_lossy().ends_with(".evidence.zip")).collect();
    bundles.sort();
    bundles
}

#[test]
fn every_sample_looks_in_every_view_as_it_was_looked_at_and_means_what_it_is_coloured() {
    let mut seen = Seen::default();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().expect("a runtime");
    for path in samples() {
        let session = Arc::new(runtime.block_on(Session::open(std::slice::from_ref(&path))).expect("a session"));
        let mut state = load(&session).expect("a sample");
        state.verdict = verdict(&session).expect("checked");
        let mut desk = Desk::new(session, runtime.handle().clone());
        let mut all = String::new();
        for (view, key) in View::ALL.into_iter().zip('1'..) {
            press(&mut state, KeyCode::Char(key));
            match view {
                // What was done by the end; before it, what is so at the trigger.
                View::Network => press(&mut state, KeyCode::End),
                View::Sql => ask(&mut state, &mut desk),
                _ => {}
            }
            for (width, height) in SIZES {
                let screen = screen_text(&state, width, height);
                writeln!(all, "== {} {width}x{height} ==\n{screen}", view.as_str()).expect("a line");
            }
            seen.look(&state, view);
        }
        let name = path.file_name().and_then(|name| name.to_str()).expect("a name");
        let name = name.strip_suffix(".evidence.zip").expect("a bundle");
        crate::screens::snapshot(&format!("trace_{name}"), &all);
    }
    seen.assert_nothing_was_passed_over();
}

/// Asks with keys, and waits for the answer. How long it took is no part of how it looks.
fn ask(state: &mut State, desk: &mut Desk) {
    state.sql.editor.clear();
    type_in(state, QUESTION);
    press(state, KeyCode::Enter);
    let began = Instant::now();
    while state.sql.running {
        assert!(began.elapsed() < Duration::from_secs(60), "an answer comes");
        desk.serve(state);
        std::thread::sleep(Duration::from_millis(2));
    }
    let mut answer = state.sql.rows().expect("an answer").clone();
    answer.took = Duration::ZERO;
    state.sql.answered(Ok(answer));
}

/// How often each colour was looked at: a promise about what no sample has would be none.
#[derive(Debug, Default)]
struct Seen {
    severities: usize,
    losses: usize,
    strip_findings: usize,
    told_findings: usize,
    new_processes: usize,
    edges: usize,
    made: usize,
    removed: usize,
    typed: usize,
}

impl Seen {
    /// Looks at a view on a large dark screen.
    fn look(&mut self, state: &State, view: View) {
        let buffer = drawn(state, 120, 40, Palette::Dark);
        self.header(state, &buffer);
        self.strip(state, &buffer);
        match view {
            View::Story => self.story(state, &buffer),
            View::Processes => self.processes(state, &buffer),
            View::Network => self.network(state, &buffer),
            View::Files => self.files(state, &buffer),
            View::Terminal => self.terminal(state, &buffer),
            View::Timeline | View::Sql => {}
        }
    }

    fn header(&mut self, state: &State, buffer: &Buffer) {
        let severity = state.alarm.map_or(state.recording.about.severity, |alarm| alarm.severity);
        let (word, colour) = match severity {
            Severity::Critical => (" CRITICAL ", RED),
            Severity::Warning => (" WARNING ", Color::Indexed(172)),
            Severity::Info => (" INFO ", Color::Indexed(68)),
        };
        let severity = buffer.cell((1, 1)).expect("a cell");
        assert_eq!(severity.symbol(), &word[1..2]);
        assert!(severity.fg == colour && severity.modifier.contains(Modifier::REVERSED), "{severity:?}");
        let lost = cells(buffer, "lost: ");
        let colour = if state.recording.lost == Lost::default() { GREEN } else { RED };
        assert!(!lost.is_empty() && lost.iter().all(|cell| cell.fg == colour), "{lost:?}");
        self.severities += 1;
        self.losses += lost.len();
    }

    fn strip(&mut self, state: &State, buffer: &Buffer) {
        let strip = view::strip_area(state, buffer.area);
        for place in strip.positions() {
            let cell = buffer.cell(place).expect("a cell");
            if matches!(cell.symbol(), "!" | "\u{2591}") {
                assert_eq!(cell.fg, RED, "{place:?}");
                self.strip_findings += usize::from(cell.symbol() == "!");
            }
        }
    }

    fn story(&mut self, state: &State, buffer: &Buffer) {
        for sentence in state.story.iter().filter(|sentence| sentence.kind == Kind::Finding) {
            let begin: String = sentence.text.chars().take(40).collect();
            for cell in cells(buffer, &format!("! {begin}")).into_iter().filter(|cell| !is_bar(cell)) {
                assert_eq!(cell.fg, RED, "{begin}");
                self.told_findings += 1;
            }
        }
    }

    fn processes(&mut self, state: &State, buffer: &Buffer) {
        for row in &state.moment.rows {
            let image = &state.recording.images[row.image as usize];
            let name = format!("{} {} new", state.recording.text(image.comm), image.pid);
            for cell in cells(buffer, &name).into_iter().filter(|cell| !is_bar(cell)) {
                assert_eq!((row.life, cell.fg), (Life::New, GREEN), "{name}");
                self.new_processes += 1;
            }
        }
    }

    fn network(&mut self, state: &State, buffer: &Buffer) {
        let label_of = |edge: &Edge| {
            let gap = if edge.port.is_empty() { "" } else { " " };
            format!(" {}{gap}{} ", edge.protocol, edge.port)
        };
        for row in &state.map.list.rows {
            let MapRow::Edge { edge, .. } = row else { continue };
            let label = label_of(&state.map.edges[*edge]);
            for cell in cells(buffer, &label).into_iter().filter(|cell| !is_bar(cell)) {
                let open = cell.fg == GREEN;
                let dead = cell.modifier.contains(Modifier::CROSSED_OUT);
                // Several edges can have one label: each of them has a colour that one of them means.
                let same = state.map.edges.iter().filter(|one| label_of(one) == label);
                let mut same = same.map(|one| (one.open > 0, one.open == 0 && one.failed == one.flows));
                assert!(same.any(|meant| meant == (open, dead)), "{label}: {cell:?}");
                self.edges += 1;
            }
        }
    }

    fn files(&mut self, state: &State, buffer: &Buffer) {
        for row in &state.changes.list.rows {
            let ChangeRow::File(at) = row else { continue };
            let change = &state.changes.files[*at];
            let name = state.changes.text(change.path).rsplit('/').next().unwrap_or_default();
            let (sign, is_made) = match change.deed {
                Deed::Made => ("+", true),
                Deed::Named => ("\u{2190}", true),
                Deed::Removed => ("-", false),
                _ => continue,
            };
            for cell in cells(buffer, &format!("{sign} {name}  ")).into_iter().filter(|cell| !is_bar(cell)) {
                let as_meant = if is_made { cell.fg == GREEN } else { cell.modifier.contains(Modifier::CROSSED_OUT) };
                assert!(as_meant, "{sign} {name}: {cell:?}");
                *(if is_made { &mut self.made } else { &mut self.removed }) += 1;
            }
        }
    }

    fn terminal(&mut self, state: &State, buffer: &Buffer) {
        let Some(session) = state.session().and_then(|at| state.sessions.get(at)) else { return };
        for stretch in session.stretches.iter().filter(|stretch| stretch.typed && stretch.data.ends_with(b"\n")) {
            let text = String::from_utf8_lossy(&stretch.data);
            let text = text.trim_end();
            for cell in cells(buffer, text).into_iter().filter(|_| text.len() > 3) {
                assert_eq!(cell.fg, Color::Indexed(136), "{text}");
                self.typed += 1;
            }
        }
    }

    fn assert_nothing_was_passed_over(&self) {
        let told = format!("{self:?}");
        assert!(!told.contains(": 0"), "a colour was never looked at: {told}");
    }
}

/// The line that the focused pane stands on has one colour throughout.
fn is_bar(cell: &Cell) -> bool {
    cell.modifier.contains(Modifier::REVERSED)
}
