//! Two codes in one number, so that a grouping by two texts is one by a single column.

use datafusion::arrow::array::{Array as _, ArrayRef, AsArray as _, UInt32Array, UInt64Array};
use datafusion::arrow::datatypes::{DataType, UInt32Type, UInt64Type};
use datafusion::common::exec_err;
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use std::sync::Arc;

/// What stands for NULL in a pair: no text has this code.
const NONE: u32 = u32::MAX;

/// Two codes as one number.
pub fn pair(first: Expr, second: Expr) -> Expr {
    ScalarUDF::new_from_impl(Pair { signature: Signature::any(2, Volatility::Immutable) }).call(vec![first, second])
}

/// The codes in a pair.
pub fn halves(pair: &Expr) -> [Expr; 2] {
    [Half::First, Half::Second].map(|half| {
        let signature = Signature::any(1, Volatility::Immutable);
        ScalarUDF::new_from_impl(HalfOf { half, signature }).call(vec![pair.clone()])
    })
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Pair {
    signature: Signature,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Half {
    First,
    Second,
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct HalfOf {
    half: Half,
    signature: Signature,
}

impl ScalarUDFImpl for Pair {
    fn name(&self) -> &'static str {
        "pair_of_codes"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _args: &[DataType]) -> Result<DataType> {
        Ok(DataType::UInt64)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [first, second] = &ColumnarValue::values_to_arrays(&args.args)?[..] else {
            return exec_err!("a pair has two codes");
        };
        let [first, second] = [codes(first)?, codes(second)?];
        let pairs = first.zip(second).map(|(first, second)| u64::from(first) << 32 | u64::from(second));
        Ok(ColumnarValue::Array(Arc::new(UInt64Array::from_iter_values(pairs))))
    }
}

/// The codes of a column, [`NONE`] for NULL.
fn codes(column: &ArrayRef) -> Result<impl Iterator<Item = u32> + '_> {
    let Some(codes) = column.as_primitive_opt::<UInt32Type>() else {
        return exec_err!("no codes but {}", column.data_type());
    };
    let nulls = codes.nulls().filter(|nulls| nulls.null_count() > 0);
    let of = move |(row, code): (usize, &u32)| if nulls.is_some_and(|nulls| nulls.is_null(row)) { NONE } else { *code };
    Ok(codes.values().iter().enumerate().map(of))
}

impl ScalarUDFImpl for HalfOf {
    fn name(&self) -> &'static str {
        match self.half {
            Half::First => "first_of_pair",
            Half::Second => "second_of_pair",
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _args: &[DataType]) -> Result<DataType> {
        Ok(DataType::UInt32)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let pairs = match &ColumnarValue::values_to_arrays(&args.args)?[..] {
            [pairs] if pairs.data_type() == &DataType::UInt64 => Arc::clone(pairs),
            _ => return exec_err!("no pairs of codes"),
        };
        let half = |pair: Option<u64>| {
            let pair = pair?;
            let code = match self.half {
                Half::First => (pair >> 32) as u32,
                Half::Second => pair as u32,
            };
            (code != NONE).then_some(code)
        };
        let codes: UInt32Array = pairs.as_primitive::<UInt64Type>().iter().map(half).collect();
        Ok(ColumnarValue::Array(Arc::new(codes)))
    }
}
