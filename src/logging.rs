//! Log lines and the last word, both on standard error.

use std::io::{self, IsTerminal as _, Write as _};
use taffrail_trace::text;
use tracing_subscriber::EnvFilter;

/// Starts the log. `TAFFRAIL_LOG` rules where it is set, else the number of `-v`.
pub fn start(verbose: u8) {
    let level = match verbose {
        0 => "info",
        1 => "debug",
        _ => "trace",
    };
    let filter = EnvFilter::try_from_env("TAFFRAIL_LOG").unwrap_or_else(|_| {
        EnvFilter::new(format!("warn,taffrail={level},taffrail_recorder={level},taffrail_probes={level}"))
    });
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal())
        .with_target(false)
        .init();
}

/// One line for a person: what happened and what to do, with nothing that acts on a terminal.
pub fn complain(error: &anyhow::Error) {
    let line = causes(error);
    // With standard error gone there is nobody left to tell.
    let _ = writeln!(io::stderr(), "taffrail: {}", text::shown(&line));
}

/// What happened and what lay behind it. An error that stands in a log too names its cause in its own words.
fn causes(error: &anyhow::Error) -> String {
    error.chain().map(ToString::to_string).fold(String::new(), |told, cause| match told.as_str() {
        "" => cause,
        before if before.contains(&cause) => told,
        _ => format!("{told}: {cause}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cause_is_told_once() {
        let denied = || io::Error::from(io::ErrorKind::PermissionDenied);
        let plain = anyhow::Error::from(denied()).context("cannot read x").context("the replay ends");
        assert_eq!(causes(&plain), "the replay ends: cannot read x: permission denied");
        let named = anyhow::Error::from(denied()).context("cannot read x: permission denied; see y");
        assert_eq!(causes(&named), "cannot read x: permission denied; see y");
    }
}
