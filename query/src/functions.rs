//! The few SQL functions that the views need. They are open to every query.
//!
//! ```text
//! endpoint(addr, port)   '192.0.2.1:80', '[2001:db8::1]:80'; without a port just the address; NULL without an address
//! failure(result)        NULL for 0, else what the negative errno says: 'connection refused', 'no such file'
//! octal(mode)            '755'
//! ```

use datafusion::arrow::array::{ArrayRef, AsArray as _, StringArray};
use datafusion::arrow::datatypes::{DataType, Int32Type, UInt16Type, UInt32Type};
use datafusion::error::Result;
use datafusion::logical_expr::{ColumnarValue, ScalarUDF, Volatility, create_udf};
use std::borrow::Cow;
use std::sync::Arc;

/// All of them.
pub fn all() -> [ScalarUDF; 3] {
    [
        function("endpoint", vec![DataType::Utf8, DataType::UInt16], |columns| {
            let (addrs, ports) = (columns[0].as_string::<i32>(), columns[1].as_primitive::<UInt16Type>());
            addrs.iter().zip(ports).map(|(addr, port)| addr.map(|addr| endpoint(addr, port))).collect()
        }),
        function("failure", vec![DataType::Int32], |columns| {
            columns[0].as_primitive::<Int32Type>().iter().map(|result| failure(result.unwrap_or(0))).collect()
        }),
        function("octal", vec![DataType::UInt32], |columns| {
            columns[0].as_primitive::<UInt32Type>().iter().map(|mode| mode.map(|mode| format!("{mode:o}"))).collect()
        }),
    ]
}

fn function(name: &str, takes: Vec<DataType>, work: fn(&[ArrayRef]) -> StringArray) -> ScalarUDF {
    let run = move |columns: &[ColumnarValue]| -> Result<ColumnarValue> {
        let arrays = ColumnarValue::values_to_arrays(columns)?;
        Ok(ColumnarValue::Array(Arc::new(work(&arrays))))
    };
    create_udf(name, takes, DataType::Utf8, Volatility::Immutable, Arc::new(run))
}

fn endpoint(addr: &str, port: Option<u16>) -> String {
    match port {
        None => addr.to_owned(),
        Some(port) if addr.contains(':') => format!("[{addr}]:{port}"),
        Some(port) => format!("{addr}:{port}"),
    }
}

/// The errors that files and connections commonly end in, in the numbering of x86-64 and arm64 Linux.
fn failure(result: i32) -> Option<Cow<'static, str>> {
    if result >= 0 {
        return None;
    }
    Some(Cow::Borrowed(match result {
        -1 => "not permitted",
        -2 => "no such file",
        -4 => "interrupted",
        -13 => "permission denied",
        -16 => "busy",
        -17 => "exists already",
        -18 => "across file systems",
        -20 => "not a directory",
        -21 => "is a directory",
        -22 => "invalid argument",
        -26 => "text file busy",
        -28 => "no space left",
        -30 => "read-only file system",
        -39 => "directory not empty",
        -40 => "too many symlinks",
        -99 => "address not available",
        -101 => "network unreachable",
        -103 => "aborted",
        -104 => "reset by peer",
        -110 => "timed out",
        -111 => "refused",
        -112 => "host down",
        -113 => "no route to host",
        -115 => "not yet answered",
        other => return Some(Cow::Owned(format!("error {}", other.unsigned_abs()))),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_reads_as_people_write_it() {
        assert_eq!(endpoint("192.0.2.1", Some(80)), "192.0.2.1:80");
        assert_eq!(endpoint("2001:db8::1", Some(80)), "[2001:db8::1]:80");
        assert_eq!(endpoint("::", None), "::");
    }

    #[test]
    fn every_negative_errno_says_something() {
        assert_eq!(failure(0), None);
        assert_eq!(failure(-111).as_deref(), Some("refused"));
        assert_eq!(failure(i32::MIN).as_deref(), Some("error 2147483648"));
    }
}
