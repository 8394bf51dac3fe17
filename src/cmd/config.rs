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
            super::record::told(taffrail_recorder::check(&config))?;
            writeln!(out, "ok: {from}")?;
        }
        ConfigCommand::Print(_) => {
            // What follows from others is said too.
            let whole = Config { evidence_dir: Some(config.evidence_dir()), ..config };
            writeln!(out, "# {from}")?;
            // Before the keys: behind `[response]` every key is a rule's name.
            for (is_absent, line) in [
                (
                    whole.control_group.is_none(),
                    "control_group = \"\" # the name of a group whose members may ask the recorder too",
                ),
                (
                    whole.signing_key.is_none(),
                    "signing_key = \"\" # the private key that signs evidence; one of its own without",
                ),
                (
                    whole.alarm_listen.is_none(),
                    "alarm_listen = \"\" # 127.0.0.1:PORT or unix:PATH, where programs raise alarms over HTTP",
                ),
                (
                    whole.alarm_token_file.is_none(),
                    "alarm_token_file = \"\" # the token that they show; only its owner may read the file",
                ),
                (
                    whole.response.is_empty(),
                    "response = {} # rules and what they have done: { \"Reverse shell\" = \"freeze\" }",
                ),
            ] {
                if is_absent {
                    writeln!(out, "# {line}")?;
                }
            }
            write!(out, "{}", whole.to_toml()?)?;
        }
    }
    out.flush()?;
    Ok(Outcome::Fine)
}
