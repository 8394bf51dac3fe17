//! What the default rules say to whole stories in real containers: each incident is found by the rules that are made for
//! it, and nobody is woken for a day's work.

use crate::support::{Recorder, ask};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;
use taffrail_workloads::harbour::{Container, Harbour};
use taffrail_workloads::incident::{BENIGN, INCIDENTS};

/// The rules that are shipped.
fn default_rules() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("rules/default")
}

/// A recorder with the default rules, whose evidence is of no interest but for what is asked for.
fn recorder() -> Recorder {
    let rules: Vec<String> = fs::read_dir(default_rules())
        .expect("rules/default")
        .flatten()
        .map(|entry| format!("{:?}", entry.path().to_string_lossy()))
        .collect();
    Recorder::start(&format!("rules = [{}]\nafter_seconds = 1\n", rules.join(", ")))
}

/// What rules found in a container.
fn findings(recorder: &Recorder, container: &str) -> Vec<Value> {
    let bundle = recorder.trigger(container, "10m", "0s");
    ask(&bundle, "SELECT rule, severity, message, techniques FROM finding WHERE rule <> 'manual' ORDER BY time")
}

#[test]
fn each_incident_is_found_by_the_rules_that_are_made_for_it() {
    let harbour = Harbour::build().expect("the containers' network");
    let recorder = recorder();
    let played: Vec<Container> = INCIDENTS
        .iter()
        .map(|incident| {
            let container = harbour.container(incident.name, incident).expect("a container");
            recorder.wait_for(&container.name);
            let said = harbour.play(&container, incident);
            said.unwrap_or_else(|error| panic!("{}: {error}", incident.name));
            container
        })
        .collect();
    std::thread::sleep(Duration::from_secs(2));
    let mut missed = Vec::new();
    for (incident, container) in INCIDENTS.iter().zip(&played) {
        let findings = findings(&recorder, &container.id);
        let found: BTreeSet<&str> = findings.iter().filter_map(|finding| finding["rule"].as_str()).collect();
        missed.extend(incident.rules.iter().filter(|rule| !found.contains(*rule)).map(|rule| (incident.name, *rule)));
        for finding in findings.iter().filter(|finding| incident.rules.iter().any(|rule| finding["rule"] == *rule)) {
            assert!(finding["techniques"].as_array().is_some_and(|all| !all.is_empty()), "{finding}");
        }
    }
    let in_the_made_one = findings(&recorder, &harbour.made());
    if !in_the_made_one.iter().any(|finding| finding["rule"] == "Host changed through a mount") {
        missed.push(("docker-socket's second container", "Host changed through a mount"));
    }
    assert_eq!(missed, [], "in these incidents these rules found nothing");
}

#[test]
fn a_days_work_yields_no_finding() {
    let harbour = Harbour::build().expect("the containers' network");
    let recorder = recorder();
    let container = harbour.container("day", &BENIGN[0]).expect("a container");
    recorder.wait_for(&container.name);
    for part in BENIGN {
        harbour.play(&container, part).unwrap_or_else(|error| panic!("{}: {error}", part.name));
    }
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!(findings(&recorder, &container.id), Vec::<Value>::new());
}
