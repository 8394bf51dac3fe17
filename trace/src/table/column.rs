//! One column being filled.

use super::Cell;
use crate::bundle::pages::TEXT_MAX_BYTES;
use crate::schema::Kind;
use crate::text::cut;
use arrow_array::ArrayRef;
use arrow_array::builder::{
    ArrayBuilder, BinaryBuilder, BooleanBuilder, Int32Builder, Int64Builder, ListBuilder, StringBuilder,
    TimestampNanosecondBuilder, UInt16Builder, UInt32Builder, UInt64Builder,
};
use arrow_schema::{DataType, Field};
use std::sync::Arc;

/// The longest text that is kept whole.
const MAX: usize = TEXT_MAX_BYTES as usize;

/// One column being filled.
#[derive(Debug)]
pub enum Builder {
    Time(TimestampNanosecondBuilder),
    Text(StringBuilder),
    TextList(ListBuilder<StringBuilder>),
    Bool(BooleanBuilder),
    U16(UInt16Builder),
    U32(UInt32Builder),
    U64(UInt64Builder),
    I32(Int32Builder),
    I64(Int64Builder),
    Binary(BinaryBuilder),
}

/// The same for the builder of every kind.
macro_rules! each {
    ($of:expr, $builder:ident => $work:expr) => {
        match $of {
            Builder::Time($builder) => $work,
            Builder::Text($builder) => $work,
            Builder::TextList($builder) => $work,
            Builder::Bool($builder) => $work,
            Builder::U16($builder) => $work,
            Builder::U32($builder) => $work,
            Builder::U64($builder) => $work,
            Builder::I32($builder) => $work,
            Builder::I64($builder) => $work,
            Builder::Binary($builder) => $work,
        }
    };
}

impl Builder {
    /// An empty column.
    pub fn new(kind: Kind) -> Self {
        match kind {
            Kind::Time => Self::Time(TimestampNanosecondBuilder::new().with_timezone("UTC")),
            Kind::Text => Self::Text(StringBuilder::new()),
            Kind::TextList => {
                let item = Field::new_list_field(DataType::Utf8, false);
                Self::TextList(ListBuilder::new(StringBuilder::new()).with_field(item))
            }
            Kind::Bool => Self::Bool(BooleanBuilder::new()),
            Kind::U16 => Self::U16(UInt16Builder::new()),
            Kind::U32 => Self::U32(UInt32Builder::new()),
            Kind::U64 => Self::U64(UInt64Builder::new()),
            Kind::I32 => Self::I32(Int32Builder::new()),
            Kind::I64 => Self::I64(Int64Builder::new()),
            Kind::Binary => Self::Binary(BinaryBuilder::new()),
        }
    }

    /// Appends a cell that [`Cell::fits`]; any other becomes NULL, which the schema check at the end refuses. A text that no
    /// reader would take is cut.
    pub fn append(&mut self, cell: &Cell<'_>) {
        match (self, cell) {
            (Self::Time(builder), Cell::Time(value)) => builder.append_value(*value),
            (Self::Text(builder), Cell::Text(value)) => builder.append_value(cut(value, MAX)),
            (Self::TextList(builder), Cell::TextList(values)) => {
                builder.append_value(values.iter().map(|value| Some(cut(value, MAX))));
            }
            (Self::Bool(builder), Cell::Bool(value)) => builder.append_value(*value),
            (Self::U16(builder), Cell::U16(value)) => builder.append_value(*value),
            (Self::U32(builder), Cell::U32(value)) => builder.append_value(*value),
            (Self::U64(builder), Cell::U64(value)) => builder.append_value(*value),
            (Self::I32(builder), Cell::I32(value)) => builder.append_value(*value),
            (Self::I64(builder), Cell::I64(value)) => builder.append_value(*value),
            (Self::Binary(builder), Cell::Binary(value)) => builder.append_value(&value[..value.len().min(MAX)]),
            (builder, _) => each!(builder, builder => builder.append_null()),
        }
    }

    /// The values so far, leaving the column as it is.
    pub fn finish(&self) -> ArrayRef {
        each!(self, builder => Arc::clone(&ArrayBuilder::finish_cloned(builder)))
    }
}
