//! What is wrong with a rule file, and where.

use std::fmt;
use std::sync::Arc;

/// A place in a rule file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The file, as it was named to us.
    pub file: Arc<str>,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// A fault of a rule file: what was found, and what was expected. It displays as compilers show theirs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
#[error("{place}: {message}")]
pub struct Problem {
    /// Where.
    pub place: Place,
    /// What was found, what was expected, and what may have been meant.
    pub message: String,
}

impl Problem {
    /// A fault at a place.
    pub fn new(place: &Place, message: impl Into<String>) -> Self {
        Self { place: place.clone(), message: message.into() }
    }
}

/// How alike two names have to be to be taken for a slip of the pen, from 0 to 1.
const ALIKE: f64 = 0.75;

/// `; did you mean 'x'?` for the name of `known` that is most like `written`, or nothing where none is.
pub fn hint<'a>(written: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let scored = known.into_iter().map(|name| (strsim::jaro_winkler(written, name), name));
    let best = scored.filter(|(score, _)| *score >= ALIKE).max_by(|a, b| a.0.total_cmp(&b.0));
    best.map_or_else(String::new, |(_, name)| format!("; did you mean '{name}'?"))
}
