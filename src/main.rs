//! The one binary: reads the command line, calls one adapter, turns the outcome into an exit code.

mod cli;
mod cmd;
mod logging;

use clap::Parser as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

/// How a command ended, when nothing failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// What was asked for is so, or done: exit code 0.
    Fine,
    /// The answer is no: exit code 1.
    Negative,
}

fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    logging::start(cli.verbose);
    // A panic that somebody contains (a Parquet decoder on a hostile file) is that somebody's to report, in a line.
    std::panic::set_hook(Box::new(|panic| tracing::debug!(%panic, "panicked")));
    match catch_unwind(AssertUnwindSafe(|| cmd::run(cli.command))) {
        Ok(Ok(Outcome::Fine)) => ExitCode::SUCCESS,
        Ok(Ok(Outcome::Negative)) => ExitCode::from(1),
        Ok(Err(error)) if is_closed_pipe(&error) => ExitCode::SUCCESS,
        Ok(Err(error)) => {
            logging::complain(&error);
            ExitCode::from(2)
        }
        Err(_) => {
            logging::complain(&anyhow::anyhow!(
                "a fault of this program stopped it; run it again with -v and report that"
            ));
            ExitCode::from(2)
        }
    }
}

/// Whoever read our output has seen enough, as with `| head`.
fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        cause.downcast_ref::<std::io::Error>().is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
    })
}
