//! One adapter a subcommand: arguments in, library calls, words out.

#[cfg(feature = "record")]
mod config;
mod custody;
#[cfg(feature = "record")]
mod demo;
#[cfg(feature = "record")]
mod doctor;
mod hunt;
#[cfg(feature = "record")]
mod level;
mod model;
mod query;
#[cfg(feature = "record")]
mod record;
mod redact;
mod replay;
mod report;
mod rules;
#[cfg(feature = "record")]
mod salvage;
#[cfg(feature = "record")]
mod seal;
#[cfg(feature = "record")]
mod status;
#[cfg(feature = "record")]
mod thaw;
#[cfg(feature = "record")]
mod trigger;
mod verify;

use crate::Outcome;
use crate::cli::Command;
use anyhow::{Context as _, Result};
use std::path::PathBuf;
use taffrail_query::Session;

/// Runs one subcommand.
pub fn run(command: Command) -> Result<Outcome> {
    match command {
        #[cfg(feature = "record")]
        Command::Record(args) => record::run(args),
        #[cfg(feature = "record")]
        Command::Status(args) => status::run(&args),
        #[cfg(feature = "record")]
        Command::Trigger(args) => trigger::run(args),
        #[cfg(feature = "record")]
        Command::Level(args) => level::run(args),
        #[cfg(feature = "record")]
        Command::Thaw(args) => thaw::run(args),
        #[cfg(feature = "record")]
        Command::Salvage(args) => salvage::run(args),
        #[cfg(feature = "record")]
        Command::Seal => seal::run(),
        Command::Model(args) => model::run(args),
        Command::Query(args) => query::run(&args),
        Command::Hunt(args) => hunt::run(&args),
        Command::Rules(args) => rules::run(&args),
        Command::Replay(args) => replay::run(&args),
        Command::Report(args) => report::run(&args),
        Command::Verify(args) => verify::run(&args),
        Command::Redact(args) => redact::run(args),
        Command::Custody(command) => custody::run(&command),
        #[cfg(feature = "record")]
        Command::Config(args) => config::run(&args),
        #[cfg(feature = "record")]
        Command::Doctor => doctor::run(),
        #[cfg(feature = "record")]
        Command::Demo(args) => demo::run(&args),
        #[cfg(feature = "record")]
        Command::DemoContainer(args) => demo::run_container(&args),
    }
}

/// Opens the bundles that can be read, and names the others.
fn open_readable(runtime: &tokio::runtime::Runtime, paths: &[PathBuf]) -> Result<Session> {
    let (session, left_out) = runtime.block_on(Session::open_readable(paths))?;
    for problem in left_out {
        crate::logging::complain(&anyhow::Error::from(problem).context("left out"));
    }
    Ok(session)
}

/// The runtime for queries.
fn runtime() -> Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().context("cannot start threads for the query")
}
