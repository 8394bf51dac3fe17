//! What the default rules say to whole stories in real containers: each incident is found by the rules that are made for
//! it, and nobody is woken for a day's work.

use crate::support::{Recorder, ask};
use std::collections::BTreeSet;
use std::time::Duration;
use taffrail_workloads::harbour::{Container, Harbour};
use taffrail_workloads::incident::{BENIGN, INCIDENTS};

/// The rules that found something in a container, each with its techniques.
fn findings(recorder: &Recorder, container: &str) -> BTreeSet<String> {
    let bundle = recorder.trigger(container, "10m", "0s");
    let rows = ask(&bundle, "SELECT rule, techniques FROM finding WHERE rule <> 'manual'");
    for row in &rows {
        assert!(row["techniques"].as_array().is_some_and(|techniques| !techniques.is_empty()), "{row}");
    }
    rows.iter().filter_map(|row| row["rule"].as_str()).map(str::to_owned).collect()
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
