//! Bundles are read where they are: nothing extracted, nothing else reached, no more read than needed.
//! These tests count bytes of the whole process, so they take turns.

mod support;

use std::fs;
use std::sync::{Mutex, PoisonError};
use support::{large, open, rows, size, wait};

static TURN: Mutex<()> = Mutex::new(());

#[test]
fn parquet_is_read_in_place() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let dir = tempfile::tempdir().expect("a directory");
    let path = large(dir.path(), 200_000);
    let session = open(std::slice::from_ref(&path)).expect("a session");
    assert_eq!(session.read_bytes(), 0, "opening reads no event");

    assert_eq!(rows(&session, "SELECT op FROM file LIMIT 3"), ["open"; 3]);
    let of_one_column = session.read_bytes();
    assert!(of_one_column < size(&path) / 10, "{of_one_column} of {}", size(&path));

    let minute = "SELECT count(path) FROM file WHERE time BETWEEN '2026-03-14T09:01:00Z' AND '2026-03-14T09:01:01Z'";
    assert_eq!(rows(&session, minute), ["1001"]);
    let of_one_second = session.read_bytes() - of_one_column;
    assert!(of_one_second < size(&path) / 4, "{of_one_second} of {}", size(&path));
}

#[test]
#[cfg(target_os = "linux")]
fn nothing_is_extracted_to_disk() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let dir = tempfile::tempdir().expect("a directory");
    let path = large(dir.path(), 200_000);
    let session = open(std::slice::from_ref(&path)).expect("a session");
    let before = written_by_this_process();
    let sorted = wait(session.sql("SELECT path FROM file ORDER BY path DESC")).expect("rows");
    assert_eq!(sorted.iter().map(taffrail_query::arrow::array::RecordBatch::num_rows).sum::<usize>(), 200_000);
    let written = written_by_this_process() - before;
    // Threads that wake each other write a few bytes too.
    assert!(written < 64 << 10, "{written} bytes were written by a query over {} bytes", size(&path));
    assert_eq!(fs::read_dir(dir.path()).expect("a directory").count(), 1);
}

#[cfg(target_os = "linux")]
fn written_by_this_process() -> u64 {
    let io = fs::read_to_string("/proc/self/io").expect("the kernel counts");
    let line = io.lines().find_map(|line| line.strip_prefix("wchar: ")).expect("a count");
    line.parse().expect("a number")
}
