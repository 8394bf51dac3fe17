//! `cargo xtask bench probes`: one run through every phase, and its figures.

use super::rig::Rig;
use super::{Phase, Probes, asking, cpu, figures, kernel_time, loops, losses, servers};
use crate::test::{self, docker::Docker};
use anyhow::Result;
use std::fs;

/// Builds, measures, prints. Whatever was started is gone afterwards, on every way out.
pub fn run(options: &Probes) -> Result<()> {
    let binary = super::rig::binary(&test::root()?, options.binary.as_deref())?;
    let wanted = |phase| options.only.is_empty() || options.only.contains(&phase);
    if wanted(Phase::Servers) {
        servers::install(&servers::PACKAGES)?;
    }
    let docker = Docker::ready()?;
    let done = Rig::build(binary).and_then(|rig| measure(&rig, options, wanted));
    docker.stop();
    done
}

fn measure(rig: &Rig, options: &Probes, wanted: impl Fn(Phase) -> bool) -> Result<()> {
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease")?;
    let cpus = std::thread::available_parallelism()?;
    figures::print(&format!(
        "Linux {}, {cpus} CPUs, medians of {} rounds, ± half their middle half",
        kernel.trim(),
        options.rounds
    ))?;
    if wanted(Phase::Loops) {
        figures::print(&loops::measure(rig, options.rounds)?)?;
    }
    if wanted(Phase::Servers) {
        figures::print(&servers::measure(rig, options.rounds)?)?;
    }
    if wanted(Phase::KernelTime) {
        figures::print(&kernel_time::measure(rig)?)?;
    }
    if wanted(Phase::Cpu) {
        figures::print(&cpu::measure(rig)?)?;
    }
    if wanted(Phase::Asking) {
        figures::print(&asking::measure(rig, options.rounds)?)?;
    }
    if wanted(Phase::Losses) {
        figures::print(&losses::measure(rig, options.flood_seconds)?)?;
    }
    Ok(())
}
