//! A rule freezes or kills its container, where it may, and the history says so.

use crate::support::container::{Container, WORKLOADS, docker};
use crate::support::{Recorder, ask, number, record_refuses, run, until};
use serde_json::Value;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;
use tempfile::TempDir;

/// Rules of one container alone, since tests run beside each other.
const RULES: &str = "
- rule: Program true runs
  desc: a test's sign
  condition: evt.type = execve and proc.name = true and container.name = NAME
  output: true runs
  priority: INFO
  response: freeze
- rule: Sign is made
  desc: a test's sign
  condition: evt.type in (open, openat, creat) and fd.name = /tmp/sign and container.name = NAME
  output: the sign is made
  priority: WARNING
";
/// What the operator gives a rule that has none of its own.
const KILL: &str = "response = { \"Sign is made\" = \"kill\" }\n";
const WAITS: &str = "while [ ! -e /go ]; do sleep 0.05; done; ";
/// So many that it never ends by itself before the container is frozen: seconds, on any machine.
const OPENS: &str = "20000000";

/// A container that waits for its sign and then runs this.
fn container(name: &str, script: &str) -> Container {
    Container::workloads(name, &[], &["sh", "-c", &format!("{WAITS}{script}; sleep 600")])
}

/// A recorder with rules for this container, which it knows.
fn recorder(container: &Container, config: &str) -> Recorder {
    let dir: TempDir = tempfile::tempdir().expect("a directory");
    let rules = dir.path().join("rules.yaml");
    fs::write(&rules, RULES.replace("NAME", &container.name)).expect("rules");
    let fixed = "default_rules = false\nmodels = false\nalarm_docker = []\nafter_seconds = 3\n";
    let config = format!("{fixed}rules = [{:?}]\n{config}", rules.to_string_lossy());
    let recorder = Recorder::start_in(dir, &config);
    recorder.wait_for(&container.name);
    recorder
}

/// The bundle that the recorder seals by itself.
fn sealed(recorder: &Recorder) -> PathBuf {
    until("a bundle", || !recorder.bundles().is_empty());
    recorder.bundles().swap_remove(0)
}

fn told(bundle: &std::path::Path) -> Vec<(String, String)> {
    let rows = ask(bundle, "SELECT rule, message FROM finding WHERE source = 'response' ORDER BY time");
    let text = |row: &Value, key: &str| row[key].as_str().expect("text").to_owned();
    rows.iter().map(|row| (text(row, "rule"), text(row, "message"))).collect()
}

fn thaw(recorder: &Recorder, container: &str) -> (i32, String) {
    let (code, _, err) =
        run(&["thaw", "--state-dir", &recorder.state_dir().to_string_lossy(), "--container", container]);
    (code, err)
}

#[test]
fn a_freeze_stops_a_flood_within_100_ms_of_the_match_and_a_person_thaws_it() {
    let container = container("flood", &format!("{WORKLOADS} open-flood {OPENS} /tmp/flooded & sleep 1; /bin/true"));
    let recorder = recorder(&container, "responses = true\nresponse_protect = [\"*precious*\"]\n");
    assert_eq!(recorder.status_of(&container.name)["frozen"], false);
    container.exec(&["touch", "/go"]);
    until("the flood is frozen", || recorder.status_of(&container.name)["frozen"] == true);
    let bundle = sealed(&recorder);
    let row = &ask(
        &bundle,
        "SELECT CAST(max(file.time) AS BIGINT) - CAST(min(finding.time) AS BIGINT) AS ns, count(*) AS n \
         FROM file, finding WHERE finding.rule = 'Program true runs' AND finding.source = 'rule' AND file.path = '/tmp/flooded'",
    )[0];
    let number = |key: &str| row[key].as_i64().unwrap_or_else(|| panic!("{row}"));
    let (ns, opens) = (number("ns"), number("n"));
    let said = told(&bundle);
    println!("the flood's last event is {:.1} ms after the match, {opens} opens recorded: {said:?}", ns as f64 / 1e6);
    assert!(opens > 1000, "there was a flood: {opens}");
    assert!(ns > 0, "it went on while the rule matched");
    assert!(ns < 100_000_000, "the last event is {ns} ns after the match");
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].0 == "Program true runs" && said[0].1.starts_with("freeze done: "), "{said:?}");
    let (_, table, _) = run(&["status", "--state-dir", &recorder.state_dir().to_string_lossy()]);
    assert!(table.contains(&format!("{} (frozen)", container.name)), "{table}");

    assert_eq!(thaw(&recorder, &container.name), (0, String::new()));
    assert_eq!(recorder.status_of(&container.name)["frozen"], false);
    let (code, err) = thaw(&recorder, &container.name);
    assert!(code == 2 && err.contains("is not frozen"), "{code} {err}");
    let after = recorder.trigger(&container.name, "60s", "0s");
    let said = told(&after);
    assert_eq!(said.last(), Some(&("manual".to_owned(), "thaw done: its processes go on".to_owned())), "{said:?}");
}

