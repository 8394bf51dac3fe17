//! The pages of a table by their headers: what each says that it unpacks to is bounded before a decoder takes room for it.
//!
//! A page is a header and its packed bytes; the pages of a column follow each other. The header is Thrift's compact
//! protocol: a field begins with a byte whose upper half is the step from the field before and whose lower half is its
//! type, a struct ends with 0. Of a `PageHeader` (parquet.thrift) field 2 is the unpacked and field 3 the packed length.

use std::ops::Range;

/// The most that a page may unpack to. A recorder's pages end after a MiB, or after the thousand rows that made them longer
/// than that: of 20 KiB each, where every byte of the longest text has to be escaped.
pub const PAGE_MAX_BYTES: u64 = 32 << 20;
/// The longest header: it has the least and the greatest value in it.
pub const HEADER_MAX_BYTES: usize = 256 << 10;
/// How deep structs lie in each other in a header, and more.
const DEPTH_MAX: u8 = 8;

/// What is said of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// The header's own length.
    pub header: u64,
    /// What it unpacks to.
    pub unpacked: u64,
    /// How many bytes follow the header.
    pub packed: u64,
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
}

/// Checks the pages that follow each other in `bytes`; gives the largest.
///
/// # Errors
/// [`PageError`] of the first that is not believed. The packed bytes of the last may be cut short, which a decoder notices.
pub fn check(bytes: &[u8]) -> Result<u64, PageError> {
    let from = |at: u64| usize::try_from(at).ok().and_then(|at| bytes.get(at..)).unwrap_or_default();
    largest(0..bytes.len() as u64, |at| Page::read(from(at)))
}

/// What the largest of the pages that follow each other in these bytes unpacks to; `page` reads the one at a place.
///
/// # Errors
/// What `page` says.
pub fn largest<E>(bytes: Range<u64>, mut page: impl FnMut(u64) -> Result<Page, E>) -> Result<u64, E> {
    let (mut at, mut largest) = (bytes.start, 0);
    while at < bytes.end {
        let page = page(at)?;
        largest = largest.max(page.unpacked);
        at = at.saturating_add(page.header).saturating_add(page.packed);
    }
    Ok(largest)
}

impl Page {
    /// The page that begins here.
    ///
    /// # Errors
    /// [`PageError`].
    pub fn read(bytes: &[u8]) -> Result<Self, PageError> {
        let mut header = Header { bytes, at: 0 };
        let (mut id, mut unpacked, mut packed) = (0_i64, None, None);
        while let Some((step, kind)) = header.field()? {
            id = match step {
                0 => header.zigzag()?,
                step => id.checked_add(step.into()).ok_or(PageError::Header)?,
            };
            match (id, kind) {
                (2, I32) => unpacked = Some(header.zigzag()?),
                (3, I32) => packed = Some(header.zigzag()?),
                _ => header.skip(kind, 0)?,
            }
        }
        let length = |value: Option<i64>| value.and_then(|value| u64::try_from(value).ok()).ok_or(PageError::Header);
        let page = Self { header: header.at as u64, unpacked: length(unpacked)?, packed: length(packed)? };
        if page.unpacked > PAGE_MAX_BYTES { Err(PageError::Large(page.unpacked)) } else { Ok(page) }
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

    #[test]
    fn the_lengths_of_a_page_are_read_and_what_else_its_header_says_is_passed_over() {
        assert_eq!(Page::read(&DATA), Ok(Page { header: 17, unpacked: 100, packed: 50 }));
        let two = [&DATA[..], &[0; 50], &DATA[..], &[0; 50]].concat();
        assert_eq!(check(&two), Ok(100));
        // The packed bytes of the last one are the decoder's business.
        assert_eq!(check(&two[..two.len() - 7]), Ok(100));
        for cut in 0..DATA.len() {
            assert_eq!(Page::read(&DATA[..cut]), Err(PageError::Short), "{cut}");
        }
    }

    #[test]
    fn a_page_that_unpacks_to_more_than_a_recorder_packs_is_not_believed() {
        // 2 GiB less one, as zigzag.
        let large = [0x15, 0, 0x15, 0xFE, 0xFF, 0xFF, 0xFF, 0xF, 0x15, 100, 0];
        assert_eq!(Page::read(&large), Err(PageError::Large(0x7FFF_FFFF)));
        let behind = [&DATA[..], &[0; 50], &large[..]].concat();
        assert_eq!(check(&behind), Err(PageError::Large(0x7FFF_FFFF)));
        // Less than nothing, and no length at all.
        assert_eq!(Page::read(&[0x15, 0, 0x15, 1, 0x15, 2, 0]), Err(PageError::Header));
        assert_eq!(Page::read(&[0x15, 0, 0]), Err(PageError::Header));
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
