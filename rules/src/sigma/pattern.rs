//! Texts with wildcards: `*` is any text, `?` any one character, `\` takes the meaning from either and from itself
//! before them.

use crate::expr::{Check, Expr, Test};
use crate::operand::{Operand, Transform};
use crate::pattern::Pattern;

/// A text with wildcards.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Glob(Vec<Piece>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Any,
    One,
}

impl Glob {
    /// The text that is written so.
    pub fn read(written: &str) -> Self {
        let mut glob = Self::default();
        let mut chars = written.chars().peekable();
        while let Some(ch) = chars.next() {
            match ch {
                '*' => glob.any(),
                '?' => glob.0.push(Piece::One),
                '\\' => match chars.peek() {
                    Some(next @ ('*' | '?' | '\\')) => {
                        let next = *next;
                        chars.next();
                        glob.push(next);
                    }
                    _ => glob.push('\\'),
                },
                ch => glob.push(ch),
            }
        }
        glob
    }

    /// A text without wildcards.
    pub fn plain(text: &str) -> Self {
        Self(if text.is_empty() { Vec::new() } else { vec![Piece::Text(text.to_owned())] })
    }

    fn push(&mut self, ch: char) {
        match self.0.last_mut() {
            Some(Piece::Text(text)) => text.push(ch),
            _ => self.0.push(Piece::Text(ch.to_string())),
        }
    }

    fn any(&mut self) {
        if self.0.last() != Some(&Piece::Any) {
            self.0.push(Piece::Any);
        }
    }

    /// The text itself, where it has no wildcards.
    pub fn text(&self) -> Option<&str> {
        match self.0.as_slice() {
            [] => Some(""),
            [Piece::Text(text)] => Some(text),
            _ => None,
        }
    }

    /// The same with any text before it, behind it, or both.
    #[must_use]
    pub fn within(mut self, before: bool, behind: bool) -> Self {
        if before && self.0.first() != Some(&Piece::Any) {
            self.0.insert(0, Piece::Any);
        }
        if behind {
            self.any();
        }
        self
    }

    /// Whether a text field is so, ASCII letters in either case unless `cased`.
    ///
    /// # Errors
    /// Where it is too large.
    pub fn test(self, operand: &Operand, cased: bool) -> Result<Expr, String> {
        let mut folded = operand.clone();
        if !cased {
            folded.transforms.push(Transform::Lower);
        }
        let fold = |text: &String| vec![if cased { text.clone() } else { text.to_ascii_lowercase() }];
        let looks = |check: Check| Ok(Expr::Test(Test { operand: folded.clone(), check }));
        match self.0.as_slice() {
            [] => looks(Check::Equal(vec![String::new()])),
            [Piece::Any] => Ok(Expr::Test(Test { operand: operand.clone(), check: Check::Set })),
            [Piece::Text(text)] => looks(Check::Equal(fold(text))),
            [Piece::Text(text), Piece::Any] => looks(Check::Prefix(fold(text))),
            [Piece::Any, Piece::Text(text)] => looks(Check::Suffix(fold(text))),
            [Piece::Any, Piece::Text(text), Piece::Any] => {
                // The automaton folds letters itself.
                let check = if cased { Check::Contains(fold(text)) } else { Check::ContainsFolded(fold(text)) };
                Ok(Expr::Test(Test { operand: operand.clone(), check }))
            }
            pieces => {
                let mut source = String::from(if cased { "(?s)" } else { "(?si-u)" });
                if !cased && pieces.iter().any(|piece| matches!(piece, Piece::Text(text) if !text.is_ascii())) {
                    source = String::from("(?si)");
                }
                for piece in pieces {
                    match piece {
                        Piece::Text(text) => source.push_str(&regex::escape(text)),
                        Piece::Any => source.push_str("(?u:.*)"),
                        Piece::One => source.push_str("(?u:.)"),
                    }
                }
                let check = Check::Pattern(Pattern::new(&source)?);
                Ok(Expr::Test(Test { operand: operand.clone(), check }))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backslash_takes_the_meaning_from_wildcards_only() {
        let text = |written: &str| Glob::read(written).text().map(str::to_owned);
        assert_eq!(text(r"C:\x\y"), Some(r"C:\x\y".to_owned()));
        assert_eq!(text(r"a\*b\?c"), Some("a*b?c".to_owned()));
        assert_eq!(text(r"a\\*"), None);
        assert_eq!(Glob::read(r"a\\*"), Glob::plain(r"a\").within(false, true));
        assert_eq!((text("a*"), text("?")), (None, None));
        assert_eq!(Glob::read("**a").within(true, true), Glob::plain("a").within(true, true));
    }
}
