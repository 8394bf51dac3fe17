//! Rows of a member that is Parquet, read in place and taken for an attacker's.

use super::pages::{self, HEADER_MAX_BYTES, Page, PageError};
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
use parquet::file::metadata::{ColumnChunkMetaData, PageIndexPolicy, ParquetMetaData, ParquetMetaDataReader};
use parquet::file::page_index::offset_index::PageLocation;
use parquet::file::reader::{ChunkReader, Length};
use std::fs::File;
use std::io::{BufReader, Read as _};
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Rows that are unpacked at once.
pub(super) const BATCH_ROWS: usize = 8 << 10;
/// The most that a row group may state to be unpacked: a recorder packs a few dozen MiB at once.
const GROUP_MAX_BYTES: i64 = 4 << 30;
/// What a file ends with: its footer's length, and a word.
const FOOTER_END_BYTES: u64 = 8;
/// The most that the pages of all columns together may unpack to at once.
const AT_ONCE_MAX_BYTES: u64 = 1 << 30;

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

/// What footer and pages say of lengths has to fit the member, before anything is read by it.
pub(super) fn believable(metadata: &ParquetMetaData, chunk: &Chunk) -> Result<(), ParquetError> {
    columns(metadata, chunk.member.len)?;
    let mut window = Window { chunk, begin: 0, bytes: Bytes::new() };
    for group in metadata.row_groups() {
        let mut at_once = 0_u64;
        for column in group.columns() {
            // A dictionary and a page at a time.
            let column = range(column)?;
            let end = column.end;
            at_once += 2 * pages::largest(column, |at| window.page(at, end))?;
        }
        if at_once > AT_ONCE_MAX_BYTES {
            return lies(&format!("its pages unpack to {at_once} bytes at once, more than {AT_ONCE_MAX_BYTES}"));
        }
    }
    Ok(())
}

/// Where the columns of a member that is Parquet lie in it, by their beginnings: for who reads them by another way than
/// [`Bundle::batches`], and checks their [`super::pages`].
///
/// # Errors
/// [`OpenError::Refused`] where the member `name` of the bundle at `path` is no Parquet, or its footer states lengths that
/// it cannot have.
pub fn columns_of(path: &Path, name: &str, file: &Arc<File>, member: Member) -> Result<Vec<Range<u64>>, OpenError> {
    guarded(path, name, || {
        let chunk = Chunk { file: Arc::clone(file), member };
        // Where it has an index of pages, the decoder goes by that.
        let reader = ParquetMetaDataReader::new().with_offset_index_policy(PageIndexPolicy::Optional);
        columns(&reader.parse_and_finish(&chunk)?, member.len)
    })
}

fn lies<T>(what: &str) -> Result<T, ParquetError> {
    Err(ParquetError::General(format!("it lies about its lengths: {what}")))
}

/// Where a column lies, as the footer says.
fn range(column: &ColumnChunkMetaData) -> Result<Range<u64>, ParquetError> {
    let start = column.dictionary_page_offset().unwrap_or_else(|| column.data_page_offset());
    let (Ok(start), Ok(size)) = (u64::try_from(start), u64::try_from(column.compressed_size())) else {
        return lies("a column that begins before the file, or is shorter than nothing");
    };
    Ok(start..start.saturating_add(size))
}

/// Where the columns lie, where rows and lengths are as they can be.
fn columns(metadata: &ParquetMetaData, len: u64) -> Result<Vec<Range<u64>>, ParquetError> {
    let (mut rows, mut columns) = (0_i64, Vec::new());
    for (number, group) in metadata.row_groups().iter().enumerate() {
        let pages = metadata.offset_index().and_then(|index| index.get(number));
        if group.num_rows() < 0 || group.total_byte_size() < 0 || group.total_byte_size() > GROUP_MAX_BYTES {
            return lies("a row group that no recorder writes");
        }
        rows = rows.saturating_add(group.num_rows());
        for (number, column) in group.columns().iter().enumerate() {
            let range = range(column)?;
            // The file ends with the footer's length and a word: where they are is no column.
            if range.end > len.saturating_sub(FOOTER_END_BYTES) {
                return lies("a column that reaches beyond the end");
            }
            let pages = pages.and_then(|pages| pages.get(number)).into_iter().flat_map(|pages| pages.page_locations());
            let inside = |page: &PageLocation| {
                let (at, size) = (u64::try_from(page.offset), u64::try_from(page.compressed_page_size));
                at.is_ok_and(|at| at >= range.start && size.is_ok_and(|size| at.saturating_add(size) <= range.end))
            };
            if !pages.into_iter().all(inside) {
                return lies("a page that lies outside of its column");
            }
            columns.push(range);
        }
    }
    if metadata.file_metadata().num_rows() != rows {
        return lies("more or fewer rows than its row groups have");
    }
    columns.sort_unstable_by_key(|range| (range.start, range.end));
    if columns.windows(2).any(|two| two[0].end > two[1].start) {
        return lies("columns that overlap");
    }
    Ok(columns)
}

/// A stretch of a member that was read last: most pages are smaller than it.
struct Window<'a> {
    chunk: &'a Chunk,
    begin: u64,
    bytes: Bytes,
}

impl Window<'_> {
    /// The page at `at`, whose header lies before `end`.
    fn page(&mut self, at: u64, end: u64) -> Result<Page, ParquetError> {
        let general = |error: PageError| lies(&error.to_string());
        let inside = at.checked_sub(self.begin).and_then(|from| self.bytes.get(usize::try_from(from).ok()?..));
        match inside.map(Page::read) {
            None | Some(Err(PageError::Short)) => {}
            Some(page) => return page.or_else(general),
        }
        // Beyond the column's end only what belongs to others, which is read for those that come next.
        let len = self.chunk.member.len.saturating_sub(at).min(HEADER_MAX_BYTES as u64) as usize;
        (self.begin, self.bytes) = (at, self.chunk.get_bytes(at, len)?);
        let own = self.bytes.get(..end.saturating_sub(at).min(len as u64) as usize).unwrap_or_default();
        Page::read(own).or_else(general)
    }
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
