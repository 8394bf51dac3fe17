//! The time and memory of sealing a history that lies on disk.

use crate::bench::figures::{Series, Sheet, at_most};
use crate::bench::recorder::memory_bytes;
use crate::bench::rig::Rig;
use anyhow::{Context as _, Result, bail};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Seconds a million events.
const TARGET: f64 = 1.0;
/// How often its memory is looked at.
const LOOK: Duration = Duration::from_millis(1);

/// A history to be sealed.
pub struct History<'a> {
    /// Its container in the mix.
    pub name: &'a str,
    /// The container's id.
    pub id: &'a str,
    /// Events in it.
    pub events: u64,
}

/// Salvages each container's history, which is sealing it, `rounds` times, and gives the table. The target is for the
/// last of them.
pub fn measure(rig: &Rig, state_dir: &Path, histories: &[History<'_>], rounds: u32) -> Result<String> {
    let mut sheet =
        Sheet::new("Sealing", &["history", "events", "seconds", "", "s a million", "peak resident", "bytes an event"]);
    let mut last = 0.0;
    for history in histories {
        let (mut seconds, mut peak) = (Series::default(), 0);
        for _ in 0..rounds {
            seconds.push(salvage(rig, state_dir, history.id, &mut peak)?);
        }
        let events = history.events as f64;
        last = seconds.median() / events * 1e6;
        sheet.row(vec![
            history.name.to_owned(),
            history.events.to_string(),
            format!("{:.3}", seconds.median()),
            format!("± {:.3}", seconds.spread()),
            format!("{last:.2}"),
            format!("{:.0} MiB", peak as f64 / f64::from(1 << 20)),
            format!("{:.0}", peak as f64 / events),
        ]);
    }
    sheet.note(format!("target, a million events of the longest: {}", at_most(last, TARGET, "s")));
    sheet.note("a whole `taffrail salvage`: start, reading, assembling, writing, reading back, verifying".to_owned());
    sheet.note("it checks the sums of all histories before it seals one".to_owned());
    Ok(sheet.text())
}

/// Seconds of one; `peak` becomes the most memory seen.
fn salvage(rig: &Rig, state_dir: &Path, id: &str, peak: &mut u64) -> Result<f64> {
    let mut salvage = Command::new(&rig.binary);
    salvage.arg("salvage").arg(state_dir).args(["--container", id]).arg("--out").arg(rig.dir.join("sealed"));
    let start = Instant::now();
    let mut child = salvage.stdout(Stdio::null()).spawn().context("cannot start salvage")?;
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        // A process that has just ended has no memory.
        *peak = (*peak).max(memory_bytes(child.id(), "VmHWM:").unwrap_or(0));
        std::thread::sleep(LOOK);
    };
    let seconds = start.elapsed().as_secs_f64();
    if !status.success() {
        bail!("salvage: {status}");
    }
    Ok(seconds)
}
