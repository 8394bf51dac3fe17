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
