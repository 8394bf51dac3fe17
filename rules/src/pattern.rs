//! Regular expressions, bounded.

use regex::{Regex, RegexBuilder};
use std::cmp::Ordering;

/// How large a compiled pattern may become, in bytes: a rule file must not take the machine's memory.
const PATTERN_BYTES_MAX: usize = 1 << 20;

/// A regular expression that a text has to match, the whole of it or a part.
#[derive(Clone, Debug)]
pub struct Pattern {
    source: String,
    whole: bool,
    regex: Regex,
}

impl Pattern {
    /// A pattern that the whole of a text has to match.
    ///
    /// # Errors
    /// Where it is none, or one that is too large, in words for whoever wrote it.
    pub fn new(source: &str) -> Result<Self, String> {
        // First without the frame: `a) | (b` is no expression.
        built(source)?;
        Ok(Self { source: source.to_owned(), whole: true, regex: built(&format!(r"\A(?:{source})\z"))? })
    }

    /// A pattern that any part of a text may match.
    ///
    /// # Errors
    /// As [`Pattern::new`].
    pub fn anywhere(source: &str) -> Result<Self, String> {
        Ok(Self { source: source.to_owned(), whole: false, regex: built(source)? })
    }

    /// The expression as it was given.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Whether `text` matches.
    pub fn matches(&self, text: &str) -> bool {
        self.regex.is_match(text)
    }

    fn key(&self) -> (&str, bool) {
        (&self.source, self.whole)
    }
}

fn built(source: &str) -> Result<Regex, String> {
    RegexBuilder::new(source).size_limit(PATTERN_BYTES_MAX).build().map_err(|error| {
        // The last line says what is wrong, those before draw it.
        let text = error.to_string();
        text.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned()
    })
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Pattern {}

impl PartialOrd for Pattern {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Pattern {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key().cmp(&other.key())
    }
}

impl std::hash::Hash for Pattern {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.key().hash(state);
    }
}
