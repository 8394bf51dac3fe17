//! `taffrail salvage`

use crate::Outcome;
use crate::cli::SalvageArgs;
use anyhow::{Context as _, Result};
use std::io::{self, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use taffrail_recorder::config::Config;
use taffrail_recorder::{Salvage, salvage};
use taffrail_trace::signature::Signer;

/// Prints each bundle's path. What could not be salvaged is said and makes the answer negative.
pub fn run(args: SalvageArgs) -> Result<Outcome> {
    let out_dir = std::path::absolute(&args.out).context("cannot make --out absolute")?;
    let host_key = Config::host_key_of(&args.state_dir);
    // A key that was named and cannot sign is said before anything is done; the one that lies there is taken if it can.
    let signing_key = match args.key {
        Some(key) => Signer::read(&key).map(|_| Some(key))?,
        None => Signer::read(&host_key).ok().map(|_| host_key),
    };
    let order = Salvage { state_dir: args.state_dir, out_dir, container: args.container, live: false, signing_key };
    let mut outcome = Outcome::Negative;
    let (mut out, mut failed) = (io::stdout().lock(), false);
    for bundle in salvage(&order, None)? {
        match bundle {
            Ok(path) => {
                out.write_all(path.as_os_str().as_bytes())?;
                out.write_all(b"\n")?;
                outcome = Outcome::Fine;
            }
            Err(error) => {
                failed = true;
                crate::logging::complain(&error.into());
            }
        }
    }
    out.flush()?;
    Ok(if failed { Outcome::Negative } else { outcome })
}
