//! The rules that are shipped: all of them load, and each says what it is about.

use std::fs;
use std::path::Path;
use taffrail_rules::compile;
use taffrail_rules::falco::{self, Loaded};
use taffrail_rules::kind::Kinds;

/// `rules/default/*.yaml`, in the order of their names.
fn default_rules() -> Loaded {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("default");
    let mut names: Vec<_> = fs::read_dir(&dir).expect("rules/default").flatten().map(|entry| entry.path()).collect();
    names.sort();
    let files: Vec<(String, String)> = names
        .iter()
        .map(|path| {
            (path.file_name().expect("a name").to_string_lossy().into_owned(), fs::read_to_string(path).expect("text"))
        })
        .collect();
    falco::load(files.iter().map(|(name, text)| (name.as_str(), text.as_str())))
}

#[test]
fn the_default_rules_load_without_a_fault_and_ask_for_nothing_that_is_not_recorded() {
    let loaded = default_rules();
    assert_eq!(loaded.problems, []);
    assert_eq!(loaded.unsupported, []);
    assert_eq!(loaded.disabled, Vec::<String>::new());
    assert!(loaded.rules.len() >= 25, "{}", loaded.rules.len());
}

#[test]
fn every_default_rule_says_what_it_is_for_and_which_technique_it_finds() {
    for rule in default_rules().rules {
        assert!(rule.description.len() > 30, "{}: {}", rule.name, rule.description);
        assert!(rule.techniques().next().is_some(), "{} names no technique", rule.name);
        assert!(rule.tags.iter().any(|tag| tag.starts_with("mitre_")), "{} names no tactic", rule.name);
    }
}

#[test]
fn no_default_rule_is_asked_about_every_event() {
    for rule in default_rules().rules {
        for condition in rule.when.conditions() {
            assert_ne!(compile::kinds(condition), Kinds::JUDGED, "{}", rule.name);
        }
    }
}
