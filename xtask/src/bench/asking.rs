//! What it costs to ask rules and models about every event: recorders that ask more and more, the same load for each.

use super::figures::{Series, Sheet};
use super::recorder::Recorder;
use super::rig::{Container, Rig, WORKLOADS, number};
use anyhow::Result;
use std::time::Duration;

/// What a recorder asks. The first one asks nothing and is what the others stand beside.
const MODES: [(&str, &str); 3] = [
    ("nothing", "default_rules = false\nmodels = false\n"),
    ("default rules", "models = false\n"),
    ("default rules and models", ""),
];
/// Opens a second, as many as a busy container makes.
const RATE: &str = "20000";
const SECONDS: &str = "8";

/// Measures and gives the table.
pub fn measure(rig: &Rig, rounds: u32) -> Result<String> {
    let container = rig.container(&["sleep", "100000"])?;
    let mut cpu = vec![Series::default(); MODES.len()];
    let mut events = vec![Series::default(); MODES.len()];
    for round in 0..rounds {
        let mut order: Vec<usize> = (0..MODES.len()).collect();
        if round % 2 == 1 {
            order.reverse();
        }
        for mode in order {
            let (micros, per_second) = one(rig, &container, MODES[mode].1)?;
            cpu[mode].push(micros);
            events[mode].push(per_second);
        }
    }
    let mut sheet = Sheet::new(
        "Asking about every event, opens at 20000/s",
        &["asked", "events/s", "CPU, us an event", "", "", "of one core"],
    );
    for (((name, _), cpu_of), events) in MODES.iter().zip(&cpu).zip(&events) {
        sheet.row(vec![
            (*name).to_owned(),
            format!("{:.0}", events.median()),
            format!("{:.2} ± {:.2}", cpu_of.median(), cpu_of.spread()),
            format!("{:+.2}", cpu_of.minus(&cpu[0]).median()),
            format!("x {:.2}", cpu_of.over(&cpu[0]).median()),
            format!("{:.1} %", cpu_of.median() * events.median() / 10_000.0),
        ]);
    }
    sheet.note("CPU of the recording thread alone".to_owned());
    Ok(sheet.text())
}

/// CPU time of an event in microseconds, and events a second.
fn one(rig: &Rig, container: &Container, config: &str) -> Result<(f64, f64)> {
    let config = [config, "cpu_percent = 0\n"].concat();
    let recorder = Recorder::start_with(rig, Some(&config))?;
    let before = recorder.counts(container)?;
    let cpu = recorder.thread_cpu_seconds("recording")?;
    let said = container.exec(&[WORKLOADS, "count-opens", "0", SECONDS, "/srv/index.html", RATE])?;
    let opens: f64 = number(&said, "opens")?;
    // What is still on its way belongs to it.
    std::thread::sleep(Duration::from_secs(1));
    let counts = recorder.counts(container)?.since(before);
    let micros = (recorder.thread_cpu_seconds("recording")? - cpu) * 1e6;
    anyhow::ensure!(counts.lost + counts.refused == 0, "{} of {opens} events were lost", counts.lost + counts.refused);
    let seconds: f64 = SECONDS.parse()?;
    Ok((micros / counts.events as f64, counts.events as f64 / seconds))
}
