//! The recorder as a process: it begins, answers, ends, and what it wrote stays readable.

use crate::support::container::Container;
use crate::support::{Recorder, number, run, taffrail, told};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use taffrail_trace::segment;

/// Reads every segment of a ring directory and gives the number of segments and events.
fn read_ring(state: &Path) -> (u64, u64) {
    let (mut segments, mut events) = (0, 0);
    for history in fs::read_dir(state.join("ring")).expect("ring").flatten() {
        for file in fs::read_dir(history.path()).expect("history").flatten() {
            if file.path().extension().is_none_or(|extension| extension != "ring") {
                continue;
            }
            let bytes = fs::read(file.path()).expect("ring file");
            let mut rest = bytes.as_slice();
            while !rest.is_empty() {
                let (head, content, _) =
                    segment::decode(rest).unwrap_or_else(|error| panic!("{:?}: {error}", file.path()));
                segments += 1;
                events += content.events.len() as u64;
                rest = &rest[head.frame_bytes()..];
            }
        }
    }
    (segments, events)
}

#[test]
fn sigterm_leaves_sealed_readable_segments_and_seals_what_was_promised() {
    let recorder = Recorder::start("");
    let box_ = Container::run("term", "echo x > /tmp/a; sleep 600");
    recorder.wait_for(&box_.name);
    let (code, out, err) = run(&[
        "trigger",
        "--state-dir",
        &recorder.state_dir().to_string_lossy(),
        "--container",
        &box_.id[..12],
        "--reason",
        "promised",
        "--before",
        "1m",
        "--after",
        "1h",
    ]);
    assert_eq!(code, 0, "{err}");
    let (code, dir) = recorder.end("TERM");
    assert_eq!(code, Some(0));
    let (segments, events) = read_ring(&dir.path().join("state"));
    println!("{segments} segments with {events} events, every one readable");
    assert!(segments > 0 && events > 0);
    let bundle = Path::new(out.trim_end());
    assert_eq!(number(bundle, "SELECT count(*) AS n FROM file WHERE path = '/tmp/a' AND op = 'create'"), 1);
}

#[test]
fn after_kill_9_the_ring_opens_again_and_the_history_goes_on() {
    let recorder = Recorder::start("flush_ms = 50\n");
    let box_ = Container::run("kill", "echo x > /tmp/before-the-kill; while true; do sleep 0.1; done");
    recorder.wait_for(&box_.name);
    box_.wait_for("/tmp/before-the-kill");
    std::thread::sleep(std::time::Duration::from_secs(1));
    let (_, dir) = recorder.end("KILL");
    let recorder = Recorder::start_in(dir, "");
    recorder.wait_for(&box_.name);
    let bundle = recorder.trigger(&box_.name, "5m", "0s");
    assert_eq!(
        number(&bundle, "SELECT count(*) AS n FROM file WHERE path = '/tmp/before-the-kill' AND op = 'create'"),
        1
    );
    assert!(number(&bundle, "SELECT count(*) AS n FROM gap WHERE cause = 'recorder_down'") > 0);
}

#[test]
fn a_second_recorder_on_one_state_directory_refuses_in_one_line() {
    let recorder = Recorder::start("");
    let (code, _, err) = run(&["record", "--state-dir", &recorder.state_dir().to_string_lossy()]);
    assert_eq!(code, 2);
    assert!(err.contains("another recorder is using") && err.trim().lines().count() == 1, "{err}");
}

#[test]
fn a_recorder_without_privileges_says_the_fix_in_one_line() {
    let dir = tempfile::tempdir().expect("a directory");
    let program = dir.path().join("taffrail");
    fs::copy(env!("CARGO_BIN_EXE_taffrail"), &program).expect("copy");
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).expect("mode");
    let mut command = std::process::Command::new(program);
    let (code, _, err) =
        told(command.args(["record", "--state-dir", "/tmp/nobodys"]).uid(65_534).gid(65_534).output().expect("runs"));
    assert_eq!(code, 2);
    assert!(err.contains("needs root") && err.contains("sudo") && err.trim().lines().count() == 1, "{err}");
}

#[test]
fn status_and_trigger_without_a_recorder_say_so_in_one_line() {
    let dir = tempfile::tempdir().expect("a directory");
    let state = dir.path().to_string_lossy().into_owned();
    for args in [
        &["status", "--state-dir", &state][..],
        &["trigger", "--state-dir", &state, "--container", "x", "--reason", "y"],
    ] {
        let (code, _, err) = run(args);
        assert_eq!(code, 2);
        assert!(err.contains("no recorder answers") && err.trim().lines().count() == 1, "{err}");
    }
}

#[test]
fn a_container_that_nobody_knows_is_refused_with_the_names_that_are_known() {
    let recorder = Recorder::start("");
    let (code, _, err) = run(&[
        "trigger",
        "--state-dir",
        &recorder.state_dir().to_string_lossy(),
        "--container",
        "no-such-box",
        "--reason",
        "y",
    ]);
    assert_eq!(code, 2);
    assert!(err.contains("no-such-box") && err.contains("host"), "{err}");
}

#[test]
fn status_is_a_table_for_people_with_a_row_for_the_host() {
    let recorder = Recorder::start("");
    let (code, out, _) =
        told(taffrail().arg("status").arg("--state-dir").arg(recorder.state_dir()).output().expect("runs"));
    assert_eq!(code, 0);
    let host = out.lines().find(|line| line.starts_with("host ")).unwrap_or_else(|| panic!("{out}"));
    assert!(host.split_whitespace().count() >= 8, "{host}");
    let bar: Vec<char> = host.chars().filter(|ch| "▓█░".contains(*ch)).collect();
    assert_eq!(bar.len(), 10, "its ring is drawn: {host}");
}

#[test]
fn a_watched_status_is_said_again_and_again() {
    let recorder = Recorder::start("");
    let mut command = taffrail();
    command.args(["status", "--json", "--watch", "1", "--state-dir"]).arg(recorder.state_dir());
    let mut watch = command.stdout(std::process::Stdio::piped()).spawn().expect("runs");
    let said = std::io::BufReader::new(watch.stdout.take().expect("stdout"));
    let lines: Vec<String> = std::io::BufRead::lines(said).take(2).map(|line| line.expect("a line")).collect();
    watch.kill().expect("kill");
    watch.wait().expect("wait");
    for line in lines {
        let status: serde_json::Value = serde_json::from_str(&line).expect("JSON");
        assert_eq!(status["pid"], recorder.pid());
    }
}

#[test]
fn doctor_finds_this_machine_fit_line_by_line() {
    let (code, out, _) = run(&["doctor"]);
    assert_eq!(code, 0, "{out}");
    for hook in [
        "sched_process_exec",
        "sched_process_fork",
        "sched_process_exit",
        "sys_exit",
        "inet_sock_set_state",
        "cgroup_mkdir",
    ] {
        assert!(out.lines().any(|line| line.starts_with("ok") && line.contains(hook)), "{hook} is not ok in\n{out}");
    }
}
