//! Two codes in one number, so that a grouping by two texts is one by a single column.

use crate::functions::function;
use datafusion::arrow::array::{Array as _, ArrayRef, AsArray as _, UInt32Array, UInt64Array};
use datafusion::arrow::datatypes::{DataType, UInt32Type, UInt64Type};
use datafusion::logical_expr::Expr;
use std::sync::Arc;

/// What stands for NULL in a pair: no text has this code.
const NONE: u32 = u32::MAX;

/// Two codes as one number.
pub fn pair(first: Expr, second: Expr) -> Expr {
    let pair = function("pair_of_codes", vec![DataType::UInt32; 2], DataType::UInt64, |columns| {
        let pairs = codes(&columns[0]).zip(codes(&columns[1]));
        let pairs = pairs.map(|(first, second)| u64::from(first) << 32 | u64::from(second));
        Ok(Arc::new(UInt64Array::from_iter_values(pairs)))
    });
    pair.call(vec![first, second])
}

/// The codes in a pair.
pub fn halves(pair: &Expr) -> [Expr; 2] {
    let (takes, gives) = (|| vec![DataType::UInt64], DataType::UInt32);
    let first = function("first_of_pair", takes(), gives.clone(), |columns| Ok(half(&columns[0], 32)));
    let second = function("second_of_pair", takes(), gives, |columns| Ok(half(&columns[0], 0)));
    [first, second].map(|half| half.call(vec![pair.clone()]))
}

/// The codes of a column, [`NONE`] for NULL.
fn codes(column: &ArrayRef) -> impl Iterator<Item = u32> + '_ {
    let codes = column.as_primitive::<UInt32Type>();
    let nulls = codes.nulls().filter(|nulls| nulls.null_count() > 0);
    let of = move |(row, code): (usize, &u32)| if nulls.is_some_and(|nulls| nulls.is_null(row)) { NONE } else { *code };
    codes.values().iter().enumerate().map(of)
}

/// The codes so many bits up in pairs.
fn half(pairs: &ArrayRef, shift: u32) -> ArrayRef {
    let code = |pair: Option<u64>| Some((pair? >> shift) as u32).filter(|code| *code != NONE);
    Arc::new(pairs.as_primitive::<UInt64Type>().iter().map(code).collect::<UInt32Array>())
}
