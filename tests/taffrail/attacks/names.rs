//! Names that do not say which file they mean.

use crate::support::stage::{Evidence, Stage};
use serde_json::{Value, json};

/// The path of the only successful open without `O_CREAT` that an act made.
fn opened(evidence: &Evidence, act: &str) -> String {
    let mut rows = evidence.of(act, "file");
    rows.retain(|row| row["op"] == "open");
    assert_eq!(rows.len(), 1, "{act}: {rows:#?}");
    assert_eq!((&rows[0]["path_source"], &rows[0]["result"]), (&json!("kernel"), &json!(0)), "{act}");
    rows[0]["path"].as_str().expect("a path").to_owned()
}

#[test]
fn an_open_is_recorded_by_the_files_own_name_whatever_way_was_taken() {
    let stage = Stage::new("names", &[]);
    let said = [
        ("dotdot", stage.act(&["dotdot", "/data/up", "/etc/passwd"])),
        ("symlink-open", stage.act(&["symlink-open", "/data"])),
        ("chroot-open", stage.act(&["chroot-open", "/data"])),
    ];
    stage.act(&["non-utf8", "/data"]);
    let evidence = stage.evidence();
    for (act, said) in &said {
        assert_ne!(said.text("path"), said.text("asked"));
        assert_eq!(opened(&evidence, act), said.text("path"), "{act}");
    }
    let bytes = json!({ "op": "create", "path": r"/data/\xff\xfe\x80", "path_source": "kernel", "result": 0 });
    evidence.expect("non-utf8", "file", &[bytes]);
}

#[test]
fn a_name_longer_than_a_record_is_kept_by_its_end_and_says_that_it_is_cut() {
    let stage = Stage::new("long-names", &[]);
    assert_eq!(stage.act(&["long-path", "/data"]).number("bytes"), 4095);
    let deep = stage.act(&["deep-path", "/data"]);
    assert!(deep.number("bytes") > 8000);
    let evidence = stage.evidence();

    for (act, end) in [("long-path", "f".repeat(40)), ("deep-path", "/bottom".to_owned())] {
        let rows = evidence.of(act, "file");
        let of = |op: &str| -> Vec<&Value> {
            rows.iter()
                .filter(|row| row["op"] == op && row["path"].as_str().is_some_and(|path| path.ends_with(&end)))
                .collect()
        };
        for op in ["create", "open", "unlink"] {
            let found = of(op);
            assert_eq!(found.len(), 1, "{op} of {act}: {found:#?}");
            let path = found[0]["path"].as_str().expect("a path");
            let whole = path.starts_with("/data/") && path.len() == 4095;
            assert!(whole || path.starts_with(".../"), "{op} of {act} does not say that it is cut: {path:.80}");
        }
    }
}
