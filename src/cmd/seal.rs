//! `taffrail seal`, which a recorder runs and nobody else.

use crate::Outcome;
use anyhow::{Context as _, Result};

/// Does one job.
pub fn run() -> Result<Outcome> {
    taffrail_recorder::seal_for_recorder(
        std::io::stdin().lock(),
        std::io::stdout().lock(),
        Some(&super::report::member),
    )
    .context("the recorder that ordered a bundle cannot be told how it went")?;
    Ok(Outcome::Fine)
}
