//! From a bundle's bytes to the screen, through the query engine.

use crate::keys::{press, type_in};
use crossterm::event::KeyCode;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};
use taffrail_query::Session;
use taffrail_trace::fixture;
use taffrail_tui::state::recording::{Kind, Lost};
use taffrail_tui::state::{Action, View, summary};
use taffrail_tui::{Case, Desk, State, TuiError, load, screen_text};

fn open(paths: &[PathBuf]) -> Result<State, TuiError> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    load(&runtime.block_on(Session::open(paths))?)
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
        "killed by SIGKILL",
        "exit 137",
        "io /tmp/.part  read 0 B, wrote 1.5 MB",
        "open /etc/passwd (rewritten from /etc/motd)",
        "symlink /var/tmp/.c/log -> /dev/null",
        "chown /var/tmp/.c owner 33",
        "truncate /var/log/httpd.log to 0 B",
        "setxattr /var/tmp/.c security.capability: EPERM",
        "connect udp 172.17.0.1:53",
        "connect 198.51.100.7:4444 for beacon.example",
        "connect unix /var/run/docker.sock: ENOENT",
        "socket raw",
        "query A beacon.example",
        "response A beacon.example: 198.51.100.7",
        "setresuid uid 0, effective 0, saved 0",
        "unshare CLONE_NEWUSER: EPERM",
        "ptrace PTRACE_ATTACH pid 1: EPERM",
        "mount type ext4 /dev/sda1 -> /mnt: EPERM",
        "exec sh (from outside)",
        "typed \"id\n\"",
        "container entered: sh (5020) by dockerd (800)",
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
    assert_eq!((recording.files.len() + recording.ios.len()) as u64, rows("file"));
    assert_eq!(recording.messages.len() as u64, rows("dns"));
    assert_eq!(recording.calls.len() as u64, rows("privilege") + rows("kernel"));
    assert_eq!(recording.terminal.len() as u64, rows("terminal"));
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
fn the_detail_tells_what_the_list_has_no_room_for() {
    let mut state = incident();
    for (text, expected) in [
        ("rewritten from", vec!["began as", "/etc/motd", "(not from the image)", "abababab"]),
        ("beacon.example: 198", vec!["answers", "code NOERROR", "remote 172.17.0.1:53"]),
        ("unshare", vec!["result EPERM (-1)", "euid after 0", "after it", "net_raw"]),
        (
            "uid=0(root)",
            vec!["| uid=0(root) gid=0(root)", "| / #", "tty pts/0", "sent by dockerd 800", "login uid 1000"],
        ),
        ("/var/log/wtmp", vec!["result never known", "made as io_uring"]),
    ] {
        state.apply(Action::Find);
        text.chars().for_each(|ch| state.apply(Action::Type(ch)));
        state.apply(Action::Enter);
        let screen = screen_text(&state, 160, 60);
        for expected in expected {
            assert!(screen.contains(expected), "{expected} is not in\n{screen}");
        }
        state.apply(Action::Escape);
    }
}

#[test]
fn a_bundle_of_format_1_replays() {
    let old = concat!(env!("CARGO_MANIFEST_DIR"), "/../query/tests/old/format-1.evidence.zip");
    let mut state = open(&[PathBuf::from(old)]).expect("an old bundle loads");
    assert!(state.recording.calls.is_empty() && state.recording.terminal.is_empty());
    for action in [Action::First, Action::Last, Action::Trigger] {
        state.apply(action);
        let screen = screen_text(&state, 120, 40);
        assert!(screen.contains("detail") && !screen.contains("powers"), "{screen}");
    }
}

#[test]
fn two_bundles_of_one_container_and_time_are_refused() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = fixture::write_incident(dir.path());
    let refused = open(&[path.clone(), path]);
    assert!(matches!(refused, Err(TuiError::Overlap(_))), "{:?}", refused.err());
}

fn sample() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../sample-traces/reverse-shell.evidence.zip")
}

#[test]
fn bundles_of_two_containers_stand_on_one_time_line() {
    let dir = tempfile::tempdir().expect("a directory");
    let incident = fixture::write_incident(dir.path());
    let alone = [open(&[incident.clone()]).expect("one"), open(&[sample()]).expect("the other")];
    let both = open(&[incident, sample()]).expect("both");
    let events = |state: &State| state.recording.events.len();
    assert_eq!(events(&both), alone.iter().map(events).sum::<usize>());
    let about = &both.recording.about;
    assert_eq!(about.containers, 2);
    for one in &alone {
        let of = &one.recording.about;
        assert!(about.from <= of.from && about.to >= of.to && about.container.contains(&of.container));
    }
    assert!(both.recording.events.is_sorted_by_key(|event| event.time));
    let screen = screen_text(&both, 140, 40);
    assert!(screen.contains(" + "), "{screen}");
}

