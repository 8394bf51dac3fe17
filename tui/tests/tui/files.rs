//! What became of files: what is written through an open file belongs to the file, whatever its name is by then.

use crate::keys::press;
use crate::story::{Program, about, at, gap, incident_with, program, who};
use crossterm::event::KeyCode;
use taffrail_tui::state::draft::{Draft, Row, Rows, Who};
use taffrail_tui::state::recording::{About, File, Io};
use taffrail_tui::state::{Action, Deed};
use taffrail_tui::{State, screen_text};

const DB: &str = "/var/lib/db";

fn writer() -> Who<'static> {
    who(8, 9109, "sh")
}

fn did(rows: &mut Rows, when: i64, op: &str, path: &str, to: Option<&str>, inode: Option<u64>) {
    let file = File {
        op: rows.sym(op),
        path: rows.sym(&format!("{DB}/{path}")),
        new_path: to.map(|to| rows.sym(&format!("{DB}/{to}"))),
        source: rows.sym("kernel"),
        rewritten_from: None,
        other_mounts: false,
        flags: rows.sym(""),
        mode: None,
        given: None,
        result: Some(0),
        fd: None,
        inode,
        abi: Some(rows.sym("x86_64")),
    };
    rows.row(Some(at(when)), writer(), Row::File(file));
}

fn wrote(rows: &mut Rows, when: i64, path: &str, inode: u64, written: u64) {
    wrote_as(rows, when, writer(), path, inode, written);
}

fn wrote_as(rows: &mut Rows, when: i64, who: Who<'_>, path: &str, inode: u64, written: u64) {
    let path = rows.sym(&format!("{DB}/{path}"));
    let io = Io { path, fd: Some(4), inode: Some(inode), read: 0, written, closed: true };
    rows.row(Some(at(when)), who, Row::Io(io));
}

/// What view 5 has of the directory: name, deed, bytes.
fn shown(more: impl FnOnce(&mut Rows)) -> Vec<(String, Deed, u64)> {
    let state = seen(more);
    let of = |path: &str| path.strip_prefix(&format!("{DB}/")).map(str::to_owned);
    let changes = state.changes.files.iter();
    changes.filter_map(|one| Some((of(state.changes.text(one.path))?, one.deed, one.written))).collect()
}

fn seen(more: impl FnOnce(&mut Rows)) -> State {
    shown_at_the_end(incident_with(more))
}

fn shown_at_the_end(mut state: State) -> State {
    press(&mut state, KeyCode::Char('5'));
    state.apply(Action::Seconds(9));
    state
}

fn one(name: &str, deed: Deed, written: u64) -> (String, Deed, u64) {
    (name.to_owned(), deed, written)
}

#[test]
fn what_was_written_to_a_file_that_is_removed_by_now_does_not_bring_it_back() {
    let files = shown(|rows| {
        did(rows, 100, "create", "wal", None, Some(44));
        did(rows, 200, "unlink", "wal", None, None);
        wrote(rows, 201, "wal", 44, 490);
        // It was there before the window began.
        did(rows, 300, "unlink", "old", None, None);
        wrote(rows, 301, "old", 7, 10);
    });
    assert_eq!(files, [one("old", Deed::Removed, 10), one("wal", Deed::Removed, 490)]);
}

#[test]
fn what_was_written_to_a_file_that_has_another_name_by_now_is_told_of_that() {
    let files = shown(|rows| {
        did(rows, 100, "create", "data.next", None, Some(50));
        did(rows, 200, "rename", "data.next", Some("data"), None);
        did(rows, 210, "rename", "data", Some("data.kept"), None);
        wrote(rows, 220, "data.next", 50, 66_026);
    });
    let expected =
        [one("data", Deed::Moved, 0), one("data.kept", Deed::Named, 66_026), one("data.next", Deed::Moved, 0)];
    assert_eq!(files, expected);
}

#[test]
fn what_was_written_to_a_file_whose_name_another_has_by_now_is_not_told_of_the_other() {
    let files = shown(|rows| {
        did(rows, 100, "create", "log", None, Some(1));
        did(rows, 200, "rename", "log", Some("log.1"), None);
        did(rows, 210, "create", "log", None, Some(2));
        wrote(rows, 220, "log", 1, 1_000);
        wrote(rows, 230, "log", 2, 7);
        did(rows, 300, "create", "tmp", None, Some(3));
        did(rows, 310, "unlink", "tmp", None, None);
        did(rows, 320, "create", "tmp", None, Some(4));
        wrote(rows, 330, "tmp", 3, 5_000);
    });
    assert_eq!(files, [one("log", Deed::Made, 7), one("log.1", Deed::Named, 1_000), one("tmp", Deed::Made, 0)]);
}