#[test]
fn a_container_that_its_runtime_paused_is_shown_as_frozen_and_a_person_thaws_it() {
    let container = container("paused", "while :; do : > /tmp/beat; sleep 0.1; done");
    let recorder = recorder(&container, "");
    container.exec(&["touch", "/go"]);
    docker(&["pause", &container.name]);
    assert_eq!(recorder.status_of(&container.name)["frozen"], true);
    assert_eq!(thaw(&recorder, &container.name), (0, String::new()));
    assert_eq!(recorder.status_of(&container.name)["frozen"], false);
    std::thread::sleep(Duration::from_secs(2));
    let bundle = recorder.trigger(&container.name, "1s", "0s");
    assert!(number(&bundle, "SELECT count(*) AS n FROM file WHERE path = '/tmp/beat'") > 0, "its programs go on");
}

#[test]
fn a_kill_ends_the_container_and_its_evidence_has_what_it_was_like() {
    let container = container("killed", "touch /tmp/sign");
    let recorder = recorder(&container, &format!("responses = true\n{KILL}"));
    container.exec(&["touch", "/go"]);
    until("the container is gone", || recorder.status_of(&container.name)["running"] == false);
    let bundle = sealed(&recorder);
    let said = told(&bundle);
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].0 == "Sign is made" && said[0].1.starts_with("kill done: "), "{said:?}");
    let ended = ask(&bundle, "SELECT comm FROM process WHERE exit_signal = 9");
    assert!(!ended.is_empty(), "its programs were killed");
    assert!(!ask(&bundle, "SELECT pid FROM state_process").is_empty(), "it was looked at before");
}

#[test]
fn who_is_protected_is_left_alone_and_that_is_told() {
    let container = container("precious", "touch /tmp/sign; touch /tmp/sign; touch /done");
    let recorder = recorder(&container, &format!("responses = true\nresponse_protect = [\"test=yes\"]\n{KILL}"));
    container.exec(&["touch", "/go"]);
    container.wait_for("/done");
    let said = told(&sealed(&recorder));
    let refused = "kill refused: protected by \"test=yes\" of response_protect".to_owned();
    assert_eq!(said, [("Sign is made".to_owned(), refused)], "once, however often it matches");
    assert_eq!(recorder.status_of(&container.name)["running"], true);
}

#[test]
fn nothing_is_done_unless_the_operator_allows_it() {
    let container = container("allowed", "touch /tmp/sign");
    let recorder = recorder(&container, KILL);
    container.exec(&["touch", "/go"]);
    assert_eq!(told(&sealed(&recorder)), []);
    let status = recorder.status_of(&container.name);
    assert_eq!((&status["running"], &status["frozen"]), (&Value::Bool(true), &Value::Bool(false)));
}

#[test]
fn a_response_for_a_rule_that_is_not_there_is_refused_by_name() {
    let err = record_refuses("[response]\n\"Shell on a netwrok connection\" = \"freeze\"\n");
    assert!(err.contains("no rule \"Shell on a netwrok connection\""), "{err}");
}