/// The README's questions, asked of the sample with keys alone.
#[test]
fn the_sample_answers_what_a_newcomer_asks() {
    let mut state = open(&[sample()]).expect("the sample");
    press(&mut state, KeyCode::Char('1'));
    press(&mut state, KeyCode::End);
    let story: String = state.story.iter().map(|sentence| format!("{}\n", sentence.text)).collect();
    for wanted in [
        "its input and output a connection to 127.0.0.1:",
        "httpd",
        " was given `wget 127.0.0.1 ",
        " was given `cat /etc/shadow` over a connection",
        "opened /etc/shadow",
        "/tmp/.update executable",
        "moved /tmp/.update to /var/tmp/.cache",
        "made while this was recorded",
    ] {
        assert!(story.contains(wanted), "{wanted}\n{story}");
    }
    press(&mut state, KeyCode::Char('6'));
    let seen = screen_text(&state, 120, 40);
    for wanted in ["uid=0(root) gid=0(root)", "root:*:19000:0:99999:7:::", "mv /tmp/.update /var/tmp/.cache", "exit"] {
        assert!(seen.contains(wanted), "{wanted}\n{seen}");
    }
    press(&mut state, KeyCode::Char('5'));
    let files = screen_text(&state, 120, 40);
    assert!(files.contains("/var/tmp") && files.contains(".cache"), "{files}");
    assert!(files.contains("lost: 0"), "nothing is missing:\n{files}");
}

#[test]
fn a_question_in_sql_is_answered_on_another_thread_and_leads_to_a_moment() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().expect("a runtime");
    let session = Arc::new(runtime.block_on(Session::open(&[sample()])).expect("a session"));
    let mut state = load(&session).expect("the sample");
    let mut desk = Desk::new(session, runtime.handle().clone());
    state.sql.relations = runtime.block_on(desk.relations()).expect("tables").into();
    let mut ask = |state: &mut State, question: &str| {
        state.apply(Action::Show(View::Sql));
        state.sql.editing = true;
        state.sql.editor.clear();
        type_in(state, question);
        press(state, KeyCode::Enter);
        let began = Instant::now();
        while state.sql.running {
            assert!(began.elapsed() < Duration::from_secs(60), "an answer comes");
            desk.serve(state);
            std::thread::sleep(Duration::from_millis(5));
        }
    };
    ask(&mut state, "select cmdline, start_time from process where stdin like 'inet%' order by time limit 1");
    let answer = state.sql.rows().expect("an answer");
    assert_eq!((answer.columns.join(" "), answer.rows.len()), ("cmdline start_time".to_owned(), 1));
    assert_eq!(answer.rows[0][0], "sh -i");
    let time = answer.times[0].expect("a time");
    press(&mut state, KeyCode::Enter);
    assert_eq!(state.at, time);
    ask(&mut state, "select nothing from nowhere");
    assert!(matches!(&state.sql.answer, Some(Err(problem)) if problem.contains("nowhere")), "{:?}", state.sql.answer);
    ask(&mut state, "select 1 as one where false");
    assert_eq!(state.sql.rows().expect("an answer").columns, ["one"]);
    // Of an answer that nobody reads to its end the first rows are kept, and all are counted.
    ask(&mut state, "select value as v from range(3000000) order by v");
    let answer = state.sql.rows().expect("an answer");
    assert_eq!((answer.rows.len(), answer.total, answer.rows[9_999][0].as_str()), (10_000, 3_000_000, "9999"));
    let seen = screen_text(&state, 120, 40);
    assert!(seen.contains(" rows, the first 10"), "{seen}");
    ask(&mut state, "select repeat('x', 4000) as a, repeat('y', 4000) as b from range(20000)");
    let answer = state.sql.rows().expect("an answer");
    assert_eq!((answer.rows.len(), answer.total), ((64 << 20) / 8_000 + 1, 20_000));
}

#[test]
fn notes_are_beside_the_bundle_and_never_overwrite_what_they_cannot_read() {
    let dir = tempfile::tempdir().expect("a directory");
    let bundle = dir.path().join("x.evidence.zip");
    let case = Case::of(&bundle);
    assert!(case.read().expect("no file, no notes").notes.is_empty());
    let mut state = crate::story::incident();
    press(&mut state, KeyCode::Char('e'));
    type_in(&mut state, "look #here");
    press(&mut state, KeyCode::Enter);
    case.keep(&mut state);
    let read = Case::of(&bundle).read().expect("notes");
    assert_eq!(read.notes, state.notes.notes);
    press(&mut state, KeyCode::Char('E'));
    case.keep(&mut state);
    let markdown = std::fs::read_to_string(dir.path().join("x.evidence.zip.notes.md")).expect("a document");
    assert!(markdown.contains("look #here"), "{markdown}");
    std::fs::write(case.path(), "{").expect("damage");
    assert!(matches!(case.read(), Err(TuiError::Notes { .. })));
}
