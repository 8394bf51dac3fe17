//! Rules as files: those that come with this crate, and others.

use crate::DEFAULT;
use crate::load::{self, Loaded};
use crate::problem::Problem;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

/// A rule file is no longer than this.
const FILE_MAX_BYTES: u64 = 16 << 20;

/// Why none of the rules can be used.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// A file cannot be read.
    #[error("cannot read the rules in {}: {reason}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        reason: io::Error,
    },
    /// What is in them is wrong: a line each, by place.
    #[error("{}", lines(.0))]
    Wrong(Vec<Problem>),
}

/// Loads files, behind the default rules where these are wanted: later ones may change what those before them define.
///
/// # Errors
/// [`FileError`], with all that is wrong in all files at once.
pub fn load(with_default: bool, paths: &[PathBuf]) -> Result<Loaded, FileError> {
    let mut texts: Vec<(String, String)> = Vec::new();
    for path in paths {
        let text = read(path).map_err(|reason| FileError::Read { path: path.clone(), reason })?;
        texts.push((path.display().to_string(), text));
    }
    let default = DEFAULT.iter().copied().filter(|_| with_default);
    checked(load::load(default.chain(texts.iter().map(|(name, text)| (name.as_str(), text.as_str())))))
}

/// What was loaded, where nothing is wrong with it.
///
/// # Errors
/// [`FileError::Wrong`], with all that is.
pub fn checked(mut loaded: Loaded) -> Result<Loaded, FileError> {
    if loaded.problems.is_empty() { Ok(loaded) } else { Err(FileError::Wrong(std::mem::take(&mut loaded.problems))) }
}

fn read(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    if File::open(path)?.take(FILE_MAX_BYTES + 1).read_to_string(&mut text)? as u64 > FILE_MAX_BYTES {
        return Err(io::Error::other(format!("it is longer than {FILE_MAX_BYTES} bytes")));
    }
    Ok(text)
}

fn lines(problems: &[Problem]) -> String {
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}
