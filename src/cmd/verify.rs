//! `taffrail verify`

use crate::Outcome;
use crate::cli::BundleArgs;
use anyhow::Result;
use std::io::{self, Write as _};
use taffrail_trace::bundle::{Bundle, Mismatch, OpenError, Verdict};
use taffrail_trace::text;

/// Says whether the bundle is whole and what was written.
pub fn run(args: &BundleArgs) -> Result<Outcome> {
    let mut out = io::stdout().lock();
    let path = text::shown(&args.bundle.to_string_lossy()).into_owned();
    let verdict = match Bundle::open(&args.bundle).and_then(|bundle| bundle.verify()) {
        Ok(verdict) => verdict,
        // What cannot be read at all is an error; what was read and is no evidence fails verification.
        Err(error @ OpenError::Io { .. }) => return Err(error.into()),
        Err(error) => {
            writeln!(out, "FAILED  {}", text::shown(&error.to_string()))?;
            return Ok(Outcome::Negative);
        }
    };
    match verdict {
        Verdict::Intact(members) => {
            writeln!(
                out,
                "intact  {path}: {members} members match SHA256SUMS (unsigned: this shows damage, not who made it)"
            )?;
            Ok(Outcome::Fine)
        }
        Verdict::Altered(wrong) => {
            writeln!(out, "ALTERED {path}: {} of its members do not match SHA256SUMS", wrong.len())?;
            for mismatch in wrong {
                writeln!(out, "        {}", text::shown(&words(&mismatch)))?;
            }
            Ok(Outcome::Negative)
        }
    }
}

fn words(mismatch: &Mismatch) -> String {
    match mismatch {
        Mismatch::Changed(name) => format!("{name} is not what was written"),
        Mismatch::Missing(name) => format!("{name} is missing"),
        Mismatch::Added(name) => format!("{name} was not there when the bundle was sealed"),
        Mismatch::BadLine(line) => format!("SHA256SUMS has a line that is none: {line}"),
    }
}
