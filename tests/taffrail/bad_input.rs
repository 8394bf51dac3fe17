//! Files that are not what they claim get one clear line and the right exit code, from every command that opens them.

use crate::support::{run, told};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

fn sample() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("sample-traces/reverse-shell.evidence.zip")
}

/// Every command that opens a bundle, on `path`: the exit code expected of verify differs from the others'.
fn expect_one_line(path: &Path, what: &str, verify_code: i32) {
    let name = path.to_string_lossy();
    for (args, expected) in [
        (vec!["query", &name, "--sql", "SELECT count(*) FROM process"], 2),
        (vec!["replay", &name], 2),
        (vec!["verify", &name], verify_code),
    ] {
        let (code, out, err) = run(&args);
        assert_eq!(code, expected, "{what}, {}: {out}{err}", args[0]);
        let said = if err.is_empty() { out } else { err };
        assert_eq!(said.trim_end().lines().count(), 1, "{what}, {}: {said}", args[0]);
        assert!(!said.contains("panicked"), "{what}: {said}");
    }
}

fn written(dir: &Path, bytes: &[u8]) -> PathBuf {
    let path = dir.join("bad.evidence.zip");
    fs::write(&path, bytes).expect("write");
    path
}

#[test]
fn a_file_that_is_not_there_or_no_file_is_one_line_and_exit_code_2() {
    let dir = tempfile::tempdir().expect("a directory");
    expect_one_line(&dir.path().join("nothing"), "missing", 2);
    expect_one_line(dir.path(), "a directory", 1);
}

#[test]
fn a_foreign_or_empty_or_truncated_file_is_one_line() {
    let dir = tempfile::tempdir().expect("a directory");
    let whole = fs::read(sample()).expect("sample");
    expect_one_line(&written(dir.path(), b""), "empty", 1);
    expect_one_line(&written(dir.path(), b"PK\x03\x04 and then nothing of the kind"), "foreign", 1);
    expect_one_line(&written(dir.path(), &[0x7f; 70_000]), "noise", 1);
    for part in [1, 2, 5, 9] {
        expect_one_line(&written(dir.path(), &whole[..whole.len() * part / 10]), "truncated", 1);
    }
}

#[test]
fn a_flipped_bit_anywhere_fails_verification_and_panics_nowhere() {
    let dir = tempfile::tempdir().expect("a directory");
    let whole = fs::read(sample()).expect("sample");
    let (mut caught, mut tried) = (0, 0);
    for step in 0..40 {
        let at = whole.len() * step / 40 + 13;
        let mut bytes = whole.clone();
        bytes[at] ^= 0x04;
        let path = written(dir.path(), &bytes);
        let (code, out, err) = run(&["verify", &path.to_string_lossy()]);
        tried += 1;
        assert!(code == 0 || code == 1, "flipped {at}: {code} {out}{err}");
        caught += i32::from(code == 1);
        let (code, _, err) = run(&["query", &path.to_string_lossy(), "--sql", "SELECT * FROM timeline"]);
        assert!(
            code == 0 || code == 1 || code == 2 && err.trim_end().lines().count() == 1,
            "flipped {at}: {code} {err}"
        );
        assert!(!err.contains("panicked"), "flipped {at}: {err}");
    }
    println!(
        "{caught} of {tried} flipped bits failed verification; the others lie in ZIP headers that carry no evidence"
    );
    assert!(caught >= tried - 4, "{caught} of {tried}");
}

#[test]
fn sql_that_writes_or_is_wrong_is_one_line_and_exit_code_2() {
    let name = sample().to_string_lossy().into_owned();
    for sql in [
        "SELEC 1",
        "SELECT nothing FROM process",
        "DROP TABLE process",
        "COPY process TO '/tmp/x.csv'",
        "SELECT * FROM '/etc/passwd'",
    ] {
        let (code, _, err) = run(&["query", &name, "--sql", sql]);
        assert_eq!((code, err.trim_end().lines().count()), (2, 1), "{sql}: {err}");
    }
    let (code, _, _) = run(&["query", &name, "--sql", "SELECT * FROM process WHERE pid = 0"]);
    assert_eq!(code, 1, "a question with no answer");
}

#[test]
fn a_reader_that_stops_reading_is_no_error() {
    let script = format!(
        "'{}' query '{}' --sql 'SELECT * FROM timeline' --format csv | head -n 1",
        env!("CARGO_BIN_EXE_taffrail"),
        sample().display()
    );
    let output =
        Command::new("bash").args(["-o", "pipefail", "-c", &script]).stdin(Stdio::null()).output().expect("bash");
    let (code, out, err) = told(output);
    assert_eq!((code, out.lines().count(), err.as_str()), (0, 1, ""), "{out}");
}
