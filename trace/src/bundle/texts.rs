//! Texts of a file that somebody made to fill the memory: a few bytes of it can stand for a text of a megabyte, as often as it
//! likes. They are unpacked as references into their pages, and copied for a few rows at a time.

use arrow_array::builder::{GenericBinaryBuilder, GenericStringBuilder};
use arrow_array::cast::AsArray as _;
use arrow_array::{
    Array as _, ArrayRef, BinaryViewArray, ListArray, OffsetSizeTrait, RecordBatch, RecordBatchOptions, StringViewArray,
};
use arrow_buffer::OffsetBuffer;
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use parquet::errors::ParquetError;
use std::sync::Arc;

/// The most bytes of texts in the rows that are given at once, unless a single row has more.
const AT_ONCE_MAX_BYTES: usize = 64 << 20;
/// The most bytes of texts that some thousand rows may have together: more than a recorder writes, whose arguments, the longest
/// of all, are a few KiB. Beyond it a file is refused, before anybody copies texts for minutes.
const UNPACKED_MAX_BYTES: usize = 1 << 30;

/// The columns as they are unpacked: texts and bytes by reference.
pub(super) fn by_reference(schema: &Schema) -> SchemaRef {
    let fields = schema.fields().iter().map(|field| Arc::new(field.as_ref().clone().with_data_type(viewed(field))));
    Arc::new(Schema::new_with_metadata(fields.collect::<Vec<Arc<Field>>>(), schema.metadata().clone()))
}

fn viewed(field: &Field) -> DataType {
    match field.data_type() {
        DataType::Utf8 | DataType::LargeUtf8 => DataType::Utf8View,
        DataType::Binary | DataType::LargeBinary => DataType::BinaryView,
        DataType::List(item) => DataType::List(Arc::new(item.as_ref().clone().with_data_type(viewed(item)))),
        other => other.clone(),
    }
}

/// Rows that were unpacked by reference, as the columns of `schema`, which has them by name, a few at a time.
#[derive(Debug)]
pub(super) struct Pieces {
    batch: RecordBatch,
    schema: SchemaRef,
    /// The bytes of texts of each row.
    bytes: Vec<usize>,
    /// How many rows were given.
    given: usize,
}

impl Pieces {
    /// The rows of `batch`.
    ///
    /// # Errors
    /// Where they have more texts than a recorder writes.
    pub(super) fn of(batch: RecordBatch, schema: &SchemaRef) -> Result<Self, ParquetError> {
        let rows = batch.num_rows();
        let mut bytes = vec![0_usize; rows];
        batch.columns().iter().for_each(|column| weigh(column, &mut bytes));
        let all = bytes.iter().fold(0_usize, |all, row| all.saturating_add(*row));
        if all > UNPACKED_MAX_BYTES {
            let reason = format!("the texts of {rows} rows are {all} bytes long, more than {UNPACKED_MAX_BYTES}");
            return Err(ParquetError::General(reason));
        }
        Ok(Self { batch, schema: Arc::clone(schema), bytes, given: 0 })
    }
}

impl Iterator for Pieces {
    type Item = Result<RecordBatch, ParquetError>;

    fn next(&mut self) -> Option<Self::Item> {
        let left = self.bytes.get(self.given..).filter(|left| !left.is_empty())?;
        let mut sum = 0_usize;
        let over = left.iter().position(|row| {
            sum = sum.saturating_add(*row);
            sum > AT_ONCE_MAX_BYTES
        });
        let now = over.map_or(left.len(), |at| at.max(1));
        let piece = self.batch.slice(self.given, now);
        self.given += now;
        Some(plain(&piece, &self.schema))
    }
}

/// Adds the bytes of a column's texts to those of each row.
fn weigh(column: &ArrayRef, bytes: &mut [usize]) {
    let mut add = |lengths: &mut dyn Iterator<Item = usize>| {
        bytes.iter_mut().zip(lengths).for_each(|(row, len)| *row = row.saturating_add(len));
    };
    if let Some(texts) = column.as_string_view_opt() {
        add(&mut texts.lengths().map(|len| len as usize));
    } else if let Some(texts) = column.as_binary_view_opt() {
        add(&mut texts.lengths().map(|len| len as usize));
    } else if let Some(lists) = column.as_list_opt::<i32>() {
        let mut items = vec![0; lists.values().len()];
        weigh(lists.values(), &mut items);
        add(&mut lists.offsets().windows(2).map(|ends| {
            let items = items.get(ends[0] as usize..ends[1] as usize).unwrap_or_default();
            size_of_val(items).saturating_add(items.iter().sum())
        }));
    }
}

/// With the columns of `schema`.
fn plain(batch: &RecordBatch, schema: &Schema) -> Result<RecordBatch, ParquetError> {
    let mut fields = Vec::with_capacity(batch.num_columns());
    let mut columns = Vec::with_capacity(batch.num_columns());
    for (field, column) in batch.schema().fields().iter().zip(batch.columns()) {
        let field = schema.fields().find(field.name()).map_or(field, |(_, field)| field);
        columns.push(copied(column, field.data_type())?);
        fields.push(Arc::clone(field));
    }
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    Ok(RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), columns, &options)?)
}

fn copied(column: &ArrayRef, kind: &DataType) -> Result<ArrayRef, ParquetError> {
    let texts = column.as_string_view_opt();
    let bytes = column.as_binary_view_opt();
    Ok(match (kind, texts, bytes) {
        (DataType::Utf8, Some(texts), _) => strings::<i32>(texts),
        (DataType::LargeUtf8, Some(texts), _) => strings::<i64>(texts),
        (DataType::Binary, _, Some(bytes)) => binaries::<i32>(bytes),
        (DataType::LargeBinary, _, Some(bytes)) => binaries::<i64>(bytes),
        (DataType::List(item), ..) => {
            let Some(lists) = column.as_list_opt::<i32>() else { return Ok(Arc::clone(column)) };
            // Only the items of these rows.
            let (offsets, nulls) = (lists.offsets(), lists.nulls().cloned());
            let (first, last) = (offsets[0], offsets[offsets.len() - 1]);
            let items = copied(&lists.values().slice(first as usize, (last - first) as usize), item.data_type())?;
            let offsets = offsets.iter().map(|offset| offset - first).collect::<Vec<i32>>();
            Arc::new(ListArray::try_new(Arc::clone(item), OffsetBuffer::new(offsets.into()), items, nulls)?)
        }
        _ => Arc::clone(column),
    })
}

fn strings<O: OffsetSizeTrait>(texts: &StringViewArray) -> ArrayRef {
    let bytes = texts.lengths().map(|len| len as usize).sum();
    let mut copied = GenericStringBuilder::<O>::with_capacity(texts.len(), bytes);
    texts.iter().for_each(|text| copied.append_option(text));
    Arc::new(copied.finish())
}

fn binaries<O: OffsetSizeTrait>(all: &BinaryViewArray) -> ArrayRef {
    let bytes = all.lengths().map(|len| len as usize).sum();
    let mut copied = GenericBinaryBuilder::<O>::with_capacity(all.len(), bytes);
    all.iter().for_each(|bytes| copied.append_option(bytes));
    Arc::new(copied.finish())
}
