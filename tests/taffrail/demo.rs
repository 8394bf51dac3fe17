//! The demo does what it says, and cleans up.

use crate::support::{ask, run, taffrail, told};
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::{fs, process::Command};

/// The bundle in the last line of the story, whose command works as it is pasted.
fn bundle_of(said: &str) -> PathBuf {
    let line = said.lines().rev().find_map(|line| line.split_once(" replay ")).expect("the replay's command");
    assert!(PathBuf::from(line.0.trim()).is_file(), "{} is no program that a shell finds here", line.0);
    PathBuf::from(line.1)
}

#[test]
fn the_demo_records_an_intrusion_seals_it_and_tells_its_story() {
    let (code, said, err) = run(&["demo", "--no-replay"]);
    assert_eq!(code, 0, "{said}\n{err}");
    let bundle = bundle_of(&said);
    for part in [
        "What was found",
        "Shell on a network connection",
        "sealed and verified",
        "Five moments",
        "taffrail query ",
        "taffrail replay ",
    ] {
        assert!(said.contains(part), "{part} is not in\n{said}");
    }
    let before = ask(
        &bundle,
        "SELECT cmdline FROM process WHERE time < (SELECT min(time) FROM finding WHERE severity = 'critical') AND container_id <> 'host'",
    );
    assert!(before.iter().any(|row| row["cmdline"].as_str().is_some_and(|line| line.contains("sh -c"))), "{before:?}");
    fs::remove_dir_all(bundle.parent().expect("a directory")).expect("clean up");
    let left = Command::new("sh")
        .args(["-c", "ls -d /sys/fs/cgroup/taffrail-demo-* /sys/fs/cgroup/unified/taffrail-demo-* 2>/dev/null"])
        .output();
    assert_eq!(left.expect("sh").stdout, b"", "no cgroup is left");
}

#[test]
fn where_recording_is_refused_the_demo_says_why_and_tells_the_story_of_a_sample() {
    let dir = tempfile::tempdir().expect("a directory");
    let program = dir.path().join("taffrail");
    fs::copy(env!("CARGO_BIN_EXE_taffrail"), &program).expect("copy");
    let temp = dir.path().join("tmp");
    fs::create_dir(&temp).expect("tmp");
    for path in [dir.path(), &temp] {
        fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o777)).expect("mode");
    }
    let mut command = Command::new(program);
    let (code, said, err) = told(
        command.args(["demo", "--no-replay"]).env("TMPDIR", &temp).uid(65_534).gid(65_534).output().expect("runs"),
    );
    assert_eq!(code, 0, "{said}\n{err}");
    let refusals: Vec<&str> = said.lines().filter(|line| line.starts_with("Recording is refused here")).collect();
    assert_eq!(refusals.len(), 1, "{said}");
    assert!(refusals[0].contains("needs root"), "{said}");
    assert!(said.contains("Five moments") && said.contains("Shell on a network connection"), "{said}");
    let (code, _, _) = told(taffrail().arg("verify").arg(bundle_of(&said)).output().expect("runs"));
    assert_eq!(code, 0);
}
