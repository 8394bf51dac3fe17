//! A condition as it was written, and how it is written again.

use crate::operand::Transform;
use crate::problem::Place;
use std::fmt;

/// A word, and where it stands. Where it stands is no part of what it says: two words are one if their texts are.
#[derive(Clone, Debug)]
pub struct Word {
    /// What it says, unquoted.
    pub text: String,
    /// It was quoted, so it is a value and no name.
    pub quoted: bool,
    /// Where.
    pub place: Place,
}

impl PartialEq for Word {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Word {}

/// A condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Syntax {
    /// Parts with `or` between.
    Or(Vec<Syntax>),
    /// Parts with `and` between.
    And(Vec<Syntax>),
    /// `not`.
    Not(Box<Syntax>),
    /// A macro's name.
    Macro(Word),
    /// A field that is there at all.
    Exists(Subject),
    /// A field and what it is compared with.
    Compare(Subject, Operator, Object),
}

/// What stands left of an operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// The field, its argument in brackets included.
    pub field: Word,
    /// What its value goes through, innermost first.
    pub transforms: Vec<Transform>,
}

/// What stands right of an operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Object {
    /// A value.
    Word(Word),
    /// Values and names of lists, in parentheses.
    List(Vec<Word>),
    /// The name of one list.
    Named(Word),
    /// Another field.
    Field(Subject),
}

/// Defines the operators with their words.
macro_rules! operators {
    ($($(#[$doc:meta])* $name:ident = $word:literal,)*) => {
        /// How a field is compared.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Operator {
            $($(#[$doc])* $name,)*
        }

        impl Operator {
            /// Every one, the ones that begin like another one first.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// As rules write it.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $word,)*
                }
            }
        }
    };
}

operators! {
    /// Less or the same.
    LessOrEqual = "<=",
    /// Greater or the same.
    GreaterOrEqual = ">=",
    /// Not the same.
    NotEqual = "!=",
    /// The same. `==` says so too.
    Equal = "=",
    /// Less.
    Less = "<",
    /// Greater.
    Greater = ">",
    /// One of a list.
    In = "in",
    /// Something in common with a list.
    Intersects = "intersects",
    /// Below one of a list of paths.
    PathMatch = "pmatch",
    /// Contains a text.
    Contains = "contains",
    /// Contains a text in either case.
    ContainsFolded = "icontains",
    /// Contains bytes, in hex.
    ContainsBytes = "bcontains",
    /// Begins with a text.
    StartsWith = "startswith",
    /// Begins with bytes, in hex.
    StartsWithBytes = "bstartswith",
    /// Ends with a text.
    EndsWith = "endswith",
    /// Matches a shell's pattern.
    Glob = "glob",
    /// Matches a shell's pattern in either case.
    GlobFolded = "iglob",
    /// Matches a regular expression.
    Regex = "regex",
}

impl Operator {
    /// Whether it takes a list.
    pub fn takes_list(self) -> bool {
        matches!(self, Self::In | Self::Intersects | Self::PathMatch)
    }
}

impl fmt::Display for Syntax {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let joined = |f: &mut fmt::Formatter<'_>, parts: &[Syntax], between: &str| {
            f.write_str("(")?;
            for (at, part) in parts.iter().enumerate() {
                if at > 0 {
                    f.write_str(between)?;
                }
                part.fmt(f)?;
            }
            f.write_str(")")
        };
        match self {
            Self::Or(parts) => joined(f, parts, " or "),
            Self::And(parts) => joined(f, parts, " and "),
            Self::Not(inner) => write!(f, "not {inner}"),
            Self::Macro(name) => f.write_str(&name.text),
            Self::Exists(subject) => write!(f, "{subject} exists"),
            Self::Compare(subject, operator, object) => write!(f, "{subject} {} {object}", operator.as_str()),
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.transforms.iter().rev().try_for_each(|transform| write!(f, "{}(", transform.as_str()))?;
        f.write_str(&self.field.text)?;
        self.transforms.iter().try_for_each(|_| f.write_str(")"))
    }
}

impl fmt::Display for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Word(word) => word.fmt(f),
            Self::List(words) => {
                f.write_str("(")?;
                for (at, word) in words.iter().enumerate() {
                    if at > 0 {
                        f.write_str(", ")?;
                    }
                    word.fmt(f)?;
                }
                f.write_str(")")
            }
            Self::Named(name) => f.write_str(&name.text),
            Self::Field(subject) if subject.transforms.is_empty() => write!(f, "val({subject})"),
            Self::Field(subject) => subject.fmt(f),
        }
    }
}

impl fmt::Display for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.quoted && !self.text.is_empty() && self.text.chars().all(is_bare) {
            return f.write_str(&self.text);
        }
        f.write_str("\"")?;
        for ch in self.text.chars() {
            if matches!(ch, '"' | '\\') {
                f.write_str("\\")?;
            }
            write!(f, "{ch}")?;
        }
        f.write_str("\"")
    }
}

/// Whether a character can be part of a value that is not quoted.
pub fn is_bare(ch: char) -> bool {
    !ch.is_whitespace() && !matches!(ch, '(' | ')' | '"' | '\'' | '=' | ',')
}

/// What a text between quotes says: a backslash takes its meaning from a quote or a backslash, and from nothing else.
pub fn unquoted(inner: &str) -> String {
    let mut out = String::with_capacity(inner.len());
    let mut chars = inner.chars().peekable();
    while let Some(ch) = chars.next() {
        match (ch, chars.peek()) {
            ('\\', Some(next @ ('"' | '\'' | '\\'))) => {
                out.push(*next);
                chars.next();
            }
            _ => out.push(ch),
        }
    }
    out
}
