//! What is on disk is evidence without a recorder: after it was killed, from a copy, through damage, and while it runs.

use crate::support::container::Container;
use crate::support::{Recorder, ask, number, run};
use std::fs;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use taffrail_trace::segment::Head;
use tempfile::TempDir;

const MADE: &str = "SELECT count(*) AS n FROM file WHERE path LIKE '/tmp/made-%' AND op = 'create'";
const FILES: u64 = 200;

/// A recorder that was killed, with the history of a container that made files one after the other.
fn killed() -> (TempDir, Container) {
    let recorder = Recorder::start("flush_ms = 50\n");
    let script =
        format!("n=0; while [ $n -lt {FILES} ]; do echo x > /tmp/made-$n; n=$((n+1)); usleep 5000; done; sleep 600");
    let box_ = Container::run("salvage", &script);
    recorder.wait_for(&box_.name);
    box_.wait_for(&format!("/tmp/made-{}", FILES - 1));
    std::thread::sleep(std::time::Duration::from_millis(500));
    let (_, dir) = recorder.end("KILL");
    (dir, box_)
}

/// Salvages one container into a directory of its own and gives its only bundle.
fn salvaged(state: &Path, name: &str, out: &Path) -> PathBuf {
    let (code, said, err) =
        run(&["salvage", &state.to_string_lossy(), "--container", name, "--out", &out.to_string_lossy()]);
    assert_eq!(code, 0, "{err}");
    let mut lines = said.lines();
    let bundle = PathBuf::from(lines.next().expect("a bundle's path"));
    assert_eq!(lines.next(), None);
    bundle
}

/// Copies a state directory, as a disk that was taken out would be.
fn copied(from: &Path, to: &Path) {
    let told = std::process::Command::new("cp").arg("-r").arg(from).arg(to).status().expect("cp");
    assert!(told.success());
}

/// The file of a class of a container with the most in it.
fn largest(state: &Path, id: &str, class: &str) -> PathBuf {
    let histories = fs::read_dir(state.join("ring")).expect("ring").flatten();
    let histories = histories.filter(|history| {
        fs::read_to_string(history.path().join("container.json")).is_ok_and(|description| description.contains(id))
    });
    let files = histories.flat_map(|history| fs::read_dir(history.path()).expect("history").flatten());
    let files = files.filter(|file| file.file_name().to_string_lossy().starts_with(class));
    files.max_by_key(|file| file.metadata().expect("metadata").len()).expect("a file").path()
}

#[test]
fn a_killed_recorders_history_is_a_bundle_from_a_copied_disk_too() {
    let (dir, box_) = killed();
    let state = dir.path().join("state");
    let copy = dir.path().join("copy");
    copied(&state, &copy);
    let mut told = Vec::new();
    for (at, from) in [("here", &state), ("there", &copy)] {
        let bundle = salvaged(from, &box_.name, &dir.path().join(at));
        assert_eq!(run(&["verify", &bundle.to_string_lossy()]).0, 0);
        let state = ask(&bundle, "SELECT state_missing FROM bundle");
        assert!(state[0]["state_missing"].as_str().is_some_and(|why| why.contains("nobody looked")), "{state:?}");
        told.push((number(&bundle, MADE), ask(&bundle, "SELECT cause FROM gap")));
        assert!(number(&bundle, "SELECT count(*) AS n FROM process WHERE cmdline LIKE '%n=0; while%'") > 0);
    }
    println!("{} of {FILES} files from the ring of a killed recorder", told[0].0);
    assert_eq!(told[0], (FILES, Vec::new()));
    assert_eq!(told[0], told[1]);
}

#[test]
fn a_damaged_segment_takes_nothing_with_it_but_itself() {
    let (dir, box_) = killed();
    let state = dir.path().join("state");
    let path = largest(&state, &box_.id, "bulk");
    let bytes = fs::read(&path).expect("ring file");
    let mut places = Vec::new();
    let mut at = 0;
    while let Ok(head) = Head::read(&bytes[at..]) {
        places.push((at, head.events));
        at += head.frame_bytes();
    }
    assert!(places.len() > 3, "{} segments are too few for this test", places.len());
    let (place, events) = places[places.len() / 2];
    let whole = number(&salvaged(&state, &box_.name, &dir.path().join("whole")), MADE);
    // The length, so that not even the next segment's place is known.
    let file = fs::OpenOptions::new().write(true).open(&path).expect("ring file");
    file.write_all_at(&[0xFF; 4], place as u64 + 8).expect("damage");
    let bundle = salvaged(&state, &box_.name, &dir.path().join("damaged"));
    let left = number(&bundle, MADE);
    println!("of {} segments one is damaged, with {events} events: {left} of {whole} files are left", places.len());
    assert!(left < whole && whole - left <= u64::from(events));
    assert!(number(&bundle, "SELECT count(*) AS n FROM gap WHERE cause = 'damaged'") > 0);
}

#[test]
fn a_running_recorders_directory_is_not_salvaged_but_asked_live() {
    let recorder = Recorder::start("flush_ms = 50\n");
    let box_ = Container::run("live", "echo x > /tmp/made-live; sleep 600");
    recorder.wait_for(&box_.name);
    box_.wait_for("/tmp/made-live");
    std::thread::sleep(std::time::Duration::from_millis(500));
    let state = recorder.state_dir().to_string_lossy().into_owned();
    let (code, _, err) = run(&["salvage", &state]);
    assert_eq!(code, 2);
    assert!(err.contains("taffrail trigger") && err.lines().count() == 1, "{err}");
    let before = recorder.status()["sealed"].as_u64();
    let live = |more: &[&str]| run(&[&["query", "--live", "--state-dir", &state][..], more].concat());
    let sql = ["--sql", MADE, "--format", "csv"];
    let (code, out, err) = live(&[&["--container", &box_.name][..], &sql].concat());
    assert_eq!((code, out.as_str()), (0, "n\n1\n"), "{err}");
    // All of them at once, the host too.
    let (code, out, err) = live(&["--sql", "SELECT DISTINCT container_name FROM process", "--format", "csv"]);
    assert_eq!(code, 0, "{err}");
    assert!(out.contains(&box_.name) && out.contains("host"), "{out}");
    assert_eq!(recorder.status()["sealed"].as_u64(), before, "asking seals nothing");
    let (code, _, err) = live(&["--container", "nobody", "--sql", "SELECT 1"]);
    assert_eq!(code, 2);
    assert!(err.contains("nobody") && err.contains(&box_.name), "{err}");
}

#[test]
fn a_directory_without_a_ring_is_said_in_one_line() {
    let dir = tempfile::tempdir().expect("tempdir");
    let (code, _, err) = run(&["salvage", &dir.path().to_string_lossy()]);
    assert_eq!(code, 2);
    assert!(err.contains("ring") && err.lines().count() == 1, "{err}");
}
