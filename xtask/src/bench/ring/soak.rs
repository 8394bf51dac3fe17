//! What a recorder keeps of containers that are gone: descriptors and memory must not grow with them.

use crate::bench::figures::Sheet;
use crate::bench::recorder::Recorder;
use crate::bench::rig::{Rig, WORKLOADS};
use anyhow::Result;
use std::fs;
use std::path::Path;
use std::time::Duration;

/// A history that nobody adds to goes after a second.
const CONFIG: &str = "ring_keep_seconds = 1\n";
/// How long after the last container: its history has gone, and some rounds of housekeeping.
const SETTLE: Duration = Duration::from_secs(5);
/// Files and tails of the host's own history, which are open when it is written to.
const HOST_FILES: usize = 4;
/// One file made, so that both classes have history.
const ACT: [&str; 3] = [WORKLOADS, "create", "/tmp"];

/// Makes and removes so many containers, and gives the table.
pub fn measure(rig: &Rig, containers: u64) -> Result<String> {
    let recorder = Recorder::start_with(rig, Some(CONFIG))?;
    let mut sheet = Sheet::new(
        "Containers that come and go",
        &["when", "containers", "open descriptors", "resident", "histories on disk"],
    );
    // What the first one takes may stay: room that is used again by the next.
    rig.run(&ACT)?;
    std::thread::sleep(SETTLE);
    let before = look(&mut sheet, &recorder, "before", 0)?;
    for made in 1..=containers {
        rig.run(&ACT)?;
        if made == containers / 2 {
            look(&mut sheet, &recorder, "in the middle", made)?;
        }
    }
    look(&mut sheet, &recorder, "at the end", containers)?;
    std::thread::sleep(SETTLE);
    let after = look(&mut sheet, &recorder, &format!("{} s later", SETTLE.as_secs()), containers)?;
    let verdict = if after <= before + HOST_FILES { "kept" } else { "MISSED" };
    sheet.note(format!("target, no more descriptors than before, but for the host's {HOST_FILES}: {verdict}"));
    recorder.stop()?;
    Ok(sheet.text())
}

/// Adds a row, and gives the count of descriptors.
fn look(sheet: &mut Sheet, recorder: &Recorder<'_>, when: &str, containers: u64) -> Result<usize> {
    let descriptors = recorder.descriptors()?.len();
    sheet.row(vec![
        when.to_owned(),
        containers.to_string(),
        descriptors.to_string(),
        format!("{:.1} MiB", recorder.resident_bytes()? as f64 / f64::from(1 << 20)),
        histories(recorder.state_dir())?.to_string(),
    ]);
    Ok(descriptors)
}

fn histories(state_dir: &Path) -> Result<usize> {
    Ok(fs::read_dir(state_dir.join("ring"))?.count())
}
