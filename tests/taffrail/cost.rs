//! What recording may cost: it keeps its caps by itself, says what it leaves out for that, and comes back.

use crate::support::container::{Container, WORKLOADS, docker};
use crate::support::{Recorder, number, until};
use serde_json::Value;
use std::time::{Duration, Instant};

/// Names and levels of what the caps lowered.
fn lowered(status: &Value) -> Vec<(String, String)> {
    let steps = status["cost"]["lowered"].as_array().expect("what was lowered");
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    steps.iter().map(|step| (text(&step["container"]), text(&step["level"]))).collect()
}

#[test]
fn above_its_cpu_cap_the_recorder_counts_the_loudest_containers_bulk_says_so_and_recovers() {
    let recorder = Recorder::start("cpu_percent = 5\n");
    let loud = Container::workloads("loud", &[], &["sleep", "600"]);
    let quiet = Container::workloads("quiet", &[], &["sleep", "600"]);
    recorder.wait_for(&loud.name);
    recorder.wait_for(&quiet.name);
    let level = |container: &Container| recorder.status_of(&container.name)["level"].clone();
    assert_eq!((level(&loud), level(&quiet)), ("standard".into(), "standard".into()));

    let since = Instant::now();
    let flood = ["exec", "-d", &loud.name, WORKLOADS, "count-opens", "0", "600", "/etc/passwd"];
    docker(&flood);
    until("the flood to be lowered", || level(&loud) == "vital");
    println!("lowered {:.1} s after the flood began", since.elapsed().as_secs_f64());
    // What is vital comes all the same, of the flood's container too.
    loud.exec(&["sh", "-c", "echo during > /tmp/during; rm /tmp/during"]);
    quiet.exec(&["touch", "/tmp/mark"]);
    std::thread::sleep(Duration::from_secs(4));
    let status = recorder.status();
    let costs = status["cost"]["cpu_centipercent"].as_u64().expect("a number");
    println!("it costs {} % of a CPU then, cap 5 %", costs as f64 / 100.0);
    assert_eq!(lowered(&status)[0], (loud.name.clone(), "vital".to_owned()), "the loudest first");
    assert_eq!(level(&quiet), "standard", "a neighbour keeps what it has");
    assert!(costs < 500, "{costs}");

    loud.exec(&["killall", "workloads"]);
    // Asking makes events too, so not all the time.
    let deadline = Instant::now() + Duration::from_secs(60);
    while level(&loud) != "standard" {
        assert!(Instant::now() < deadline, "what was lowered comes back");
        std::thread::sleep(Duration::from_secs(1));
    }
    println!("back {:.1} s after the flood began", since.elapsed().as_secs_f64());
    loud.exec(&["touch", "/tmp/mark"]);
    assert!(lowered(&recorder.status()).iter().all(|(name, _)| *name != loud.name));

    let bundle = recorder.trigger(&loud.name, "5m", "0s");
    let refused = "SELECT coalesce(sum(lost), 0) AS n FROM gap WHERE own AND cause = 'refused' AND class = 'bulk'";
    println!("{} opens counted instead of recorded", number(&bundle, refused));
    assert!(number(&bundle, refused) > 100_000);
    let count = |condition: &str| number(&bundle, &format!("SELECT count(*) AS n FROM {condition}"));
    assert_eq!(count("gap WHERE own AND class = 'vital'"), 0);
    assert_eq!(count("file WHERE op = 'unlink' AND path = '/tmp/during'"), 1);
    assert_eq!(count("file WHERE op = 'create' AND path = '/tmp/mark'"), 1, "recorded again");
    assert_eq!(count("lifecycle WHERE op = 'level' AND detail LIKE 'vital%above its CPU cap'"), 1);
    assert_eq!(count("lifecycle WHERE op = 'level' AND detail LIKE 'standard%below its caps%'"), 1);
    let bundle = recorder.trigger(&quiet.name, "5m", "0s");
    assert_eq!(number(&bundle, refused), 0);
    assert_eq!(number(&bundle, "SELECT count(*) AS n FROM file WHERE op = 'create' AND path = '/tmp/mark'"), 1);
}

#[test]
fn a_container_at_level_full_is_lowered_to_standard_first_and_the_calls_left_out_are_a_gap() {
    let recorder = Recorder::start("cpu_percent = 3\n");
    let calls = "while true; do for i in 1 2 3 4 5 6 7 8; do : $i; done; : < /dev/null; done";
    let full = Container::run("fullcost", &format!("sleep 3; {calls}"));
    recorder.wait_for(&full.name);
    let state = recorder.state_dir().to_string_lossy().into_owned();
    let (code, _, err) = crate::support::run(&["level", "--state-dir", &state, "--container", &full.name, "full"]);
    assert_eq!(code, 0, "{err}");
    let level = || recorder.status_of(&full.name)["level"].as_str().expect("a word").to_owned();
    until("the first step", || level() != "full");
    assert_eq!(lowered(&recorder.status())[0], (full.name.clone(), "standard".to_owned()));
    let bundle = recorder.trigger(&full.name, "5m", "0s");
    let told = "SELECT count(*) AS n FROM gap WHERE own AND cause = 'refused' AND class = 'bulk' AND lost IS NULL";
    assert!(number(&bundle, told) > 0, "that calls are missing is told, though nobody counted them");
    assert!(number(&bundle, "SELECT count(*) AS n FROM syscall") > 0, "those from before are there");
}

#[test]
fn containers_that_come_and_go_leave_neither_memory_nor_open_files_behind() {
    const COUNT: usize = 12;
    let recorder = Recorder::start("ring_keep_seconds = 0\n");
    let come_and_go = || {
        for _ in 0..COUNT {
            drop(Container::workloads("brief", &[], &["sh", "-c", "cat /etc/passwd; ls -la /bin > /dev/null"]));
        }
        let gone = || {
            let status = recorder.status();
            let all = status["containers"].as_array().expect("containers");
            all.iter().filter(|it| it["name"].as_str().is_some_and(|name| name.contains("brief"))).count()
        };
        until("their histories to go", || gone() == 0);
        (recorder.status()["cost"]["memory_bytes"].as_u64().expect("bytes"), open_files(recorder.pid()))
    };
    let (before, files_before) = come_and_go();
    let (after, files_after) = come_and_go();
    println!("{COUNT} containers each time: {before} -> {after} bytes, {files_before} -> {files_after} open files");
    assert!(files_after <= files_before + 8, "{files_before} -> {files_after}");
    assert!(after < before + (4 << 20), "{before} -> {after}");
    let left = std::fs::read_dir(recorder.state_dir().join("ring")).expect("the ring").count();
    let known = recorder.status()["containers"].as_array().expect("containers").len();
    assert_eq!(left, known, "and no directory");
}

fn open_files(pid: u32) -> usize {
    std::fs::read_dir(format!("/proc/{pid}/fd")).expect("its descriptors").count()
}
