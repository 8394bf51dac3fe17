//! `cargo xtask bench ring`: a day's work in small is recorded, and what is left on disk measured.
//!
//! ```text
//! mix       what the containers do
//! sheets    the figures of trace/examples/ring_figures as tables
//! seal      histories -> bundles, timed
//! soak      containers that come and go
//! ```

mod mix;
mod seal;
mod sheets;
mod soak;

use super::figures::print;
use super::recorder::Recorder;
use super::rig::{self, Rig, succeed};
use super::{Ring, servers};
use crate::test::{self, docker::Docker};
use anyhow::{Context as _, Result};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// The program that reads the ring with the project's own decoder.
const READER: &str = "ring_figures";

/// Builds, records, measures, prints. Whatever was started is gone afterwards, on every way out.
pub fn run(options: &Ring) -> Result<()> {
    let root = test::root()?;
    let binary = rig::binary(&root, options.binary.as_deref())?;
    test::cargo(&root, &["build", "--release", "-p", "taffrail-trace", "--example", READER])?;
    let reader = fs::canonicalize(test::target(&root).join("release/examples").join(READER))?;
    servers::install(&[&servers::PACKAGES[..], &mix::PACKAGES].concat())?;
    let docker = Docker::ready()?;
    let done = Rig::build(binary).and_then(|rig| measure(&rig, &reader, options));
    docker.stop();
    done
}

fn measure(rig: &Rig, reader: &Path, options: &Ring) -> Result<()> {
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease")?;
    let cpus = std::thread::available_parallelism()?;
    print(&format!("Linux {}, {cpus} CPUs, medians of {} rounds", kernel.trim(), options.rounds))?;
    if options.seconds > 0 {
        let recorded = Recorded::of(rig, options.seconds)?;
        let figures = recorded.figures(reader, options.rounds)?;
        print(&sheets::sizes(&figures, options.seconds))?;
        print(&sheets::longer(&figures))?;
        print(&sheets::classes(&figures))?;
        print(&sheets::rates(&figures))?;
        print(&recorded.sheet())?;
        print(&sheets::delays(&figures, flush_ms(&rig.binary)?))?;
        print(&seal::measure(rig, &recorded.state_dir, &sheets::histories(&figures), options.rounds)?)?;
    }
    if options.soak > 0 {
        print(&soak::measure(rig, options.soak)?)?;
    }
    Ok(())
}

/// How long an event may wait in memory, as the recorder is configured.
fn flush_ms(binary: &Path) -> Result<u64> {
    let config = succeed(Command::new(binary).args(["config", "print"]))?;
    let value =
        config.lines().find_map(|line| line.strip_prefix("flush_ms = ")).context("no flush_ms is configured")?;
    value.parse().context("flush_ms is no number")
}

/// What a recorder left on disk, and what it said of itself at the end.
struct Recorded {
    state_dir: PathBuf,
    /// Names of the mix and ids of their containers, as the reader wants them.
    names: Vec<String>,
    /// CPU time of the thread that records, and of all.
    cpu_seconds: [f64; 2],
    status: Value,
}

impl Recorded {
    fn of(rig: &Rig, seconds: u64) -> Result<Self> {
        let recorder = Recorder::start(rig)?;
        // Loading the kernel programs is over; the thread that records begins here.
        let before = recorder.cpu_seconds()?;
        let mix = mix::start(rig)?;
        std::thread::sleep(Duration::from_secs(seconds));
        mix::check(&mix)?;
        let cpu_seconds = [recorder.thread_cpu_seconds("recording")?, recorder.cpu_seconds()? - before];
        let status = recorder.status()?;
        let state_dir = recorder.stop()?;
        for (_, container) in &mix {
            succeed(Command::new("docker").args(["rm", "-f", &container.id]))?;
        }
        let names = mix.iter().map(|(name, container)| format!("{name}={}", container.id)).collect();
        Ok(Self { state_dir, names, cpu_seconds, status })
    }

    fn figures(&self, reader: &Path, rounds: u32) -> Result<Value> {
        let mut command = Command::new(reader);
        command.arg(&self.state_dir).arg(rounds.to_string()).args(&self.names);
        serde_json::from_str(&succeed(&mut command)?).context("the reader's figures are no JSON")
    }

    fn sheet(&self) -> String {
        let is_mix = |id: &str| self.names.iter().any(|name| name.split_once('=').is_some_and(|(_, own)| own == id));
        sheets::recorder(self.cpu_seconds, &self.status, is_mix)
    }
}
