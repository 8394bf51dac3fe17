//! Columns of a query's answer by name and type, whatever encoding the engine chose for them.

use crate::error::TuiError;
use crate::state::draft::{Row, Rows, Who};
use std::sync::Arc;
use taffrail_query::arrow::array::{
    Array, ArrayRef, AsArray as _, BinaryArray, BooleanArray, ListArray, PrimitiveArray, RecordBatch,
    RecordBatchOptions, StringArray, new_null_array,
};
use taffrail_query::arrow::compute::cast;
use taffrail_query::arrow::datatypes::{
    ArrowPrimitiveType, DataType, Field, Int32Type, Int64Type, Schema, TimeUnit, UInt16Type, UInt32Type, UInt64Type,
};
use taffrail_query::arrow::error::ArrowError;
use taffrail_trace::schema::Table;

/// One batch of a table.
pub struct Batch<'a> {
    table: &'static str,
    batch: &'a RecordBatch,
}

/// A column of numbers.
pub struct Numbers<T: ArrowPrimitiveType>(PrimitiveArray<T>);
/// A column of texts.
pub struct Texts(StringArray);
/// A column of lists of text.
pub struct TextLists(ListArray);
/// A column of bytes.
pub struct Bytes(BinaryArray);
/// A column of yes or no.
pub struct Bools(BooleanArray);

/// A batch with all columns of its table: those that an older bundle lacks are NULL.
pub fn widened(table: &'static Table, batch: &RecordBatch) -> Result<RecordBatch, TuiError> {
    let (mut fields, mut arrays) = (Vec::new(), Vec::new());
    for column in table.all_columns() {
        let array = batch
            .column_by_name(column.name)
            .map_or_else(|| new_null_array(&column.kind.data_type(), batch.num_rows()), Arc::clone);
        fields.push(Field::new(column.name, array.data_type().clone(), true));
        arrays.push(array);
    }
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), arrays, &options)
        .map_err(|reason| TuiError::Column { table: table.name, column: "time", reason })
}

impl<T: ArrowPrimitiveType> Numbers<T> {
    /// The value, `None` for NULL.
    pub fn get(&self, row: usize) -> Option<T::Native> {
        self.0.is_valid(row).then(|| self.0.value(row))
    }
}

impl Texts {
    /// The value, `None` for NULL.
    pub fn given(&self, row: usize) -> Option<&str> {
        self.0.is_valid(row).then(|| self.0.value(row))
    }

    /// The value, empty for NULL.
    pub fn get(&self, row: usize) -> &str {
        self.given(row).unwrap_or("")
    }
}

impl TextLists {
    /// The texts with `between` between them, empty for NULL.
    pub fn joined(&self, row: usize, between: &str) -> String {
        if self.0.is_null(row) {
            return String::new();
        }
        let texts = self.0.value(row);
        texts.as_string::<i32>().iter().flatten().collect::<Vec<_>>().join(between)
    }
}

impl Bytes {
    /// The value, `None` for NULL.
    pub fn get(&self, row: usize) -> Option<&[u8]> {
        self.0.is_valid(row).then(|| self.0.value(row))
    }
}

impl Bools {
    /// The value, no for NULL.
    pub fn get(&self, row: usize) -> bool {
        self.0.is_valid(row) && self.0.value(row)
    }
}

impl<'a> Batch<'a> {
    /// A batch of `table`, which is named where a column cannot be read.
    pub fn new(table: &'static str, batch: &'a RecordBatch) -> Self {
        Self { table, batch }
    }

    /// Its rows.
    pub fn rows(&self) -> usize {
        self.batch.num_rows()
    }

    /// A column of times as nanoseconds since 1970.
    pub fn time(&self, column: &'static str) -> Result<Numbers<Int64Type>, TuiError> {
        let as_times = DataType::Timestamp(TimeUnit::Nanosecond, Some("UTC".into()));
        let times = self.column(column, &as_times)?;
        let numbers = cast(&times, &DataType::Int64).map_err(|reason| self.problem(column, reason))?;
        Ok(Numbers(numbers.as_primitive::<Int64Type>().clone()))
    }

    /// A column of texts.
    pub fn text(&self, column: &'static str) -> Result<Texts, TuiError> {
        Ok(Texts(self.column(column, &DataType::Utf8)?.as_string::<i32>().clone()))
    }

