//! Which field a test looks at, and what is done with its value before.

use crate::field::{Argument, Field};
use crate::scene::View;
use crate::value::{Type, Value};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::cmp::Ordering;
use std::fmt;

/// A field with its argument, and what its value goes through.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Operand {
    /// The field.
    pub field: &'static Field,
    /// What followed its name.
    pub argument: Argument,
    /// What the value goes through, first to last.
    pub transforms: Vec<Transform>,
}

/// What can be done with a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Transform {
    /// ASCII letters in lower case.
    Lower,
    /// ASCII letters in upper case.
    Upper,
    /// What its Base64 stands for; unset where it is none.
    Base64,
    /// The last part of a path.
    Basename,
    /// How many bytes it has.
    Length,
}

impl Transform {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Lower, Self::Upper, Self::Base64, Self::Basename, Self::Length];

    /// Its name in rules.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Lower => "tolower",
            Self::Upper => "toupper",
            Self::Base64 => "b64",
            Self::Basename => "basename",
            Self::Length => "len",
        }
    }

    /// The type of what comes out.
    pub fn gives(self) -> Type {
        if self == Self::Length { Type::Number } else { Type::Text }
    }
}

/// Texts that are used again and again, so that reading a field allocates nothing once they have grown.
#[derive(Debug, Default)]
pub struct Scratch {
    field: String,
    changed: String,
}

/// The texts of an operand, one behind the other.
#[derive(Debug, Default)]
pub struct Texts {
    all: String,
    ends: Vec<usize>,
}

impl Texts {
    /// Takes in what an operand shows in a view, in place of what was there.
    pub fn fill(&mut self, operand: &Operand, view: &View<'_>, scratch: &mut Scratch) {
        self.all.clear();
        self.ends.clear();
        operand.read(view, scratch, &mut |value| {
            if let Value::Text(text) = value {
                self.all.push_str(text);
                self.ends.push(self.all.len());
            }
            false
        });
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        let begins = std::iter::once(&0).chain(&self.ends);
        begins.zip(&self.ends).map(|(begin, end)| &self.all[*begin..*end])
    }
}

impl Operand {
    /// A field by itself.
    pub fn plain(field: &'static Field, argument: Argument) -> Self {
        Self { field, argument, transforms: Vec::new() }
    }

    /// What comes out of it.
    pub fn kind(&self) -> Type {
        self.transforms.last().map_or(self.field.kind, |transform| transform.gives())
    }

    /// How dear it is to read, beside others: what has to be put together, or is asked of all ancestors, comes last.
    pub fn cost(&self) -> u32 {
        u32::from(self.is_dear()) * 8 + self.transforms.len() as u32 * 4
    }

    fn is_dear(&self) -> bool {
        const DEAR: [&str; 9] = ["cmdline", "exeline", "args", "aname", "aexe", "cap_", "env", "evt.arg", ".name"];
        let name = self.field.name;
        DEAR.iter().any(|part| name.contains(part)) && !matches!(name, "proc.name" | "fd.name")
    }

    /// Whether its texts are better kept, where several look at them, than read again.
    pub fn is_worth_keeping(&self) -> bool {
        self.kind() == Type::Text && (self.is_dear() || !self.transforms.is_empty())
    }

    /// Shows `eye` each value, as [`Field::read`] does.
    pub fn read(&self, view: &View<'_>, scratch: &mut Scratch, eye: &mut dyn FnMut(Value<'_>) -> bool) -> bool {
        let Scratch { field, changed } = scratch;
        if self.transforms.is_empty() {
            return self.field.read(view, &self.argument, field, eye);
        }
        self.field.read(view, &self.argument, field, &mut |value| {
            let Value::Text(text) = value else { return false };
            changed.clear();
            changed.push_str(text);
            for transform in &self.transforms {
                match transform {
                    Transform::Lower => changed.make_ascii_lowercase(),
                    Transform::Upper => changed.make_ascii_uppercase(),
                    Transform::Base64 => match STANDARD.decode(changed.trim()) {
                        Ok(bytes) => *changed = String::from_utf8_lossy(&bytes).into_owned(),
                        Err(_) => return false,
                    },
                    Transform::Basename => {
                        let start = changed.rfind('/').map_or(0, |slash| slash + 1);
                        changed.drain(..start);
                    }
                    Transform::Length => {
                        return eye(Value::Number(i64::try_from(changed.len()).unwrap_or(i64::MAX)));
                    }
                }
            }
            eye(Value::Text(changed))
        })
    }
}

impl fmt::Display for Operand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for transform in self.transforms.iter().rev() {
            write!(f, "{}(", transform.as_str())?;
        }
        f.write_str(self.field.name)?;
        match &self.argument {
            Argument::None => {}
            Argument::Number(number) => write!(f, "[{number}]")?,
            Argument::Name(name) => write!(f, "[{name}]")?,
        }
        self.transforms.iter().try_for_each(|_| f.write_str(")"))
    }
}

// A field is its name: each stands in one table, once.
impl PartialEq for Field {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Field {}

impl PartialOrd for Field {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Field {
    fn cmp(&self, other: &Self) -> Ordering {
        self.name.cmp(other.name)
    }
}

impl std::hash::Hash for Field {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}
