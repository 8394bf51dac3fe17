//! The pages of a table by their headers: what each says that it unpacks to is bounded before a decoder takes room for it.
//!
//! A page is a header and its packed bytes; the pages of a column follow each other. The header is Thrift's compact
//! protocol: a field begins with a byte whose upper half is the step from the field before and whose lower half is its
//! type, a struct ends with 0. Of a `PageHeader` (parquet.thrift) field 1 is the type of the page, field 2 the unpacked and
//! field 3 the packed length; fields 5, 7 and 8 have the number of values and their encoding, by type.

use std::ops::Range;

/// The most that a page may unpack to. A recorder's pages end after a MiB, or after the thousand rows that made them longer
/// than that: of 20 KiB each, where every byte of the longest text has to be escaped.
pub const PAGE_MAX_BYTES: u64 = 32 << 20;
/// The longest text of a table. A recorder cuts what is longer.
pub const TEXT_MAX_BYTES: u64 = 32 << 10;
/// What a value takes beside its bytes, once it is unpacked.
pub const VALUE_BYTES: u64 = 16;
/// The most that the pages of a row group may unpack to together, each value with [`VALUE_BYTES`]. A recorder begins another
/// row group at half of it.
pub const GROUP_MAX_BYTES: u64 = 1 << 30;
/// The longest header: it has the least and the greatest value in it.
pub const HEADER_MAX_BYTES: usize = 256 << 10;
/// How deep structs lie in each other in a header, and more.
const DEPTH_MAX: u8 = 8;

/// `DICTIONARY_PAGE` of parquet.thrift.
const DICTIONARY: i64 = 2;
/// `DELTA_BYTE_ARRAY` of parquet.thrift: a text is told by how much of the one before it begins with, so that a long text comes
/// again and again at no cost to who made the file. No recorder writes it.
const DELTA_BYTE_ARRAY: i64 = 7;

/// What is said of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// The header's own length.
    pub header: u64,
    /// What it unpacks to.
    pub unpacked: u64,
    /// How many bytes follow the header.
    pub packed: u64,
    /// How many values it has, NULLs included.
    pub values: u64,
    /// Its values are the words that the pages behind it refer to.
    pub is_dictionary: bool,
}

/// Why pages are not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PageError {
    /// The bytes end inside a header.
    #[error("a page's header is cut short")]
    Short,
    /// They are no header.
    #[error("a page has no header")]
    Header,
    /// It unpacks to more than is believed.
    #[error("a page says that it unpacks to {0} bytes, more than {PAGE_MAX_BYTES}")]
    Large(u64),
    /// Its values are longer than is believed.
    #[error("a page says that {values} values unpack to {unpacked} bytes; a text has {TEXT_MAX_BYTES} at most")]
    Long {
        /// Its values.
        values: u64,
        /// What they unpack to.
        unpacked: u64,
    },
    /// Texts that repeat each other's beginnings.
    #[error("a page says that its texts begin as those before them do (DELTA_BYTE_ARRAY), which no recorder writes")]
    Encoding,
    /// A dictionary that is not at its column's beginning.
    #[error("a dictionary amid the pages of its column")]
    Dictionary,
    /// All of them together unpack to more than is believed.
    #[error("its pages unpack to {0} bytes together, more than {GROUP_MAX_BYTES}")]
    Together(u64),
}

/// What pages that are read together unpack to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Weight {
    bytes: u64,
}

impl Weight {
    /// Adds the pages that follow each other in `bytes`, of which the first may be a dictionary where they are the beginning
    /// of a column: that one is given.
    ///
    /// # Errors
    /// [`PageError`] of the first that is not believed. The packed bytes of the last may be cut short, which a decoder
    /// notices.
    pub fn add(&mut self, bytes: &[u8], is_beginning: bool) -> Result<Option<Page>, PageError> {
        let from = |at: u64| usize::try_from(at).ok().and_then(|at| bytes.get(at..)).unwrap_or_default();
        self.add_pages(0..bytes.len() as u64, is_beginning, |at| Page::read(from(at)))
    }

