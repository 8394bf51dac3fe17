//! Rows of a small answer, read by column name. A column that is not there reads as NULL: an older bundle may lack it.

use super::foreign::Foreign;
use datafusion::arrow::array::{Array, AsArray as _, RecordBatch};
use datafusion::arrow::datatypes::{
    DataType, Int32Type, Int64Type, TimeUnit, TimestampNanosecondType, UInt16Type, UInt32Type, UInt64Type,
};

/// One row.
#[derive(Clone, Copy)]
pub struct Row<'a> {
    batch: &'a RecordBatch,
    index: usize,
}

/// All rows of the batches.
pub fn rows(batches: &[RecordBatch]) -> impl Iterator<Item = Row<'_>> {
    batches.iter().flat_map(|batch| (0..batch.num_rows()).map(move |index| Row { batch, index }))
}

impl<'a> Row<'a> {
    fn cell(&self, column: &str) -> Option<&'a dyn Array> {
        let array: &'a dyn Array = self.batch.column_by_name(column)?.as_ref();
        array.is_valid(self.index).then_some(array)
    }

    /// A text as it is, for comparing; not for showing.
    pub fn raw(&self, column: &str) -> &'a str {
        match self.cell(column) {
            Some(array) if *array.data_type() == DataType::Utf8 => array.as_string::<i32>().value(self.index),
            _ => "",
        }
    }

    /// A text for showing; empty for NULL.
    pub fn text(&self, column: &str) -> Foreign {
        Foreign::new(self.raw(column))
    }

    /// A time as nanoseconds since 1970, or a number that fits.
    pub fn number(&self, column: &str) -> Option<i64> {
        let array = self.cell(column)?;
        let at = self.index;
        match array.data_type() {
            DataType::Int64 => Some(array.as_primitive::<Int64Type>().value(at)),
            DataType::Int32 => Some(array.as_primitive::<Int32Type>().value(at).into()),
            DataType::UInt16 => Some(array.as_primitive::<UInt16Type>().value(at).into()),
            DataType::UInt32 => Some(array.as_primitive::<UInt32Type>().value(at).into()),
            DataType::UInt64 => i64::try_from(array.as_primitive::<UInt64Type>().value(at)).ok(),
            DataType::Timestamp(TimeUnit::Nanosecond, _) => {
                Some(array.as_primitive::<TimestampNanosecondType>().value(at))
            }
            _ => None,
        }
    }

    /// A count; 0 for NULL.
    pub fn count(&self, column: &str) -> u64 {
        self.number(column).and_then(|number| u64::try_from(number).ok()).unwrap_or(0)
    }

    /// An identity.
    pub fn id(&self, column: &str) -> Option<u64> {
        let array = self.cell(column)?;
        (*array.data_type() == DataType::UInt64).then(|| array.as_primitive::<UInt64Type>().value(self.index))
    }

    /// Yes or no; no for NULL.
    pub fn flag(&self, column: &str) -> bool {
        self.cell(column)
            .is_some_and(|array| *array.data_type() == DataType::Boolean && array.as_boolean().value(self.index))
    }

    /// The texts of a list.
    pub fn list(&self, column: &str) -> Vec<Foreign> {
        let Some(array) = self.cell(column) else { return Vec::new() };
        match array.data_type() {
            DataType::List(item) if *item.data_type() == DataType::Utf8 => {
                let items = array.as_list::<i32>().value(self.index);
                items.as_string::<i32>().iter().flatten().map(Foreign::new).collect()
            }
            _ => Vec::new(),
        }
    }
}
