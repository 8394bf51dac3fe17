//! What the default rules say to whole stories in real containers: each incident is found by the rules that are made for
//! it, and nobody is woken for a day's work.

use crate::support::{Recorder, ask, run};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;
use taffrail_workloads::harbour::{Container, Harbour};
use taffrail_workloads::incident::{BENIGN, INCIDENTS};

/// The rules that found something in a container, each with its techniques.
fn findings(recorder: &Recorder, container: &str) -> BTreeSet<String> {
    let bundle = recorder.trigger(container, "10m", "0s");
    assert_eq!(hunted(&bundle), recorded(&bundle), "the same rules find the same afterwards");
    let rows = ask(&bundle, "SELECT rule, techniques FROM finding WHERE rule <> 'manual'");
    for row in &rows {
        assert!(row["techniques"].as_array().is_some_and(|techniques| !techniques.is_empty()), "{row}");
    }
    rows.iter().filter_map(|row| row["rule"].as_str()).map(str::to_owned).collect()
}

/// What a rule found: when, and the events that it stands on by time, who did them, and which step they are.
type Found = BTreeMap<String, BTreeSet<(String, Vec<[String; 3]>)>>;

/// A rule that was not told one by one is not compared: afterwards nothing is left out.
fn hunted(bundle: &Path) -> Found {
    let (code, out, err) = run(&["hunt", &bundle.to_string_lossy(), "--json"]);
    assert!(code < 2, "{err}");
    let mut found = Found::new();
    for line in out.lines() {
        let row: Value = serde_json::from_str(line).expect("JSON");
        let events = row["events"].as_array().expect("events").iter().map(event).collect();
        found.entry(text(&row["rule"])).or_default().insert((text(&row["time"]), events));
    }
    let many = ask(bundle, "SELECT rule FROM finding WHERE message LIKE 'it matched %'");
    many.iter().for_each(|row| drop(found.remove(&text(&row["rule"]))));
    found
}

fn recorded(bundle: &Path) -> Found {
    let mut events = BTreeMap::<String, Vec<[String; 3]>>::new();
    for row in ask(bundle, "SELECT * FROM finding_event ORDER BY finding_id, time") {
        events.entry(text(&row["finding_id"])).or_default().push(event(&row));
    }
    let one_by_one = "SELECT * FROM finding WHERE source = 'rule' AND rule NOT IN \
         (SELECT rule FROM finding WHERE message LIKE 'it matched %')";
    let mut found = Found::new();
    for row in ask(bundle, one_by_one) {
        let events = events.remove(&text(&row["finding_id"])).unwrap_or_default();
        found.entry(text(&row["rule"])).or_default().insert((text(&row["time"]), events));
    }
    found
}

fn event(row: &Value) -> [String; 3] {
    [&row["time"], &row["exec_id"], &row["step"]].map(text)
}

/// Large numbers are texts in one and numbers in the other.
fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
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
