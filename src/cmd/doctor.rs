//! `taffrail doctor`

use crate::Outcome;
use anyhow::Result;
use std::io::{self, Write as _};

/// One line a check, with the fix; negative where recording would not work.
pub fn run() -> Result<Outcome> {
    let mut out = io::stdout().lock();
    let mut outcome = Outcome::Fine;
    for check in taffrail_recorder::doctor() {
        let mark = match (check.ok, check.needed) {
            (true, _) => "ok     ",
            (false, true) => "MISSING",
            (false, false) => "absent ",
        };
        write!(out, "{mark} {:<32} {}", check.name, check.detail)?;
        match check.fix {
            Some(fix) if !check.ok => writeln!(out, "; fix: {fix}")?,
            _ => writeln!(out)?,
        }
        if !check.ok && check.needed {
            outcome = Outcome::Negative;
        }
    }
    out.flush()?;
    Ok(outcome)
}
