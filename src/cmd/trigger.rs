//! `taffrail trigger`

use crate::Outcome;
use crate::cli::TriggerArgs;
use anyhow::{Context as _, Result};
use std::io::{self, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::time::Duration;
use taffrail_recorder::control::{self, TriggerRequest};

/// Orders a bundle and prints its path.
pub fn run(args: TriggerArgs) -> Result<Outcome> {
    let out_dir = args.out.map(std::path::absolute).transpose().context("cannot make --out absolute")?;
    let request = TriggerRequest {
        container: args.container,
        reason: args.reason,
        before_ns: nanoseconds(args.before),
        after_ns: nanoseconds(args.after),
        out_dir,
        wait: args.wait,
    };
    let path = control::trigger(&args.state_dir, request)?;
    let mut out = io::stdout().lock();
    out.write_all(path.as_os_str().as_bytes())?;
    out.write_all(b"\n")?;
    out.flush()?;
    Ok(Outcome::Fine)
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}
