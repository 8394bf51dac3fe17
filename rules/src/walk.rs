//! A walk through the text of a condition, whichever language it is in.

use crate::problem::{Place, Problem};
use crate::source::Source;
use std::sync::Arc;

/// How deep a condition may be nested, so that no text makes the stack overflow.
const DEPTH_MAX: usize = 64;

/// Where a reader of a condition stands.
pub struct Walk<'a> {
    source: &'a Source,
    /// Byte offset of what is read next.
    pub at: usize,
    depth: usize,
}

impl<'a> Walk<'a> {
    /// Begins at a byte offset.
    pub fn new(source: &'a Source, at: usize) -> Self {
        Self { source, at, depth: 0 }
    }

    /// What is not read yet.
    pub fn rest(&self) -> &'a str {
        self.source.text().get(self.at..).unwrap_or_default()
    }

    /// Passes over white space.
    pub fn blanks(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start().len();
    }

    /// What stands here up to the first character that is no part of it.
    pub fn run(&self, is_part: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        &rest[..rest.find(|ch| !is_part(ch)).unwrap_or(rest.len())]
    }

    /// Takes `sign` if it stands here, behind white space or not.
    pub fn sign(&mut self, sign: &str) -> bool {
        self.blanks();
        let stands = self.rest().starts_with(sign);
        if stands {
            self.at += sign.len();
        }
        stands
    }

    /// Where that is.
    pub fn place(&self) -> Place {
        let nowhere = || Place { file: Arc::from(""), line: 1, column: 1 };
        self.source.place(self.at).unwrap_or_else(nowhere)
    }

    /// A fault here.
    pub fn problem(&self, message: impl Into<String>) -> Problem {
        Problem::new(&self.place(), message)
    }

    /// A fault here: what should stand here, and what does, `word` or a character that begins none.
    pub fn expected(&self, what: &str, word: &str) -> Problem {
        let found = match (word, self.rest().chars().next()) {
            ("", None) => "the end of the condition".to_owned(),
            ("", Some(ch)) => format!("'{ch}'"),
            _ => format!("'{}'", word.chars().take(40).collect::<String>()),
        };
        self.problem(format!("expected {what}, found {found}"))
    }

    /// One level further in, as long as there are any.
    ///
    /// # Errors
    /// There are none.
    pub fn deeper(&mut self) -> Result<(), Problem> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(self.problem(format!("nested deeper than {DEPTH_MAX} levels")));
        }
        Ok(())
    }

    /// Back out.
    pub fn out(&mut self) {
        self.depth -= 1;
    }
}
