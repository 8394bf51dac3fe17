//! What the map and the files have in common: a history that is built once, and a list of rows at a moment, some of which
//! fold others away.

use super::recording::Time;
use std::collections::BTreeSet;
use std::sync::Arc;

/// A list of rows made of a history `H`, as it was at one moment.
#[derive(Debug)]
pub struct Folds<H, R> {
    /// The chosen row.
    pub chosen: usize,
    /// The lines.
    pub rows: Vec<R>,
    /// The labels of the rows that were turned: folded where rows begin unfolded, else the other way.
    turned: BTreeSet<String>,
    /// All there is to know; `None` where nobody has put it together yet.
    known: Option<Arc<H>>,
    shown_at: Option<Time>,
}

impl<H, R> Default for Folds<H, R> {
    fn default() -> Self {
        Self { chosen: 0, rows: Vec::new(), turned: BTreeSet::new(), known: None, shown_at: None }
    }
}

/// A row that others can be folded into.
pub trait Foldable {
    /// What it is told by; `None` of a row that folds nothing.
    fn label(&self) -> Option<&str>;
}

impl<H, R: Foldable> Folds<H, R> {
    /// The history.
    pub fn known(&self) -> Option<&Arc<H>> {
        self.known.as_ref()
    }

    /// Takes another history, or waits for one.
    pub fn learn(&mut self, known: Option<Arc<H>>) {
        self.known = known;
        self.shown_at = None;
    }

    /// Whether the rows have to be made anew for `at`; asking takes them for made.
    pub fn turns_to(&mut self, at: Time) -> bool {
        self.shown_at.replace(at) != Some(at)
    }

    /// Takes the rows of the moment.
    pub fn show(&mut self, rows: Vec<R>) {
        self.rows = rows;
        self.chosen = self.chosen.min(self.rows.len().saturating_sub(1));
    }

    /// Whether a person turned the row of this label.
    pub fn is_turned(&self, label: &str) -> bool {
        self.turned.contains(label)
    }

    /// The chosen row.
    pub fn current(&self) -> Option<&R> {
        self.rows.get(self.chosen)
    }

    /// Turns the chosen row; false where it folds nothing.
    pub fn toggle(&mut self) -> bool {
        let Some(label) = self.current().and_then(Foldable::label).map(str::to_owned) else { return false };
        if !self.turned.remove(&label) {
            self.turned.insert(label);
        }
        self.shown_at = None;
        true
    }

    /// Turns all rows, or all back.
    pub fn toggle_all(&mut self) {
        let labels = self.rows.iter().filter_map(Foldable::label).map(str::to_owned);
        self.turned = if self.turned.is_empty() { labels.collect() } else { BTreeSet::new() };
        self.shown_at = None;
    }
}
