//! A table of a bundle that stays where it is: stretches of its rows are read in any order, in place, by its page index.

use super::rows::{BATCH_ROWS, Chunk, footer, guarded};
use super::texts::Pieces;
use super::{Bundle, OpenError};
use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder, RowSelection,
};
use parquet::file::metadata::PageIndexPolicy;
use std::ops::Range;
use std::path::PathBuf;

/// A member that is Parquet, its footer and page index read, its rows not.
#[derive(Clone, Debug)]
pub struct Sheet {
    path: PathBuf,
    name: String,
    chunk: Chunk,
    metadata: ArrowReaderMetadata,
    /// Its columns as they are; they are unpacked with texts by reference.
    schema: SchemaRef,
}

impl Bundle {
    /// The member `name` as a sheet; `None` where the bundle has none.
    ///
    /// # Errors
    /// [`OpenError::Refused`] where it is no Parquet, or states lengths that it cannot have.
    pub fn sheet(&self, name: &str) -> Result<Option<Sheet>, OpenError> {
        if !self.members().contains_key(name) {
            return Ok(None);
        }
        let (chunk, metadata, schema) = guarded(self.path(), name, || {
            let chunk = self.chunk(name)?;
            // Without an index whole row groups are read: slower, and the same rows.
            let options = ArrowReaderOptions::new().with_page_index_policy(PageIndexPolicy::Optional);
            let (metadata, schema) = footer(&chunk, options)?;
            Ok((chunk, metadata, schema))
        })?;
        Ok(Some(Sheet { path: self.path().to_owned(), name: name.to_owned(), chunk, metadata, schema }))
    }
}

impl Sheet {
    /// How many rows it has.
    pub fn rows(&self) -> usize {
        let groups = self.metadata.metadata().row_groups().iter();
        groups.map(|group| usize::try_from(group.num_rows()).unwrap_or(0)).sum()
    }

    /// Shows the rows of these ranges, which come in order and apart from each other, to `each`: all columns, or those
    /// of `only`.
    ///
    /// # Errors
    /// [`OpenError::Refused`] where they cannot be decoded, also where the decoder panics; what `each` says otherwise.
    pub fn each_batch<E: From<OpenError>>(
        &self,
        ranges: &[Range<usize>],
        only: Option<&[&str]>,
        each: &mut dyn FnMut(RecordBatch) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut first = 0;
        for (number, group) in self.metadata.metadata().row_groups().iter().enumerate() {
            let rows = usize::try_from(group.num_rows()).unwrap_or(0);
            let last = first + rows;
            let inside: Vec<Range<usize>> = ranges
                .iter()
                .filter(|range| range.start < last && range.end > first && range.start < range.end)
                .map(|range| range.start.max(first) - first..range.end.min(last) - first)
                .collect();
            first = last;
            if inside.is_empty() {
                continue;
            }
            let mut reader = guarded(&self.path, &self.name, || {
                let metadata = self.metadata.clone();
                let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(self.chunk.clone(), metadata);
                let builder = builder.with_row_groups(vec![number]).with_batch_size(BATCH_ROWS);
                let builder = match only {
                    Some(names) => {
                        let fields = self.metadata.schema().fields().iter().enumerate();
                        let roots =
                            fields.filter(|(_, field)| names.contains(&field.name().as_str())).map(|(at, _)| at);
                        let mask = ProjectionMask::roots(builder.parquet_schema(), roots.collect::<Vec<_>>());
                        builder.with_projection(mask)
                    }
                    None => builder,
                };
                let selection = RowSelection::from_consecutive_ranges(inside.into_iter(), rows);
                builder.with_row_selection(selection).build()
            })?;
            let mut unpack = || {
                let batch = reader.next().transpose()?;
                batch.map(|batch| Pieces::of(batch, &self.schema)).transpose()
            };
            while let Some(mut pieces) = guarded(&self.path, &self.name, &mut unpack)? {
                while let Some(piece) = guarded(&self.path, &self.name, || pieces.next().transpose())? {
                    each(piece)?;
                }
            }
        }
        Ok(())
    }
}