    /// The same of pages that lie in `bytes`; `page` reads the one at a place.
    ///
    /// # Errors
    /// What `page` says, and [`PageError`].
    pub fn add_pages<E: From<PageError>>(
        &mut self,
        bytes: Range<u64>,
        is_beginning: bool,
        mut page: impl FnMut(u64) -> Result<Page, E>,
    ) -> Result<Option<Page>, E> {
        let (mut at, mut dictionary) = (bytes.start, None);
        while at < bytes.end {
            let page = page(at)?;
            if page.is_dictionary {
                if at != bytes.start || !is_beginning {
                    return Err(PageError::Dictionary.into());
                }
                dictionary = Some(page);
            }
            let unpacked = page.unpacked.saturating_add(page.values.saturating_mul(VALUE_BYTES));
            self.bytes = self.bytes.saturating_add(unpacked);
            if self.bytes > GROUP_MAX_BYTES {
                return Err(PageError::Together(self.bytes).into());
            }
            at = at.saturating_add(page.header).saturating_add(page.packed);
        }
        Ok(dictionary)
    }
}

impl Page {
    /// The page that begins here.
    ///
    /// # Errors
    /// [`PageError`].
    pub fn read(bytes: &[u8]) -> Result<Self, PageError> {
        let mut header = Header { bytes, at: 0 };
        let (mut id, mut kind_of_page, mut unpacked, mut packed) = (0_i64, None, None, None);
        let (mut values, mut encoding) = (None, None);
        while let Some((step, kind)) = header.field()? {
            id = header.id(id, step)?;
            match (id, kind) {
                (1, I32) => kind_of_page = Some(header.zigzag()?),
                (2, I32) => unpacked = Some(header.zigzag()?),
                (3, I32) => packed = Some(header.zigzag()?),
                // Of a data page, a dictionary, and a data page of the second version.
                (5 | 7, STRUCT) => (values, encoding) = header.values(2)?,
                (8, STRUCT) => (values, encoding) = header.values(4)?,
                _ => header.skip(kind, 0)?,
            }
        }
        let length = |value: Option<i64>| value.and_then(|value| u64::try_from(value).ok()).ok_or(PageError::Header);
        let page = Self {
            header: header.at as u64,
            unpacked: length(unpacked)?,
            packed: length(packed)?,
            values: length(values)?,
            is_dictionary: kind_of_page == Some(DICTIONARY),
        };
        let Self { values, unpacked, .. } = page;
        if unpacked > PAGE_MAX_BYTES {
            return Err(PageError::Large(unpacked));
        }
        // One more for the levels of lists.
        if unpacked > values.saturating_add(1).saturating_mul(TEXT_MAX_BYTES) {
            return Err(PageError::Long { values, unpacked });
        }
        if encoding == Some(DELTA_BYTE_ARRAY) { Err(PageError::Encoding) } else { Ok(page) }
    }
}

/// Types of Thrift's compact protocol.
const TRUE: u8 = 1;
const FALSE: u8 = 2;
const BYTE: u8 = 3;
const I16: u8 = 4;
const I32: u8 = 5;
const I64: u8 = 6;
const DOUBLE: u8 = 7;
const BINARY: u8 = 8;
const LIST: u8 = 9;
const SET: u8 = 10;
const STRUCT: u8 = 12;

