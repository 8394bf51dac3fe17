//! The one typed expression that every rule language is lowered to.
//!
//! ```text
//! operand     which field, and what is done with its value before it is looked at
//! expr        a condition of tests
//! ```
//!
//! What it means:
//! * A test of an unset field is false, whatever is tested; so its negation is true.
//! * A test of a field with several values holds where it holds for one of them.
//! * There is no "is not": `a != b` is lowered to "a is set, and not (a = b)", which says the same of one value and the
//!   useful thing of several.
//!
//! [`Expr::holds`] says what an expression means, slowly; the [`Matcher`](crate::matcher::Matcher) says the same fast.

use crate::call::Calls;
use crate::operand::{Operand, Scratch};
use crate::pattern::Pattern;
use crate::scene::View;
use crate::value::{self, Network, Value};

/// A condition.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Expr {
    /// Always so.
    Constant(bool),
    /// The event is one of these calls.
    Calls(Calls),
    /// All of these hold; none to hold is true.
    All(Vec<Expr>),
    /// One of these holds; none to hold is false.
    Any(Vec<Expr>),
    /// This does not hold.
    Not(Box<Expr>),
    /// A value is as it should be.
    Test(Test),
}

/// A look at one value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Test {
    /// What is looked at.
    pub operand: Operand,
    /// What for.
    pub check: Check,
}

/// What a value can be looked at for. Lists are sorted, and mean one of them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Check {
    /// It is set.
    Set,
    /// It is a text of these.
    Equal(Vec<String>),
    /// It begins with one of these.
    Prefix(Vec<String>),
    /// It ends with one of these.
    Suffix(Vec<String>),
    /// It contains one of these.
    Contains(Vec<String>),
    /// It contains one of these, ASCII letters in either case.
    ContainsFolded(Vec<String>),
    /// It is as the pattern says.
    Pattern(Pattern),
    /// It is a number of these.
    Number(Vec<i64>),
    /// It is a number that is so related to this one.
    Related(Relation, i64),
    /// It is this truth.
    Flag(bool),
    /// It is an address of these networks.
    Network(Vec<Network>),
    /// It is so related to a value of another field.
    Field(Relation, Operand),
}

/// How two values can be related.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Relation {
    /// The same.
    Equal,
    /// Less.
    Less,
    /// Less or the same.
    LessOrEqual,
    /// Greater.
    Greater,
    /// Greater or the same.
    GreaterOrEqual,
    /// The second is somewhere in the first.
    Contains,
    /// As `Contains`, ASCII letters in either case.
    ContainsFolded,
    /// The first begins with the second.
    Prefix,
    /// The first ends with the second.
    Suffix,
}

impl Expr {
    /// All of `parts`, without layers that say nothing.
    pub fn all(parts: Vec<Expr>) -> Self {
        let mut flat = Vec::new();
        for part in parts {
            match part {
                Self::Constant(true) => {}
                Self::Constant(false) => return Self::Constant(false),
                Self::All(inner) => flat.extend(inner),
                part => flat.push(part),
            }
        }
        match flat.pop() {
            None => Self::Constant(true),
            Some(only) if flat.is_empty() => only,
            Some(last) => {
                flat.push(last);
                Self::All(flat)
            }
        }
    }

    /// One of `parts`, without layers that say nothing.
    pub fn any(parts: Vec<Expr>) -> Self {
        let mut flat = Vec::new();
        for part in parts {
            match part {
                Self::Constant(false) => {}
                Self::Constant(true) => return Self::Constant(true),
                Self::Any(inner) => flat.extend(inner),
                part => flat.push(part),
            }
        }
        match flat.pop() {
            None => Self::Constant(false),
            Some(only) if flat.is_empty() => only,
            Some(last) => {
                flat.push(last);
                Self::Any(flat)
            }
        }
    }

    /// The opposite of `inner`.
    #[must_use]
    pub fn negated(inner: Expr) -> Self {
        match inner {
            Self::Constant(value) => Self::Constant(!value),
            Self::Not(inner) => *inner,
            inner => Self::Not(Box::new(inner)),
        }
    }