#[test]
fn a_name_that_was_given_unseen_is_there_again_when_its_new_file_is_written() {
    let files = shown(|rows| {
        did(rows, 100, "create", "log", None, Some(1));
        did(rows, 200, "unlink", "log", None, None);
        wrote(rows, 220, "log", 9, 12);
    });
    assert_eq!(files, [one("log", Deed::Written, 12)]);
}

#[test]
fn a_file_that_takes_anothers_name_brings_its_own_bytes_alone() {
    let files = shown(|rows| {
        for turn in 0..3 {
            did(rows, 100 * turn, "create", "data.next", None, Some(50));
            wrote(rows, 100 * turn + 10, "data.next", 50, 1_000);
            did(rows, 100 * turn + 20, "rename", "data.next", Some("data"), None);
        }
    });
    assert_eq!(files, [one("data", Deed::Named, 1_000), one("data.next", Deed::Moved, 1_000)]);
}

#[test]
fn files_of_two_containers_that_have_one_name_are_two() {
    let mut draft = Draft::new(About { containers: 2, ..about() });
    program(&mut draft, &Program { id: 8, process: 8, pid: 9109, ..Program::default() });
    let mut rows = draft.link_images();
    for container in ["web", "api"] {
        let who = Who { container: Some(container), ..writer() };
        wrote_as(&mut rows, 100, who, "passwd", 1, 10);
    }
    let state = shown_at_the_end(State::new(rows.finish()));
    let of = |name: Option<_>| name.map(|name| state.changes.text(name).to_owned());
    let mine = state.changes.files.iter().filter(|one| state.changes.text(one.path).ends_with("/passwd"));
    let containers: Vec<_> = mine.map(|one| (of(one.container), one.written)).collect();
    assert_eq!(containers, [(Some("api".to_owned()), 10), (Some("web".to_owned()), 10)]);
    let screen = screen_text(&state, 80, 24);
    assert!(screen.contains("[api] /var/lib/db") && screen.contains("[web] /var/lib/db"), "{screen}");
}

#[test]
fn a_file_that_took_another_name_is_one_told_by_both_and_not_as_made() {
    let state = seen(|rows| {
        did(rows, 100, "create", "conf.new", None, Some(50));
        wrote(rows, 110, "conf.new", 50, 12);
        did(rows, 120, "rename", "conf.new", Some("conf"), None);
        did(rows, 130, "chmod", "conf", None, None);
    });
    let screen = screen_text(&state, 120, 24);
    assert!(screen.contains("\u{2192} conf.new  \u{2192} /var/lib/db/conf"), "{screen}");
    assert!(screen.contains("\u{2190} conf  \u{2190} /var/lib/db/conf.new  12 B"), "{screen}");
    // The incident itself has one more.
    assert_eq!((state.changes.files.len(), state.changes.count()), (3, 2));
    assert!(screen.contains("files until +9.000 s: 2 "), "{screen}");
}

#[test]
fn what_a_program_does_that_is_not_of_the_container_is_told_apart_unless_programs_may_be_missing() {
    let runtime = who(4_711, 700, "runc");
    let wrote = |rows: &mut Rows| wrote_as(rows, 100, runtime, "score", 1, 2);
    let outside = |state: State| state.changes.files.iter().filter(|change| change.outside).count();
    assert_eq!(outside(seen(wrote)), 1);
    let lossy = seen(|rows| {
        wrote(rows);
        gap(rows, -30_000, -21_500, Some(1), true);
    });
    assert_eq!(outside(lossy), 0);
}

#[test]
fn a_directory_is_told_by_its_own_name_however_it_was_named() {
    let state = seen(|rows| {
        did(rows, 100, "chmod", "pool/.", None, None);
        did(rows, 110, "chmod", "pool", None, None);
    });
    let pools = state.changes.files.iter().filter(|one| state.changes.text(one.path).contains("pool"));
    assert_eq!(pools.map(|one| one.times).collect::<Vec<_>>(), [2]);
}
