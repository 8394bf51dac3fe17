//! Who may import whom, read from what cargo itself says.

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

/// Every edge between our crates that may be, by package.
const ALLOWED: &[(&str, &[&str])] = &[
    (
        "taffrail",
        &["taffrail-demo", "taffrail-query", "taffrail-recorder", "taffrail-rules", "taffrail-trace", "taffrail-tui"],
    ),
    ("taffrail-demo", &["taffrail-query", "taffrail-recorder", "taffrail-trace"]),
    ("taffrail-probes", &["taffrail-probes-abi"]),
    ("taffrail-probes-abi", &[]),
    ("taffrail-query", &["taffrail-rules", "taffrail-trace"]),
    ("taffrail-recorder", &["taffrail-probes", "taffrail-rules", "taffrail-trace"]),
    ("taffrail-rules", &["taffrail-trace"]),
    ("taffrail-trace", &[]),
    ("taffrail-tui", &["taffrail-query", "taffrail-trace"]),
    ("taffrail-workloads", &[]),
    ("xtask", &["taffrail-workloads"]),
];

/// Crates that only one of ours may name.
const OWNED: &[(&str, &str)] = &[
    ("aya", "taffrail-probes"),
    ("bollard", "taffrail-recorder"),
    ("datafusion", "taffrail-query"),
    ("ratatui", "taffrail-tui"),
    ("saphyr-parser", "taffrail-rules"),
];

fn dependencies() -> BTreeMap<String, BTreeSet<String>> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .output()
        .expect("cargo metadata");
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("metadata is JSON");
    let packages = metadata["packages"].as_array().expect("packages");
    let name = |value: &Value| value["name"].as_str().expect("a name").to_owned();
    packages
        .iter()
        .map(|package| {
            let all = package["dependencies"].as_array().expect("dependencies").iter();
            (name(package), all.filter(|dependency| dependency["kind"] != "dev").map(name).collect())
        })
        .collect()
}

#[test]
fn every_crate_imports_only_what_the_house_allows() {
    let found = dependencies();
    let ours: BTreeSet<&String> = found.keys().collect();
    assert_eq!(ours.len(), ALLOWED.len(), "a crate is not in the plan: {ours:?}");
    for (package, allowed) in ALLOWED {
        let used: Vec<&String> = found[*package].iter().filter(|name| ours.contains(name)).collect();
        for name in used {
            assert!(allowed.contains(&name.as_str()), "{package} may not import {name}");
        }
    }
}

#[test]
fn each_engine_is_named_in_one_crate_only() {
    for (package, names) in dependencies() {
        for (engine, owner) in OWNED {
            assert!(
                package == *owner || !names.contains(*engine),
                "{package} names {engine}, which belongs to {owner}"
            );
        }
        let runtime = ["tokio", "aya", "datafusion", "ratatui"];
        assert!(package != "taffrail-trace" || !runtime.iter().any(|name| names.contains(*name)), "trace stays small");
    }
}
