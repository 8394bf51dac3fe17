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

#[test]
fn what_recording_would_refuse_the_check_refuses_in_the_same_words() {
    let dir = tempfile::tempdir().expect("tempdir");
    let (path, token) = (dir.path().join("taffrail.toml"), dir.path().join("token"));
    fs::write(&token, "0123456789abcdef0123\n").expect("write");
    let open = |mode| fs::set_permissions(&token, std::os::unix::fs::PermissionsExt::from_mode(mode)).expect("mode");
    open(0o644);
    let door = format!("alarm_listen = \"127.0.0.1:9911\"\nalarm_token_file = {:?}\n", token.to_string_lossy());
    let gone = door.replace("/token", "/no-token");
    let key = format!("signing_key = {:?}\n", dir.path().join("no-key").to_string_lossy());
    for (config, expected) in [
        ("[response]\n\"Reverse shel\" = \"freeze\"\n", "there is no rule \"Reverse shel\""),
        (&door, "chmod 600"),
        (&gone, "alarm_token_file: cannot read"),
        (&key, "signing_key: cannot use the key"),
        ("control_group = \"no such group\"\n", "this host has no such group"),
    ] {
        fs::write(&path, config).expect("write");
        let file = path.to_string_lossy();
        let (code, _, checked) = run(&["config", "check", &file]);
        assert!(code == 2 && checked.contains(expected), "{config}: {code} {checked}");
        let (code, _, recorded) = run(&["record", "--config", &file]);
        assert_eq!((code, recorded), (2, checked), "{config}");
    }
    open(0o600);
    fs::write(&path, &door).expect("write");
    assert_eq!(run(&["config", "check", &path.to_string_lossy()]).0, 0);
}
