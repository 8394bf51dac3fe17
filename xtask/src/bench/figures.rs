//! Medians, and the table that people read.

use anyhow::{Context as _, Result};
use std::io::Write as _;

/// Measurements of one thing.
#[derive(Clone, Debug, Default)]
pub struct Series(Vec<f64>);

impl Series {
    /// One more.
    pub fn push(&mut self, value: f64) {
        self.0.push(value);
    }

    /// Round by round what this has more than `other`.
    pub fn minus(&self, other: &Self) -> Self {
        Self(self.0.iter().zip(&other.0).map(|(own, other)| own - other).collect())
    }

    /// Round by round this as a share of `other`.
    pub fn over(&self, other: &Self) -> Self {
        Self(self.0.iter().zip(&other.0).map(|(own, other)| own / other).collect())
    }

    /// The middle one; 0 where there is none.
    pub fn median(&self) -> f64 {
        self.quantile(0.5)
    }

    /// Half of what the middle half of the rounds spans: how far the median can be trusted.
    pub fn spread(&self) -> f64 {
        (self.quantile(0.75) - self.quantile(0.25)) / 2.0
    }

    /// Between two measurements it is interpolated.
    #[expect(clippy::cast_sign_loss, reason = "a share of a length is not negative")]
    fn quantile(&self, share: f64) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        let Some(last) = sorted.len().checked_sub(1) else { return 0.0 };
        let at = share * last as f64;
        let (below, above) = (sorted[at.floor() as usize], sorted[at.ceil() as usize]);
        below + (above - below) * at.fract()
    }
}

/// Rows of text, of which the first column is set to the left and the others to the right.
pub struct Sheet {
    title: String,
    rows: Vec<Vec<String>>,
    notes: Vec<String>,
}

impl Sheet {
    /// An empty one with its columns' names.
    pub fn new(title: &str, columns: &[&str]) -> Self {
        Self {
            title: title.to_owned(),
            rows: vec![columns.iter().map(|&name| name.to_owned()).collect()],
            notes: Vec::new(),
        }
    }

    /// One more row.
    pub fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }

    /// A line below the rows.
    pub fn note(&mut self, note: String) {
        self.notes.push(note);
    }

    /// All of it.
    pub fn text(&self) -> String {
        let mut widths: Vec<usize> = Vec::new();
        for row in &self.rows {
            widths.resize(widths.len().max(row.len()), 0);
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.chars().count());
            }
        }
        let mut out = format!("\n{}\n", self.title);
        for row in &self.rows {
            let mut line = String::new();
            for (at, (cell, width)) in row.iter().zip(&widths).enumerate() {
                let padded = if at == 0 { format!("  {cell:<width$}") } else { format!("  {cell:>width$}") };
                line.push_str(&padded);
            }
            out.push_str(line.trim_end());
            out.push('\n');
        }
        for note in &self.notes {
            out.push_str("  ");
            out.push_str(note);
            out.push('\n');
        }
        out
    }
}

/// A part of the answer, as soon as it is known.
pub fn print(text: &str) -> Result<()> {
    writeln!(std::io::stdout(), "{text}").context("standard output is gone")
}

/// A target and whether it is kept: `<= 30 ns: kept`.
pub fn at_most(value: f64, most: f64, unit: &str) -> String {
    format!("<= {most:.0} {unit}: {}", if value <= most { "kept" } else { "MISSED" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_and_its_spread_are_those_of_the_sorted_rounds() {
        let mut series = Series::default();
        for value in [9.0, 1.0, 5.0, 3.0, 7.0] {
            series.push(value);
        }
        assert!((series.median() - 5.0).abs() < 1e-9);
        assert!((series.spread() - 2.0).abs() < 1e-9);
        assert!(Series::default().median().abs() < 1e-9);
    }

    #[test]
    fn columns_stand_under_each_other() {
        let mut sheet = Sheet::new("Title", &["what", "ns"]);
        sheet.row(vec!["a loop".to_owned(), "12".to_owned()]);
        sheet.note("a note".to_owned());
        assert_eq!(sheet.text(), "\nTitle\n  what    ns\n  a loop  12\n  a note\n");
    }
}
