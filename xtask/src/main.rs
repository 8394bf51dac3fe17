//! The developer's entry point: `cargo xtask test | guest | bpf | bench | fuzz | samples | gen-docs`.
//!
//! It depends on little, so that it is there in seconds; what needs the project's own code runs the project's binary.

mod bench;
mod bpf;
mod docs;
mod fuzz;
mod guest;
mod samples;
mod test;

use clap::{Parser, Subcommand};
use std::io::Write as _;
use std::process::ExitCode;

#[derive(Debug, Parser)]
#[command(about = "Builds, tests and documents Taffrail")]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Set up what the tests need, and run all of them.
    Test {
        /// Passed on to the test runner, such as part of a test's name.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<String>,
    },
    /// Run a program, or the tests of the kernel side, under another kernel.
    Guest(guest::Guest),
    /// Rebuild the kernel programs into probes/prebuilt/.
    Bpf {
        /// Only say whether the object belongs to the sources.
        #[arg(long)]
        check: bool,
    },
    /// Measure what it costs, against the same without it, in one run.
    Bench {
        #[command(subcommand)]
        what: bench::Bench,
    },
    /// Show the decoders of outside bytes what they never saw, led by coverage.
    Fuzz(fuzz::Fuzz),
    /// Record the sample traces anew.
    Samples,
    /// Write docs/EVENTS.md and the README's picture from what the program itself says.
    GenDocs {
        /// Only say whether they are as they would be written.
        #[arg(long)]
        check: bool,
    },
}

fn main() -> ExitCode {
    let done = match Cli::parse().task {
        Task::Test { args } => test::run(&args),
        Task::Guest(guest) => return finish(guest::run(&guest)),
        Task::Bpf { check } => bpf::run(check),
        Task::Bench { what } => bench::run(&what),
        Task::Fuzz(fuzz) => fuzz::run(&fuzz),
        Task::Samples => samples::run(),
        Task::GenDocs { check } => docs::run(check),
    };
    finish(done.map(|()| ExitCode::SUCCESS))
}

/// The exit code; an error is told first.
fn finish(done: anyhow::Result<ExitCode>) -> ExitCode {
    match done {
        Ok(code) => code,
        Err(error) => {
            // With standard error gone there is nobody left to tell.
            let _ = writeln!(std::io::stderr(), "xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}
