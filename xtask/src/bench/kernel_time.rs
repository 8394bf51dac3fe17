//! Time in each kernel program, as the kernel itself counts it. Counting costs too, so no other figure is taken here.
//!
//! The counting is asked for with `BPF_ENABLE_STATS`, which ends with the descriptor that asked: nothing needs to be
//! set back, however this program ends.

use super::figures::Sheet;
use super::held::Held;
use super::recorder::Recorder;
use super::rig::{Container, Rig, on_host, succeed};
use anyhow::{Result, bail};
use std::collections::BTreeMap;
use std::process::Command;

/// What is run at each level, twice as much as it needs to be known.
const ACTS: [&[&str]; 4] = [
    &["null-loop", "0", "300000"],
    &["open-close", "0", "100000", "/srv/index.html"],
    &["connect-accept", "0", "5000"],
    &["pipe-rw", "0", "100000"],
];

/// Runs and nanoseconds of a program, by its id.
type Runs = BTreeMap<u32, (u64, u64)>;

/// Measures and gives the table.
pub fn measure(rig: &Rig) -> Result<String> {
    let container = rig.container(&["sleep", "100000"])?;
    let recorder = Recorder::start(rig)?;
    let counting = Held::counting(rig)?;
    let names = names(rig, &recorder)?;
    let mut by_level = Vec::new();
    for level in ["off", "standard", "full"] {
        recorder.level(&container, level)?;
        let before = runs(&recorder)?;
        act(&container)?;
        let after = runs(&recorder)?;
        by_level.push((level, less(&after, &before)));
    }
    drop(counting);

    let mut sheet = Sheet::new(
        "Kernel programs during the four loops: runs, and ns a run",
        &["program", "runs, off", "ns", "runs, standard", "ns", "runs, full", "ns"],
    );
    let ids: Vec<u32> = by_level.first().map_or_else(Vec::new, |(_, runs)| runs.keys().copied().collect());
    for id in ids {
        let mut cells = vec![names.get(&id).cloned().unwrap_or_else(|| format!("program {id}"))];
        for (_, runs) in &by_level {
            let (count, ns) = runs.get(&id).copied().unwrap_or_default();
            cells.push(count.to_string());
            cells.push(if count == 0 { "-".to_owned() } else { format!("{:.0}", ns as f64 / count as f64) });
        }
        if by_level.iter().any(|(_, runs)| runs.get(&id).is_some_and(|(count, _)| *count > 0)) {
            sheet.row(cells);
        }
    }
    Ok(sheet.text())
}

fn act(container: &Container) -> Result<()> {
    ACTS.iter().try_for_each(|args| container.act(args, "ns").map(drop))
}

/// A number, or a word, of a descriptor's description.
fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let mut lines = text.lines().filter_map(|line| line.split_once(':'));
    lines.find(|(known, _)| *known == name).map(|(_, value)| value.trim())
}

/// The programs that the recorder holds, from its descriptors.
fn runs(recorder: &Recorder) -> Result<Runs> {
    let mut runs = Runs::new();
    for text in recorder.descriptors()? {
        let of = |name: &str| field(&text, name).and_then(|value| value.parse::<u64>().ok());
        // A link names its program too, but has no times.
        if let (Some(id), Some(ns), Some(count)) = (of("prog_id"), of("run_time_ns"), of("run_cnt")) {
            runs.insert(u32::try_from(id)?, (count, ns));
        }
    }
    if runs.is_empty() {
        bail!("the recorder holds no kernel program that the kernel tells the times of");
    }
    Ok(runs)
}

fn less(after: &Runs, before: &Runs) -> Runs {
    let of = |id: &u32| before.get(id).copied().unwrap_or_default();
    after.iter().map(|(id, (count, ns))| (*id, (count.saturating_sub(of(id).0), ns.saturating_sub(of(id).1)))).collect()
}

/// Names by id: the tracepoint that a program is attached to, else the program's own, of which the kernel keeps 15
/// characters.
fn names(rig: &Rig, recorder: &Recorder) -> Result<BTreeMap<u32, String>> {
    let said = succeed(Command::new(on_host(&rig.dir)?).arg("bpf-names"))?;
    let words = said.split(' ').filter_map(|word| word.split_once('='));
    let mut names: BTreeMap<u32, String> =
        words.filter_map(|(id, name)| Some((id.parse().ok()?, name.to_owned()))).collect();
    for text in recorder.descriptors()? {
        if let (Some(id), Some(name)) = (field(&text, "prog_id"), field(&text, "tp_name")) {
            names.insert(id.parse()?, name.to_owned());
        }
    }
    Ok(names)
}
