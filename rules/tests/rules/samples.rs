//! The default rules over the sample traces: each story is found, and nobody is woken for a day's work.

use crate::default::default_rules;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use taffrail_rules::evidence;
use taffrail_rules::judge::Judge;
use taffrail_rules::matcher::RuleSet;
use taffrail_trace::bundle::Bundle;

/// What the default rules find in a sample.
fn found(sample: &str) -> BTreeSet<String> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../sample-traces");
    let bundle = Bundle::open(&dir.join(format!("{sample}.evidence.zip"))).expect("a sample");
    let mut judge = Judge::new(Arc::new(RuleSet::new(default_rules().rules)));
    let mut found = BTreeSet::new();
    evidence::hunt(&bundle, &mut judge, &mut |finding, _| {
        found.insert(finding.rule);
    })
    .expect("events");
    found
}

#[test]
fn each_sample_is_found_by_the_rules_that_are_made_for_it() {
    let samples: &[(&str, &[&str])] = &[
        ("reverse-shell", &["Shell on a network connection", "Netcat gives a program away", "Program dropped and run"]),
        (
            "dropped-miner",
            &["Program dropped and run", "Program fetched and run", "Crypto miner started", "Mining pool asked"],
        ),
        ("dropped-miner", &["Scheduled job planted", "Log removed or emptied"]),
        ("docker-socket", &["Container runtime's socket used"]),
        ("docker-socket-maintenance", &["Host changed through a mount", "Host's secrets reached through a mount"]),
        ("host-mount", &["Host changed through a mount", "Host's secrets reached through a mount"]),
        ("host-mount", &["File system mounted in a container", "Root changed to a mounted host"]),
        ("host-mount", &["Release agent tried on an ordinary file"]),
        ("theft-and-scan", &["Service account token read by a tool", "Search for keys and passwords"]),
        ("theft-and-scan", &["Credential file read by a tool", "Cloud metadata asked by a tool"]),
        ("theft-and-scan", &["One port of many hosts tried", "Many ports of one host tried"]),
        ("theft-and-scan", &["Credentials read, then a connection", "Log-ins tried one after the other"]),
        ("io-uring", &["Credential file read around system calls", "File removed around system calls"]),
        ("io-uring", &["Service starts a shell"]),
        ("fileless", &["Program run from memory", "Program under the name of a kernel thread"]),
    ];
    for (sample, rules) in samples {
        let found = found(sample);
        for rule in *rules {
            assert!(found.contains(*rule), "{rule} is not found in {sample}, but {found:?}");
        }
    }
}

#[test]
fn a_days_work_yields_no_finding() {
    assert_eq!(found("day-in-the-life"), BTreeSet::new());
}
