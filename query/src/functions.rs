//! The SQL functions that are ours: [`FUNCTIONS`] has each with what it does. The views need them, and every query has them.

mod capability;
mod lineage;
mod text;
mod time;

pub use capability::names as capability_names;
pub use lineage::{Lineage, TABLE_FUNCTIONS};

use datafusion::arrow::array::{Array as _, ArrayRef, AsArray as _, BooleanArray, Float64Array, StringArray};
use datafusion::arrow::datatypes::{DataType, Int64Type, UInt16Type, UInt32Type, UInt64Type};
use datafusion::common::exec_err;
use datafusion::error::Result;
use datafusion::logical_expr::{ColumnarValue, ScalarUDF, Volatility, create_udf};
use ipnet::IpNet;
use std::borrow::Cow;
use std::sync::Arc;

/// A function of one value or several, for people.
#[derive(Clone, Copy, Debug)]
pub struct Function {
    /// How it is called, as in `octal(mode)`.
    pub call: &'static str,
    /// What it gives.
    pub doc: &'static str,
}

impl Function {
    /// Its name in SQL.
    pub fn name(&self) -> &'static str {
        self.call.split('(').next().unwrap_or(self.call)
    }
}

/// All of them. What else SQL has comes with the engine.
pub const FUNCTIONS: [Function; 10] = [
    Function {
        call: "around(time, moment, seconds)",
        doc: "Whether `time` is at most so many seconds before or after `moment`: `WHERE around(time, \
              '2026-03-14T09:00:10Z', 5)`. Only that stretch is read.",
    },
    Function {
        call: "time_bucket(interval, time)",
        doc: "The time rounded down: `GROUP BY time_bucket(INTERVAL '10 seconds', time)`. The same as `date_bin`.",
    },
    Function {
        call: "in_cidr(addr, net)",
        doc: "Whether an address lies in a network: `in_cidr(remote_addr, '10.0.0.0/8')`. IPv4 inside IPv6 \
              (`::ffff:10.0.0.1`) counts as IPv4. NULL for what is no address.",
    },
    Function {
        call: "endpoint(addr, port)",
        doc: "`192.0.2.1:80`, `[2001:db8::1]:80`; without a port just the address; NULL without an address.",
    },
    Function { call: "basename(path)", doc: "The last part of a path, as basename(1): `nc` of `/usr/bin/nc`." },
    Function { call: "dirname(path)", doc: "What stands before it, as dirname(1): `/usr/bin` of `/usr/bin/nc`." },
    Function {
        call: "entropy(text)",
        doc: "Shannon entropy in bits a character: 0 where all are the same, about 4 for words and hex, towards 6 for \
              base64. Names made by a program stand out.",
    },
    Function {
        call: "failure(result)",
        doc: "What a negative errno says: `refused`, `no such file`; NULL for 0 and for what is no error.",
    },
    Function { call: "octal(mode)", doc: "Permission bits as people write them: `755`." },
    Function {
        call: "capabilities(set)",
        doc: "The capabilities of a set by name: `cap_chown,cap_kill`; `all` for all there are; empty for none.",
    },
];

