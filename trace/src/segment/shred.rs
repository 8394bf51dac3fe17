//! From values to columns: a serde serializer that puts each place of a structure into a column of its own.
//!
//! A place is the way to it from the top: field 2, variant 4, field 0. The tree of places grows with what comes. An enum's
//! variant, an option's presence and a sequence's length are numbers in the column of the place where they stand.

use super::column::{Column, leb, zigzag};
use serde::{Serialize, ser};

/// Why a value can't be put into columns: a fault of its type, found by the first test that tries.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct ShredError(String);

impl ser::Error for ShredError {
    fn custom<T: std::fmt::Display>(message: T) -> Self {
        Self(message.to_string())
    }
}

/// A place, and the places below it.
#[derive(Debug, Default)]
struct Node {
    column: Column,
    /// By field, variant or position; 0, which is the top itself, where nothing came there.
    below: Vec<u32>,
}

/// All places of a structure.
#[derive(Debug)]
pub struct Shredder {
    nodes: Vec<Node>,
}

/// Puts a value into columns and writes them.
///
/// # Errors
/// Where the value has a type that columns are not made for.
pub fn shred<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, ShredError> {
    let mut shredder = Shredder { nodes: vec![Node::default()] };
    value.serialize(At { shredder: &mut shredder, node: 0 })?;
    let mut out = Vec::new();
    shredder.write(0, &mut out);
    Ok(out)
}

impl Shredder {
    #[inline]
    fn below(&mut self, node: usize, step: usize) -> usize {
        if let Some(&below) = self.nodes[node].below.get(step)
            && below != 0
        {
            return below as usize;
        }
        let new = self.nodes.len();
        self.nodes.push(Node::default());
        let steps = &mut self.nodes[node].below;
        steps.resize(steps.len().max(step + 1), 0);
        steps[step] = new as u32;
        new
    }

    /// Kind, column, and the places below with their steps.
    fn write(&self, node: usize, out: &mut Vec<u8>) {
        let node = &self.nodes[node];
        if node.column.is_empty() {
            out.push(super::gather::NOTHING);
        } else {
            out.push(if node.column.has_texts() { super::gather::TEXTS } else { super::gather::NUMBERS });
            let mut column = Vec::new();
            node.column.write(&mut column);
            leb(column.len() as u64, out);
            out.extend_from_slice(&column);
        }
        leb(node.below.iter().filter(|below| **below != 0).count() as u64, out);
        for (step, &below) in node.below.iter().enumerate().filter(|(_, below)| **below != 0) {
            leb(step as u64, out);
            self.write(below as usize, out);
        }
    }
}

/// A serializer at one place.
#[derive(Debug)]
pub struct At<'a> {
    shredder: &'a mut Shredder,
    node: usize,
}

impl At<'_> {
    #[inline]
    fn number(self, value: u64) -> Result<(), ShredError> {
        self.shredder.nodes[self.node].column.number(value);
        Ok(())
    }

    #[inline]
    fn text(self, text: &[u8]) -> Result<(), ShredError> {
        self.shredder.nodes[self.node].column.text(text);
        Ok(())
    }

    #[inline]
    fn put<T: Serialize + ?Sized>(&mut self, step: usize, value: &T) -> Result<(), ShredError> {
        let node = self.shredder.below(self.node, step);
        value.serialize(At { shredder: self.shredder, node })
    }
}

/// A structure whose parts come one after another. Those of a sequence are all at one place.
#[derive(Debug)]
pub struct Parts<'a> {
    at: At<'a>,
    step: usize,
    is_sequence: bool,
}

impl Parts<'_> {
    #[inline]
    fn put<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), ShredError> {
        self.at.put(self.step, value)?;
        self.step += usize::from(!self.is_sequence);
        Ok(())
    }
}

impl<'a> At<'a> {
    fn parts(self) -> Parts<'a> {
        Parts { at: self, step: 0, is_sequence: false }
    }

    /// The content of an enum's variant.
    fn variant(self, index: u32) -> At<'a> {
        self.shredder.nodes[self.node].column.number(u64::from(index));
        let node = self.shredder.below(self.node, index as usize);
        At { shredder: self.shredder, node }
    }
}

