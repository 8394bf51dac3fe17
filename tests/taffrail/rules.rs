//! Rules that are asked by a running recorder: read again under load, and the same as those that are asked afterwards.

use crate::support::container::{Container, WORKLOADS};
use crate::support::{Recorder, number, opens_of, signal_to, until};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

/// `count` rules, of which the first matches each open of one file.
fn some_rules(count: usize) -> String {
    let mut rules = String::new();
    for number in 0..count {
        let path = if number == 0 { "/data/loaded".to_owned() } else { format!("/nowhere/{number}") };
        let _ = writeln!(
            rules,
            "- rule: Rule {number} of {count}\n  desc: An open\n  condition: evt.type in (open, openat) and fd.name = {path}\n  \
             output: an open\n  priority: INFO"
        );
    }
    rules
}

/// Puts a file in its place whole: the recorder may be reading the one before.
fn place(file: &Path, text: &str) {
    let new = file.with_extension("new");
    fs::write(&new, text).expect("rules");
    fs::rename(&new, file).expect("rules");
}

#[test]
fn rules_are_read_again_under_load_without_losing_an_event_or_asking_about_one_twice() {
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("rules.yaml");
    place(&file, &some_rules(1));
    let config = format!("default_rules = false\nmodels = false\nrules = [{file:?}]\n");
    let recorder = Recorder::start_in(dir, &config);
    let script = "mkdir /data; echo > /data/1; mv /data/1 /data/loaded; touch /ready; sleep 600";
    let busy = Container::workloads("reload", &[], &["sh", "-c", script]);
    recorder.wait_for(&busy.name);
    busy.wait_for("/ready");
    let rules = |what: &str| recorder.status()["rules"][what].as_u64().expect("a number");

    let load = std::process::Command::new("docker")
        .args(["exec", &busy.name, WORKLOADS, "count-opens", "0", "8", "/data/loaded", "20000"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("docker");
    until("the load has begun", || rules("matched") > 0);
    let mut reloads = 0;
    for count in (2..=40).step_by(2) {
        place(&file, &some_rules(count));
        signal_to(recorder.pid(), "HUP");
        until("the rules are read", || rules("loaded") == count as u64);
        reloads += 1;
        // Wrong ones change nothing.
        place(&file, "- rule: Wrong\n  condition: evt.type =\n");
        signal_to(recorder.pid(), "HUP");
        std::thread::sleep(Duration::from_millis(200));
    }
    let during = rules("matched");
    let said = load.wait_with_output().expect("the load ends");
    let said = String::from_utf8_lossy(&said.stdout).into_owned();
    let opens = opens_of(&said);
    assert!(during < opens, "the rules were read while events came: {during} of {opens}");
    until("all of it is seen", || rules("matched") >= opens);
    let bundle = recorder.trigger(&busy.id, "10m", "0s");
    println!("{opens} opens, {reloads} reloads, {during} matches when the last one was done");
    assert_eq!(rules("matched"), opens, "each open was asked about once");
    assert_eq!(rules("loaded"), 40, "wrong rules change nothing");
    let opened = "SELECT count(*) AS n FROM file WHERE op = 'open' AND path = '/data/loaded'";
    assert_eq!(number(&bundle, opened), opens);
    assert_eq!(number(&bundle, "SELECT count(*) AS n FROM gap WHERE cause <> 'recorder_down'"), 0);
}
