//! Two plain forms of an event, to measure ours against.
//!
//! ```text
//! rows      one value after another; numbers in LEB128, signed ones zigzag; texts and lists with their length
//! records   26 bytes: time 8, thread 8, length 4, type 2, count of parameters 4; then each: length 2, its bytes
//! ```
//!
//! A record is laid out like those of Falco's captures. Its parameters are the fields of the event's body, numbers in
//! their full width, nothing for what is not there; who acted is only the thread, since such a capture has a table of
//! threads apart, which is not counted here.

use crate::Result;
use serde::{Serialize, ser};
use std::fmt::Display;
use taffrail_trace::event::Event;

/// Bytes before a record's parameters.
const RECORD_HEAD_BYTES: usize = 26;

/// Values as rows.
pub fn rows(values: &impl Serialize) -> Result<Vec<u8>> {
    let mut writer = Writer::new(Form::Rows);
    values.serialize(&mut writer)?;
    Ok(writer.out)
}

/// An event as a record with parameters.
pub fn record(event: &Event) -> Result<Vec<u8>> {
    let mut writer = Writer::new(Form::Record);
    event.body.serialize(&mut writer)?;
    let thread = event.actor.as_ref().map_or(0, |actor| u64::from(actor.tid));
    let length = RECORD_HEAD_BYTES + writer.out.len();
    let mut record = Vec::with_capacity(length);
    record.extend(event.time_ns.to_le_bytes());
    record.extend(thread.to_le_bytes());
    record.extend((length as u32).to_le_bytes());
    record.extend((writer.kind as u16).to_le_bytes());
    record.extend(writer.parameters.to_le_bytes());
    record.extend(writer.out);
    Ok(record)
}

/// Which form is written, and where in it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Rows,
    /// The top of a record, whose fields are its parameters.
    Record,
    /// Inside a parameter.
    Parameter,
}

struct Writer {
    out: Vec<u8>,
    form: Form,
    /// The variant at the top of a record.
    kind: u32,
    parameters: u32,
}

impl Writer {
    fn new(form: Form) -> Self {
        Self { out: Vec::new(), form, kind: 0, parameters: 0 }
    }

    /// A number that says how others are to be read: records know that from their type.
    fn mark(&mut self, value: u64) {
        if self.form == Form::Rows {
            self.leb(value);
        }
    }

    fn number(&mut self, short: u64, whole: &[u8]) {
        match self.form {
            Form::Rows => self.leb(short),
            Form::Record | Form::Parameter => self.out.extend_from_slice(whole),
        }
    }

    fn leb(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.out.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.out.push(value as u8);
    }

    fn variant(&mut self, index: u32) {
        match self.form {
            Form::Rows => self.leb(u64::from(index)),
            Form::Record => self.kind = index,
            Form::Parameter => self.out.push(index as u8),
        }
    }

    fn field<T: Serialize + ?Sized>(&mut self, value: &T) -> Done {
        if self.form != Form::Record {
            return value.serialize(self);
        }
        let at = self.out.len();
        self.out.extend([0; 2]);
        self.form = Form::Parameter;
        value.serialize(&mut *self)?;
        self.form = Form::Record;
        let length = u16::try_from(self.out.len() - at - 2).unwrap_or(u16::MAX);
        self.out[at..at + 2].copy_from_slice(&length.to_le_bytes());
        self.parameters += 1;
        Ok(())
    }
}

/// An event has a type that these forms are not made for.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct FormError(String);

impl ser::Error for FormError {
    fn custom<T: Display>(message: T) -> Self {
        Self(message.to_string())
    }
}

type Formed<T> = std::result::Result<T, FormError>;
type Done = Formed<()>;

macro_rules! numbers {
    ($($method:ident $ty:ty => $short:expr;)*) => {
        $(
            fn $method(self, value: $ty) -> Done {
                self.number($short(value), &value.to_le_bytes());
                Ok(())
            }
        )*
    };
}

fn zigzag(value: i64) -> u64 {
    (value.wrapping_shl(1) ^ (value >> 63)).cast_unsigned()
}

impl ser::Serializer for &mut Writer {
    type Ok = ();
    type Error = FormError;
    type SerializeSeq = Self;
    type SerializeTuple = Self;
    type SerializeTupleStruct = Self;
    type SerializeTupleVariant = Self;
    type SerializeMap = ser::Impossible<(), FormError>;
    type SerializeStruct = Self;
    type SerializeStructVariant = Self;

    numbers! {
        serialize_u8 u8 => u64::from;
        serialize_u16 u16 => u64::from;
        serialize_u32 u32 => u64::from;
        serialize_u64 u64 => u64::from;
        serialize_i8 i8 => |value| zigzag(i64::from(value));
        serialize_i16 i16 => |value| zigzag(i64::from(value));
        serialize_i32 i32 => |value| zigzag(i64::from(value));
        serialize_i64 i64 => zigzag;
        serialize_f32 f32 => |value: f32| u64::from(value.to_bits());
        serialize_f64 f64 => f64::to_bits;
    }

    fn serialize_bool(self, value: bool) -> Done {
        self.serialize_u8(u8::from(value))
    }

    fn serialize_char(self, value: char) -> Done {
        self.serialize_u32(u32::from(value))
    }

    fn serialize_str(self, text: &str) -> Done {
        self.serialize_bytes(text.as_bytes())?;
        if self.form != Form::Rows {
            self.out.push(0);
        }
        Ok(())
    }

    fn serialize_bytes(self, bytes: &[u8]) -> Done {
        self.mark(bytes.len() as u64);
        self.out.extend_from_slice(bytes);
        Ok(())
    }

    fn serialize_none(self) -> Done {
        self.mark(0);
        Ok(())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Done {
        self.mark(1);
        value.serialize(self)
    }

    fn serialize_unit(self) -> Done {
        Ok(())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Done {
        Ok(())
    }

    fn serialize_unit_variant(self, _: &'static str, index: u32, _: &'static str) -> Done {
        self.variant(index);
        Ok(())
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Done {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        index: u32,
        _: &'static str,
        value: &T,
    ) -> Done {
        self.variant(index);
        value.serialize(self)
    }

    fn serialize_seq(self, len: Option<usize>) -> Formed<Self> {
        self.mark(len.ok_or_else(|| ser::Error::custom("a list of unknown length"))? as u64);
        Ok(self)
    }

    fn serialize_tuple(self, _: usize) -> Formed<Self> {
        Ok(self)
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Formed<Self> {
        Ok(self)
    }

    fn serialize_tuple_variant(self, _: &'static str, index: u32, _: &'static str, _: usize) -> Formed<Self> {
        self.variant(index);
        Ok(self)
    }

    fn serialize_map(self, _: Option<usize>) -> Formed<Self::SerializeMap> {
        Err(ser::Error::custom("a map"))
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Formed<Self> {
        Ok(self)
    }

    fn serialize_struct_variant(self, _: &'static str, index: u32, _: &'static str, _: usize) -> Formed<Self> {
        self.variant(index);
        Ok(self)
    }

    fn is_human_readable(&self) -> bool {
        false
    }
}

macro_rules! parts {
    ($($kind:ident $method:ident $(($key:ty))?;)*) => {
        $(
            impl ser::$kind for &mut Writer {
                type Ok = ();
                type Error = FormError;

                fn $method<T: Serialize + ?Sized>(&mut self, $(_: $key,)? value: &T) -> Done {
                    self.field(value)
                }

                fn end(self) -> Done {
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
