//! Comma-separated values as RFC 4180 has them.

use super::cells;
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::Schema;
use std::io::{self, Write};
use taffrail_trace::text::shown;

/// The line of column names.
pub fn header(schema: &Schema, for_terminal: bool, out: &mut dyn Write) -> io::Result<()> {
    let names = schema.fields().iter().map(|field| Some(field.name().clone()));
    line(names, for_terminal, out)
}

/// A line for each row.
pub fn rows(batch: &RecordBatch, for_terminal: bool, out: &mut dyn Write) -> io::Result<()> {
    for row in 0..batch.num_rows() {
        line(batch.columns().iter().map(|column| cells::text(column, row)), for_terminal, out)?;
    }
    Ok(())
}

fn line(cells: impl Iterator<Item = Option<String>>, for_terminal: bool, out: &mut dyn Write) -> io::Result<()> {
    let mut line = String::new();
    for (index, cell) in cells.enumerate() {
        if index > 0 {
            line.push(',');
        }
        if let Some(cell) = cell {
            let cell = if for_terminal { shown(&cell).into_owned() } else { cell };
            push_quoted(&cell, &mut line);
        }
    }
    line.push('\n');
    out.write_all(line.as_bytes())
}

fn push_quoted(cell: &str, line: &mut String) {
    if !cell.is_empty() && !cell.contains(['"', ',', '\n', '\r']) {
        line.push_str(cell);
        return;
    }
    line.push('"');
    line.push_str(&cell.replace('"', "\"\""));
    line.push('"');
}
