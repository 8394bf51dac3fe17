//! Golden queries over the sample traces. (The questions of their README are asked in `tests/taffrail/documents.rs`.)
//!
//! `slt/<sample>.slt` has one query after the other, with its rows below a line of dashes, ` | ` between the values:
//!
//! ```text
//! query
//! SELECT op, path FROM file_changes
//! ----
//! create | /tmp/.update
//! ```
//!
//! Samples are recorded anew now and then, so the queries leave out what differs then: times, pids, ports, ids. With
//! `GOLDEN=write` in the environment the rows are written as they are today, to be looked at before they are kept.

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use support::{open, rows, wait};

fn samples() -> Vec<PathBuf> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../sample-traces");
    let mut paths: Vec<PathBuf> = fs::read_dir(dir).expect("the samples").flatten().map(|entry| entry.path()).collect();
    paths.retain(|path| path.to_string_lossy().ends_with(".evidence.zip"));
    paths.sort();
    assert!(!paths.is_empty());
    paths
}

fn name(path: &Path) -> String {
    path.file_name().expect("a name").to_string_lossy().trim_end_matches(".evidence.zip").to_owned()
}

#[test]
fn every_sample_trace_answers_its_golden_queries() {
    for sample in samples() {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/slt/{}.slt", name(&sample)));
        let golden = fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let session = open(&[sample]).expect("a session");
        let (mut today, mut asked) = (Vec::new(), 0);
        for block in golden.split("\n\n") {
            let Some((question, _)) = block.split_once("\n----") else {
                today.push(block.trim_end().to_owned());
                continue;
            };
            let sql = question.split_once("query\n").expect("a line that says query").1;
            let answer = rows(&session, sql);
            today.push([&[question.to_owned(), "----".to_owned()][..], &answer].concat().join("\n"));
            asked += 1;
        }
        let today = today.join("\n\n") + "\n";
        if std::env::var_os("GOLDEN").is_some_and(|what| what == "write") {
            fs::write(&file, today).expect("written");
        } else {
            assert_eq!(today, golden, "{} (GOLDEN=write shows what it is today)", file.display());
        }
        assert!(asked >= 3, "{} asks too little", file.display());
    }
}

#[test]
fn every_sample_trace_answers_every_view_and_has_a_report() {
    for sample in samples() {
        let session = open(std::slice::from_ref(&sample)).expect("a session");
        for view in taffrail_query::VIEWS {
            rows(&session, &format!("SELECT * FROM {}", view.name));
        }
        let report = wait(taffrail_query::report::Report::of(&session)).expect("a report");
        assert!(report.html().len() < 400_000 && report.markdown().len() < 200_000, "{}", sample.display());
    }
}
