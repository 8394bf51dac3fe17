//! Rows of a member that is Parquet, read in place and taken for an attacker's.

use super::{Bundle, Member, OpenError, Section};
use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use bytes::Bytes;
use parquet::arrow::arrow_reader::{
    ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder, RowSelection, RowSelector,
};
use parquet::errors::ParquetError;
use parquet::file::metadata::ParquetMetaData;
use parquet::file::reader::{ChunkReader, Length};
use std::fs::File;
use std::io::{BufReader, Read as _};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Rows that are unpacked at once.
pub(super) const BATCH_ROWS: usize = 8 << 10;
/// The most that a row group may state to be unpacked: a recorder packs a few dozen MiB at once.
const GROUP_MAX_BYTES: i64 = 4 << 30;

impl Bundle {
    /// Shows the rows of the member `name` to `each`, some thousand at a time, at most `limit` of them.
    ///
    /// # Errors
    /// [`OpenError::Refused`] where they are no Parquet, also where its decoder panics; what `each` says otherwise.
    pub fn each_batch<E: From<OpenError>>(
        &self,
        name: &str,
        limit: usize,
        each: &mut dyn FnMut(RecordBatch) -> Result<(), E>,
    ) -> Result<(), E> {
        for batch in self.batches(name, limit, BATCH_ROWS)? {
            each(batch?)?;
        }
        Ok(())
    }

    /// The rows of the member `name`, at most `limit` of them, `batch_rows` at a time.
    ///
    /// # Errors
    /// [`OpenError::Refused`] where they are no Parquet, or state lengths that they cannot have.
    pub fn batches(&self, name: &str, limit: usize, batch_rows: usize) -> Result<Batches, OpenError> {
        let reader = self.guarded(name, || {
            let builder = ParquetRecordBatchReaderBuilder::try_new(self.chunk(name)?)?;
            believable(builder.metadata(), self.len_of(name))?;
            let rows = usize::try_from(builder.metadata().file_metadata().num_rows()).unwrap_or(usize::MAX);
            let first = RowSelection::from(vec![RowSelector::select(rows.min(limit))]);
            let builder = if limit < rows { builder.with_row_selection(first) } else { builder };
            builder.with_batch_size(batch_rows).build()
        });
        Ok(Batches { path: self.path().to_owned(), name: name.to_owned(), reader: Some(reader?) })
    }

    /// How many rows the member `name` states to have.
    ///
    /// # Errors
    /// [`OpenError::Refused`] where it is no Parquet, or states lengths that it cannot have.
    pub fn rows(&self, name: &str) -> Result<u64, OpenError> {
        self.guarded(name, || {
            let builder = ParquetRecordBatchReaderBuilder::try_new(self.chunk(name)?)?;
            believable(builder.metadata(), self.len_of(name))?;
            Ok(builder.metadata().file_metadata().num_rows().unsigned_abs())
        })
    }

    /// The columns of the member `name`.
    ///
    /// # Errors
    /// [`OpenError::Refused`] where it is no Parquet.
    pub fn schema(&self, name: &str) -> Result<SchemaRef, OpenError> {
        self.guarded(name, || Ok(Arc::clone(ParquetRecordBatchReaderBuilder::try_new(self.chunk(name)?)?.schema())))
    }

    fn guarded<T>(&self, name: &str, step: impl FnOnce() -> Result<T, ParquetError>) -> Result<T, OpenError> {
        guarded(self.path(), name, step)
    }

    pub(super) fn len_of(&self, name: &str) -> u64 {
        self.members().get(name).map_or(0, |member| member.len)
    }

    pub(super) fn chunk(&self, name: &str) -> Result<Chunk, ParquetError> {
        let member = self.members().get(name).ok_or_else(|| ParquetError::General("it is not there".to_owned()))?;
        Ok(Chunk { file: Arc::clone(self.file()), member: *member })
    }
}

/// The rows of a member, batch by batch. The first error is the last word.
pub struct Batches {
    path: PathBuf,
    name: String,
    reader: Option<ParquetRecordBatchReader>,
}

impl Iterator for Batches {
    type Item = Result<RecordBatch, OpenError>;

    fn next(&mut self) -> Option<Self::Item> {
        let reader = self.reader.as_mut()?;
        let batch = guarded(&self.path, &self.name, || Ok(reader.next().transpose()?)).transpose();
        if !matches!(batch, Some(Ok(_))) {
            self.reader = None;
        }
        batch
    }
}

/// Runs a step of the decoder: its error, or its panic, is that of the member `name` of the bundle at `path`.
pub(super) fn guarded<T>(
    path: &Path,
    name: &str,
    step: impl FnOnce() -> Result<T, ParquetError>,
) -> Result<T, OpenError> {
    let refused = |said: &str| OpenError::Refused {
        path: path.to_owned(),
        reason: format!("{name} cannot be read as Parquet: {said}"),
    };
    match catch_unwind(AssertUnwindSafe(step)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(refused(&error.to_string())),
        Err(_) => Err(refused("its decoder stopped")),
    }
}

/// What the footer says of lengths has to fit the member, before anything is read by it.
pub(super) fn believable(metadata: &ParquetMetaData, len: u64) -> Result<(), ParquetError> {
    let lies = |what: &str| Err(ParquetError::General(format!("it lies about its lengths: {what}")));
    let mut rows = 0_i64;
    for group in metadata.row_groups() {
        if group.num_rows() < 0 || group.total_byte_size() < 0 || group.total_byte_size() > GROUP_MAX_BYTES {
            return lies("a row group that no recorder writes");
        }
        rows = rows.saturating_add(group.num_rows());
        for column in group.columns() {
            let start = column.dictionary_page_offset().unwrap_or_else(|| column.data_page_offset());
            let (Ok(start), Ok(size)) = (u64::try_from(start), u64::try_from(column.compressed_size())) else {
                return lies("a column that begins before the file, or is shorter than nothing");
            };
            if start.checked_add(size).is_none_or(|end| end > len) {
                return lies("a column that reaches beyond the end");
            }
        }
    }
    if metadata.file_metadata().num_rows() != rows {
        return lies("more or fewer rows than its row groups have");
    }
    Ok(())
}

/// A member as the Parquet reader wants it.
#[derive(Clone, Debug)]
pub(super) struct Chunk {
    file: Arc<File>,
    member: Member,
}

impl Length for Chunk {
    fn len(&self) -> u64 {
        self.member.len
    }
}

impl ChunkReader for Chunk {
    type T = BufReader<Section>;

    fn get_read(&self, start: u64) -> Result<Self::T, ParquetError> {
        let Member { offset, len, .. } = self.member;
        if start > len {
            return Err(ParquetError::EOF(format!("{start} is beyond the end")));
        }
        Ok(BufReader::new(super::read::section(&self.file, offset + start..offset + len)))
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes, ParquetError> {
        let fits = start.checked_add(length as u64).is_some_and(|end| end <= self.member.len);
        if !fits {
            return Err(ParquetError::EOF(format!("{length} bytes from {start} on reach beyond the end")));
        }
        let mut bytes = vec![0; length];
        self.get_read(start)?.read_exact(&mut bytes)?;
        Ok(Bytes::from(bytes))
    }
}
