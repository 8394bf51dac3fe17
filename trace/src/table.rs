//! Rows of an evidence table on their way to Parquet.

use crate::schema::{self, Table as Spec};
use arrow_array::RecordBatch;
use parquet::errors::ParquetError;

mod cell;
mod column;
mod packer;

pub use cell::Cell;
use column::Builder;
pub(crate) use packer::Packer;

/// Rows that wait as Arrow before they are packed, and bytes of their texts, whichever come first: a table of any length takes no
/// more memory than that beside its file.
const BATCH_ROWS: usize = 16 << 10;
const BATCH_TEXT_BYTES: usize = 64 << 20;
/// One table being filled.
#[derive(Debug)]
pub struct Table {
    spec: &'static Spec,
    /// The rows that are not packed yet.
    columns: Vec<Builder>,
    waiting: usize,
    waiting_bytes: usize,
    rows: usize,
    /// The rows that are.
    packed: Option<Packer>,
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
        Self { spec, columns: builders(spec), waiting: 0, waiting_bytes: 0, rows: 0, packed: None }
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
        self.waiting_bytes += cells.iter().map(Cell::text_bytes).sum::<usize>();
        if self.waiting < BATCH_ROWS && self.waiting_bytes < BATCH_TEXT_BYTES {
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
            Some(packed) => packed.finish(),
            None => Packer::new(self.spec.schema())?.finish(),
        }
    }

    fn pack(&mut self) -> Result<(), ParquetError> {
        let batch = self.to_batch()?;
        let packed = match &mut self.packed {
            Some(packed) => packed,
            None => self.packed.insert(Packer::new(self.spec.schema())?),
        };
        packed.write(&batch)?;
        self.columns = builders(self.spec);
        (self.waiting, self.waiting_bytes) = (0, 0);
        Ok(())
    }
}

fn builders(spec: &Spec) -> Vec<Builder> {
    spec.all_columns().map(|column| Builder::new(column.kind)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::Kind;
    use arrow_array::cast::AsArray as _;

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

    #[test]
    fn a_text_that_no_reader_takes_is_cut_and_says_so() {
        let mut tables = Tables::default();
        let lifecycle = tables.of(&schema::LIFECYCLE).expect("a table");
        let long = "\u{e9}".repeat(40_000);
        let text = lifecycle.spec.all_columns().position(|column| column.name == "detail").expect("a text");
        let cells = lifecycle.spec.all_columns().enumerate().map(|(at, column)| match column.kind {
            _ if at == text => Cell::Text(&long),
            _ if column.nullable => Cell::Null,
            Kind::Time => Cell::Time(1),
            Kind::Text => Cell::Text("x"),
            _ => Cell::U64(1),
        });
        lifecycle.push(&cells.collect::<Vec<Cell<'_>>>()).expect("a row");
        let batch = lifecycle.to_batch().expect("a batch");
        let kept = batch.column(text).as_string::<i32>().value(0);
        assert!(kept.len() <= 32 << 10 && kept.len() > (32 << 10) - 8 && kept.ends_with('\u{2026}'), "{}", kept.len());
    }
}
