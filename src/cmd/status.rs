//! `taffrail status`

use crate::Outcome;
use crate::cli::StatusArgs;
use anyhow::Result;
use std::io::{self, IsTerminal as _, Write as _};
use std::time::Duration;
use taffrail_recorder::{ContainerStatus, Cost, Lowered, Models, Rules, Status, control};
use taffrail_trace::manifest::Hook;
use taffrail_trace::text;

/// How the names of hooks on kernel functions begin. Without them the same calls are recorded, with less sure names.
const FUNCTIONS: &str = "fentry/";

/// A full disk is spoken of for this long.
const FULL_SHOWN_SECONDS: u64 = 600;

/// Prints how things are, once or until somebody has seen enough.
pub fn run(args: &StatusArgs) -> Result<Outcome> {
    let mut out = io::stdout().lock();
    let is_terminal = out.is_terminal();
    loop {
        let status = control::status(&args.state_dir)?;
        if args.watch.is_some() && is_terminal {
            // Home, and what was there is gone from there on.
            out.write_all(b"\x1b[H\x1b[J")?;
        }
        if args.json {
            // A line each, so that a reader can tell one answer from the next.
            if args.watch.is_some() {
                serde_json::to_writer(&mut out, &status)?;
            } else {
                serde_json::to_writer_pretty(&mut out, &status)?;
            }
            writeln!(out)?;
        } else {
            out.write_all(table(&status).as_bytes())?;
            writeln!(out)?;
        }
        out.flush()?;
        let Some(seconds) = args.watch else { return Ok(Outcome::Fine) };
        std::thread::sleep(Duration::from_secs(seconds));
    }
}

fn table(status: &Status) -> String {
    let mut rows = vec![
        ["CONTAINER", "ID", "RUNTIME", "LEVEL", "EVENTS", "REACHES BACK", "RING", "LOST", "REFUSED", "EVICTED"]
            .map(str::to_owned),
    ];
    rows.extend(status.containers.iter().map(row));
    let mut widths = [0; 10];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut out = format!(
        "taffrail {} recording since {}, {} events, {} bundles sealed, {} lost anywhere\n",
        status.version, status.since, status.events, status.sealed, status.lost_anywhere
    );
    out.push_str(&cost(&status.cost));
    out.push_str(&rules(&status.rules));
    out.push_str(&models(status.models));
    out.push('\n');
    for row in rows {
        for (at, (cell, width)) in row.iter().zip(widths).enumerate() {
            // Words to the left, numbers to the right.
            let padded = if at < 4 { format!("{cell:<width$}") } else { format!("{cell:>width$}") };
            out.push_str(&padded);
            out.push_str("  ");
        }
        out.truncate(out.trim_end().len());
        out.push('\n');
    }
    if let Some(seconds) = status.disk_full_seconds.filter(|seconds| *seconds < FULL_SHOWN_SECONDS) {
        out.push_str(&format!("\nthe disk was full {seconds}s ago: the oldest bulk history is let go first\n"));
    }
    out.push_str("\nRING: ▓ vital, █ bulk, ░ room of its share\n");
    let missing: Vec<&Hook> = status.hooks.iter().filter(|hook| hook.state != "attached").collect();
    for alike in missing.chunk_by(|one, other| one.state == other.state && one.reason == other.reason) {
        out.push_str(&without(alike));
    }
    out
}

/// What recording costs, and what is not recorded because of that.
fn cost(cost: &Cost) -> String {
    let of = |cap: u64, shown: String| if cap == 0 { "no cap".to_owned() } else { format!("cap {shown}") };
    let mut out = format!(
        "recording takes {:.1} % of a CPU ({}) and {} ({})\n",
        cost.cpu_centipercent as f64 / 100.0,
        of(cost.cpu_cap_percent, format!("{} %", cost.cpu_cap_percent)),
        size(cost.memory_bytes),
        of(cost.memory_cap_bytes, size(cost.memory_cap_bytes)),
    );
    for Lowered { container, level, cap, seconds } in &cost.lowered {
        let (name, since) = (text::shown(container), age(*seconds));
        out.push_str(&format!("{name} is lowered to level {level} since {since}: recording was above its {cap} cap\n"));
    }
    out
}

