//! The few SQL functions that the views need. They are open to every query.
//!
//! ```text
//! endpoint(addr, port)   '192.0.2.1:80', '[2001:db8::1]:80'; without a port just the address; NULL without an address
//! failure(result)        what a negative errno says: 'refused', 'no such file'; NULL for 0 and for what is no error
//! octal(mode)            '755'
//! capabilities(set)      'cap_chown,cap_kill'; 'all' for all there are; '' for none
//! ```

mod capability;

pub use capability::names as capability_names;

use datafusion::arrow::array::{ArrayRef, AsArray as _, StringArray};
use datafusion::arrow::datatypes::{DataType, Int64Type, UInt16Type, UInt32Type, UInt64Type};
use datafusion::error::Result;
use datafusion::logical_expr::{ColumnarValue, ScalarUDF, Volatility, create_udf};
use std::borrow::Cow;
use std::sync::Arc;

/// All of them.
pub fn all() -> [ScalarUDF; 4] {
    [
        function("endpoint", vec![DataType::Utf8, DataType::UInt16], |columns| {
            let (addrs, ports) = (columns[0].as_string::<i32>(), columns[1].as_primitive::<UInt16Type>());
            addrs.iter().zip(ports).map(|(addr, port)| addr.map(|addr| endpoint(addr, port))).collect()
        }),
        function("failure", vec![DataType::Int64], |columns| {
            columns[0].as_primitive::<Int64Type>().iter().map(|result| failure(result.unwrap_or(0))).collect()
        }),
        function("octal", vec![DataType::UInt32], |columns| {
            columns[0].as_primitive::<UInt32Type>().iter().map(|mode| mode.map(|mode| format!("{mode:o}"))).collect()
        }),
        function("capabilities", vec![DataType::UInt64], |columns| {
            columns[0].as_primitive::<UInt64Type>().iter().map(|set| set.map(capability_names)).collect()
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

/// The errors that calls commonly end in, in the numbering of x86-64 and arm64 Linux.
fn failure(result: i64) -> Option<Cow<'static, str>> {
    if result >= 0 {
        return None;
    }
    Some(Cow::Borrowed(match result {
        -1 => "not permitted",
        -2 => "no such file",
        -3 => "no such process",
        -4 => "interrupted",
        -5 => "input/output error",
        -9 => "bad descriptor",
        -11 => "try again",
        -12 => "out of memory",
        -13 => "permission denied",
        -14 => "bad address",
        -16 => "busy",
        -17 => "exists already",
        -18 => "across file systems",
        -19 => "no such device",
        -20 => "not a directory",
        -21 => "is a directory",
        -22 => "invalid argument",
        -26 => "text file busy",
        -28 => "no space left",
        -30 => "read-only file system",
        -38 => "not implemented",
        -39 => "directory not empty",
        -40 => "too many symlinks",
        -61 => "no data",
        -95 => "not supported",
        -97 => "address family not supported",
        -98 => "address in use",
        -99 => "address not available",
        -101 => "network unreachable",
        -103 => "aborted",
        -104 => "reset by peer",
        -110 => "timed out",
        -111 => "refused",
        -112 => "host down",
        -113 => "no route to host",
        -106 => "connected already",
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
        assert_eq!(failure(4096), None);
        assert_eq!(failure(i64::MIN).as_deref(), Some("error 9223372036854775808"));
    }
}