fn unsupported(what: &str) -> ShredError {
    ShredError(format!("columns have no place for {what}"))
}

macro_rules! numbers {
    ($($method:ident $ty:ty => $as:expr;)*) => {
        $(
            #[inline]
            fn $method(self, value: $ty) -> Result<(), ShredError> {
                self.number($as(value))
            }
        )*
    };
}

impl<'a> ser::Serializer for At<'a> {
    type Ok = ();
    type Error = ShredError;
    type SerializeSeq = Parts<'a>;
    type SerializeTuple = Parts<'a>;
    type SerializeTupleStruct = Parts<'a>;
    type SerializeTupleVariant = Parts<'a>;
    type SerializeMap = ser::Impossible<(), ShredError>;
    type SerializeStruct = Parts<'a>;
    type SerializeStructVariant = Parts<'a>;

    numbers! {
        serialize_bool bool => u64::from;
        serialize_u8 u8 => u64::from;
        serialize_u16 u16 => u64::from;
        serialize_u32 u32 => u64::from;
        serialize_u64 u64 => u64::from;
        serialize_char char => u64::from;
        serialize_i8 i8 => |value| zigzag(i64::from(value));
        serialize_i16 i16 => |value| zigzag(i64::from(value));
        serialize_i32 i32 => |value| zigzag(i64::from(value));
        serialize_i64 i64 => zigzag;
        serialize_f32 f32 => |value: f32| u64::from(value.to_bits());
        serialize_f64 f64 => f64::to_bits;
    }

    fn serialize_str(self, text: &str) -> Result<(), ShredError> {
        self.text(text.as_bytes())
    }

    fn serialize_bytes(self, bytes: &[u8]) -> Result<(), ShredError> {
        self.text(bytes)
    }

    fn serialize_none(self) -> Result<(), ShredError> {
        self.number(0)
    }

    fn serialize_some<T: Serialize + ?Sized>(mut self, value: &T) -> Result<(), ShredError> {
        self.shredder.nodes[self.node].column.number(1);
        self.put(0, value)
    }

    fn serialize_unit(self) -> Result<(), ShredError> {
        Ok(())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), ShredError> {
        Ok(())
    }

    fn serialize_unit_variant(self, _: &'static str, index: u32, _: &'static str) -> Result<(), ShredError> {
        self.number(u64::from(index))
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Result<(), ShredError> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        index: u32,
        _: &'static str,
        value: &T,
    ) -> Result<(), ShredError> {
        value.serialize(self.variant(index))
    }

    fn serialize_seq(self, len: Option<usize>) -> Result<Parts<'a>, ShredError> {
        let len = len.ok_or_else(|| unsupported("a sequence of unknown length"))?;
        self.shredder.nodes[self.node].column.number(len as u64);
        Ok(Parts { is_sequence: true, ..self.parts() })
    }

    fn serialize_tuple(self, _: usize) -> Result<Parts<'a>, ShredError> {
        Ok(self.parts())
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Parts<'a>, ShredError> {
        Ok(self.parts())
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        index: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Parts<'a>, ShredError> {
        Ok(self.variant(index).parts())
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Self::SerializeMap, ShredError> {
        Err(unsupported("a map"))
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Parts<'a>, ShredError> {
        Ok(self.parts())
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        index: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Parts<'a>, ShredError> {
        Ok(self.variant(index).parts())
    }

    fn is_human_readable(&self) -> bool {
        false
    }
}

macro_rules! parts {
    ($($kind:ident $method:ident $(($key:ty))?;)*) => {
        $(
            impl ser::$kind for Parts<'_> {
                type Ok = ();
                type Error = ShredError;

                #[inline]
                fn $method<T: Serialize + ?Sized>(&mut self, $(_: $key,)? value: &T) -> Result<(), ShredError> {
                    self.put(value)
                }

                fn end(self) -> Result<(), ShredError> {
                    Ok(())
                }
            }
        )*
    };
}

parts! {
    SerializeSeq serialize_element;
    SerializeTuple serialize_element;
    SerializeTupleStruct serialize_field;
    SerializeTupleVariant serialize_field;
    SerializeStruct serialize_field(&'static str);
    SerializeStructVariant serialize_field(&'static str);
}
