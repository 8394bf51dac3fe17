//! `cargo xtask bench`: what the recorder costs, each figure against the same work without it in the same run.

mod asking;
mod cpu;
mod figures;
mod held;
mod kernel_time;
mod loops;
mod losses;
mod probes;
mod query;
mod recorder;
mod rig;
mod ring;
mod rules;
mod servers;

use anyhow::Result;
use clap::{Args, Subcommand, ValueEnum};
use std::path::PathBuf;

/// What can be measured.
#[derive(Debug, Subcommand)]
pub enum Bench {
    /// The kernel programs and the recorder: loops of system calls, servers, CPU time, losses. As root, with Docker.
    Probes(Probes),
    /// The ring: bytes and time an event, beside other forms of the same events; delay, sealing. As root, with Docker.
    Ring(Ring),
    /// Questions to evidence, hot and cold, beside DuckDB over the same Parquet files.
    Query(Query),
    /// The rules: events a second on one core, beside another evaluator.
    Rules,
    /// The replay with very many events: memory, the first frame, how long each key takes.
    Tui {
        /// How many.
        #[arg(long, default_value_t = 10_000_000, value_parser = clap::value_parser!(u64).range(1..100_000_000))]
        events: u64,
    },
}

/// How the kernel programs are measured.
#[derive(Debug, Args)]
pub struct Probes {
    /// Rounds of each loop and server; a figure is the median of its rounds.
    #[arg(long, default_value_t = 9, value_parser = clap::value_parser!(u32).range(1..100))]
    rounds: u32,
    /// What to measure; everything where nothing is said.
    #[arg(long, value_delimiter = ',')]
    only: Vec<Phase>,
    /// Seconds of the flood at a bounded rate.
    #[arg(long, default_value_t = 30)]
    flood_seconds: u64,
    /// Measure this program instead of building one.
    #[arg(long, value_name = "FILE")]
    binary: Option<PathBuf>,
}

/// How the ring is measured.
#[derive(Debug, Args)]
pub struct Ring {
    /// Seconds that the mix of containers is recorded; 0 leaves it out.
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// Rounds of what is timed; a figure is the median of its rounds.
    #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(u32).range(1..100))]
    rounds: u32,
    /// Make and remove so many short containers, and look at what the recorder keeps of them.
    #[arg(long, value_name = "CONTAINERS", default_value_t = 0)]
    soak: u64,
    /// Measure this program instead of building one.
    #[arg(long, value_name = "FILE")]
    binary: Option<PathBuf>,
}

/// How questions are measured.
#[derive(Debug, Args)]
pub struct Query {
    /// How many events are asked.
    #[arg(long, default_value_t = 20_000_000, value_parser = clap::value_parser!(u64).range(1..1_000_000_000))]
    events: u64,
    /// Rounds of each question; a figure is the median of its rounds.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..100))]
    rounds: u32,
    /// Only questions with this in their name.
    #[arg(long, value_name = "TEXT")]
    only: Option<String>,
    /// Ask the events of the last run again; they were laid out by the program of then.
    #[arg(long)]
    reuse: bool,
}

/// A part of the measurement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Phase {
    /// Nanoseconds of system calls.
    Loops,
    /// Requests a second of redis and nginx.
    Servers,
    /// Time in each kernel program.
    KernelTime,
    /// The recorder's own CPU time.
    Cpu,
    /// What it costs to ask rules and models about every event.
    Asking,
    /// What is lost in a flood.
    Losses,
}

/// Measures.
pub fn run(what: &Bench) -> Result<()> {
    match what {
        Bench::Probes(options) => probes::run(options),
        Bench::Ring(options) => ring::run(options),
        Bench::Query(options) => query::run(options),
        Bench::Rules => rules::run(),
        Bench::Tui { events } => {
            let events = events.to_string();
            let args = ["run", "--quiet", "--release", "-p", "taffrail-tui", "--example", "bench", "--", &events];
            crate::test::cargo(&crate::test::root()?, &args)
        }
    }
}
