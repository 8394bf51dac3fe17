//! One column: numbers or texts, written in the shortest of a few simple ways. What is left is zstd's work.
//!
//! ```text
//! numbers   way 1 | values in LEB128              same: one value     plain: each     delta: from the one before, zigzag
//!                                                 second: the delta's delta     table: count, values, then an index each
//! texts     length of numbers | numbers (which text) | count | lengths | bytes      each different text once
//! ```
//!
//! Only the count of values that the structure above asks for is ever read: a column states no length that is believed.

use std::collections::HashMap;

/// Why bytes are no columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ColumnError {
    /// The bytes end too early.
    #[error("a column ends too early")]
    Short,
    /// A number that no writer makes.
    #[error("a column has {0}")]
    Odd(&'static str),
}

const SAME: u8 = 0;
const PLAIN: u8 = 1;
const DELTA: u8 = 2;
const SECOND: u8 = 3;
const TABLE: u8 = 4;

/// The most different numbers for which a table is thought of: an index is one byte.
const TABLE_MAX: usize = 128;

/// Values of one place in the structure, in order.
#[derive(Debug, Default)]
pub struct Column {
    /// Numbers; of texts, which.
    numbers: Vec<u64>,
    texts: Option<Texts>,
}

/// Different texts in the order of their first use.
#[derive(Debug, Default)]
struct Texts {
    /// With the standard hash: who is recorded chooses the texts, and must not choose what they cost.
    known: HashMap<Box<[u8]>, u64>,
    bytes: Vec<u8>,
    /// Where each begins in `bytes`, and its length.
    places: Vec<(usize, usize)>,
    last: u64,
}

impl Column {
    /// One more number.
    #[inline]
    pub fn number(&mut self, value: u64) {
        self.numbers.push(value);
    }

    /// One more text.
    #[inline]
    pub fn text(&mut self, text: &[u8]) {
        let texts = self.texts.get_or_insert_default();
        self.numbers.push(texts.index(text));
    }

    /// Whether nothing was put in.
    pub fn is_empty(&self) -> bool {
        self.numbers.is_empty()
    }

    /// Whether it holds texts.
    pub fn has_texts(&self) -> bool {
        self.texts.is_some()
    }

    /// Writes it.
    pub fn write(&self, out: &mut Vec<u8>) {
        let Some(texts) = &self.texts else { return numbers(&self.numbers, out) };
        let mut which = Vec::new();
        numbers(&self.numbers, &mut which);
        leb(which.len() as u64, out);
        out.extend_from_slice(&which);
        leb(texts.places.len() as u64, out);
        texts.places.iter().for_each(|(_, len)| leb(*len as u64, out));
        out.extend_from_slice(&texts.bytes);
    }
}

impl Texts {
    fn index(&mut self, text: &[u8]) -> u64 {
        // Programs do a thing more than once.
        let last = self.places.get(self.last as usize).map(|&(at, len)| &self.bytes[at..at + len]);
        if last == Some(text) {
            return self.last;
        }
        self.last = match self.known.get(text) {
            Some(index) => *index,
            None => {
                let index = self.places.len() as u64;
                self.known.insert(text.into(), index);
                self.places.push((self.bytes.len(), text.len()));
                self.bytes.extend_from_slice(text);
                index
            }
        };
        self.last
    }
}

/// Writes numbers in the shortest way.
fn numbers(values: &[u64], out: &mut Vec<u8>) {
    let Some(&first) = values.first() else {
        out.push(PLAIN);
        return;
    };
    let (mut same, mut before, mut step) = (true, 0_u64, 0_u64);
    let mut bytes = [0_usize; 3];
    for &value in values {
        same &= value == first;
        let delta = value.wrapping_sub(before);
        bytes[0] += leb_len(value);
        bytes[1] += leb_len(zigzag(delta as i64));
        bytes[2] += leb_len(zigzag(delta.wrapping_sub(step) as i64));
        (before, step) = (value, delta);
    }
    if same {
        out.push(SAME);
        leb(first, out);
        return;
    }
    let [plain, delta, second] = bytes;
    let least = plain.min(delta).min(second);
    if least > values.len()
        && let Some(table) = Table::of(values)
        && table.bytes() + values.len() < least
    {
        table.write(values, out);
    } else if least == plain {
        out.push(PLAIN);
        values.iter().for_each(|value| leb(*value, out));
    } else if least == delta {
        out.push(DELTA);
        let mut before = 0_u64;
        for &value in values {
            leb(zigzag(value.wrapping_sub(before) as i64), out);
            before = value;
        }
    } else {
        out.push(SECOND);
        let (mut before, mut step) = (0_u64, 0_u64);
        for &value in values {
            let delta = value.wrapping_sub(before);
            leb(zigzag(delta.wrapping_sub(step) as i64), out);
            (before, step) = (value, delta);
        }
    }
}

