//! `taffrail report`

use super::custody;
use crate::Outcome;
use crate::cli::ReportArgs;
use anyhow::{Context as _, Result, bail};
use std::io::{self, Write as _};
use std::path::Path;
use taffrail_query::Session;
use taffrail_query::report::{Note, Report};
use taffrail_trace::bundle::Bundle;
use taffrail_trace::custody::digest;
use taffrail_tui::Case;

/// Writes what the bundles tell.
pub fn run(args: &ReportArgs) -> Result<Outcome> {
    let as_html = match &args.output {
        None => false,
        Some(path) => is_html(path)?,
    };
    let runtime = super::runtime()?;
    let session = super::open_readable(&runtime, &args.bundles)?;
    let mut report = runtime.block_on(Report::of(&session))?;
    if args.notes {
        report = report.noted(notes(&session)?);
    }
    let text = if as_html { report.html() } else { report.markdown() };
    match &args.output {
        None => io::stdout().lock().write_all(text.as_bytes())?,
        Some(path) => {
            std::fs::write(path, &text).with_context(|| format!("cannot write {}", path.display()))?;
            let signer = custody::signer(None, &args.state_dir)?;
            for bundle in session.bundles() {
                let deed = custody::exported(bundle, path, digest(text.as_bytes()), None);
                custody::note(&args.state_dir, deed, signer.as_ref());
            }
        }
    }
    Ok(Outcome::Fine)
}

/// What people wrote down beside the bundles, by time.
fn notes(session: &Session) -> Result<Vec<Note>> {
    let mut notes = Vec::new();
    for bundle in session.bundles() {
        let written = Case::of(bundle.path()).read()?.notes.into_iter();
        notes.extend(written.map(|note| Note {
            time_ns: note.time_ns,
            event: note.event,
            text: note.text,
            tags: note.tags,
        }));
    }
    notes.sort_by_key(|note| note.time_ns);
    Ok(notes)
}

/// The member of a bundle that tells its story.
const MEMBER: &str = "report.html";

/// The report for inside a bundle, made of what is written of it so far. Evidence without one is evidence too.
pub fn member(bundle: &Bundle) -> Vec<(String, Vec<u8>)> {
    match of(bundle) {
        Ok(page) => vec![(MEMBER.to_owned(), page.into_bytes())],
        Err(error) => {
            tracing::error!(error = format!("{error:#}"), "a bundle is sealed without its report");
            Vec::new()
        }
    }
}

fn of(bundle: &Bundle) -> Result<String> {
    let runtime = super::runtime()?;
    let path = bundle.path().to_owned();
    let name = path.file_stem().map(|stem| format!("{}.zip", stem.to_string_lossy())).unwrap_or_default();
    let session = runtime.block_on(Session::open(&[path]))?;
    Ok(runtime.block_on(Report::of(&session))?.named(&name).html())
}

fn is_html(path: &Path) -> Result<bool> {
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("html" | "htm") => Ok(true),
        Some("md" | "markdown") => Ok(false),
        _ => bail!("{} ends neither in .html nor in .md", path.display()),
    }
}
