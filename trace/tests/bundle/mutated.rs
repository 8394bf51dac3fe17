//! Ten thousand spoiled bundles: an error or an answer, soon, in little memory, and nothing written.

use crate::support::signed;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use taffrail_trace::bundle::{Bundle, OpenError};
use taffrail_trace::custody;
use taffrail_trace::fixture::mutate::{Dice, mutate, zip_places};

/// How many of each of the two.
const COUNT: u64 = 5000;
/// The longest that one may take.
const SLOW: Duration = Duration::from_secs(5);
/// What opening one may take at most beside what the test itself has.
const MEMORY_MAX_KIB: u64 = 256 << 10;

#[derive(Debug, Default)]
struct Outcomes {
    refused: u64,
    altered: u64,
    intact: u64,
    rows: u64,
    unreadable: u64,
    slowest: Duration,
}

/// Everything that this crate does with a file that it was handed.
fn look_at(path: &Path, outcomes: &mut Outcomes) {
    let bundle = match Bundle::open(path) {
        Ok(bundle) => bundle,
        Err(error) => {
            assert!(error.to_string().chars().all(|ch| !ch.is_control()), "{error:?}");
            outcomes.refused += 1;
            return;
        }
    };
    match bundle.prove() {
        Ok(proof) if matches!(proof.verdict, taffrail_trace::bundle::Verdict::Intact(_)) => outcomes.intact += 1,
        Ok(_) => outcomes.altered += 1,
        Err(_) => outcomes.refused += 1,
    }
    if let Ok(Some(log)) = bundle.text("custody.log") {
        custody::check(&String::from_utf8_lossy(&log));
    }
    for name in bundle.members().keys().filter(|name| name.ends_with(".parquet")) {
        let read = bundle.each_batch::<OpenError>(name, 100_000, &mut |batch| {
            outcomes.rows += batch.num_rows() as u64;
            Ok(())
        });
        outcomes.unreadable += u64::from(read.is_err());
    }
}

fn peak_kib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("status");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a peak");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}

fn spoil(original: &Path, seed: u64) -> Outcomes {
    let dir = tempfile::tempdir().expect("a directory");
    let path: PathBuf = dir.path().join("spoiled.evidence.zip");
    let whole = fs::read(original).expect("a bundle");
    let places = zip_places(&whole);
    let before = peak_kib();
    // A decoder that panics is contained, and need not say so ten thousand times.
    std::panic::set_hook(Box::new(|_| ()));
    let mut outcomes = Outcomes::default();
    for number in 0..COUNT {
        let mut bytes = whole.clone();
        mutate(&mut bytes, &places, &mut Dice::new(seed + number));
        fs::write(&path, &bytes).expect("written");
        let begun = Instant::now();
        look_at(&path, &mut outcomes);
        outcomes.slowest = outcomes.slowest.max(begun.elapsed());
    }
    drop(std::panic::take_hook());
    let grown = peak_kib() - before;
    println!("{outcomes:?}, {grown} KiB more at the peak");
    assert!(outcomes.slowest < SLOW, "{:?}", outcomes.slowest);
    assert!(grown < MEMORY_MAX_KIB, "{grown} KiB");
    let left: Vec<_> = fs::read_dir(dir.path()).expect("a directory").flatten().collect();
    assert_eq!(left.len(), 1, "nothing was written beside it: {left:?}");
    outcomes
}

#[test]
fn five_thousand_spoiled_incidents_stop_nothing() {
    let dir = tempfile::tempdir().expect("a directory");
    let outcomes = spoil(&signed(dir.path()), 1);
    assert!(outcomes.refused > 1000 && outcomes.altered > 500, "{outcomes:?}");
}

#[test]
fn five_thousand_spoiled_samples_stop_nothing() {
    let sample = concat!(env!("CARGO_MANIFEST_DIR"), "/../sample-traces/reverse-shell.evidence.zip");
    let outcomes = spoil(sample.as_ref(), 1_000_000);
    assert!(outcomes.refused > 1000 && outcomes.altered > 500, "{outcomes:?}");
}
