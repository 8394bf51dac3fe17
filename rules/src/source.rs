//! Text that knows where it stood: a condition is folded, unquoted and appended to, and its faults still have a place.

use crate::problem::Place;

/// A text whose every character has a place in a file.
#[derive(Clone, Debug, Default)]
pub struct Source {
    text: String,
    /// Where each run of characters begins that stand side by side in one line of a file, by offset.
    marks: Vec<(usize, Place)>,
}

impl Source {
    /// A text with the places of its runs, by offset; the first is at 0.
    pub fn new(text: String, marks: Vec<(usize, Place)>) -> Self {
        Self { text, marks }
    }

    /// A text that stands in one piece.
    pub fn at(text: impl Into<String>, place: Place) -> Self {
        Self { text: text.into(), marks: vec![(0, place)] }
    }

    /// The text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Where the character at a byte offset stood; behind the last one for an offset at the end.
    pub fn place(&self, offset: usize) -> Option<Place> {
        let after = self.marks.partition_point(|(start, _)| *start <= offset);
        let (start, place) = self.marks.get(after.saturating_sub(1))?;
        let run = self.text.get(*start..offset.min(self.text.len())).unwrap_or_default();
        // White space that was folded away stands behind the word before it.
        let column = place.column + run.trim_end().chars().count() + usize::from(run.ends_with(char::is_whitespace));
        Some(Place { column, ..place.clone() })
    }

    /// Puts another text behind this one, a space between.
    pub fn append(&mut self, other: &Self) {
        self.text.push(' ');
        let shift = self.text.len();
        self.text.push_str(&other.text);
        self.marks.extend(other.marks.iter().map(|(start, place)| (start + shift, place.clone())));
    }
}
