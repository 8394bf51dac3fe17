//! Rows of an evidence table on their way to Parquet.

use crate::schema::{self, Table as Spec};
use arrow_array::RecordBatch;
use arrow_schema::{DataType, Field, SchemaRef};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::SortingColumn;
use parquet::file::properties::{EnabledStatistics, WriterProperties};

mod cell;
mod column;

pub use cell::Cell;
use column::Builder;

/// Rows that wait as Arrow before they are packed: a table of any length takes no more memory than that beside its file.
const BATCH_ROWS: usize = 16 << 10;
/// Rows per data page: small enough that a window of time reads few pages it does not need.
const PAGE_ROWS: usize = 16 << 10;
/// Rows per row group: what one thread reads, and what is passed over where it holds nothing of what is asked for.
const GROUP_ROWS: usize = 128 << 10;

/// One table being filled.
#[derive(Debug)]
pub struct Table {
    spec: &'static Spec,
    /// The rows that are not packed yet.
    columns: Vec<Builder>,
    waiting: usize,
    rows: usize,
    /// The rows that are.
    packed: Option<ArrowWriter<Vec<u8>>>,
}

/// All tables of a bundle, in the order of [`schema::TABLES`].
#[derive(Debug)]
pub struct Tables {
    tables: Vec<Table>,
}

impl Default for Tables {
    fn default() -> Self {
        Self { tables: schema::TABLES.iter().map(|spec| Table::new(spec)).collect() }
    }
}

impl Tables {
    /// The tables, empty ones included.
    pub fn iter(&self) -> impl Iterator<Item = &Table> {
        self.tables.iter()
    }

    /// The tables to be finished one by one, empty ones included.
    pub fn into_tables(self) -> impl Iterator<Item = Table> {
        self.tables.into_iter()
    }

    /// The table made for `spec`, which is one of [`schema::TABLES`].
    ///
    /// # Errors
    /// [`RowError::UnknownTable`] where it is not.
    pub fn of(&mut self, spec: &'static Spec) -> Result<&mut Table, RowError> {
        self.tables.iter_mut().find(|table| table.spec.name == spec.name).ok_or(RowError::UnknownTable(spec.name))
    }
}

/// A row that does not fit its table: a fault of this program, answered instead of written.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum RowError {
    /// No such table in [`schema::TABLES`].
    #[error("table {0} is not part of a bundle")]
    UnknownTable(&'static str),
    /// More or fewer cells than columns.
    #[error("table {table} has {columns} columns, the row {cells} cells")]
    Width {
        /// The table.
        table: &'static str,
        /// Its columns.
        columns: usize,
        /// The row's cells.
        cells: usize,
    },
    /// A cell of another type than its column, or NULL where none may be.
    #[error("column {table}.{column} cannot hold this value")]
    Type {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
    },
    /// Parquet refused the rows before it.
    #[error("table {table} cannot be packed: {reason}")]
    Pack {
        /// The table.
        table: &'static str,
        /// What the library said.
        reason: String,
    },
}

impl Table {
    fn new(spec: &'static Spec) -> Self {
        Self { spec, columns: builders(spec), waiting: 0, rows: 0, packed: None }
    }

