//! The recorder's own CPU time while a container opens and closes a file at a known rate.

use super::figures::{Sheet, at_most};
use super::recorder::Recorder;
use super::rig::{Rig, number};
use anyhow::Result;
use std::time::{Duration, Instant};

/// Opens a second. The target is for the last but one.
const RATES: [u64; 4] = [0, 10_000, 100_000, 200_000];
const TARGET_RATE: u64 = 100_000;
/// Percent of one CPU.
const TARGET: f64 = 15.0;
const SECONDS: &str = "8";

/// Measures and gives the table.
pub fn measure(rig: &Rig) -> Result<String> {
    let container = rig.container(&["sleep", "100000"])?;
    let recorder = Recorder::start(rig)?;
    let mut sheet = Sheet::new(
        "The recorder itself, at level standard",
        &["opens/s asked", "opens/s", "events/s", "lost", "refused", "CPU of one core", "resident"],
    );
    for rate in RATES {
        recorder.level(&container, "standard")?;
        let (before, cpu, start) = (recorder.counts(&container)?, recorder.cpu_seconds()?, Instant::now());
        let mut opens = 0.0;
        if rate == 0 {
            std::thread::sleep(Duration::from_secs(5));
        } else {
            let rate = rate.to_string();
            opens = number(
                &container.exec(&[super::rig::WORKLOADS, "count-opens", "0", SECONDS, "/srv/index.html", &rate])?,
                "opens",
            )?;
        }
        // What is still on its way belongs to it.
        std::thread::sleep(Duration::from_secs(1));
        let busy = if rate == 0 { start.elapsed().as_secs_f64() } else { SECONDS.parse()? };
        let share = (recorder.cpu_seconds()? - cpu) / busy * 100.0;
        let counts = recorder.counts(&container)?.since(before);
        sheet.row(vec![
            rate.to_string(),
            format!("{:.0}", opens / busy),
            format!("{:.0}", counts.events as f64 / busy),
            counts.lost.to_string(),
            counts.refused.to_string(),
            format!("{share:.1} %"),
            format!("{} MiB", recorder.resident_bytes()? >> 20),
        ]);
        if rate == TARGET_RATE {
            sheet.note(format!("target at {TARGET_RATE} opens/s: {}", at_most(share, TARGET, "%")));
        }
    }
    Ok(sheet.text())
}
