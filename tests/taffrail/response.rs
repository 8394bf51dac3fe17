//! A rule freezes or kills its container, where it may, and the history says so.

use crate::support::container::{Container, WORKLOADS};
use crate::support::{Recorder, ask, run, until};
use serde_json::Value;
use std::fs;
use std::path::PathBuf;
use tempfile::TempDir;

/// Asks for a freeze when the flood's own marker runs, in the middle of the flood.
const RULES: &str = "
- rule: Marker runs
  desc: a test's sign
  condition: evt.type = execve and proc.args contains marker
  output: the marker runs
  priority: INFO
  response: freeze
- rule: Sign is made
  desc: a test's sign
  condition: evt.type in (open, openat, creat) and fd.name = /tmp/sign
  output: the sign is made
  priority: WARNING
";
/// What the operator gives a rule that has none of its own.
const KILL: &str = "response = { \"Sign is made\" = \"kill\" }\n";
const WAITS: &str = "while [ ! -e /go ]; do sleep 0.05; done; ";
/// So many that it never ends by itself before the container is frozen: seconds, on any machine.
const OPENS: &str = "6000000";

fn recorder(config: &str) -> Recorder {
    let dir: TempDir = tempfile::tempdir().expect("a directory");
    let rules = dir.path().join("rules.yaml");
    fs::write(&rules, RULES).expect("rules");
    let fixed = "default_rules = false\nmodels = false\nalarm_docker = []\nafter_seconds = 3\n";
    Recorder::start_in(dir, &format!("{fixed}rules = [{:?}]\n{config}", rules.to_string_lossy()))
}

/// The bundle that the recorder seals by itself.
fn sealed(recorder: &Recorder) -> PathBuf {
    let dir = recorder.state_dir().join("evidence");
    let mut found = None;
    until("a bundle", || {
        let mut entries = fs::read_dir(&dir).into_iter().flatten().flatten().map(|entry| entry.path());
        found = entries.find(|path| path.to_string_lossy().ends_with(".evidence.zip"));
        found.is_some()
    });
    found.expect("a bundle")
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
    let recorder = recorder("responses = true\nresponse_protect = [\"*precious*\"]\n");
    let script = format!("{WAITS}{WORKLOADS} open-flood {OPENS} /tmp/flooded; touch /ended; sleep 600");
    let container = Container::workloads("flood", &[], &["sh", "-c", &script]);
    recorder.wait_for(&container.name);
    assert_eq!(recorder.status_of(&container.name)["frozen"], false);
    container.exec(&["touch", "/go"]);
    until("the flood is frozen", || recorder.status_of(&container.name)["frozen"] == true);
    let bundle = sealed(&recorder);
    let row = &ask(
        &bundle,
        "SELECT CAST(max(file.time) AS BIGINT) - CAST(min(finding.time) AS BIGINT) AS ns, count(*) AS n \
         FROM file, finding WHERE finding.rule = 'Marker runs' AND finding.source = 'rule' AND file.path = '/tmp/flooded'",
    )[0];
    let number = |key: &str| row[key].as_i64().unwrap_or_else(|| panic!("{row}"));
    let (ns, opens) = (number("ns"), number("n"));
    let said = told(&bundle);
    println!("the flood's last event is {:.1} ms after the match, {opens} opens recorded: {said:?}", ns as f64 / 1e6);
    assert!(opens > 1000, "there was a flood: {opens}");
    assert!(ns < 100_000_000, "the last event is {ns} ns after the match");
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].0 == "Marker runs" && said[0].1.starts_with("freeze done: "), "{said:?}");
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
fn a_kill_ends_the_container_and_its_evidence_has_what_it_was_like() {
    let recorder = recorder(&format!("responses = true\n{KILL}"));
    let container = Container::workloads("killed", &[], &["sh", "-c", &format!("{WAITS}touch /tmp/sign; sleep 600")]);
    recorder.wait_for(&container.name);
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
    let recorder = recorder(&format!("responses = true\nresponse_protect = [\"test=yes\"]\n{KILL}"));
    let container = Container::workloads(
        "precious",
        &[],
        &["sh", "-c", &format!("{WAITS}touch /tmp/sign; touch /tmp/sign; touch /done; sleep 600")],
    );
    recorder.wait_for(&container.name);
    container.exec(&["touch", "/go"]);
    container.wait_for("/done");
    let said = told(&sealed(&recorder));
    let refused = "kill refused: protected by \"test=yes\" of response_protect".to_owned();
    assert_eq!(said, [("Sign is made".to_owned(), refused)], "once, however often it matches");
    assert_eq!(recorder.status_of(&container.name)["running"], true);
}

#[test]
fn nothing_is_done_unless_the_operator_allows_it() {
    let recorder = recorder(KILL);
    let container = Container::workloads("allowed", &[], &["sh", "-c", &format!("{WAITS}touch /tmp/sign; sleep 600")]);
    recorder.wait_for(&container.name);
    container.exec(&["touch", "/go"]);
    assert_eq!(told(&sealed(&recorder)), []);
    let status = recorder.status_of(&container.name);
    assert_eq!((&status["running"], &status["frozen"]), (&Value::Bool(true), &Value::Bool(false)));
}

#[test]
fn a_response_for_a_rule_that_is_not_there_is_refused_by_name() {
    let dir = tempfile::tempdir().expect("a directory");
    let (file, state) = (dir.path().join("taffrail.toml"), dir.path().join("state"));
    fs::write(&file, "[response]\n\"Shell on a netwrok connection\" = \"freeze\"\n").expect("write");
    let (code, out, err) =
        run(&["record", "--config", &file.to_string_lossy(), "--state-dir", &state.to_string_lossy()]);
    assert_eq!((code, out.as_str()), (2, ""));
    assert!(err.contains("no rule \"Shell on a netwrok connection\""), "{err}");
}