/// A few numbers that come again and again.
struct Table {
    values: Vec<u64>,
    index: HashMap<u64, u8>,
}

impl Table {
    fn of(values: &[u64]) -> Option<Self> {
        let mut table = Self { values: Vec::new(), index: HashMap::new() };
        for &value in values {
            if table.index.contains_key(&value) {
                continue;
            }
            if table.values.len() == TABLE_MAX {
                return None;
            }
            table.index.insert(value, table.values.len() as u8);
            table.values.push(value);
        }
        Some(table)
    }

    fn bytes(&self) -> usize {
        1 + self.values.iter().map(|value| leb_len(*value)).sum::<usize>()
    }

    fn write(&self, values: &[u64], out: &mut Vec<u8>) {
        out.push(TABLE);
        leb(self.values.len() as u64, out);
        self.values.iter().for_each(|value| leb(*value, out));
        out.extend(values.iter().map(|value| self.index.get(value).copied().unwrap_or_default()));
    }
}

/// A column that is read.
#[derive(Debug)]
pub struct Reader<'a> {
    numbers: Numbers<'a>,
    texts: Vec<&'a [u8]>,
}

#[derive(Debug)]
enum Numbers<'a> {
    Same(u64),
    Each { way: u8, before: u64, step: u64, table: Vec<u64>, bytes: &'a [u8] },
}

impl<'a> Reader<'a> {
    /// Reads the column that `bytes` are, all of them.
    pub fn new(mut bytes: &'a [u8], has_texts: bool) -> Result<Self, ColumnError> {
        let mut texts = Vec::new();
        if has_texts {
            let len = read_leb(&mut bytes)?;
            let count = take(&mut bytes, len)?;
            let mut rest = std::mem::replace(&mut bytes, count);
            let count = read_leb(&mut rest)?;
            // A length is a byte at least.
            if count > rest.len() as u64 {
                return Err(ColumnError::Odd("more texts than bytes"));
            }
            let lens = (0..count).map(|_| read_leb(&mut rest)).collect::<Result<Vec<u64>, _>>()?;
            for len in lens {
                texts.push(take(&mut rest, len)?);
            }
        }
        let (&way, mut rest) = bytes.split_first().ok_or(ColumnError::Short)?;
        let numbers = match way {
            SAME => Numbers::Same(read_leb(&mut rest)?),
            PLAIN | DELTA | SECOND => Numbers::Each { way, before: 0, step: 0, table: Vec::new(), bytes: rest },
            TABLE => {
                let count = read_leb(&mut rest)?;
                if count > TABLE_MAX as u64 {
                    return Err(ColumnError::Odd("too long a table"));
                }
                let table = (0..count).map(|_| read_leb(&mut rest)).collect::<Result<Vec<u64>, _>>()?;
                Numbers::Each { way, before: 0, step: 0, table, bytes: rest }
            }
            _ => return Err(ColumnError::Odd("an unknown way of writing numbers")),
        };
        Ok(Self { numbers, texts })
    }

    /// The next number.
    #[inline]
    pub fn number(&mut self) -> Result<u64, ColumnError> {
        let (way, before, step, table, bytes) = match &mut self.numbers {
            Numbers::Same(value) => return Ok(*value),
            Numbers::Each { way, before, step, table, bytes } => (*way, before, step, table, bytes),
        };
        match way {
            PLAIN => read_leb(bytes),
            TABLE => {
                let (&index, rest) = bytes.split_first().ok_or(ColumnError::Short)?;
                *bytes = rest;
                table.get(usize::from(index)).copied().ok_or(ColumnError::Odd("an index beyond its table"))
            }
            _ => {
                let delta = unzigzag(read_leb(bytes)?) as u64;
                *step = if way == SECOND { step.wrapping_add(delta) } else { delta };
                *before = before.wrapping_add(*step);
                Ok(*before)
            }
        }
    }

