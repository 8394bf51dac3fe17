//! `taffrail model`

mod learn;
#[cfg(feature = "record")]
mod recorded;

use crate::Outcome;
use crate::cli::{ModelArgs, ModelCommand, ModelDiffArgs};
use anyhow::{Context as _, Result, ensure};
use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::path::Path;
use taffrail_rules::model::diff::diff;
use taffrail_rules::model::{DOCUMENT_MAX_BYTES, Profile};
use taffrail_trace::text;

/// Asks a recorder about models, or works on their files without one.
pub fn run(args: ModelArgs) -> Result<Outcome> {
    match args.what {
        #[cfg(feature = "record")]
        ModelCommand::List(args) => recorded::list(&args),
        #[cfg(feature = "record")]
        ModelCommand::Show(args) => recorded::show(&args),
        #[cfg(feature = "record")]
        ModelCommand::Export(args) => recorded::export(&args),
        #[cfg(feature = "record")]
        ModelCommand::Import(args) => recorded::import(&args),
        #[cfg(feature = "record")]
        ModelCommand::Relearn(args) => recorded::relearn(args),
        ModelCommand::Learn(args) => learn::run(&args),
        ModelCommand::Diff(args) => compare(&args),
    }
}

/// Prints what one model has and the other lacks. Exit code 1 where they differ, as `diff` does.
fn compare(args: &ModelDiffArgs) -> Result<Outcome> {
    let (old, new) = (read(&args.old)?, read(&args.new)?);
    let differences = diff(&old, &new);
    let mut out = io::stdout().lock();
    for difference in &differences {
        writeln!(out, "{}", text::shown(&difference.to_string()))?;
    }
    for (sign, one, other) in [('-', &old, &new), ('+', &new, &old)] {
        for kind in one.full().filter(|kind| !other.is_full(*kind)) {
            writeln!(out, "{sign} {kind} is full: nothing of it deviates")?;
        }
    }
    out.flush()?;
    let is_same = differences.is_empty() && old.full().eq(new.full());
    Ok(if is_same { Outcome::Fine } else { Outcome::Negative })
}

fn read(path: &Path) -> Result<Profile> {
    let shown = text::shown(&path.to_string_lossy()).into_owned();
    Profile::from_toml(&read_text(path)?).with_context(|| format!("{shown} is no model"))
}

fn read_text(path: &Path) -> Result<String> {
    let shown = text::shown(&path.to_string_lossy()).into_owned();
    let mut text = String::new();
    let most = DOCUMENT_MAX_BYTES as u64 + 1;
    let file = File::open(path).with_context(|| format!("cannot open {shown}"))?;
    let read = file.take(most).read_to_string(&mut text).with_context(|| format!("cannot read {shown}"))?;
    ensure!(read as u64 != most, "{shown} is no model: it is larger than {DOCUMENT_MAX_BYTES} bytes");
    Ok(text)
}

/// Writes a model where it is wanted: to a file, else to the terminal. Its form has no character that acts there.
fn write(text: &str, path: Option<&Path>) -> Result<()> {
    match path {
        Some(path) => {
            std::fs::write(path, text).with_context(|| format!("cannot write {}", text::shown(&path.to_string_lossy())))
        }
        None => {
            let mut out = io::stdout().lock();
            out.write_all(text.as_bytes())?;
            Ok(out.flush()?)
        }
    }
}
