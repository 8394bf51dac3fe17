//! What a rule says when it matches: a text with fields in it.

use crate::operand::{Operand, Scratch};
use crate::scene::{Scene, View};
use std::fmt::Write as _;

/// What stands for a field that is unset.
pub const UNSET: &str = "<NA>";

/// A text with fields in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Template {
    /// Its parts, in their order.
    pub parts: Vec<Part>,
}

/// A part of such a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// As it is.
    Text(String),
    /// What a field says; several values with a comma between.
    Field(Operand),
    /// A field that we have no data for.
    Missing,
    /// How many events, or values, reached a threshold.
    Count,
    /// The values that reached a threshold.
    Values,
    /// What a step of a sequence showed.
    Step {
        /// The step, from 0.
        step: usize,
        /// Which of the fields that it shows.
        field: usize,
    },
}

/// What a match says beside its last event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// How many events, or values, reached a threshold.
    pub count: Option<usize>,
    /// The values, by the time of their events.
    pub values: Vec<Box<str>>,
    /// What is shown of each step; `None` where it is unset.
    pub shown: Vec<Vec<Option<Box<str>>>>,
}

/// How many values are written out.
const VALUES_MAX: usize = 20;

impl Template {
    /// The text for a scene and what is told beside it. Values are as they were recorded: whoever shows it escapes it. What is
    /// unset is shown as that; where it would follow its own name alone, as in `(user=0 tty=<NA>)`, both are left out.
    pub fn render(&self, scene: &dyn Scene, told: &Told) -> String {
        let view = View::of(scene);
        let mut scratch = Scratch::default();
        let mut out = String::new();
        let mut name = None;
        let mut follows_bracket = false;
        for part in &self.parts {
            let set = match part {
                Part::Text(text) => {
                    let text = if follows_bracket { text.trim_start_matches(' ') } else { text };
                    name = Name::at_end(text, out.len(), follows_bracket);
                    follows_bracket = false;
                    out.push_str(text);
                    continue;
                }
                Part::Missing => false,
                Part::Count => told.count.is_some_and(|count| write!(out, "{count}").is_ok()),
                Part::Values => told.write_values(&mut out),
                Part::Step { step, field } => {
                    let shown = told.shown.get(*step).and_then(|shown| shown.get(*field)?.as_deref());
                    out.push_str(shown.unwrap_or_default());
                    shown.is_some()
                }
                Part::Field(operand) => {
                    let mut set = false;
                    operand.read(&view, &mut scratch, &mut |value| {
                        // Writing into a String cannot fail.
                        let _ = write!(out, "{}{value}", if set { "," } else { "" });
                        set = true;
                        false
                    });
                    set
                }
            };
            match (set, name.take()) {
                (true, _) => {}
                (false, None) => out.push_str(UNSET),
                (false, Some(Name { from, behind_bracket })) => {
                    out.truncate(from);
                    follows_bracket = behind_bracket;
                }
            }
        }
        out
    }
}

impl Told {
    /// Writes the values; whether there are any.
    fn write_values(&self, out: &mut String) -> bool {
        for (at, value) in self.values.iter().take(VALUES_MAX).enumerate() {
            out.push_str(if at > 0 { ", " } else { "" });
            out.push_str(value);
        }
        out.push_str(if self.values.len() > VALUES_MAX { ", ..." } else { "" });
        !self.values.is_empty()
    }
}

/// The name of the value that comes next, as ` tty=` or, behind a bracket, `user=`.
struct Name {
    /// Where in the output it begins, its space included.
    from: usize,
    /// It is the first behind a bracket.
    behind_bracket: bool,
}

impl Name {
    /// The name that the text ends with; the text begins at `start` of the output, right behind a bracket or not.
    fn at_end(text: &str, start: usize, follows_bracket: bool) -> Option<Self> {
        let rest = text.strip_suffix('=')?;
        let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
        let begin = rest.len() - rest.bytes().rev().take_while(is_name).count();
        match rest.as_bytes().split_at_checked(begin)? {
            (_, []) => None,
            ([.., b' '], _) => Some(Self { from: start + begin - 1, behind_bracket: false }),
            ([.., b'('], _) => Some(Self { from: start + begin, behind_bracket: true }),
            ([], _) if follows_bracket => Some(Self { from: start, behind_bracket: true }),
            _ => None,
        }
    }
}
