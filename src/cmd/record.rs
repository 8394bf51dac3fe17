//! `taffrail record`

use super::rules;
use crate::Outcome;
use crate::cli::RecordArgs;
use anyhow::Result;
use std::io::{self, Write as _};
use taffrail_recorder::config::Config;
use taffrail_recorder::{RecordError, RulesError};

/// Records until a signal.
pub fn run(args: RecordArgs) -> Result<Outcome> {
    let (mut config, _) = Config::load(args.config.as_deref())?;
    if let Some(dir) = args.state_dir {
        config.state_dir = std::path::absolute(dir)?;
    }
    told(taffrail_recorder::record(config, |line| {
        // A recorder whose standard output is gone records all the same.
        let _ = writeln!(io::stdout(), "{line}").and_then(|()| io::stdout().flush());
    }))?;
    Ok(Outcome::Fine)
}

/// What is wrong with rules is told a line each.
pub fn told(result: Result<(), RecordError>) -> Result<()> {
    match result {
        Err(RecordError::Rules(RulesError::File(wrong))) => rules::usable(Err(wrong)).map(drop),
        other => Ok(other?),
    }
}
