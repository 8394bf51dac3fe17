//! The report as a command, and several bundles at once.

use crate::support::run;
use std::fs;
use std::path::Path;

fn sample() -> String {
    format!("{}/sample-traces/reverse-shell.evidence.zip", env!("CARGO_MANIFEST_DIR"))
}

fn damaged(dir: &Path) -> String {
    let path = dir.join("damaged.evidence.zip");
    let bytes = fs::read(sample()).expect("the sample");
    fs::write(&path, &bytes[..bytes.len() / 2]).expect("written");
    path.to_string_lossy().into_owned()
}

#[test]
fn a_report_is_markdown_for_a_pipe_and_a_page_for_a_file() {
    let (code, out, err) = run(&["report", &sample()]);
    assert_eq!(code, 0, "{err}");
    assert!(out.starts_with("# Evidence: ") && out.contains("cat /etc/shadow"), "{out}");

    let dir = tempfile::tempdir().expect("a directory");
    let page = dir.path().join("report.html").to_string_lossy().into_owned();
    let (code, out, err) = run(&["report", &sample(), "-o", &page]);
    assert_eq!((code, out.as_str()), (0, ""), "{err}");
    let page = fs::read_to_string(page).expect("the page");
    assert!(page.starts_with("<!DOCTYPE html>") && page.contains("cat /etc/shadow") && !page.contains("<script"));

    let (code, _, err) = run(&["report", &sample(), "-o", "report.pdf"]);
    assert_eq!(code, 2);
    assert!(err.contains(".html") && err.contains(".md"), "{err}");
}

#[test]
fn a_damaged_bundle_is_named_and_left_out_and_without_another_it_is_an_error() {
    let dir = tempfile::tempdir().expect("a directory");
    let damaged = damaged(dir.path());
    let sql = ["--sql", "SELECT DISTINCT bundle FROM process", "--format", "csv"];
    let (code, out, err) = run(&[&["query", &damaged, &sample()][..], &sql].concat());
    assert_eq!((code, out.lines().count()), (0, 2), "{out}{err}");
    assert!(err.contains("left out") && err.contains("damaged.evidence.zip"), "{err}");
    let (code, out, err) = run(&["report", &sample(), &damaged]);
    assert_eq!((code, out.matches("# Evidence: ").count()), (0, 1), "{err}");
    assert!(err.contains("damaged.evidence.zip"), "{err}");
    for command in [&["query", &damaged, &damaged, "--sql", "SELECT 1"][..], &["report", &damaged]] {
        let (code, out, err) = run(command);
        assert_eq!((code, out.as_str()), (2, ""), "{err}");
        assert!(err.contains("damaged.evidence.zip"), "{err}");
    }
}

#[test]
fn the_help_of_query_leads_to_the_page_of_queries() {
    let (_, help, _) = run(&["query", "--help"]);
    assert!(help.contains("docs/QUERIES.md"), "{help}");
}

#[test]
fn the_case_notes_beside_a_bundle_are_in_a_report_that_asks_for_them() {
    let dir = tempfile::tempdir().expect("a directory");
    let bundle = dir.path().join("x.evidence.zip");
    fs::copy(sample(), &bundle).expect("copied");
    let bundle = bundle.to_string_lossy().into_owned();
    let notes = r#"{"notes":[{"time_ns":1,"time":"","event":"exec sh","text":"the way in #entry","tags":["entry"]}]}"#;
    fs::write(format!("{bundle}.notes.json"), notes).expect("written");
    let (code, out, err) = run(&["report", &bundle]);
    assert!(code == 0 && !out.contains("the way in"), "{err}");
    let (code, out, err) = run(&["report", "--notes", &bundle]);
    assert!(code == 0 && out.contains("## Case notes") && out.contains("the way in"), "{out}{err}");
    fs::write(format!("{bundle}.notes.json"), "{").expect("damaged");
    let (code, _, err) = run(&["report", "--notes", &bundle]);
    assert!(code == 2 && err.contains("notes.json"), "{err}");
}

#[test]
fn a_filter_that_is_no_condition_is_told_with_its_place_in_what_was_typed() {
    let (code, _, err) = run(&["hunt", &sample(), "--filter", "proc.name = nc and proc.nmae = x"]);
    assert_eq!(code, 2);
    assert!(err.contains("character 20") && err.contains("did you mean 'proc.name'"), "{err}");
}
