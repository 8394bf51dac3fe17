//! `taffrail rules`

use crate::Outcome;
use crate::cli::{RulesArgs, RulesCommand};
use crate::logging::complain;
use anyhow::{Result, bail};
use std::io::{self, Write as _};
use std::path::PathBuf;
use taffrail_rules::file::{self, FileError};
use taffrail_rules::load::Loaded;
use taffrail_trace::text::shown;

/// Says which rules of some files can be asked.
pub fn run(args: &RulesArgs) -> Result<Outcome> {
    let RulesCommand::Check { files } = &args.what;
    let loaded = load(files)?;
    let mut out = io::stdout().lock();
    let mut rows = Vec::new();
    for rule in &loaded.rules {
        rows.push((rule.place.clone(), rule.name.as_str(), "loaded", rule.notes.join("; ")));
    }
    for rule in &loaded.unsupported {
        rows.push((rule.place.clone(), rule.rule.as_str(), "unsupported", rule.reasons.join("; ")));
    }
    rows.sort_by(|one, other| one.0.cmp(&other.0));
    let width = rows.iter().map(|row| row.1.chars().count()).max().unwrap_or(0).min(60);
    for (_, name, state, why) in &rows {
        let line = format!("{state:<11}  {:<width$}  {}", shown(name), shown(why));
        writeln!(out, "{}", line.trim_end())?;
    }
    for name in &loaded.disabled {
        writeln!(out, "disabled     {}", shown(name))?;
    }
    let (able, unable, off) = (loaded.rules.len(), loaded.unsupported.len(), loaded.disabled.len());
    writeln!(out, "{able} loaded, {unable} unsupported, {off} disabled")?;
    Ok(Outcome::Fine)
}

/// Reads rule files; without any those that come with this program.
pub fn load(files: &[PathBuf]) -> Result<Loaded> {
    usable(file::load(files.is_empty(), files))
}

/// What was loaded, or everything that is wrong with it, a line each.
pub fn usable(loaded: Result<Loaded, FileError>) -> Result<Loaded> {
    let problems = match loaded {
        Err(FileError::Wrong(problems)) => problems,
        other => return Ok(other?),
    };
    let count = problems.len();
    for problem in problems {
        complain(&problem.into());
    }
    bail!("{count} {} wrong in the rules, so none of them is used", if count == 1 { "thing is" } else { "things are" })
}
