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
        // How much of the text ends with the name of the value that comes next.
        let mut name = 0;
        for part in &self.parts {
            let set = match part {
                Part::Text(text) => {
                    out.push_str(if out.ends_with('(') { text.trim_start_matches(' ') } else { text });
                    name = name_at_end(text);
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
            match (set, name) {
                (true, _) => {}
                (false, 0) => out.push_str(UNSET),
                (false, name) => out.truncate(out.len() - name),
            }
            name = 0;
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

/// How much of the text's end is the name of what follows, as ` tty=` or, behind a bracket, `user=`; 0 where none is.
fn name_at_end(text: &str) -> usize {
    let Some(rest) = text.strip_suffix('=') else { return 0 };
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    let word = rest.bytes().rev().take_while(|byte| is_name(byte)).count();
    match rest.as_bytes().get(..rest.len() - word).and_then(<[u8]>::last) {
        Some(b' ') if word > 0 => word + 2,
        Some(b'(') if word > 0 => word + 1,
        _ => 0,
    }
}
