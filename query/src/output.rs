//! Rows for people and for programs.
//!
//! ```text
//! table     for people; always safe for a terminal
//! csv       RFC 4180 with a header; NULL is empty, an empty text is ""
//! json      one array of objects       ndjson    one object a line
//! parquet   as it is, for other tools
//! ```
//!
//! In all but Parquet, times are RFC 3339 with nanoseconds in UTC, lists are JSON arrays and bytes are hex. JSON carries
//! the 64-bit numbers of columns named `*_id` and of `entered_by` as strings, because most JSON readers round beyond
//! 2^53; the digits are those that SQL takes (`WHERE exec_id = 123`), in every format. Other numbers are numbers.
//!
//! JSON is safe on a terminal as it is: what acts on one is written as `\u....`, which loses nothing. CSV has no such
//! escape; [`Style::for_terminal`] decides whether it is made safe or exact.

mod cells;
mod csv;
mod json;
mod table;

use crate::error::QueryError;
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use std::fmt;
use std::io::{self, Write};
use std::str::FromStr;

/// How rows are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// Aligned columns for people.
    Table,
    /// Comma-separated values.
    Csv,
    /// One JSON array.
    Json,
    /// One JSON object a line.
    Ndjson,
    /// Apache Parquet.
    Parquet,
}

impl Format {
    /// All formats.
    pub const ALL: [Self; 5] = [Self::Table, Self::Csv, Self::Json, Self::Ndjson, Self::Parquet];

    /// Its name on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Table => "table",
            Self::Csv => "csv",
            Self::Json => "json",
            Self::Ndjson => "ndjson",
            Self::Parquet => "parquet",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A name that is no [`Format`].
#[derive(Debug, thiserror::Error)]
#[error("no such format; there are table, csv, json, ndjson and parquet")]
pub struct UnknownFormat;

impl FromStr for Format {
    type Err = UnknownFormat;

    fn from_str(name: &str) -> Result<Self, UnknownFormat> {
        Self::ALL.into_iter().find(|format| format.as_str() == name).ok_or(UnknownFormat)
    }
}

/// How and for whom rows are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// The format.
    pub format: Format,
    /// The output is a terminal: CSV is made safe for it, and Parquet is refused.
    pub for_terminal: bool,
    /// The terminal's width in columns, to which a table is cut; `None` writes every value whole.
    pub width: Option<usize>,
}

impl Style {
    /// The format, for a file or a pipe.
    pub fn new(format: Format) -> Self {
        Self { format, for_terminal: false, width: None }
    }
}

/// What was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Written {
    /// Rows.
    pub rows: u64,
}

/// Writes all `batches`, which have one schema.
///
/// # Errors
/// [`QueryError::Output`] where `out` refuses, [`QueryError::Parquet`] where the Parquet library does.
pub fn write(batches: &[RecordBatch], style: &Style, out: &mut dyn Write) -> Result<Written, QueryError> {
    let Some(first) = batches.first() else { return Ok(Written { rows: 0 }) };
    let mut writer = Writer::new(first.schema(), style, out)?;
    for batch in batches {
        writer.batch(batch)?;
    }
    writer.finish()
}

/// Writes batches one by one, as they come.
pub struct Writer<'a> {
    out: &'a mut dyn Write,
    sink: Sink,
    rows: u64,
}

enum Sink {
    Table(table::Table),
    Csv { for_terminal: bool },
    Json(json::Keys),
    Ndjson(json::Keys),
    Parquet(Box<ArrowWriter<Vec<u8>>>),
}

impl<'a> Writer<'a> {
    /// Begins an output with the columns of `schema`.
    ///
    /// # Errors
    /// As [`write`].
    pub fn new(schema: SchemaRef, style: &Style, out: &'a mut dyn Write) -> Result<Self, QueryError> {
        let sink = match style.format {
            Format::Table => Sink::Table(table::Table::new(&schema, style.width)),
            Format::Csv => {
                csv::header(&schema, style.for_terminal, out)?;
                Sink::Csv { for_terminal: style.for_terminal }
            }
            Format::Json => {
                out.write_all(b"[")?;
                Sink::Json(json::Keys::new(&schema))
            }
            Format::Ndjson => Sink::Ndjson(json::Keys::new(&schema)),
            Format::Parquet if style.for_terminal => {
                let refused = "Parquet is not for a terminal; send it to a file or a pipe";
                return Err(io::Error::new(io::ErrorKind::InvalidInput, refused).into());
            }
            Format::Parquet => {
                let zstd = Compression::ZSTD(ZstdLevel::try_new(3)?);
                let properties = WriterProperties::builder().set_compression(zstd).build();
                Sink::Parquet(Box::new(ArrowWriter::try_new(Vec::new(), schema, Some(properties))?))
            }
        };
        Ok(Self { out, sink, rows: 0 })
    }

    /// Writes the rows of one batch.
    ///
    /// # Errors
    /// As [`write`].
    pub fn batch(&mut self, batch: &RecordBatch) -> Result<(), QueryError> {
        match &mut self.sink {
            Sink::Table(table) => table.batch(batch, self.out)?,
            Sink::Csv { for_terminal } => csv::rows(batch, *for_terminal, self.out)?,
            Sink::Json(keys) => {
                for row in 0..batch.num_rows() {
                    let before = if self.rows == 0 && row == 0 { "\n" } else { ",\n" };
                    write!(self.out, "{before}{}", keys.object(batch, row))?;
                }
            }
            Sink::Ndjson(keys) => {
                for row in 0..batch.num_rows() {
                    writeln!(self.out, "{}", keys.object(batch, row))?;
                }
            }
            Sink::Parquet(writer) => {
                writer.write(batch)?;
                // What is complete leaves at once; positions inside the file are counted by the writer itself.
                self.out.write_all(&std::mem::take(writer.inner_mut()))?;
            }
        }
        self.rows += batch.num_rows() as u64;
        Ok(())
    }

    /// Ends the output.
    ///
    /// # Errors
    /// As [`write`].
    pub fn finish(self) -> Result<Written, QueryError> {
        match self.sink {
            Sink::Table(table) => table.finish(self.out)?,
            Sink::Json(_) if self.rows == 0 => self.out.write_all(b"]\n")?,
            Sink::Json(_) => self.out.write_all(b"\n]\n")?,
            Sink::Csv { .. } | Sink::Ndjson(_) => {}
            Sink::Parquet(writer) => self.out.write_all(&writer.into_inner()?)?,
        }
        self.out.flush()?;
        Ok(Written { rows: self.rows })
    }
}

impl fmt::Debug for Writer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer").field("rows", &self.rows).finish_non_exhaustive()
    }
}