/// What [`FUNCTIONS`] lists.
pub fn all() -> [ScalarUDF; 10] {
    [
        time::around(),
        time::time_bucket(),
        function("in_cidr", vec![DataType::Utf8, DataType::Utf8], DataType::Boolean, in_cidr),
        function("endpoint", vec![DataType::Utf8, DataType::UInt16], DataType::Utf8, |columns| {
            let (addrs, ports) = (columns[0].as_string::<i32>(), columns[1].as_primitive::<UInt16Type>());
            let ends = addrs.iter().zip(ports).map(|(addr, port)| addr.map(|addr| endpoint(addr, port)));
            Ok(Arc::new(ends.collect::<StringArray>()))
        }),
        of_text("basename", text::basename),
        of_text("dirname", text::dirname),
        function("entropy", vec![DataType::Utf8], DataType::Float64, |columns| {
            let texts = columns[0].as_string::<i32>().iter();
            Ok(Arc::new(texts.map(|text| text.map(text::entropy)).collect::<Float64Array>()))
        }),
        function("failure", vec![DataType::Int64], DataType::Utf8, |columns| {
            let results = columns[0].as_primitive::<Int64Type>().iter();
            Ok(Arc::new(results.map(|result| failure(result.unwrap_or(0))).collect::<StringArray>()))
        }),
        function("octal", vec![DataType::UInt32], DataType::Utf8, |columns| {
            let modes = columns[0].as_primitive::<UInt32Type>().iter();
            Ok(Arc::new(modes.map(|mode| mode.map(|mode| format!("{mode:o}"))).collect::<StringArray>()))
        }),
        function("capabilities", vec![DataType::UInt64], DataType::Utf8, |columns| {
            let sets = columns[0].as_primitive::<UInt64Type>().iter();
            Ok(Arc::new(sets.map(|set| set.map(capability_names)).collect::<StringArray>()))
        }),
    ]
}

type Work = fn(&[ArrayRef]) -> Result<ArrayRef>;

/// A function of whole columns, which always says the same of the same.
pub fn function(name: &str, takes: Vec<DataType>, gives: DataType, work: Work) -> ScalarUDF {
    let run = move |columns: &[ColumnarValue]| -> Result<ColumnarValue> {
        // One value in, one value out: what is constant is worked out once, when the query is planned.
        let constant = columns.iter().all(|column| matches!(column, ColumnarValue::Scalar(_)));
        let answer = work(&ColumnarValue::values_to_arrays(columns)?)?;
        if constant && answer.len() == 1 {
            return Ok(ColumnarValue::Scalar(datafusion::scalar::ScalarValue::try_from_array(&answer, 0)?));
        }
        Ok(ColumnarValue::Array(answer))
    };
    create_udf(name, takes, gives, Volatility::Immutable, Arc::new(run))
}

fn of_text(name: &str, part: fn(&str) -> &str) -> ScalarUDF {
    let run = move |columns: &[ColumnarValue]| -> Result<ColumnarValue> {
        let arrays = ColumnarValue::values_to_arrays(columns)?;
        let parts: StringArray = arrays[0].as_string::<i32>().iter().map(|text| text.map(part)).collect();
        Ok(ColumnarValue::Array(Arc::new(parts)))
    };
    create_udf(name, vec![DataType::Utf8], DataType::Utf8, Volatility::Immutable, Arc::new(run))
}

fn in_cidr(columns: &[ArrayRef]) -> Result<ArrayRef> {
    let (addrs, nets) = (columns[0].as_string::<i32>(), columns[1].as_string::<i32>());
    // Nearly always one network for all rows.
    let mut last: Option<(&str, IpNet)> = None;
    let mut answer = Vec::with_capacity(addrs.len());
    for (addr, written) in addrs.iter().zip(nets) {
        let net = match (written, last) {
            (None, _) => None,
            (Some(written), Some((known, net))) if known == written => Some(net),
            (Some(written), _) => {
                let Ok(net) = written.parse::<IpNet>() else {
                    return exec_err!("'{written}' is not a network such as 10.0.0.0/8 or 2001:db8::/32");
                };
                last = Some((written, net));
                Some(net)
            }
        };
        let addr = addr.and_then(text::address);
        answer.push(net.zip(addr).map(|(net, addr)| net.contains(&addr)));
    }
    Ok(Arc::new(BooleanArray::from(answer)))
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
    fn every_function_is_told_of_by_its_name() {
        let names: Vec<String> = all()
            .iter()
            .map(|function| function.aliases().first().map_or(function.name(), String::as_str).to_owned())
            .collect();
        assert_eq!(names, FUNCTIONS.map(|function| function.name()));
    }

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
