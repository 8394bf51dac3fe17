//! `cargo xtask bench probes`: one run through every phase, and its figures.

use super::rig::Rig;
use super::{Phase, Probes, cpu, kernel_time, loops, losses, servers};
use crate::test::{self, docker::Docker};
use anyhow::{Context as _, Result};
use std::fs;
use std::io::Write as _;

/// Builds, measures, prints. Whatever was started is gone afterwards, on every way out.
pub fn run(options: &Probes) -> Result<()> {
    let root = test::root()?;
    let binary = if let Some(binary) = &options.binary {
        binary.clone()
    } else {
        test::cargo(&root, &["build", "--release"])?;
        test::target(&root).join("release/taffrail")
    };
    let binary = fs::canonicalize(&binary).with_context(|| format!("no program at {}", binary.display()))?;
    let wanted = |phase| options.only.is_empty() || options.only.contains(&phase);
    if wanted(Phase::Servers) {
        servers::install()?;
    }
    let docker = Docker::ready()?;
    let done = Rig::build(binary).and_then(|rig| measure(&rig, options, wanted));
    docker.stop();
    done
}

fn measure(rig: &Rig, options: &Probes, wanted: impl Fn(Phase) -> bool) -> Result<()> {
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease")?;
    let cpus = std::thread::available_parallelism()?;
    print(&format!(
        "Linux {}, {cpus} CPUs, medians of {} rounds, ± half their middle half",
        kernel.trim(),
        options.rounds
    ))?;
    if wanted(Phase::Loops) {
        print(&loops::measure(rig, options.rounds)?)?;
    }
    if wanted(Phase::Servers) {
        print(&servers::measure(rig, options.rounds)?)?;
    }
    if wanted(Phase::KernelTime) {
        print(&kernel_time::measure(rig)?)?;
    }
    if wanted(Phase::Cpu) {
        print(&cpu::measure(rig)?)?;
    }
    if wanted(Phase::Losses) {
        print(&losses::measure(rig, options.flood_seconds)?)?;
    }
    Ok(())
}

/// A part of the answer, as soon as it is known.
fn print(text: &str) -> Result<()> {
    writeln!(std::io::stdout(), "{text}").context("standard output is gone")
}
