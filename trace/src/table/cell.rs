//! A value on its way into a column.

use crate::schema::{Column, Kind};

/// A value on its way into a column.
#[derive(Clone, Debug)]
pub enum Cell<'a> {
    /// NULL.
    Null,
    /// Nanoseconds since 1970, UTC.
    Time(i64),
    /// Text.
    Text(&'a str),
    /// A list of text.
    TextList(&'a [String]),
    /// Yes or no.
    Bool(bool),
    /// Unsigned 16 bits.
    U16(u16),
    /// Unsigned 32 bits.
    U32(u32),
    /// Unsigned 64 bits.
    U64(u64),
    /// Signed 32 bits.
    I32(i32),
    /// Signed 64 bits.
    I64(i64),
    /// Bytes.
    Binary(&'a [u8]),
}

impl Cell<'_> {
    /// The bytes of its text.
    pub(super) fn text_bytes(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::TextList(texts) => texts.iter().map(|text| size_of::<&str>() + text.len()).sum(),
            Self::Binary(bytes) => bytes.len(),
            _ => 0,
        }
    }

    /// Whether the column can hold it.
    pub(super) fn fits(&self, column: &Column) -> bool {
        let kind = match self {
            Self::Null => return column.nullable,
            Self::Time(_) => Kind::Time,
            Self::Text(_) => Kind::Text,
            Self::TextList(_) => Kind::TextList,
            Self::Bool(_) => Kind::Bool,
            Self::U16(_) => Kind::U16,
            Self::U32(_) => Kind::U32,
            Self::U64(_) => Kind::U64,
            Self::I32(_) => Kind::I32,
            Self::I64(_) => Kind::I64,
            Self::Binary(_) => Kind::Binary,
        };
        column.kind == kind
    }
}

macro_rules! from {
    ($($kind:ty => $variant:ident,)*) => {
        $(impl<'a> From<$kind> for Cell<'a> {
            fn from(value: $kind) -> Self {
                Self::$variant(value)
            }
        })*
    };
}

from! {
    &'a str => Text,
    bool => Bool,
    u16 => U16,
    u32 => U32,
    u64 => U64,
    i32 => I32,
    i64 => I64,
}

/// `None` is NULL.
impl<'a, T> From<Option<T>> for Cell<'a>
where
    Cell<'a>: From<T>,
{
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Self::from)
    }
}
