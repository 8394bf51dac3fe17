//! `taffrail report`

use crate::Outcome;
use crate::cli::ReportArgs;
use anyhow::{Context as _, Result, bail};
use std::io::{self, Write as _};
use std::path::Path;
use taffrail_query::Session;
use taffrail_query::report::Report;

/// Writes what the bundles tell.
pub fn run(args: &ReportArgs) -> Result<Outcome> {
    let as_html = match &args.output {
        None => false,
        Some(path) => is_html(path)?,
    };
    let runtime = super::runtime()?;
    let (session, left_out) = runtime.block_on(Session::open_readable(&args.bundles))?;
    for problem in left_out {
        crate::logging::complain(&anyhow::Error::from(problem).context("left out"));
    }
    let report = runtime.block_on(Report::of(&session))?;
    let text = if as_html { report.html() } else { report.markdown() };
    match &args.output {
        None => io::stdout().lock().write_all(text.as_bytes())?,
        Some(path) => std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))?,
    }
    Ok(Outcome::Fine)
}

fn is_html(path: &Path) -> Result<bool> {
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("html" | "htm") => Ok(true),
        Some("md" | "markdown") => Ok(false),
        _ => bail!("{} ends neither in .html nor in .md", path.display()),
    }
}
