//! From columns back to values: a serde deserializer that draws each place of a structure from its column.
//!
//! Input from outside: a column is read only as far as the structure asks, all that is made of it is charged to a budget of
//! memory, the tree of places has a depth, and what is missing is an error.

use super::column::{ColumnError, Reader, read_leb, take, unzigzag};
use serde::de::{self, DeserializeSeed, IntoDeserializer as _, Visitor, value::U32Deserializer};

/// A place without values of its own.
pub const NOTHING: u8 = 0;
/// A place of numbers.
pub const NUMBERS: u8 = 1;
/// A place of texts.
pub const TEXTS: u8 = 2;

/// Levels of places that are believed: the deepest of our structures has nine.
const DEPTH_MAX: usize = 32;
/// Places below one that are believed: the widest of our structures has 30 fields.
const STEPS_MAX: u64 = 256;

/// Why columns are no value.
#[derive(Debug, thiserror::Error)]
pub enum GatherError {
    /// A column is damaged.
    #[error(transparent)]
    Column(#[from] ColumnError),
    /// The columns do not have the structure's places, or too many of something.
    #[error("{0}")]
    Structure(String),
}

impl de::Error for GatherError {
    fn custom<T: std::fmt::Display>(message: T) -> Self {
        Self::Structure(message.to_string())
    }
}

struct Node<'a> {
    column: Option<Reader<'a>>,
    /// By step; 0 where nothing is.
    below: Vec<u32>,
}

/// All places that are read.
struct Gatherer<'a> {
    nodes: Vec<Node<'a>>,
    /// Bytes of memory that may still be filled.
    left: u64,
}

/// What a part of a sequence, a text and a place are charged beside their content: our largest parts are a few hundred
/// bytes.
const COST_BYTES: u64 = 128;

/// Reads a value out of columns. About `memory_max` bytes are filled at most, whatever the columns say.
///
/// # Errors
/// Where the columns are damaged, or another structure's.
pub fn gather<'a, T: de::Deserialize<'a>>(mut bytes: &'a [u8], memory_max: u64) -> Result<T, GatherError> {
    let mut gatherer = Gatherer { nodes: Vec::new(), left: memory_max };
    gatherer.read(&mut bytes, 0)?;
    if !bytes.is_empty() {
        return Err(GatherError::Structure(format!("{} bytes behind the last column", bytes.len())));
    }
    T::deserialize(At { gatherer: &mut gatherer, node: 0 })
}

impl<'a> Gatherer<'a> {
    #[inline]
    fn charge(&mut self, bytes: u64) -> Result<(), GatherError> {
        let left = self.left.checked_sub(bytes);
        self.left = left.ok_or_else(|| GatherError::Structure("more than a segment may hold".to_owned()))?;
        Ok(())
    }

    fn read(&mut self, bytes: &mut &'a [u8], depth: usize) -> Result<u32, GatherError> {
        if depth > DEPTH_MAX {
            return Err(GatherError::Structure("places too deep".to_owned()));
        }
        let kind = take(bytes, 1)?[0];
        let column = match kind {
            NOTHING => None,
            NUMBERS | TEXTS => {
                let len = read_leb(bytes)?;
                Some(Reader::new(take(bytes, len)?, kind == TEXTS)?)
            }
            _ => return Err(GatherError::Structure("a place of an unknown kind".to_owned())),
        };
        let node = self.nodes.len();
        self.nodes.push(Node { column, below: Vec::new() });
        self.charge(COST_BYTES)?;
        let count = read_leb(bytes)?;
        let mut least = 0;
        for _ in 0..count {
            let step = read_leb(bytes)?;
            if step < least || step >= STEPS_MAX {
                return Err(GatherError::Structure("places out of order, or too many".to_owned()));
            }
            self.charge((step + 1 - least) * 4)?;
            least = step + 1;
            let below = self.read(bytes, depth + 1)?;
            let steps = &mut self.nodes[node].below;
            steps.resize(step as usize + 1, 0);
            steps[step as usize] = below;
        }
        Ok(node as u32)
    }
}

/// A deserializer at one place.
struct At<'g, 'a> {
    gatherer: &'g mut Gatherer<'a>,
    node: usize,
}

