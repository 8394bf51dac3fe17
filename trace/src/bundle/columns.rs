//! The columns of a member that is Parquet: where they lie, and whether what they state of lengths is believed.

use super::pages::{GROUP_MAX_BYTES, HEADER_MAX_BYTES, Page, PageError, TEXT_MAX_BYTES, Weight};
use super::rows::{Chunk, guarded};
use super::{Member, OpenError};
use bytes::Bytes;
use parquet::basic::Type as PhysicalType;
use parquet::column::page::{Page as DecodedPage, PageReader as _};
use parquet::errors::ParquetError;
use parquet::file::metadata::{ColumnChunkMetaData, PageIndexPolicy, ParquetMetaData, ParquetMetaDataReader};
use parquet::file::page_index::offset_index::PageLocation;
use parquet::file::reader::ChunkReader as _;
use parquet::file::serialized_reader::SerializedPageReader;
use std::fs::File;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// What a file ends with: its footer's length, and a word.
const FOOTER_END_BYTES: u64 = 8;

/// What footer and pages say of lengths has to fit the member, before anything is read by it.
pub(super) fn believable(metadata: &ParquetMetaData, chunk: &Chunk) -> Result<(), ParquetError> {
    columns(metadata, chunk.member.len)?;
    let mut window = Window { chunk, begin: 0, bytes: Bytes::new() };
    for group in metadata.row_groups() {
        let mut weight = Weight::default();
        for column in group.columns() {
            let range = range(column)?;
            let end = range.end;
            let dictionary = weight.add_pages(range, true, |at| window.page(at, end))?;
            check_words(chunk, column, dictionary)?;
        }
    }
    Ok(())
}

impl From<PageError> for ParquetError {
    fn from(error: PageError) -> Self {
        lie(&error.to_string())
    }
}

/// A word of a dictionary stands for a text as often as somebody likes: it may be as long as texts are and no longer.
fn check_words(chunk: &Chunk, column: &ColumnChunkMetaData, dictionary: Option<Page>) -> Result<(), ParquetError> {
    let can_be_long = dictionary.is_some_and(|page| page.unpacked > TEXT_MAX_BYTES);
    if !can_be_long || column.column_type() != PhysicalType::BYTE_ARRAY {
        return Ok(());
    }
    let mut pages = SerializedPageReader::new(Arc::new(chunk.clone()), column, 0, None)?;
    let Some(DecodedPage::DictionaryPage { buf, .. }) = pages.get_next_page()? else { return Ok(()) };
    let mut words = &buf[..];
    while let Some((len, behind)) = words.split_first_chunk() {
        let len = u32::from_le_bytes(*len);
        if u64::from(len) > TEXT_MAX_BYTES {
            return Err(lie(&format!("a word of {len} bytes, more than {TEXT_MAX_BYTES}")));
        }
        words = behind.get(len as usize..).unwrap_or_default();
    }
    Ok(())
}

/// The columns of a member that is Parquet, for who reads them by another way than [`Bundle::batches`].
#[derive(Debug)]
pub struct Columns {
    path: PathBuf,
    name: String,
    chunk: Chunk,
    metadata: ParquetMetaData,
    /// Where each lies, by beginning.
    places: Vec<Place>,
}

/// Where a column lies.
#[derive(Debug)]
struct Place {
    range: Range<u64>,
    /// Its row group, and which of the group's columns it is.
    group: usize,
    number: usize,
    /// The words of its dictionary were looked at, and none is too long.
    has_fine_words: AtomicBool,
}

impl Columns {
    /// Those of the member `name` of the bundle at `path`.
    ///
    /// # Errors
    /// [`OpenError::Refused`] where it is no Parquet, or its footer states lengths that it cannot have.
    pub fn of(path: &Path, name: &str, file: &Arc<File>, member: Member) -> Result<Self, OpenError> {
        guarded(path, name, || {
            let chunk = Chunk { file: Arc::clone(file), member };
            // Where it has an index of pages, the decoder goes by that.
            let reader = ParquetMetaDataReader::new().with_offset_index_policy(PageIndexPolicy::Optional);
            let metadata = reader.parse_and_finish(&chunk)?;
            let places = columns(&metadata, member.len)?;
            Ok(Self { path: path.to_owned(), name: name.to_owned(), chunk, metadata, places })
        })
    }

