//! A recorder that is killed at any instant. `TAFFRAIL_KILLS=200` makes it as many times; a few are enough every day.

use crate::support::container::Container;
use crate::support::{Recorder, bundles_in, number, run};
use std::fs;
use std::time::Duration;

/// The next of a sequence of numbers that nobody would choose (xorshift).
fn next(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}

#[test]
fn kills_under_load_lose_nothing_that_was_sealed_and_leave_a_ring_that_opens() {
    let rounds: u64 = std::env::var("TAFFRAIL_KILLS").map_or(8, |count| count.parse().expect("a number of kills"));
    let seed = u64::from(std::process::id()) << 32 | 0x5EED;
    println!("{rounds} kills, seed {seed:#x}");
    let mut random = seed;
    let load = Container::run("kills", "while true; do echo x > /tmp/a; cat /tmp/a > /dev/null; rm /tmp/a; done");
    let mut dir = tempfile::tempdir().expect("tempdir");
    let mut acknowledged = Vec::new();
    for round in 0..rounds {
        let recorder = Recorder::start_in(dir, "flush_ms = 20\n");
        recorder.wait_for(&load.name);
        std::thread::sleep(Duration::from_millis(next(&mut random) % 300));
        if round % 2 == 0 {
            acknowledged.push(recorder.trigger(&load.name, "1m", "0s"));
        } else {
            // It is being sealed when the end comes.
            let state = recorder.state_dir().to_string_lossy().into_owned();
            let order =
                ["trigger", "--state-dir", &state, "--container", &load.name, "--reason", "cut", "--after", "0s"];
            assert_eq!(run(&order).0, 0);
            std::thread::sleep(Duration::from_millis(next(&mut random) % 200));
        }
        dir = recorder.end("KILL").1;
    }
    let recorder = Recorder::start_in(dir, "");
    recorder.wait_for(&load.name);
    let last = recorder.trigger(&load.name, "1h", "0s");
    let state = recorder.state_dir();
    let mut there = bundles_in(&state.join("evidence"));
    there.extend(bundles_in(&state.with_file_name("out")));
    println!("{} bundles acknowledged, {} there, {} kills", acknowledged.len(), there.len(), rounds);
    let halves = fs::read_dir(state.join("evidence")).into_iter().flatten().flatten();
    let halves = halves.filter(|entry| entry.file_name().to_string_lossy().ends_with(".partial"));
    assert_eq!(halves.count(), 0, "what was being written at a kill is gone");
    for bundle in &there {
        let (code, out, err) = run(&["verify", &bundle.to_string_lossy()]);
        assert_eq!(code, 0, "{}: {out}{err}", bundle.display());
    }
    assert!(acknowledged.iter().all(|bundle| there.contains(bundle)));
    // The history goes back before the first kill. Of the file that is open at a kill only the last segment can be torn.
    let damaged = number(&last, "SELECT count(*) AS n FROM gap WHERE cause = 'damaged'");
    assert_eq!(damaged, 0, "a write that a kill cut short is the end of its file, and nothing else is harmed");
    let since = number(&acknowledged[0], "SELECT count(*) AS n FROM file WHERE op = 'unlink' AND path = '/tmp/a'");
    let all = number(&last, "SELECT count(*) AS n FROM file WHERE op = 'unlink' AND path = '/tmp/a'");
    assert!(since > 0 && all > since, "{all} of all time, {since} before the first kill");
}