impl<'a> At<'_, 'a> {
    #[inline]
    fn column(&mut self) -> Result<&mut Reader<'a>, GatherError> {
        let column = self.gatherer.nodes[self.node].column.as_mut();
        column.ok_or_else(|| GatherError::Structure("a column is missing".to_owned()))
    }

    #[inline]
    fn number(mut self) -> Result<u64, GatherError> {
        Ok(self.column()?.number()?)
    }

    #[inline]
    fn text(mut self) -> Result<&'a [u8], GatherError> {
        let text = self.column()?.text()?;
        self.gatherer.charge(text.len() as u64)?;
        Ok(text)
    }

    /// The place below. One that nothing was ever put into has no column; that is asked for only by what has no values.
    #[inline]
    fn below(&mut self, step: usize) -> Result<At<'_, 'a>, GatherError> {
        match self.gatherer.nodes[self.node].below.get(step) {
            Some(&node) if node != 0 => Ok(At { gatherer: self.gatherer, node: node as usize }),
            _ => Err(GatherError::Structure("a place is missing".to_owned())),
        }
    }
}

/// Parts that come one after another.
struct Parts<'g, 'a> {
    at: At<'g, 'a>,
    step: usize,
    left: usize,
    is_sequence: bool,
}

impl<'a> de::SeqAccess<'a> for Parts<'_, 'a> {
    type Error = GatherError;

    #[inline]
    fn next_element_seed<T: DeserializeSeed<'a>>(&mut self, seed: T) -> Result<Option<T::Value>, GatherError> {
        let Some(left) = self.left.checked_sub(1) else { return Ok(None) };
        self.left = left;
        let value = seed.deserialize(self.at.below(self.step)?)?;
        self.step += usize::from(!self.is_sequence);
        Ok(Some(value))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.left)
    }
}

/// An enum whose variant is known.
struct Variant<'g, 'a> {
    at: At<'g, 'a>,
    index: u32,
}

impl<'g, 'a> de::EnumAccess<'a> for Variant<'g, 'a> {
    type Error = GatherError;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'a>>(self, seed: V) -> Result<(V::Value, Self), GatherError> {
        let index: U32Deserializer<GatherError> = self.index.into_deserializer();
        Ok((seed.deserialize(index)?, self))
    }
}

impl<'a> de::VariantAccess<'a> for Variant<'_, 'a> {
    type Error = GatherError;

    fn unit_variant(self) -> Result<(), GatherError> {
        Ok(())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'a>>(mut self, seed: T) -> Result<T::Value, GatherError> {
        seed.deserialize(self.at.below(self.index as usize)?)
    }

    fn tuple_variant<V: Visitor<'a>>(mut self, len: usize, visitor: V) -> Result<V::Value, GatherError> {
        let at = self.at.below(self.index as usize)?;
        visitor.visit_seq(Parts { at, step: 0, left: len, is_sequence: false })
    }

    fn struct_variant<V: Visitor<'a>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, GatherError> {
        self.tuple_variant(fields.len(), visitor)
    }
}

fn odd(value: u64, what: &str) -> GatherError {
    GatherError::Structure(format!("{value} is no {what}"))
}

macro_rules! numbers {
    ($($method:ident $visit:ident $ty:ty;)*) => {
        $(
            #[inline]
            fn $method<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, GatherError> {
                let value = self.number()?;
                visitor.$visit(<$ty>::try_from(value).map_err(|_| odd(value, stringify!($ty)))?)
            }
        )*
    };
}

macro_rules! signed {
    ($($method:ident $visit:ident $ty:ty;)*) => {
        $(
            #[inline]
            fn $method<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, GatherError> {
                let value = self.number()?;
                visitor.$visit(<$ty>::try_from(unzigzag(value)).map_err(|_| odd(value, stringify!($ty)))?)
            }
        )*
    };
}

impl<'a> de::Deserializer<'a> for At<'_, 'a> {
    type Error = GatherError;

    numbers! {
        deserialize_u8 visit_u8 u8;
        deserialize_u16 visit_u16 u16;
        deserialize_u32 visit_u32 u32;
        deserialize_u64 visit_u64 u64;
    }

