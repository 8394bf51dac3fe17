//! A configuration is checked before anything is recorded with it.

use crate::support::run;
use std::fs;

#[test]
fn the_configuration_that_is_printed_is_one_that_is_taken() {
    let (code, printed, err) = run(&["config", "print"]);
    assert_eq!(code, 0, "{err}");
    for key in [
        "ring_total_bytes = 268435456",
        "flush_ms = 1000",
        "evidence_dir = \"/var/lib/taffrail/evidence\"",
        "# control_group = ",
    ] {
        assert!(printed.contains(key), "{key} is not in\n{printed}");
    }
    let dir = tempfile::tempdir().expect("tempdir");
    let path = dir.path().join("taffrail.toml");
    fs::write(&path, &printed).expect("write");
    let path = path.to_string_lossy();
    assert_eq!(run(&["config", "check", &path]), (0, format!("ok: {path}\n"), String::new()));
    let (code, again, err) = run(&["config", "print", &path]);
    assert_eq!(code, 0, "{err}");
    let keys = |text: &str| text.lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(keys(&again), keys(&printed));
}

#[test]
fn a_mistyped_key_is_refused_with_its_line_and_the_one_that_was_meant() {
    let dir = tempfile::tempdir().expect("tempdir");
    let path = dir.path().join("taffrail.toml");
    fs::write(&path, "# ours\nflush_ms = 500\nring_flor_bytes = 1\n").expect("write");
    for command in [&["config", "check"][..], &["record", "--config"]] {
        let (code, out, err) = run(&[command, &[&path.to_string_lossy()]].concat());
        assert_eq!((code, out.as_str()), (2, ""), "{err}");
        assert!(err.contains("line 3") && err.contains("did you mean `ring_floor_bytes`?"), "{err}");
        assert_eq!(err.lines().count(), 1, "{err}");
    }
}

#[test]
fn a_configuration_with_wrong_rules_is_refused_with_the_place_of_each() {
    let dir = tempfile::tempdir().expect("tempdir");
    let (path, rules) = (dir.path().join("taffrail.toml"), dir.path().join("own.yaml"));
    fs::write(&path, format!("rules = [{:?}]\n", rules.display())).expect("write");
    let path = path.to_string_lossy();
    let (code, out, err) = run(&["config", "check", &path]);
    assert_eq!((code, out.as_str()), (2, ""), "{err}");
    assert!(err.contains("cannot read the rules in") && err.contains("own.yaml"), "{err}");
    let rule = |name: &str, condition: &str| {
        format!("- rule: {name}\n  desc: d\n  condition: {condition}\n  output: o\n  priority: INFO\n")
    };
    fs::write(&rules, rule("one", "evt.type = ") + &rule("two", "evt.tipe = open")).expect("write");
    for command in [&["config", "check"][..], &["record", "--config"]] {
        let (code, _, err) = run(&[command, &[&path]].concat());
        assert_eq!(code, 2, "{err}");
        assert!(err.contains("own.yaml:3:") && err.contains("own.yaml:8:"), "{err}");
    }
    fs::write(&rules, rule("one", "evt.type = open")).expect("write");
    assert_eq!(run(&["config", "check", &path]).0, 0);
}