    /// The next text.
    #[inline]
    pub fn text(&mut self) -> Result<&'a [u8], ColumnError> {
        let index = self.number()?;
        self.texts.get(index as usize).copied().ok_or(ColumnError::Odd("a text that is not there"))
    }
}

/// The next `len` bytes.
pub fn take<'a>(bytes: &mut &'a [u8], len: u64) -> Result<&'a [u8], ColumnError> {
    let len = usize::try_from(len).map_err(|_| ColumnError::Short)?;
    let (taken, rest) = bytes.split_at_checked(len).ok_or(ColumnError::Short)?;
    *bytes = rest;
    Ok(taken)
}

/// Writes an unsigned number as LEB128.
#[inline]
pub fn leb(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Reads an unsigned LEB128.
#[inline]
pub fn read_leb(bytes: &mut &[u8]) -> Result<u64, ColumnError> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = bytes.split_first().ok_or(ColumnError::Short)?;
        *bytes = rest;
        value |= u64::from(byte & 0x7F) << shift;
        if byte < 0x80 {
            return Ok(value);
        }
    }
    Err(ColumnError::Odd("a number that is too long"))
}

fn leb_len(value: u64) -> usize {
    (70 - (value | 1).leading_zeros() as usize) / 7
}

/// A signed number as an unsigned one that is small where it is near zero.
#[inline]
pub fn zigzag(value: i64) -> u64 {
    (value << 1 ^ value >> 63) as u64
}

/// The other way.
#[inline]
pub fn unzigzag(value: u64) -> i64 {
    (value >> 1) as i64 ^ -((value & 1) as i64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn written(column: &Column) -> Vec<u8> {
        let mut bytes = Vec::new();
        column.write(&mut bytes);
        bytes
    }

    fn of(values: &[u64]) -> Vec<u8> {
        let mut column = Column::default();
        values.iter().for_each(|value| column.number(*value));
        written(&column)
    }

    proptest! {
        #[test]
        fn numbers_come_back(values in proptest::collection::vec(prop_oneof![any::<u64>(), 0..4_u64], 0..300)) {
            let bytes = of(&values);
            let mut reader = Reader::new(&bytes, false).expect("a column");
            for value in values {
                prop_assert_eq!(reader.number(), Ok(value));
            }
        }

        #[test]
        fn steps_come_back(first in any::<u64>(), steps in proptest::collection::vec(0..1_000_000_u64, 1..300)) {
            let mut now = first;
            let values: Vec<u64> = steps.iter().map(|step| { now = now.wrapping_add(*step); now }).collect();
            let bytes = of(&values);
            let mut reader = Reader::new(&bytes, false).expect("a column");
            for value in values {
                prop_assert_eq!(reader.number(), Ok(value));
            }
        }

        #[test]
        fn texts_come_back(texts in proptest::collection::vec("[a-c]{0,3}", 0..100)) {
            let mut column = Column::default();
            texts.iter().for_each(|text| column.text(text.as_bytes()));
            let bytes = written(&column);
            let mut reader = Reader::new(&bytes, column.has_texts()).expect("a column");
            for text in texts {
                prop_assert_eq!(reader.text(), Ok(text.as_bytes()));
            }
        }

        #[test]
        fn other_bytes_are_an_error_or_numbers_and_never_a_panic(
            bytes in proptest::collection::vec(any::<u8>(), 0..100),
            has_texts in any::<bool>(),
        ) {
            if let Ok(mut reader) = Reader::new(&bytes, has_texts) {
                for _ in 0..200 {
                    let _ = reader.number();
                    let _ = reader.text();
                }
            }
        }
    }

    #[test]
    fn each_kind_of_numbers_is_written_in_its_shortest_way() {
        assert_eq!(of(&[7; 4096]), [SAME, 7]);
        let clock: Vec<u64> = (0..4096).map(|index| 1_000_000_000_000 + index * 1_000).collect();
        assert!(of(&clock).len() < 4096 + 16, "a clock's even steps are a byte each: {}", of(&clock).len());
        let ids: Vec<u64> = (0..4096).map(|index| [u64::MAX / 3, u64::MAX / 5, 1 << 60][index % 3]).collect();
        assert_eq!(of(&ids)[0], TABLE);
        assert!(of(&ids).len() < 4096 + 40, "long numbers that come again are an index each: {}", of(&ids).len());
    }
}