    signed! {
        deserialize_i8 visit_i8 i8;
        deserialize_i16 visit_i16 i16;
        deserialize_i32 visit_i32 i32;
        deserialize_i64 visit_i64 i64;
    }

    fn deserialize_any<V: Visitor<'a>>(self, _: V) -> Result<V::Value, GatherError> {
        Err(GatherError::Structure("columns do not say what they hold".to_owned()))
    }

    fn deserialize_bool<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, GatherError> {
        match self.number()? {
            0 => visitor.visit_bool(false),
            1 => visitor.visit_bool(true),
            value => Err(odd(value, "bool")),
        }
    }

    fn deserialize_char<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, GatherError> {
        let value = self.number()?;
        let char = u32::try_from(value).ok().and_then(char::from_u32);
        visitor.visit_char(char.ok_or_else(|| odd(value, "char"))?)
    }

    fn deserialize_f32<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, GatherError> {
        let value = self.number()?;
        visitor.visit_f32(f32::from_bits(u32::try_from(value).map_err(|_| odd(value, "f32"))?))
    }

    fn deserialize_f64<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, GatherError> {
        visitor.visit_f64(f64::from_bits(self.number()?))
    }

    #[inline]
    fn deserialize_str<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, GatherError> {
        let text = std::str::from_utf8(self.text()?);
        visitor.visit_borrowed_str(text.map_err(|error| GatherError::Structure(error.to_string()))?)
    }

    fn deserialize_string<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, GatherError> {
        self.deserialize_str(visitor)
    }

    fn deserialize_bytes<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, GatherError> {
        visitor.visit_borrowed_bytes(self.text()?)
    }

    fn deserialize_byte_buf<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, GatherError> {
        self.deserialize_bytes(visitor)
    }

    #[inline]
    fn deserialize_option<V: Visitor<'a>>(mut self, visitor: V) -> Result<V::Value, GatherError> {
        match self.column()?.number()? {
            0 => visitor.visit_none(),
            1 => visitor.visit_some(self.below(0)?),
            value => Err(odd(value, "option")),
        }
    }

    fn deserialize_unit<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, GatherError> {
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'a>>(self, _: &'static str, visitor: V) -> Result<V::Value, GatherError> {
        visitor.visit_unit()
    }

    fn deserialize_newtype_struct<V: Visitor<'a>>(self, _: &'static str, visitor: V) -> Result<V::Value, GatherError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'a>>(mut self, visitor: V) -> Result<V::Value, GatherError> {
        let len = self.column()?.number()?;
        self.gatherer.charge(len.saturating_mul(COST_BYTES))?;
        visitor.visit_seq(Parts { at: self, step: 0, left: len as usize, is_sequence: true })
    }

    #[inline]
    fn deserialize_tuple<V: Visitor<'a>>(self, len: usize, visitor: V) -> Result<V::Value, GatherError> {
        visitor.visit_seq(Parts { at: self, step: 0, left: len, is_sequence: false })
    }

    fn deserialize_tuple_struct<V: Visitor<'a>>(
        self,
        _: &'static str,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, GatherError> {
        self.deserialize_tuple(len, visitor)
    }

    fn deserialize_map<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, GatherError> {
        self.deserialize_any(visitor)
    }

    #[inline]
    fn deserialize_struct<V: Visitor<'a>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, GatherError> {
        self.deserialize_tuple(fields.len(), visitor)
    }

    #[inline]
    fn deserialize_enum<V: Visitor<'a>>(
        mut self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, GatherError> {
        let value = self.column()?.number()?;
        let index = u32::try_from(value).map_err(|_| odd(value, "variant"))?;
        visitor.visit_enum(Variant { at: self, index })
    }

    fn deserialize_identifier<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, GatherError> {
        self.deserialize_any(visitor)
    }

    fn deserialize_ignored_any<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, GatherError> {
        self.deserialize_any(visitor)
    }

    fn is_human_readable(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::super::shred::shred;
    use super::*;
    use proptest::prelude::*;
    use serde::{Deserialize, Serialize};

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    enum Shape {
        Nothing,
        One(u64),
        Two(i64, bool),
        Named { name: String, rest: Vec<Shape> },
    }

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    struct Record {
        id: u64,
        shape: Shape,
        maybe: Option<Box<Record>>,
        bytes: serde_bytes::ByteBuf,
        three: [u16; 3],
        letter: char,
        half: f64,
        outcome: Result<u8, String>,
    }

    fn shape() -> impl Strategy<Value = Shape> {
        let leaf = prop_oneof![
            Just(Shape::Nothing),
            any::<u64>().prop_map(Shape::One),
            (any::<i64>(), any::<bool>()).prop_map(|(number, flag)| Shape::Two(number, flag)),
        ];
        leaf.prop_recursive(3, 20, 4, |inner| {
            (any::<String>(), proptest::collection::vec(inner, 0..4))
                .prop_map(|(name, rest)| Shape::Named { name, rest })
        })
    }

    fn record() -> impl Strategy<Value = Record> {
        let outcome = prop_oneof![any::<u8>().prop_map(Ok), any::<String>().prop_map(Err)];
        let parts = (any::<u64>(), shape(), any::<Vec<u8>>(), any::<[u16; 3]>(), any::<char>(), -1e9..1e9, outcome);
        let flat = parts
            .prop_map(|(id, shape, bytes, three, letter, half, outcome)| Record {
                id,
                shape,
                maybe: None,
                bytes: serde_bytes::ByteBuf::from(bytes),
                three,
                letter,
                half,
                outcome,
            })
            .boxed();
        (flat.clone(), proptest::option::of(flat))
            .prop_map(|(record, inner)| Record { maybe: inner.map(Box::new), ..record })
    }

    proptest! {
        #[test]
        fn every_structure_comes_back(records in proptest::collection::vec(record(), 0..20)) {
            let bytes = shred(&records).expect("columns");
            prop_assert_eq!(gather::<Vec<Record>>(&bytes, 1 << 20).expect("records"), records);
        }

        #[test]
        fn other_bytes_are_refused_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = gather::<Vec<Record>>(&bytes, 1 << 20);
        }

        #[test]
        fn a_changed_byte_is_another_value_or_an_error_and_never_a_panic(
            records in proptest::collection::vec(record(), 1..4),
            at in any::<proptest::sample::Index>(),
            with in any::<u8>(),
        ) {
            let mut bytes = shred(&records).expect("columns");
            let at = at.index(bytes.len());
            bytes[at] = with;
            let _ = gather::<Vec<Record>>(&bytes, 1 << 20);
        }
    }

    #[test]
    fn columns_that_cost_nothing_fill_no_more_memory_than_is_allowed() {
        let numbers = shred(&vec![7_u64; 1000]).expect("columns");
        assert!(numbers.len() < 20, "a thousand equal numbers are a few bytes: {}", numbers.len());
        assert!(gather::<Vec<u64>>(&numbers, 1001 * COST_BYTES).is_err(), "the places cost too");
        assert!(gather::<Vec<u64>>(&numbers, 1010 * COST_BYTES).is_ok());
        let text = "x".repeat(10_000);
        let texts = shred(&vec![text.as_str(); 1000]).expect("columns");
        assert!(texts.len() < 10_100, "a thousand equal texts are one: {}", texts.len());
        assert!(gather::<Vec<String>>(&texts, 9_000_000).is_err());
        assert!(gather::<Vec<String>>(&texts, 11_000_000).is_ok());
    }

    #[test]
    fn places_out_of_order_are_refused() {
        // Two places below, both step 255.
        let bytes = [NOTHING, 2, 0xFF, 1, NOTHING, 0, 0xFF, 1, NOTHING, 0];
        assert!(matches!(gather::<u64>(&bytes, 1 << 20), Err(GatherError::Structure(_))));
    }

    #[test]
    fn places_that_go_too_deep_are_refused() {
        // No column, one place below, step 0: again and again.
        let bytes = [NOTHING, 1, 0].repeat(100_000);
        assert!(matches!(gather::<u64>(&bytes, 1 << 20), Err(GatherError::Structure(_))));
    }
}
