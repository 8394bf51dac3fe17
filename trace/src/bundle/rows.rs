//! Rows of a member that is Parquet, read in place and taken for an attacker's.

use super::columns::believable;
use super::texts::{self, Pieces};
use super::{Bundle, Member, OpenError, Section};
use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use bytes::Bytes;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder, RowSelection,
    RowSelector,
};
use parquet::errors::ParquetError;
use parquet::file::reader::{ChunkReader, Length};
use std::fs::File;
use std::io::{BufReader, Read as _};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Rows that are unpacked at once.
pub(super) const BATCH_ROWS: usize = 8 << 10;

impl Bundle {
    /// Shows the rows of the member `name` to `each`, some thousand at a time, fewer where they are long, at most `limit`
    /// of them.
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

    /// The rows of the member `name`, at most `limit` of them, `batch_rows` at a time, fewer where they are long.
    ///
    /// # Errors
    /// [`OpenError::Refused`] where they are no Parquet, or state lengths that they cannot have.
    pub fn batches(&self, name: &str, limit: usize, batch_rows: usize) -> Result<Batches, OpenError> {
        let reader = self.guarded(name, || {
            let (builder, schema) = self.believed(name)?;
            let rows = usize::try_from(builder.metadata().file_metadata().num_rows()).unwrap_or(usize::MAX);
            let first = RowSelection::from(vec![RowSelector::select(rows.min(limit))]);
            let builder = if limit < rows { builder.with_row_selection(first) } else { builder };
            Ok((builder.with_batch_size(batch_rows).build()?, schema))
        });
        let (reader, schema) = reader?;
        Ok(Batches { path: self.path().to_owned(), name: name.to_owned(), schema, reader: Some(reader), pieces: None })
    }

    /// How many rows the member `name` states to have.
    ///
    /// # Errors
    /// [`OpenError::Refused`] where it is no Parquet, or states lengths that it cannot have.
    pub fn rows(&self, name: &str) -> Result<u64, OpenError> {
        self.guarded(name, || Ok(self.believed(name)?.0.metadata().file_metadata().num_rows().unsigned_abs()))
    }

    /// The columns of the member `name`.
    ///
    /// # Errors
    /// [`OpenError::Refused`] where it is no Parquet.
    pub fn schema(&self, name: &str) -> Result<SchemaRef, OpenError> {
        self.guarded(name, || Ok(Arc::clone(ParquetRecordBatchReaderBuilder::try_new(self.chunk(name)?)?.schema())))
    }

    /// What reads the rows of the member `name`, whose lengths are as they can be, texts by reference; and its columns.
    fn believed(&self, name: &str) -> Result<(ParquetRecordBatchReaderBuilder<Chunk>, SchemaRef), ParquetError> {
        let chunk = self.chunk(name)?;
        let (metadata, schema) = footer(&chunk, ArrowReaderOptions::new())?;
        Ok((ParquetRecordBatchReaderBuilder::new_with_metadata(chunk, metadata), schema))
    }

    fn guarded<T>(&self, name: &str, step: impl FnOnce() -> Result<T, ParquetError>) -> Result<T, OpenError> {
        guarded(self.path(), name, step)
    }

    /// Why the first of its tables that cannot be read to its end cannot; nothing where all can.
    pub fn unreadable(&self) -> Option<OpenError> {
        let tables = self.members().keys().filter(|name| name.ends_with(".parquet"));
        let mut read = tables.map(|name| self.each_batch::<OpenError>(name, usize::MAX, &mut |_| Ok(())));
        read.find_map(Result::err)
    }

    pub(super) fn chunk(&self, name: &str) -> Result<Chunk, ParquetError> {
        let member = self.members().get(name).ok_or_else(|| ParquetError::General("it is not there".to_owned()))?;
        Ok(Chunk { file: Arc::clone(self.file()), member: *member })
    }
}

/// The footer of a member that is Parquet, believed, as it is read with texts by reference; and its columns as they are.
pub(super) fn footer(
    chunk: &Chunk,
    options: ArrowReaderOptions,
) -> Result<(ArrowReaderMetadata, SchemaRef), ParquetError> {
    let metadata = ArrowReaderMetadata::load(chunk, options.clone())?;
    believable(metadata.metadata(), chunk)?;
    let schema = Arc::clone(metadata.schema());
    let options = options.with_schema(texts::by_reference(&schema));
    Ok((ArrowReaderMetadata::try_new(Arc::clone(metadata.metadata()), options)?, schema))
}

/// The rows of a member, batch by batch. The first error is the last word.
pub struct Batches {
    path: PathBuf,
    name: String,
    schema: SchemaRef,
    reader: Option<ParquetRecordBatchReader>,
    /// What was unpacked last.
    pieces: Option<Pieces>,
}

impl Iterator for Batches {
    type Item = Result<RecordBatch, OpenError>;

    fn next(&mut self) -> Option<Self::Item> {
        let batch = guarded(&self.path, &self.name, || {
            loop {
                if let Some(piece) = self.pieces.as_mut().and_then(Pieces::next) {
                    return piece.map(Some);
                }
                let Some(batch) = self.reader.as_mut().and_then(Iterator::next) else { return Ok(None) };
                self.pieces = Some(Pieces::of(batch?, &self.schema)?);
            }
        });
        let batch = batch.transpose();
        if !matches!(batch, Some(Ok(_))) {
            (self.reader, self.pieces) = (None, None);
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

/// A member as the Parquet reader wants it.
#[derive(Clone, Debug)]
pub(super) struct Chunk {
    pub(super) file: Arc<File>,
    pub(super) member: Member,
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
