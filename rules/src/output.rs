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
    /// What is shown of each step.
    pub shown: Vec<Vec<Box<str>>>,
}

/// How many values are written out.
const VALUES_MAX: usize = 20;

impl Template {
    /// The text for a scene and what is told beside it. Values are as they were recorded: whoever shows it escapes it.
    pub fn render(&self, scene: &dyn Scene, told: &Told) -> String {
        let view = View::of(scene);
        let mut scratch = Scratch::default();
        let mut out = String::new();
        for part in &self.parts {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Missing => out.push_str(UNSET),
                Part::Count => match told.count {
                    // Writing into a String cannot fail.
                    Some(count) => _ = write!(out, "{count}"),
                    None => out.push_str(UNSET),
                },
                Part::Values if told.values.is_empty() => out.push_str(UNSET),
                Part::Values => {
                    for (at, value) in told.values.iter().take(VALUES_MAX).enumerate() {
                        out.push_str(if at > 0 { ", " } else { "" });
                        out.push_str(value);
                    }
                    out.push_str(if told.values.len() > VALUES_MAX { ", ..." } else { "" });
                }
                Part::Step { step, field } => {
                    let shown = told.shown.get(*step).and_then(|shown| shown.get(*field));
                    out.push_str(shown.map_or(UNSET, |shown| shown));
                }
                Part::Field(operand) => {
                    let mut set = false;
                    operand.read(&view, &mut scratch, &mut |value| {
                        // Writing into a String cannot fail.
                        let _ = write!(out, "{}{value}", if set { "," } else { "" });
                        set = true;
                        false
                    });
                    if !set {
                        out.push_str(UNSET);
                    }
                }
            }
        }
        out
    }
}
