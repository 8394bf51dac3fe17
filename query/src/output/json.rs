//! JSON that loses nothing and is safe on a terminal.

use super::cells;
use datafusion::arrow::array::{Array, ArrayRef, AsArray as _, RecordBatch};
use datafusion::arrow::datatypes::{DataType, Float32Type, Float64Type, Schema};
use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt::Write as _;
use taffrail_trace::text::shown;

/// The keys of the objects: the column names, each once.
pub struct Keys {
    keys: Vec<Key>,
}

struct Key {
    quoted: String,
    is_id: bool,
}

impl Keys {
    /// The keys for rows of `schema`. A name that comes again, as in `SELECT a.pid, b.pid`, gets a number.
    pub fn new(schema: &Schema) -> Self {
        let mut taken = HashSet::new();
        let keys = schema.fields().iter().map(|field| {
            let name = field.name();
            let numbered = (2..).map(|n| format!("{name}_{n}"));
            let unique = std::iter::once(name.clone()).chain(numbered).find(|key| taken.insert(key.clone()));
            let mut quoted = String::new();
            string(unique.as_ref().unwrap_or(name), &mut quoted);
            Key { quoted, is_id: name == "id" || name.ends_with("_id") || name == "entered_by" }
        });
        Self { keys: keys.collect() }
    }

    /// One row as an object.
    pub fn object(&self, batch: &RecordBatch, row: usize) -> String {
        let mut out = String::from("{");
        for (index, (key, column)) in self.keys.iter().zip(batch.columns()).enumerate() {
            if index > 0 {
                out.push(',');
            }
            out.push_str(&key.quoted);
            out.push(':');
            value(column, row, key.is_id, &mut out);
        }
        out.push('}');
        out
    }
}

/// Appends one value. `is_id` makes 64-bit numbers strings.
pub fn value(column: &ArrayRef, row: usize, is_id: bool, out: &mut String) {
    if column.is_null(row) {
        out.push_str("null");
        return;
    }
    match column.data_type() {
        DataType::Null => out.push_str("null"),
        DataType::Boolean => out.push_str(if column.as_boolean().value(row) { "true" } else { "false" }),
        DataType::Int64 | DataType::UInt64 if is_id => string(&cells::formatted(column, row), out),
        kind if kind.is_integer() || kind.is_decimal() => out.push_str(&cells::formatted(column, row)),
        DataType::Float32 => float(f64::from(column.as_primitive::<Float32Type>().value(row)), out),
        DataType::Float64 => float(column.as_primitive::<Float64Type>().value(row), out),
        DataType::List(_) => list(&column.as_list::<i32>().value(row), is_id, out),
        DataType::LargeList(_) => list(&column.as_list::<i64>().value(row), is_id, out),
        DataType::FixedSizeList(..) => list(&column.as_fixed_size_list().value(row), is_id, out),
        DataType::Struct(_) => {
            let object = RecordBatch::from(column.as_struct());
            out.push_str(&Keys::new(object.schema_ref()).object(&object, row));
        }
        _ => string(&cells::text(column, row).unwrap_or_default(), out),
    }
}

fn list(values: &ArrayRef, is_id: bool, out: &mut String) {
    out.push('[');
    for index in 0..values.len() {
        if index > 0 {
            out.push(',');
        }
        value(values, index, is_id, out);
    }
    out.push(']');
}

/// JSON has no word for infinity and for what is not a number.
fn float(value: f64, out: &mut String) {
    match serde_json::Number::from_f64(value) {
        Some(number) => out.push_str(&number.to_string()),
        None => string(&value.to_string(), out),
    }
}

/// A JSON string in which everything that acts on a terminal or on the reader's eyes is an escape.
fn string(text: &str, out: &mut String) {
    out.push('"');
    for ch in text.chars() {
        match ch {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            ' '..='~' => out.push(ch),
            ch if acts(ch) => {
                for unit in ch.encode_utf16(&mut [0; 2]) {
                    // Writing into a String cannot fail.
                    let _ = write!(out, "\\u{unit:04x}");
                }
            }
            ch => out.push(ch),
        }
    }
    out.push('"');
}

fn acts(ch: char) -> bool {
    matches!(shown(ch.encode_utf8(&mut [0; 4])), Cow::Owned(_))
}
