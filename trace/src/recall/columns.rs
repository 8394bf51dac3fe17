//! Columns of a batch by name and type.

use super::RecallError;
use crate::schema::Table;
use arrow_array::cast::AsArray as _;
use arrow_array::types::{
    ArrowPrimitiveType, Int32Type, Int64Type, TimestampNanosecondType, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrayRef, BinaryArray, BooleanArray, ListArray, PrimitiveArray, RecordBatch, StringArray};

/// The columns of one batch of one table.
pub struct Columns<'a> {
    table: &'static Table,
    batch: &'a RecordBatch,
}

/// A column of numbers; a NULL is `None`, and so is everything in a column that an older format has not.
pub struct Numbers<'a, T: ArrowPrimitiveType>(Option<&'a PrimitiveArray<T>>);
/// A column of texts.
pub struct Texts<'a>(Option<&'a StringArray>);
/// A column of lists of texts.
pub struct Lists<'a>(Option<&'a ListArray>);
/// A column of yes or no.
pub struct Bools<'a>(Option<&'a BooleanArray>);
/// A column of bytes.
pub struct Binaries<'a>(Option<&'a BinaryArray>);

impl<T: ArrowPrimitiveType> Numbers<'_, T> {
    pub fn get(&self, row: usize) -> Option<T::Native> {
        self.0.filter(|array| array.is_valid(row)).map(|array| array.value(row))
    }
}

impl<'a> Texts<'a> {
    pub fn get(&self, row: usize) -> Option<&'a str> {
        self.0.filter(|array| array.is_valid(row)).map(|array| array.value(row))
    }

    pub fn owned(&self, row: usize) -> Option<String> {
        self.get(row).map(str::to_owned)
    }

    /// Empty for NULL.
    pub fn text(&self, row: usize) -> String {
        self.get(row).unwrap_or_default().to_owned()
    }
}

impl Lists<'_> {
    pub fn get(&self, row: usize) -> Vec<String> {
        let Some(array) = self.0.filter(|array| array.is_valid(row)) else { return Vec::new() };
        let values = array.value(row);
        let Some(texts) = values.as_string_opt::<i32>() else { return Vec::new() };
        texts.iter().flatten().map(str::to_owned).collect()
    }
}

impl Bools<'_> {
    /// No for NULL.
    pub fn get(&self, row: usize) -> bool {
        self.0.is_some_and(|array| array.is_valid(row) && array.value(row))
    }
}

impl<'a> Binaries<'a> {
    /// Nothing for NULL.
    pub fn get(&self, row: usize) -> &'a [u8] {
        self.0.filter(|array| array.is_valid(row)).map_or(&[], |array| array.value(row))
    }
}

impl<'a> Columns<'a> {
    pub fn new(table: &'static Table, batch: &'a RecordBatch) -> Self {
        Self { table, batch }
    }

    pub fn table(&self) -> &'static Table {
        self.table
    }

    pub fn rows(&self) -> usize {
        self.batch.num_rows()
    }

    pub fn time(&self, name: &'static str) -> Result<Numbers<'a, TimestampNanosecondType>, RecallError> {
        self.numbers(name)
    }

    pub fn u16(&self, name: &'static str) -> Result<Numbers<'a, UInt16Type>, RecallError> {
        self.numbers(name)
    }

    pub fn u32(&self, name: &'static str) -> Result<Numbers<'a, UInt32Type>, RecallError> {
        self.numbers(name)
    }

    pub fn u64(&self, name: &'static str) -> Result<Numbers<'a, UInt64Type>, RecallError> {
        self.numbers(name)
    }

    pub fn i32(&self, name: &'static str) -> Result<Numbers<'a, Int32Type>, RecallError> {
        self.numbers(name)
    }

    pub fn i64(&self, name: &'static str) -> Result<Numbers<'a, Int64Type>, RecallError> {
        self.numbers(name)
    }

    pub fn text(&self, name: &'static str) -> Result<Texts<'a>, RecallError> {
        self.column(name, |array| array.as_string_opt()).map(Texts)
    }

    pub fn texts(&self, name: &'static str) -> Result<Lists<'a>, RecallError> {
        let list = self.column(name, |array| {
            array.as_list_opt::<i32>().filter(|list| list.values().as_string_opt::<i32>().is_some())
        })?;
        Ok(Lists(list))
    }

    pub fn bool(&self, name: &'static str) -> Result<Bools<'a>, RecallError> {
        self.column(name, |array| array.as_boolean_opt()).map(Bools)
    }

    pub fn bytes(&self, name: &'static str) -> Result<Binaries<'a>, RecallError> {
        self.column(name, |array| array.as_binary_opt()).map(Binaries)
    }

    fn numbers<T: ArrowPrimitiveType>(&self, name: &'static str) -> Result<Numbers<'a, T>, RecallError> {
        self.column(name, |array| array.as_primitive_opt::<T>()).map(Numbers)
    }

    /// A column that is not there belongs to a newer format than the bundle's, and is NULL all the way down.
    fn column<A>(
        &self,
        name: &'static str,
        cast: impl Fn(&'a ArrayRef) -> Option<&'a A>,
    ) -> Result<Option<&'a A>, RecallError> {
        let Some(array) = self.batch.column_by_name(name) else { return Ok(None) };
        cast(array).map(Some).ok_or(RecallError::Column { table: self.table.name, column: name })
    }
}
