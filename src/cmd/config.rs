//! `taffrail config`

use crate::Outcome;
use crate::cli::{ConfigArgs, ConfigCommand};
use anyhow::Result;
use std::io::{self, Write as _};
use taffrail_recorder::config::Config;

/// Checks a configuration, or prints it whole.
pub fn run(args: &ConfigArgs) -> Result<Outcome> {
    let (ConfigCommand::Check(which) | ConfigCommand::Print(which)) = &args.what;
    let (config, read) = Config::load(which.file.as_deref())?;
    let from = read.map_or_else(|| "built in".to_owned(), |path| path.display().to_string());
    let mut out = io::stdout().lock();
    match &args.what {
        ConfigCommand::Check(_) => {
            config.check_key()?;
            super::rules::usable(taffrail_rules::file::load(config.default_rules, &config.rules))?;
            writeln!(out, "ok: {from}")?;
        }
        ConfigCommand::Print(_) => {
            // What follows from others is said too.
            let whole = Config { evidence_dir: Some(config.evidence_dir()), ..config };
            write!(out, "# {from}\n{}", whole.to_toml()?)?;
            if whole.control_group.is_none() {
                writeln!(out, "# control_group = \"\" # the name of a group whose members may ask the recorder too")?;
            }
            if whole.signing_key.is_none() {
                writeln!(out, "# signing_key = \"\" # the private key that signs evidence; one of its own without")?;
            }
        }
    }
    out.flush()?;
    Ok(Outcome::Fine)
}
