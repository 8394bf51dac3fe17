//! Nanoseconds of system calls in loops of one thread on one CPU: without a recorder, and at each level of one.
//!
//! Attaching changes the kernel, so every round starts and ends a recorder: what drifts in the machine drifts in all.

use super::figures::{Series, Sheet, at_most};
use super::held::Held;
use super::recorder::Recorder;
use super::rig::Rig;
use anyhow::Result;

/// A loop: its name, the act, how often, and its further arguments.
const LOOPS: [(&str, &str, &str, &[&str]); 4] = [
    ("null system call", "null-loop", "1000000", &[]),
    ("open + close", "open-close", "200000", &["/srv/index.html"]),
    ("connect + accept", "connect-accept", "8000", &[]),
    ("pipe write + read", "pipe-rw", "300000", &[]),
];
/// Levels of a container; before them stand no recorder at all, and empty programs at the places of ours.
const LEVELS: [&str; 3] = ["off", "standard", "full"];
/// The most that a null system call may take longer at each level, nanoseconds.
const TARGETS: [f64; 3] = [30.0, 35.0, 120.0];

/// Measures and gives the table.
pub fn measure(rig: &Rig, rounds: u32) -> Result<String> {
    let container = rig.container(&["sleep", "100000"])?;
    let cpu = (std::thread::available_parallelism()?.get() - 1).to_string();
    let mut times = vec![vec![Series::default(); 2 + LEVELS.len()]; LOOPS.len()];
    let run = |times: &mut Vec<Vec<Series>>, mode: usize| -> Result<()> {
        for ((_, act, count, more), series) in LOOPS.iter().zip(times) {
            let args = [&[*act, &cpu, count], *more].concat();
            series[mode].push(container.act(&args, "ns")?);
        }
        Ok(())
    };
    for round in 0..rounds {
        run(&mut times, 0)?;
        let empty = Held::empty_programs(rig)?;
        run(&mut times, 1)?;
        drop(empty);
        let recorder = Recorder::start(rig)?;
        let mut order: Vec<usize> = (0..LEVELS.len()).collect();
        if round % 2 == 1 {
            order.reverse();
        }
        for mode in order {
            recorder.level(&container, LEVELS[mode])?;
            run(&mut times, 2 + mode)?;
        }
    }
    Ok(table(&times))
}

fn table(times: &[Vec<Series>]) -> String {
    let columns = ["loop", "without", "empty programs", "", "level off", "", "standard", "", "full", ""];
    let mut sheet = Sheet::new("System calls, ns an iteration", &columns);
    for ((name, ..), series) in LOOPS.iter().zip(times) {
        let alone = &series[0];
        let mut cells = vec![(*name).to_owned(), format!("{:.0} ± {:.0}", alone.median(), alone.spread())];
        for with in &series[1..] {
            let more = with.minus(alone);
            cells.push(format!("{:+.0} ± {:.0}", more.median(), more.spread()));
            cells.push(format!("x {:.2}", with.over(alone).median()));
        }
        sheet.row(cells);
    }
    let [alone, empty, ..] = &times[0][..] else { return sheet.text() };
    for ((level, series), most) in LEVELS.iter().zip(&times[0][2..]).zip(TARGETS) {
        let more = series.minus(alone).median();
        sheet.note(format!(
            "target, null system call at level {level}: {} ({:+.0} ns beyond empty programs)",
            at_most(more, most, "ns"),
            series.minus(empty).median()
        ));
    }
    sheet.text()
}
