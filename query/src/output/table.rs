//! Aligned columns for people. Every text passes [`shown`], column names too.
//!
//! Widths come from the first rows; a later value that is longer is written whole, out of line. On a terminal the
//! widest columns are cut to fit, and where even that does not do, each row becomes a block of `name  value` lines.

use super::cells;
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::Schema;
use std::io::{self, Write};
use taffrail_trace::text::shown;
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// Rows that are looked at before the widths are settled.
const SAMPLE_ROWS: usize = 1000;
/// Columns are not cut to less than this to fit a terminal.
const COLUMN_MIN: usize = 8;
/// Spaces between columns.
const GUTTER: usize = 2;

/// A table on its way out.
pub struct Table {
    names: Vec<String>,
    numeric: Vec<bool>,
    width: Option<usize>,
    sample: Vec<Vec<String>>,
    layout: Option<Layout>,
    rows: usize,
}

/// How rows are laid out, once that is settled.
enum Layout {
    /// Side by side, with these widths.
    Columns(Vec<usize>),
    /// One below the other.
    Blocks,
}

impl Table {
    /// A table with the columns of `schema`, for a terminal of `width` where one is given.
    pub fn new(schema: &Schema, width: Option<usize>) -> Self {
        Self {
            names: schema.fields().iter().map(|field| shown(field.name()).into_owned()).collect(),
            numeric: schema.fields().iter().map(|field| field.data_type().is_numeric()).collect(),
            width,
            sample: Vec::new(),
            layout: None,
            rows: 0,
        }
    }

    /// Takes the rows of a batch, and writes them once the widths are settled.
    pub fn batch(&mut self, batch: &RecordBatch, out: &mut dyn Write) -> io::Result<()> {
        for row in 0..batch.num_rows() {
            let text = |column| cells::text(column, row).map(|text| shown(&text).into_owned()).unwrap_or_default();
            let cells: Vec<String> = batch.columns().iter().map(text).collect();
            if self.layout.is_some() {
                self.row(&cells, out)?;
            } else {
                self.sample.push(cells);
                if self.sample.len() == SAMPLE_ROWS {
                    self.settle(out)?;
                }
            }
        }
        Ok(())
    }

    /// Writes what is left.
    pub fn finish(mut self, out: &mut dyn Write) -> io::Result<()> {
        if self.layout.is_none() {
            self.settle(out)?;
        }
        Ok(())
    }

    /// Decides the layout and writes the head and the rows that waited for it.
    fn settle(&mut self, out: &mut dyn Write) -> io::Result<()> {
        let layout = layout(&self.names, &self.sample, self.width);
        if let Layout::Columns(widths) = &layout {
            self.line(&self.names, widths, out)?;
            let rule: Vec<String> = widths.iter().map(|width| "─".repeat(*width)).collect();
            self.line(&rule, widths, out)?;
        }
        self.layout = Some(layout);
        for cells in std::mem::take(&mut self.sample) {
            self.row(&cells, out)?;
        }
        Ok(())
    }

    fn row(&mut self, cells: &[String], out: &mut dyn Write) -> io::Result<()> {
        self.rows += 1;
        match &self.layout {
            Some(Layout::Columns(widths)) => self.line(cells, widths, out),
            _ => self.block(cells, out),
        }
    }

    fn line(&self, cells: &[String], widths: &[usize], out: &mut dyn Write) -> io::Result<()> {
        let mut line = String::new();
        for (index, (cell, width)) in cells.iter().zip(widths).enumerate() {
            let cell = if self.width.is_some() { cut(cell, *width) } else { cell.clone() };
            let padding = " ".repeat(width.saturating_sub(cell.width()));
            if self.numeric[index] {
                line.push_str(&padding);
                line.push_str(&cell);
            } else {
                line.push_str(&cell);
                line.push_str(&padding);
            }
            line.push_str(&" ".repeat(GUTTER));
        }
        writeln!(out, "{}", line.trim_end())
    }

    fn block(&self, cells: &[String], out: &mut dyn Write) -> io::Result<()> {
        let widest = self.names.iter().map(|name| name.width()).max().unwrap_or(0);
        writeln!(out, "── row {}", self.rows)?;
        for (name, cell) in self.names.iter().zip(cells).filter(|(_, cell)| !cell.is_empty()) {
            writeln!(out, "{name}{}  {cell}", " ".repeat(widest - name.width()))?;
        }
        Ok(())
    }
}

fn layout(names: &[String], sample: &[Vec<String>], width: Option<usize>) -> Layout {
    let widest = |(index, name): (usize, &String)| {
        let cells = sample.iter().filter_map(|cells| cells.get(index)).map(|cell| cell.width());
        cells.chain([name.width()]).max().unwrap_or(0)
    };
    let widths: Vec<usize> = names.iter().enumerate().map(widest).collect();
    let Some(width) = width else { return Layout::Columns(widths) };
    let available = width.saturating_sub(GUTTER * names.len().saturating_sub(1));
    let capped = |cap: usize| widths.iter().map(move |width| *width.min(&cap));
    let longest = widths.iter().copied().max().unwrap_or(0);
    let fits = |cap: &usize| capped(*cap).sum::<usize>() <= available;
    // The largest cap that fits, by halving; a cap of the longest width cuts nothing.
    if fits(&longest) {
        return Layout::Columns(widths);
    }
    let (mut low, mut high) = (COLUMN_MIN, longest);
    if !fits(&low) {
        return Layout::Blocks;
    }
    while high - low > 1 {
        let middle = low.midpoint(high);
        if fits(&middle) { low = middle } else { high = middle }
    }
    Layout::Columns(capped(low).collect())
}

/// The text in at most `width` columns, `…` at the end where it was cut.
fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut used = 1;
    let fits = |ch: &char| {
        used += ch.width().unwrap_or(0);
        used <= width
    };
    text.chars().take_while(fits).chain(['…']).collect()
}
