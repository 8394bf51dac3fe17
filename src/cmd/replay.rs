//! `taffrail replay`

use crate::Outcome;
use crate::cli::BundleArgs;
use anyhow::Result;
use std::path::Path;
use taffrail_query::Session;

/// Opens the bundle in the terminal.
pub fn run(args: &BundleArgs) -> Result<Outcome> {
    open(&args.bundle)?;
    Ok(Outcome::Fine)
}

/// Replays the bundle at `path` until the person quits.
pub fn open(path: &Path) -> Result<()> {
    let runtime = super::runtime()?;
    let session = runtime.block_on(Session::open(&[path.to_owned()]))?;
    let state = runtime.block_on(taffrail_tui::load(&session))?;
    let verdict = session.bundles().first().map(taffrail_query::Bundle::verify).transpose()?;
    let state = match verdict {
        Some(verdict) => state.with_verdict(verdict),
        None => state,
    };
    taffrail_tui::run(state)?;
    Ok(())
}