struct Header<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Header<'_> {
    fn byte(&mut self) -> Result<u8, PageError> {
        let byte = self.bytes.get(self.at).copied().ok_or(PageError::Short)?;
        self.at += 1;
        if self.at > HEADER_MAX_BYTES { Err(PageError::Header) } else { Ok(byte) }
    }

    fn varint(&mut self) -> Result<u64, PageError> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7F) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(PageError::Header)
    }

    fn zigzag(&mut self) -> Result<i64, PageError> {
        let value = self.varint()?;
        Ok((value >> 1) as i64 ^ -((value & 1) as i64))
    }

    /// The next field's step and type; nothing at the end of the struct.
    fn field(&mut self) -> Result<Option<(u8, u8)>, PageError> {
        let byte = self.byte()?;
        Ok((byte != 0).then_some((byte >> 4, byte & 0xF)))
    }

    /// The number of the field that comes `step` after field `id`; 0 where that is written out.
    fn id(&mut self, id: i64, step: u8) -> Result<i64, PageError> {
        match step {
            0 => self.zigzag(),
            step => id.checked_add(step.into()).ok_or(PageError::Header),
        }
    }

    /// The number of values in the header of one type of page, and their encoding, which is the field `encoding`.
    fn values(&mut self, encoding: i64) -> Result<(Option<i64>, Option<i64>), PageError> {
        let (mut id, mut found) = (0, (None, None));
        while let Some((step, kind)) = self.field()? {
            id = self.id(id, step)?;
            match kind {
                I32 if id == 1 => found.0 = Some(self.zigzag()?),
                I32 if id == encoding => found.1 = Some(self.zigzag()?),
                kind => self.skip(kind, 0)?,
            }
        }
        Ok(found)
    }

    fn pass(&mut self, len: u64) -> Result<(), PageError> {
        let at = usize::try_from(len).ok().and_then(|len| self.at.checked_add(len)).ok_or(PageError::Header)?;
        if at > HEADER_MAX_BYTES {
            return Err(PageError::Header);
        }
        if at > self.bytes.len() {
            return Err(PageError::Short);
        }
        self.at = at;
        Ok(())
    }

    /// Passes over a field's value. In a struct a boolean has none: its type says it.
    fn skip(&mut self, kind: u8, depth: u8) -> Result<(), PageError> {
        match kind {
            TRUE | FALSE => Ok(()),
            BYTE => self.pass(1),
            I16 | I32 | I64 => self.varint().map(drop),
            DOUBLE => self.pass(8),
            BINARY => {
                let len = self.varint()?;
                self.pass(len)
            }
            LIST | SET if depth < DEPTH_MAX => {
                let head = self.byte()?;
                let count = if head >> 4 == 0xF { self.varint()? } else { u64::from(head >> 4) };
                (0..count).try_for_each(|_| match head & 0xF {
                    // In a list it is a byte.
                    TRUE | FALSE => self.pass(1),
                    kind => self.skip(kind, depth + 1),
                })
            }
            STRUCT if depth < DEPTH_MAX => {
                while let Some((step, kind)) = self.field()? {
                    if step == 0 {
                        self.zigzag()?;
                    }
                    self.skip(kind, depth + 1)?;
                }
                Ok(())
            }
            _ => Err(PageError::Header),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A header as parquet.thrift has it: type, both lengths, a data page's header with a nested struct and a text.
    const DATA: [u8; 17] = [0x15, 0, 0x15, 200, 1, 0x15, 100, 0x2C, 0x15, 4, 0x15, 0, 0x18, 1, b'x', 0, 0];

    fn check(bytes: &[u8]) -> Result<u64, PageError> {
        let mut weight = Weight::default();
        weight.add(bytes, true).map(|_| weight.bytes)
    }

    #[test]
    fn the_lengths_of_a_page_are_read_and_what_else_its_header_says_is_passed_over() {
        let page = Page { header: 17, unpacked: 100, packed: 50, values: 2, is_dictionary: false };
        assert_eq!(Page::read(&DATA), Ok(page));
        let two = [&DATA[..], &[0; 50], &DATA[..], &[0; 50]].concat();
        assert_eq!(check(&two), Ok(2 * (100 + 2 * VALUE_BYTES)));
        // The packed bytes of the last one are the decoder's business.
        assert_eq!(check(&two[..two.len() - 7]), check(&two));
        for cut in 0..DATA.len() {
            assert_eq!(Page::read(&DATA[..cut]), Err(PageError::Short), "{cut}");
        }
    }

    #[test]
    fn a_page_that_unpacks_to_more_than_a_recorder_packs_is_not_believed() {
        // 2 GiB less one, as zigzag, of two values.
        let large = [0x15, 0, 0x15, 0xFE, 0xFF, 0xFF, 0xFF, 0xF, 0x15, 100, 0x2C, 0x15, 4, 0, 0];
        assert_eq!(Page::read(&large), Err(PageError::Large(0x7FFF_FFFF)));
        let behind = [&DATA[..], &[0; 50], &large[..]].concat();
        assert_eq!(check(&behind), Err(PageError::Large(0x7FFF_FFFF)));
        // Less than nothing, and no length at all.
        assert_eq!(Page::read(&[0x15, 0, 0x15, 1, 0x15, 2, 0x2C, 0x15, 4, 0, 0]), Err(PageError::Header));
        assert_eq!(Page::read(&[0x15, 0, 0]), Err(PageError::Header));
        // Nobody knows how many values it has.
        assert_eq!(Page::read(&[0x15, 0, 0x15, 200, 1, 0x15, 100, 0]), Err(PageError::Header));
    }

    #[test]
    fn a_page_of_texts_longer_than_a_recorder_writes_is_not_believed() {
        // A MiB, as zigzag, of two values.
        let long = [0x15, 0, 0x15, 0x80, 0x80, 0x80, 1, 0x15, 100, 0x2C, 0x15, 4, 0, 0];
        assert_eq!(Page::read(&long), Err(PageError::Long { values: 2, unpacked: 1 << 20 }));
    }

    #[test]
    fn texts_that_repeat_the_beginning_of_those_before_them_are_not_believed() {
        let mut repeating = DATA;
        repeating[11] = 14;
        assert_eq!(Page::read(&repeating), Err(PageError::Encoding));
        // Of the second version: its encoding is the fourth field.
        let second = [0x15, 6, 0x15, 200, 1, 0x15, 100, 0x5C, 0x15, 4, 0x15, 0, 0x15, 4, 0x15, 14, 0, 0];
        assert_eq!(Page::read(&second), Err(PageError::Encoding));
    }

    #[test]
    fn a_dictionary_stands_at_the_beginning_of_its_column_alone() {
        let words = [&[0x15, 4, 0x15, 200, 1, 0x15, 0, 0x4C, 0x15, 4, 0x15, 0, 0, 0][..]].concat();
        let mut weight = Weight::default();
        let found = weight.add(&words, true).expect("a dictionary");
        assert!(found.is_some_and(|page| page.is_dictionary && page.values == 2), "{found:?}");
        assert_eq!(weight.add(&words, false), Err(PageError::Dictionary));
        assert_eq!(check(&[&DATA[..], &[0; 50], &words].concat()), Err(PageError::Dictionary));
    }

    #[test]
    fn many_pages_that_are_each_believed_are_not_where_they_are_too_much_together() {
        // A billion values that take nothing, as in a list that repeats one word.
        let values = [0x15, 0, 0x15, 2, 0x15, 0, 0x2C, 0x15, 0x80, 0xA8, 0xD6, 0xB9, 7, 0, 0];
        assert!(matches!(check(&values), Err(PageError::Together(_))), "{:?}", check(&values));
    }

    #[test]
    fn structs_without_end_lists_without_end_and_noise_end() {
        assert!(Page::read(&[0x1C; 4096]).is_err());
        assert!(Page::read(&[&[0x19, 0xF1][..], &[0xFF; 9], &[1]].concat()).is_err());
        for seed in 0..2000 {
            let mut dice = crate::fixture::mutate::Dice::new(seed);
            let noise: Vec<u8> = (0..dice.below(300)).map(|_| dice.roll() as u8).collect();
            let _ = check(&noise);
        }
    }
}