    /// A column of lists of text.
    pub fn texts(&self, column: &'static str) -> Result<TextLists, TuiError> {
        let kind = DataType::new_list(DataType::Utf8, true);
        Ok(TextLists(self.column(column, &kind)?.as_list::<i32>().clone()))
    }

    /// A column of bytes.
    pub fn bytes(&self, column: &'static str) -> Result<Bytes, TuiError> {
        Ok(Bytes(self.column(column, &DataType::Binary)?.as_binary::<i32>().clone()))
    }

    /// A column of yes or no.
    pub fn bool(&self, column: &'static str) -> Result<Bools, TuiError> {
        Ok(Bools(self.column(column, &DataType::Boolean)?.as_boolean().clone()))
    }

    /// A column of unsigned 16 bits.
    pub fn u16(&self, column: &'static str) -> Result<Numbers<UInt16Type>, TuiError> {
        Ok(Numbers(self.column(column, &DataType::UInt16)?.as_primitive::<UInt16Type>().clone()))
    }

    /// A column of unsigned 32 bits.
    pub fn u32(&self, column: &'static str) -> Result<Numbers<UInt32Type>, TuiError> {
        Ok(Numbers(self.column(column, &DataType::UInt32)?.as_primitive::<UInt32Type>().clone()))
    }

    /// A column of unsigned 64 bits.
    pub fn u64(&self, column: &'static str) -> Result<Numbers<UInt64Type>, TuiError> {
        Ok(Numbers(self.column(column, &DataType::UInt64)?.as_primitive::<UInt64Type>().clone()))
    }

    /// A column of signed 32 bits.
    pub fn i32(&self, column: &'static str) -> Result<Numbers<Int32Type>, TuiError> {
        Ok(Numbers(self.column(column, &DataType::Int32)?.as_primitive::<Int32Type>().clone()))
    }

    /// A column of signed 64 bits.
    pub fn i64(&self, column: &'static str) -> Result<Numbers<Int64Type>, TuiError> {
        Ok(Numbers(self.column(column, &DataType::Int64)?.as_primitive::<Int64Type>().clone()))
    }

    /// A column turned into `kind`, which then is its type.
    fn column(&self, column: &'static str, kind: &DataType) -> Result<ArrayRef, TuiError> {
        let missing = || ArrowError::SchemaError("it is not there".to_owned());
        let array = self.batch.column_by_name(column).ok_or_else(|| self.problem(column, missing()))?;
        cast(array, kind).map_err(|reason| self.problem(column, reason))
    }

    fn problem(&self, column: &'static str, reason: ArrowError) -> TuiError {
        TuiError::Column { table: self.table, column, reason }
    }
}

/// The columns that every event table begins with, as far as the screen needs them.
pub struct CommonColumns {
    /// When.
    pub time: Numbers<Int64Type>,
    /// Which image.
    pub exec_id: Numbers<UInt64Type>,
    /// Process id.
    pub pid: Numbers<UInt32Type>,
    /// Thread id.
    pub tid: Numbers<UInt32Type>,
    /// User id.
    pub uid: Numbers<UInt32Type>,
    /// Thread name.
    pub comm: Texts,
    /// Executable.
    pub exe: Texts,
    /// The container's name.
    pub container: Texts,
}

impl CommonColumns {
    /// Those of a batch.
    pub fn new(batch: &Batch<'_>) -> Result<Self, TuiError> {
        Ok(Self {
            time: batch.time("time")?,
            exec_id: batch.u64("exec_id")?,
            pid: batch.u32("pid")?,
            tid: batch.u32("tid")?,
            uid: batch.u32("uid")?,
            comm: batch.text("comm")?,
            exe: batch.text("exe")?,
            container: batch.text("container_name")?,
        })
    }

    /// Adds a row's event.
    pub fn add(&self, rows: &mut Rows, row: usize, event: Row) {
        let who = Who {
            exec_id: self.exec_id.get(row),
            pid: self.pid.get(row),
            tid: self.tid.get(row),
            comm: self.comm.given(row),
            uid: self.uid.get(row),
            container: self.container.given(row),
        };
        rows.row(self.time.get(row), who, event);
    }
}