    /// How many layers it has.
    pub fn depth(&self) -> usize {
        match self {
            Self::Constant(_) | Self::Calls(_) | Self::Test(_) => 1,
            Self::Not(inner) => 1 + inner.depth(),
            Self::All(parts) | Self::Any(parts) => 1 + parts.iter().map(Self::depth).max().unwrap_or(0),
        }
    }

    /// Whether it holds in a view: what every faster way has to say too.
    pub fn holds(&self, view: &View<'_>) -> bool {
        match self {
            Self::Constant(value) => *value,
            Self::Calls(calls) => calls.has(view.event),
            Self::All(parts) => parts.iter().all(|part| part.holds(view)),
            Self::Any(parts) => parts.iter().any(|part| part.holds(view)),
            Self::Not(inner) => !inner.holds(view),
            Self::Test(test) => test.holds(view, &mut Scratch::default()),
        }
    }
}

impl Test {
    /// Whether it holds in a view.
    pub fn holds(&self, view: &View<'_>, scratch: &mut Scratch) -> bool {
        let check = &self.check;
        self.operand.read(view, scratch, &mut |value| check.holds(value, view))
    }
}

impl Check {
    /// Whether a value is as it should be; `view` is where another field's value comes from.
    pub fn holds(&self, value: Value<'_>, view: &View<'_>) -> bool {
        match self {
            Self::Field(relation, other) => {
                // Rare: nothing is lost by a text of its own.
                other.read(view, &mut Scratch::default(), &mut |other| relation.holds(value, other))
            }
            check => check.holds_alone(value),
        }
    }

    /// The same where no other field is asked about.
    pub fn holds_alone(&self, value: Value<'_>) -> bool {
        match (self, value) {
            (Self::Set, _) => true,
            (Self::Equal(texts), Value::Text(text)) => texts.iter().any(|known| known == text),
            (Self::Prefix(texts), Value::Text(text)) => texts.iter().any(|known| text.starts_with(known.as_str())),
            (Self::Suffix(texts), Value::Text(text)) => texts.iter().any(|known| text.ends_with(known.as_str())),
            (Self::Contains(texts), Value::Text(text)) => texts.iter().any(|known| text.contains(known.as_str())),
            (Self::ContainsFolded(texts), Value::Text(text)) => texts.iter().any(|known| contains_folded(text, known)),
            (Self::Pattern(pattern), Value::Text(text)) => pattern.matches(text),
            (Self::Number(numbers), Value::Number(number)) => numbers.contains(&number),
            (Self::Related(relation, known), Value::Number(number)) => {
                relation.holds(Value::Number(number), Value::Number(*known))
            }
            // An argument of a call is a text, and may say a number.
            (Self::Related(..), Value::Text(text)) => {
                value::number(text).is_some_and(|number| self.holds_alone(Value::Number(number)))
            }
            (Self::Flag(known), Value::Flag(flag)) => *known == flag,
            (Self::Network(networks), Value::Address(address)) => networks.iter().any(|network| network.has(address)),
            _ => false,
        }
    }
}

impl Relation {
    /// Whether two values are so related. Values of different types are not related at all.
    pub fn holds(self, first: Value<'_>, second: Value<'_>) -> bool {
        let order = match (first, second) {
            (Value::Text(first), Value::Text(second)) => match self {
                Self::Contains => return first.contains(second),
                Self::ContainsFolded => return contains_folded(first, second),
                Self::Prefix => return first.starts_with(second),
                Self::Suffix => return first.ends_with(second),
                _ => first.cmp(second),
            },
            (Value::Number(first), Value::Number(second)) => first.cmp(&second),
            (Value::Flag(first), Value::Flag(second)) => first.cmp(&second),
            (Value::Address(first), Value::Address(second)) => first.to_canonical().cmp(&second.to_canonical()),
            _ => return false,
        };
        match self {
            Self::Equal => order.is_eq(),
            Self::Less => order.is_lt(),
            Self::LessOrEqual => order.is_le(),
            Self::Greater => order.is_gt(),
            Self::GreaterOrEqual => order.is_ge(),
            Self::Contains | Self::ContainsFolded | Self::Prefix | Self::Suffix => false,
        }
    }
}

fn contains_folded(text: &str, part: &str) -> bool {
    let (text, part) = (text.as_bytes(), part.as_bytes());
    part.is_empty() || text.windows(part.len()).any(|window| window.eq_ignore_ascii_case(part))
}
