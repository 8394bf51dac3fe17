//! The rows of a table as one Parquet file, for reading in place: sorted by the first column, page index, zstd.

use crate::bundle::pages::{GROUP_MAX_BYTES, VALUE_BYTES};
use arrow_array::cast::AsArray as _;
use arrow_array::{Array as _, ArrayRef, RecordBatch};
use arrow_schema::{DataType, Field, SchemaRef};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::SortingColumn;
use parquet::file::properties::{EnabledStatistics, WriterProperties};

/// Rows per data page: small enough that a window of time reads few pages it does not need.
const PAGE_ROWS: usize = 16 << 10;
/// Rows per row group: what one thread reads, and what is passed over where it holds nothing of what is asked for.
const GROUP_ROWS: usize = 128 << 10;

/// A table's rows being packed.
#[derive(Debug)]
pub(crate) struct Packer {
    writer: ArrowWriter<Vec<u8>>,
    /// What the rows of the row group that is being filled unpack to, at most.
    group_bytes: u64,
}

impl Packer {
    /// A file with these columns.
    ///
    /// # Errors
    /// [`ParquetError`] where the library has no such type.
    pub fn new(schema: SchemaRef) -> Result<Self, ParquetError> {
        Ok(Self { writer: writer(schema)?, group_bytes: 0 })
    }

    /// Packs more rows: a few thousand, or texts of some hundred MiB at most. Where they are long the next row group begins
    /// earlier: no reader has to believe in larger ones.
    ///
    /// # Errors
    /// [`ParquetError`] where the library refuses them.
    pub fn write(&mut self, batch: &RecordBatch) -> Result<(), ParquetError> {
        let bytes = batch.columns().iter().map(unpacked).sum::<u64>();
        if self.group_bytes > 0 && self.group_bytes + bytes > GROUP_MAX_BYTES / 2 {
            self.writer.flush()?;
            self.group_bytes = 0;
        }
        self.writer.write(batch)?;
        let begun = self.writer.in_progress_rows();
        self.group_bytes = if begun < batch.num_rows() { 0 } else { self.group_bytes } + bytes;
        Ok(())
    }

    /// The file.
    ///
    /// # Errors
    /// [`ParquetError`] where the library refuses the rows.
    pub fn finish(self) -> Result<Vec<u8>, ParquetError> {
        self.writer.into_inner()
    }
}

/// What a column's rows unpack to, at most.
fn unpacked(column: &ArrayRef) -> u64 {
    let items = column.as_list_opt::<i32>().map_or(0, |lists| lists.values().len());
    let bytes = column.to_data().get_slice_memory_size().unwrap_or_else(|_| column.get_array_memory_size());
    bytes as u64 + (column.len() + items) as u64 * VALUE_BYTES
}

/// Whether a column holds identities: 64 bits that look random. Where they come again, they do so soon after, which the
/// compression finds; a dictionary has each of them once more, and keys that compress badly.
fn has_identities(column: &Field) -> bool {
    let name = column.name();
    column.data_type() == &DataType::UInt64 && (name.ends_with("_id") || name == "entered_by")
}

fn writer(schema: SchemaRef) -> Result<ArrowWriter<Vec<u8>>, ParquetError> {
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
    use arrow_array::{Int64Array, StringArray};
    use std::sync::Arc;

    #[test]
    fn a_row_group_of_long_texts_ends_before_a_reader_has_to_disbelieve_it() {
        let text = "a".repeat(20_000);
        let batch = || -> RecordBatch {
            let rows: [(&str, ArrayRef); 2] = [
                ("time", Arc::new(Int64Array::from(vec![0; 3_000]))),
                ("text", Arc::new(StringArray::from(vec![text.as_str(); 3_000]))),
            ];
            RecordBatch::try_from_iter(rows).expect("a batch")
        };
        let mut packer = Packer::new(batch().schema()).expect("a packer");
        for _ in 0..20 {
            packer.write(&batch()).expect("packed");
        }
        let groups = packer.writer.flushed_row_groups();
        let rows: Vec<i64> = groups.iter().map(|group| group.num_rows()).collect();
        assert_eq!(rows, [24_000, 24_000], "half a GiB each");
        assert_eq!(packer.writer.in_progress_rows(), 12_000);
    }
}