    /// Checks `bytes`, which were read at `at` to be decoded together with all that `weight` has. What lies in no column is
    /// not looked at.
    ///
    /// # Errors
    /// [`OpenError::Refused`] where the pages are not believed.
    pub fn check(&self, at: u64, bytes: &[u8], weight: &mut Weight) -> Result<(), OpenError> {
        let before = self.places.partition_point(|place| place.range.start <= at);
        let place = before.checked_sub(1).and_then(|last| self.places.get(last)).filter(|place| at < place.range.end);
        let Some(place) = place else { return Ok(()) };
        guarded(&self.path, &self.name, || {
            let len = usize::try_from(place.range.end - at).unwrap_or(usize::MAX).min(bytes.len());
            let dictionary = weight.add(&bytes[..len], at == place.range.start)?;
            let group = self.metadata.row_groups().get(place.group);
            let column = group.and_then(|group| group.columns().get(place.number)).filter(|_| dictionary.is_some());
            if let Some(column) = column.filter(|_| !place.has_fine_words.load(Ordering::Relaxed)) {
                check_words(&self.chunk, column, dictionary)?;
                place.has_fine_words.store(true, Ordering::Relaxed);
            }
            Ok(())
        })
    }
}

fn lie(what: &str) -> ParquetError {
    ParquetError::General(format!("it lies about its lengths: {what}"))
}

fn lies<T>(what: &str) -> Result<T, ParquetError> {
    Err(lie(what))
}

/// Where a column lies, as the footer says.
fn range(column: &ColumnChunkMetaData) -> Result<Range<u64>, ParquetError> {
    let start = column.dictionary_page_offset().unwrap_or_else(|| column.data_page_offset());
    let (Ok(start), Ok(size)) = (u64::try_from(start), u64::try_from(column.compressed_size())) else {
        return lies("a column that begins before the file, or is shorter than nothing");
    };
    Ok(start..start.saturating_add(size))
}

/// Where each column lies, by beginning, where rows and lengths are as they can be.
fn columns(metadata: &ParquetMetaData, len: u64) -> Result<Vec<Place>, ParquetError> {
    let (mut rows, mut columns) = (0_i64, Vec::new());
    for (group_number, group) in metadata.row_groups().iter().enumerate() {
        let pages = metadata.offset_index().and_then(|index| index.get(group_number));
        let bytes = u64::try_from(group.total_byte_size());
        if group.num_rows() < 0 || !bytes.is_ok_and(|bytes| bytes <= GROUP_MAX_BYTES) {
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
            columns.push(Place { range, group: group_number, number, has_fine_words: AtomicBool::new(false) });
        }
    }
    if metadata.file_metadata().num_rows() != rows {
        return lies("more or fewer rows than its row groups have");
    }
    columns.sort_unstable_by_key(|place: &Place| (place.range.start, place.range.end));
    if columns.windows(2).any(|two| two[0].range.end > two[1].range.start) {
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
        let inside = at.checked_sub(self.begin).and_then(|from| self.bytes.get(usize::try_from(from).ok()?..));
        match inside.map(Page::read) {
            None | Some(Err(PageError::Short)) => {}
            Some(page) => return Ok(page?),
        }
        // Beyond the column's end only what belongs to others, which is read for those that come next.
        let len = self.chunk.member.len.saturating_sub(at).min(HEADER_MAX_BYTES as u64) as usize;
        (self.begin, self.bytes) = (at, self.chunk.get_bytes(at, len)?);
        let own = self.bytes.get(..end.saturating_sub(at).min(len as u64) as usize).unwrap_or_default();
        Ok(Page::read(own)?)
    }
}