    /// What the table is.
    pub fn spec(&self) -> &'static Spec {
        self.spec
    }

    /// How many rows it has.
    pub fn rows(&self) -> u64 {
        self.rows as u64
    }

    /// Appends one row: the cells of all columns, common ones first. Rows come sorted by time.
    ///
    /// # Errors
    /// [`RowError`], and then no cell of the row is kept.
    pub fn push(&mut self, cells: &[Cell<'_>]) -> Result<(), RowError> {
        if cells.len() != self.columns.len() {
            let (table, columns) = (self.spec.name, self.columns.len());
            return Err(RowError::Width { table, columns, cells: cells.len() });
        }
        for (column, cell) in self.spec.all_columns().zip(cells) {
            if !cell.fits(column) {
                return Err(RowError::Type { table: self.spec.name, column: column.name });
            }
        }
        for (builder, cell) in self.columns.iter_mut().zip(cells) {
            builder.append(cell);
        }
        self.rows += 1;
        self.waiting += 1;
        if self.waiting < BATCH_ROWS {
            return Ok(());
        }
        self.pack().map_err(|error| RowError::Pack { table: self.spec.name, reason: error.to_string() })
    }

    /// The rows that are not packed yet, as Arrow.
    ///
    /// # Errors
    /// [`ParquetError`] where Arrow refuses the columns.
    pub fn to_batch(&self) -> Result<RecordBatch, ParquetError> {
        let arrays = self.columns.iter().map(Builder::finish).collect();
        Ok(RecordBatch::try_new(self.spec.schema(), arrays)?)
    }

    /// The rows as one Parquet file, for reading in place: sorted by time, page index, zstd.
    ///
    /// # Errors
    /// [`ParquetError`] where the library refuses the rows.
    pub fn finish(mut self) -> Result<Vec<u8>, ParquetError> {
        self.pack()?;
        match self.packed {
            Some(packed) => packed.into_inner(),
            None => writer(self.spec.schema())?.into_inner(),
        }
    }

    fn pack(&mut self) -> Result<(), ParquetError> {
        let batch = self.to_batch()?;
        let packed = match &mut self.packed {
            Some(packed) => packed,
            None => self.packed.insert(writer(self.spec.schema())?),
        };
        packed.write(&batch)?;
        self.columns = builders(self.spec);
        self.waiting = 0;
        Ok(())
    }
}

fn builders(spec: &Spec) -> Vec<Builder> {
    spec.all_columns().map(|column| Builder::new(column.kind)).collect()
}

/// Whether a column holds identities: 64 bits that look random. Where they come again, they do so soon after, which the
/// compression finds; a dictionary has each of them once more, and keys that compress badly.
fn has_identities(column: &Field) -> bool {
    let name = column.name();
    column.data_type() == &DataType::UInt64 && (name.ends_with("_id") || name == "entered_by")
}

/// A writer of a table with these columns: sorted by the first, page index, zstd.
pub(crate) fn writer(schema: SchemaRef) -> Result<ArrowWriter<Vec<u8>>, ParquetError> {
    let mut properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(3)?))
        .set_data_page_row_count_limit(PAGE_ROWS)
        .set_max_row_group_row_count(Some(GROUP_ROWS))
        .set_statistics_enabled(EnabledStatistics::Page)
        .set_sorting_columns(Some(vec![SortingColumn { column_idx: 0, descending: false, nulls_first: false }]));
    for column in schema.fields().iter().filter(|column| matches!(column.data_type(), DataType::Timestamp(..))) {
        // Sorted times cost a fraction of a byte as deltas and eight bytes in a dictionary.
        properties = properties
            .set_column_dictionary_enabled(column.name().as_str().into(), false)
            .set_column_encoding(column.name().as_str().into(), Encoding::DELTA_BINARY_PACKED);
    }
    for column in schema.fields().iter().filter(|column| has_identities(column)) {
        properties = properties.set_column_dictionary_enabled(column.name().as_str().into(), false);
    }
    ArrowWriter::try_new(Vec::new(), schema, Some(properties.build()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_that_does_not_fit_is_refused_whole() {
        let mut tables = Tables::default();
        let gap = tables.of(&schema::GAP).expect("gap is a table");
        let refused = gap.push(&[Cell::Null]);
        assert_eq!(refused, Err(RowError::Width { table: "gap", columns: 15, cells: 1 }));
        let mut cells = vec![Cell::Null; 15];
        cells[0] = Cell::Text("now");
        assert_eq!(gap.push(&cells), Err(RowError::Type { table: "gap", column: "time" }));
        assert_eq!(gap.rows(), 0);
    }

    #[test]
    fn empty_tables_are_parquet_too() {
        for table in Tables::default().into_tables() {
            let name = table.spec().name;
            let bytes = table.finish().expect("empty table");
            assert_eq!(&bytes[..4], b"PAR1", "{name}");
        }
    }
}
