//! `taffrail record`

use crate::Outcome;
use crate::cli::RecordArgs;
use anyhow::Result;
use std::io::{self, Write as _};
use taffrail_recorder::config::Config;

/// Records until a signal.
pub fn run(args: RecordArgs) -> Result<Outcome> {
    let (mut config, _) = Config::load(args.config.as_deref())?;
    if let Some(dir) = args.state_dir {
        config.state_dir = std::path::absolute(dir)?;
    }
    taffrail_recorder::record(config, |line| {
        // A recorder whose standard output is gone records all the same.
        let _ = writeln!(io::stdout(), "{line}").and_then(|()| io::stdout().flush());
    })?;
    Ok(Outcome::Fine)
}
