//! What a rule says when it matches: a text with fields in it.

use crate::operand::{Operand, Scratch};
use crate::scene::{Scene, View};
use std::fmt::Write as _;

/// What stands for a field that is unset.
const UNSET: &str = "<NA>";

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
}

impl Template {
    /// The text for a scene. Values are as they were recorded: whoever shows it escapes it.
    pub fn render(&self, scene: &dyn Scene) -> String {
        let view = View::of(scene);
        let mut scratch = Scratch::default();
        let mut out = String::new();
        for part in &self.parts {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Missing => out.push_str(UNSET),
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
