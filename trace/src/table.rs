//! Rows of an evidence table on their way to Parquet.

use crate::schema::{self, Kind, Table as Spec};
use arrow_array::builder::{
    ArrayBuilder, BooleanBuilder, Int32Builder, ListBuilder, StringBuilder, TimestampNanosecondBuilder, UInt16Builder,
    UInt32Builder, UInt64Builder,
};
use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::Field;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::SortingColumn;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use std::sync::Arc;

/// Rows per data page: small enough that a window of time reads few pages it does not need.
const PAGE_ROWS: usize = 16 << 10;

/// A value on its way into a column.
#[derive(Clone, Debug)]
pub enum Cell<'a> {
    /// NULL.
    Null,
    /// Nanoseconds since 1970, UTC.
    Time(i64),
    /// Text.
    Text(&'a str),
    /// A list of text.
    TextList(&'a [String]),
    /// Yes or no.
    Bool(bool),
    /// Unsigned 16 bits.
    U16(u16),
    /// Unsigned 32 bits.
    U32(u32),
    /// Unsigned 64 bits.
    U64(u64),
    /// Signed 32 bits.
    I32(i32),
}

/// One table being filled.
#[derive(Debug)]
pub struct Table {
    spec: &'static Spec,
    columns: Vec<Builder>,
    rows: usize,
}

#[derive(Debug)]
enum Builder {
    Time(TimestampNanosecondBuilder),
    Text(StringBuilder),
    TextList(ListBuilder<StringBuilder>),
    Bool(BooleanBuilder),
    U16(UInt16Builder),
    U32(UInt32Builder),
    U64(UInt64Builder),
    I32(Int32Builder),
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
}

impl Table {
    fn new(spec: &'static Spec) -> Self {
        let columns = spec.all_columns().map(|column| Builder::new(column.kind)).collect();
        Self { spec, columns, rows: 0 }
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
            if !fits(column, cell) {
                return Err(RowError::Type { table: self.spec.name, column: column.name });
            }
        }
        for (builder, cell) in self.columns.iter_mut().zip(cells) {
            builder.append(cell);
        }
        self.rows += 1;
        Ok(())
    }

    /// The rows as Arrow, leaving the table as it is.
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
    pub fn to_parquet(&self) -> Result<Vec<u8>, ParquetError> {
        let mut properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::try_new(3)?))
            .set_data_page_row_count_limit(PAGE_ROWS)
            .set_statistics_enabled(EnabledStatistics::Page)
            .set_sorting_columns(Some(vec![SortingColumn { column_idx: 0, descending: false, nulls_first: false }]));
        for column in self.spec.all_columns().filter(|column| column.kind == Kind::Time) {
            // Sorted times cost a fraction of a byte as deltas and eight bytes in a dictionary.
            properties = properties
                .set_column_dictionary_enabled(column.name.into(), false)
                .set_column_encoding(column.name.into(), Encoding::DELTA_BINARY_PACKED);
        }
        let mut writer = ArrowWriter::try_new(Vec::new(), self.spec.schema(), Some(properties.build()))?;
        writer.write(&self.to_batch()?)?;
        writer.into_inner()
    }
}

fn fits(column: &schema::Column, cell: &Cell<'_>) -> bool {
    match cell {
        Cell::Null => column.nullable,
        Cell::Time(_) => column.kind == Kind::Time,
        Cell::Text(_) => column.kind == Kind::Text,
        Cell::TextList(_) => column.kind == Kind::TextList,
        Cell::Bool(_) => column.kind == Kind::Bool,
        Cell::U16(_) => column.kind == Kind::U16,
        Cell::U32(_) => column.kind == Kind::U32,
        Cell::U64(_) => column.kind == Kind::U64,
        Cell::I32(_) => column.kind == Kind::I32,
    }
}

impl Builder {
    fn new(kind: Kind) -> Self {
        match kind {
            Kind::Time => Self::Time(TimestampNanosecondBuilder::new().with_timezone("UTC")),
            Kind::Text => Self::Text(StringBuilder::new()),
            Kind::TextList => {
                let item = Field::new_list_field(arrow_schema::DataType::Utf8, false);
                Self::TextList(ListBuilder::new(StringBuilder::new()).with_field(item))
            }
            Kind::Bool => Self::Bool(BooleanBuilder::new()),
            Kind::U16 => Self::U16(UInt16Builder::new()),
            Kind::U32 => Self::U32(UInt32Builder::new()),
            Kind::U64 => Self::U64(UInt64Builder::new()),
            Kind::I32 => Self::I32(Int32Builder::new()),
        }
    }

    /// Appends a cell that [`fits`]; any other becomes NULL, which the schema check at the end refuses.
    fn append(&mut self, cell: &Cell<'_>) {
        match (self, cell) {
            (Self::Time(builder), Cell::Time(value)) => builder.append_value(*value),
            (Self::Time(builder), _) => builder.append_null(),
            (Self::Text(builder), Cell::Text(value)) => builder.append_value(value),
            (Self::Text(builder), _) => builder.append_null(),
            (Self::TextList(builder), Cell::TextList(values)) => {
                builder.append_value(values.iter().map(Some));
            }
            (Self::TextList(builder), _) => builder.append_null(),
            (Self::Bool(builder), Cell::Bool(value)) => builder.append_value(*value),
            (Self::Bool(builder), _) => builder.append_null(),
            (Self::U16(builder), Cell::U16(value)) => builder.append_value(*value),
            (Self::U16(builder), _) => builder.append_null(),
            (Self::U32(builder), Cell::U32(value)) => builder.append_value(*value),
            (Self::U32(builder), _) => builder.append_null(),
            (Self::U64(builder), Cell::U64(value)) => builder.append_value(*value),
            (Self::U64(builder), _) => builder.append_null(),
            (Self::I32(builder), Cell::I32(value)) => builder.append_value(*value),
            (Self::I32(builder), _) => builder.append_null(),
        }
    }

    fn finish(&self) -> ArrayRef {
        match self {
            Self::Time(builder) => builder.finish_cloned_ref(),
            Self::Text(builder) => builder.finish_cloned_ref(),
            Self::TextList(builder) => builder.finish_cloned_ref(),
            Self::Bool(builder) => builder.finish_cloned_ref(),
            Self::U16(builder) => builder.finish_cloned_ref(),
            Self::U32(builder) => builder.finish_cloned_ref(),
            Self::U64(builder) => builder.finish_cloned_ref(),
            Self::I32(builder) => builder.finish_cloned_ref(),
        }
    }
}

/// `ArrayBuilder::finish_cloned` under a name that no inherent method of a builder hides.
trait FinishCloned: ArrayBuilder {
    fn finish_cloned_ref(&self) -> ArrayRef {
        Arc::clone(&ArrayBuilder::finish_cloned(self))
    }
}

impl<B: ArrayBuilder> FinishCloned for B {}

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
        for table in Tables::default().iter() {
            let bytes = table.to_parquet().expect("empty table");
            assert_eq!(&bytes[..4], b"PAR1", "{}", table.spec().name);
        }
    }
}
