//! What the default rules say to whole stories in real containers: each incident is found by the rules that are made for
//! it, and nobody is woken for a day's work.

use crate::support::Recorder;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use taffrail_rules::falco;
use taffrail_rules::judge::Judge;
use taffrail_rules::matcher::RuleSet;
use taffrail_trace::bundle::Bundle;
use taffrail_workloads::harbour::{Container, Harbour};
use taffrail_workloads::incident::{BENIGN, INCIDENTS};

/// The rules that are shipped.
fn default_rules() -> Arc<RuleSet> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("rules/default");
    let mut paths: Vec<PathBuf> =
        fs::read_dir(dir).expect("rules/default").flatten().map(|entry| entry.path()).collect();
    paths.sort();
    let texts: Vec<(String, String)> = paths
        .iter()
        .map(|path| (path.display().to_string(), fs::read_to_string(path).expect("a file of rules")))
        .collect();
    let loaded = falco::load(texts.iter().map(|(name, text)| (name.as_str(), text.as_str())));
    assert_eq!(loaded.problems, []);
    Arc::new(RuleSet::new(loaded.rules))
}

/// What the default rules find in everything that was recorded of a container.
fn findings(recorder: &Recorder, container: &str) -> BTreeSet<String> {
    let bundle = recorder.trigger(container, "10m", "0s");
    let bundle = Bundle::open(&bundle).expect("a bundle");
    let mut found = BTreeSet::new();
    let mut judge = Judge::new(default_rules());
    let hunted = taffrail_rules::evidence::hunt(&bundle, &mut judge, &mut |finding, _| {
        found.insert(finding.rule);
    });
    assert!(hunted.expect("events").events > 100, "a container's life is more than this");
    found
}

#[test]
fn each_incident_is_found_by_the_rules_that_are_made_for_it() {
    let harbour = Harbour::build().expect("the containers' network");
    let recorder = Recorder::start("");
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
        let found = findings(&recorder, &container.id);
        missed.extend(incident.rules.iter().filter(|rule| !found.contains(**rule)).map(|rule| (incident.name, *rule)));
    }
    if !findings(&recorder, &harbour.made()).contains("Host changed through a mount") {
        missed.push(("docker-socket's second container", "Host changed through a mount"));
    }
    assert_eq!(missed, [], "in these incidents these rules found nothing");
}

#[test]
fn a_days_work_yields_no_finding() {
    let harbour = Harbour::build().expect("the containers' network");
    let recorder = Recorder::start("");
    let container = harbour.container("day", &BENIGN[0]).expect("a container");
    recorder.wait_for(&container.name);
    for part in BENIGN {
        harbour.play(&container, part).unwrap_or_else(|error| panic!("{}: {error}", part.name));
    }
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!(findings(&recorder, &container.id), BTreeSet::new());
}
