//! What is lost in a flood from two CPUs: first at a rate that must be borne, then at none.

use super::figures::Sheet;
use super::recorder::Recorder;
use super::rig::{Container, Rig, WORKLOADS, number};
use anyhow::{Context as _, Result, bail};
use std::process::{Child, Stdio};
use std::time::Duration;

/// Opens a second on each of two CPUs.
const RATE: u64 = 100_000;
const CPUS: u64 = 2;
const UNBOUNDED_SECONDS: u64 = 5;

/// Measures and gives the table.
pub fn measure(rig: &Rig, seconds: u64) -> Result<String> {
    let container = rig.container(&["sleep", "100000"])?;
    let recorder = Recorder::start(rig)?;
    recorder.level(&container, "standard")?;
    let mut sheet = Sheet::new(
        "A flood of opens from two CPUs, at level standard",
        &["rate", "seconds", "opens", "opens/s", "recorded", "lost", "refused", "unaccounted"],
    );
    for (name, rate, seconds) in [("2 x 100000/s", RATE, seconds), ("unbounded", 0, UNBOUNDED_SECONDS)] {
        let before = recorder.counts(&container)?;
        let opens = flood(&container, rate, seconds)?;
        // What is on its way arrives within a flush.
        std::thread::sleep(Duration::from_secs(3));
        let counts = recorder.counts(&container)?.since(before);
        let told = counts.events + counts.lost + counts.refused;
        sheet.row(vec![
            name.to_owned(),
            seconds.to_string(),
            opens.to_string(),
            format!("{:.0}", opens as f64 / seconds as f64),
            counts.events.to_string(),
            counts.lost.to_string(),
            counts.refused.to_string(),
            opens.saturating_sub(told).to_string(),
        ]);
        if rate != 0 {
            let asked = CPUS * rate * seconds;
            let verdict = if counts.lost + counts.refused > 0 || told < opens {
                "MISSED"
            } else if opens * 100 < asked * 95 {
                "open, since this machine did not make as many"
            } else {
                "kept"
            };
            sheet.note(format!("target, nothing lost at {} opens/s for {seconds} s: {verdict}", CPUS * rate));
        }
    }
    sheet.note("recorded counts the few events besides the opens too".to_owned());
    Ok(sheet.text())
}

/// Opens from two CPUs at once, and how many there were.
fn flood(container: &Container, rate: u64, seconds: u64) -> Result<u64> {
    let cpus = std::thread::available_parallelism()?.get();
    let (seconds, rate) = (seconds.to_string(), rate.to_string());
    let start = |cpu: usize| -> Result<Child> {
        let cpu = (cpu % cpus).to_string();
        let args = [WORKLOADS, "count-opens", &cpu, &seconds, "/srv/index.html", &rate];
        let mut command = container.command(&args);
        command.stdout(Stdio::piped()).spawn().context("cannot run docker")
    };
    let mut opens = 0;
    for child in [start(0)?, start(1)?] {
        let output = child.wait_with_output()?;
        if !output.status.success() {
            bail!("the flood failed: {}", output.status);
        }
        opens += number::<u64>(String::from_utf8_lossy(&output.stdout).trim(), "opens")?;
    }
    Ok(opens)
}
