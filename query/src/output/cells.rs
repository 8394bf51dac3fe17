//! One value of a batch as text.

use super::json;
use datafusion::arrow::array::{Array, ArrayRef, AsArray as _};
use datafusion::arrow::datatypes::{DataType, TimeUnit, TimestampNanosecondType};
use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};
use taffrail_trace::clock::rfc3339;

/// The value as text, exactly; `None` for NULL.
pub fn text(column: &ArrayRef, row: usize) -> Option<String> {
    if column.is_null(row) || *column.data_type() == DataType::Null {
        return None;
    }
    Some(match column.data_type() {
        DataType::Utf8 => column.as_string::<i32>().value(row).to_owned(),
        DataType::LargeUtf8 => column.as_string::<i64>().value(row).to_owned(),
        DataType::Utf8View => column.as_string_view().value(row).to_owned(),
        DataType::Timestamp(TimeUnit::Nanosecond, Some(zone)) if is_utc(zone) => {
            rfc3339(column.as_primitive::<TimestampNanosecondType>().value(row))
        }
        DataType::List(_) | DataType::LargeList(_) | DataType::FixedSizeList(..) | DataType::Struct(_) => {
            let mut out = String::new();
            json::value(column, row, false, &mut out);
            out
        }
        _ => formatted(column, row),
    })
}

/// The value as Arrow shows it; a value that it cannot show is an error in words.
pub fn formatted(column: &ArrayRef, row: usize) -> String {
    let options = FormatOptions::default();
    match ArrayFormatter::try_new(column.as_ref(), &options) {
        Ok(formatter) => formatter.value(row).to_string(),
        Err(error) => format!("ERROR: {error}"),
    }
}

fn is_utc(zone: &str) -> bool {
    matches!(zone, "UTC" | "Z" | "+00:00" | "+00")
}
