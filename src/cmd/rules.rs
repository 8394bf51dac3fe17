//! `taffrail rules`

use crate::Outcome;
use crate::cli::{RulesArgs, RulesCommand};
use crate::logging::complain;
use anyhow::{Context as _, Result, bail};
use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use taffrail_rules::load::{self, Loaded};
use taffrail_trace::text::shown;

/// A rule file is no longer than this.
const FILE_MAX_BYTES: u64 = 16 << 20;

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
    let mut texts = Vec::new();
    for path in files {
        texts.push((path.display().to_string(), read(path)?));
    }
    if files.is_empty() {
        texts.extend(taffrail_rules::DEFAULT.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())));
    }
    checked(load::load(texts.iter().map(|(name, text)| (name.as_str(), text.as_str()))))
}

/// What was loaded, or everything that is wrong with it.
pub fn checked(loaded: Loaded) -> Result<Loaded> {
    if loaded.problems.is_empty() {
        return Ok(loaded);
    }
    let count = loaded.problems.len();
    for problem in loaded.problems {
        complain(&problem.into());
    }
    bail!("{count} {} wrong in the rules, so none of them is used", if count == 1 { "thing is" } else { "things are" })
}

fn read(path: &Path) -> Result<String> {
    let failed = || format!("cannot read the rules in {}", path.display());
    let mut text = String::new();
    let file = File::open(path).with_context(failed)?;
    let read = file.take(FILE_MAX_BYTES + 1).read_to_string(&mut text).with_context(failed)?;
    if read as u64 > FILE_MAX_BYTES {
        bail!("{}: it is longer than {FILE_MAX_BYTES} bytes", failed());
    }
    Ok(text)
}