/// What rules found and what became of it; of the rest only what there is.
fn rules(rules: &Rules) -> String {
    let mut out = format!("{} rules matched {} times", rules.loaded, rules.matched);
    let more = [
        (rules.counted, "told as a number"),
        (rules.joined, "joined an open incident"),
        (rules.held_back, "held back by a pause"),
        (rules.refused, "without room for evidence"),
    ];
    for (count, what) in more.into_iter().filter(|(count, _)| *count > 0) {
        out.push_str(&format!(", {count} {what}"));
    }
    out.push('\n');
    let missed: Vec<String> = [
        (rules.late, "events came too late for a threshold"),
        (rules.resting, "events came while a threshold rested"),
        (rules.forgotten, "keys were forgotten for want of room, each may be a finding"),
    ]
    .into_iter()
    .filter(|(count, _)| *count > 0)
    .map(|(count, what)| format!("{count} {what}"))
    .collect();
    if !missed.is_empty() {
        out.push_str(&format!("rules that count: {}\n", missed.join(", ")));
    }
    out
}

/// Whom no model watches.
fn models(models: Option<Models>) -> String {
    match models {
        Some(Models { kept, without, .. }) if without > 0 => {
            format!("{without} containers have no model: all {kept} are in use\n")
        }
        _ => String::new(),
    }
}

/// What is not at work for the same reason, in one line.
fn without(hooks: &[&Hook]) -> String {
    let Some(first) = hooks.first() else { return String::new() };
    let reason = first.reason.as_deref().unwrap_or("no reason given");
    let names = match hooks {
        [one] => format!("hook {} is", one.name),
        [one, rest @ ..] => format!("hook {} and {} after it are", one.name, rest.len()),
        [] => String::new(),
    };
    let means =
        if first.name.starts_with(FUNCTIONS) { "; names of changed files are as programs passed them" } else { "" };
    format!("\n{names} {}: {reason}{means}", first.state)
}

fn row(container: &ContainerStatus) -> [String; 10] {
    let ended = match (container.running, container.frozen) {
        (false, _) => " (ended)",
        (true, true) => " (frozen)",
        (true, false) => "",
    };
    [
        format!("{}{ended}", text::shown(&container.name)),
        text::shown(&container.id).chars().take(12).collect(),
        container.runtime.clone(),
        container.level.clone(),
        container.events.to_string(),
        container.oldest_age_seconds.map_or_else(|| "-".to_owned(), age),
        drawn(container),
        container.lost.to_string(),
        container.refused.to_string(),
        container.evicted.to_string(),
    ]
}

/// The ring as a bar, its vital part first, and its size.
fn drawn(container: &ContainerStatus) -> String {
    const CELLS: u64 = 10;
    let budget = container.ring_budget_bytes.max(1);
    // What is there at all is seen.
    let cells = |bytes: u64| (bytes * CELLS).div_ceil(budget).min(CELLS) as usize;
    let vital = cells(container.ring_vital_bytes);
    let bulk = cells(container.ring_bytes.saturating_sub(container.ring_vital_bytes)).min(CELLS as usize - vital);
    let bar = ["▓".repeat(vital), "█".repeat(bulk), "░".repeat(CELLS as usize - vital - bulk)].concat();
    format!("{bar} {:>9}", size(container.ring_bytes))
}

fn age(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{}m{:02}s", seconds / 60, seconds % 60),
        _ => format!("{}h{:02}m", seconds / 3600, seconds % 3600 / 60),
    }
}

fn size(bytes: u64) -> String {
    match bytes {
        0..1024 => format!("{bytes} B"),
        1024..1_048_576 => format!("{:.1} KiB", bytes as f64 / 1024.0),
        _ => format!("{:.1} MiB", bytes as f64 / 1_048_576.0),
    }
}
