//! `around(time, moment, seconds)`: a predicate that the engine turns into a range, so that pages and row groups outside it
//! are never read. `time_bucket` is the engine's own `date_bin` by the name that other time-series databases use.

use datafusion::arrow::array::{AsArray as _, BooleanArray};
use datafusion::arrow::datatypes::{DataType, Int64Type, IntervalMonthDayNano, TimeUnit, TimestampNanosecondType};
use datafusion::error::Result;
use datafusion::functions::datetime;
use datafusion::logical_expr::simplify::{ExprSimplifyResult, SimplifyContext};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility, lit,
};
use datafusion::scalar::ScalarValue;
use std::sync::Arc;

const NS_PER_SECOND: i64 = 1_000_000_000;

/// `around`.
pub fn around() -> ScalarUDF {
    ScalarUDF::from(Around { signature: Signature::user_defined(Volatility::Immutable) })
}

/// `time_bucket`, which is `date_bin`.
pub fn time_bucket() -> ScalarUDF {
    datetime::date_bin().as_ref().clone().with_aliases(["time_bucket"])
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Around {
    signature: Signature,
}

impl ScalarUDFImpl for Around {
    fn name(&self) -> &'static str {
        "around"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, given: &[DataType]) -> Result<Vec<DataType>> {
        if given.len() != 3 {
            return datafusion::common::plan_err!(
                "around takes a time, a moment and seconds, as in around(time, '2026-03-14T09:00:10Z', 5)"
            );
        }
        let time = DataType::Timestamp(TimeUnit::Nanosecond, Some("UTC".into()));
        Ok(vec![time.clone(), time, DataType::Int64])
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Boolean)
    }

    fn simplify(&self, args: Vec<Expr>, _: &SimplifyContext) -> Result<ExprSimplifyResult> {
        match args.as_slice() {
            [time, moment, Expr::Literal(ScalarValue::Int64(Some(seconds)), _)] => {
                let nanoseconds = seconds.saturating_mul(NS_PER_SECOND);
                let width = IntervalMonthDayNano { months: 0, days: 0, nanoseconds };
                let width = lit(ScalarValue::IntervalMonthDayNano(Some(width)));
                let range = time.clone().between(moment.clone() - width.clone(), moment.clone() + width);
                Ok(ExprSimplifyResult::Simplified(range))
            }
            _ => Ok(ExprSimplifyResult::Original(args)),
        }
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let columns = ColumnarValue::values_to_arrays(&args.args)?;
        let times = columns[0].as_primitive::<TimestampNanosecondType>();
        let moments = columns[1].as_primitive::<TimestampNanosecondType>();
        let seconds = columns[2].as_primitive::<Int64Type>();
        let near = |((time, moment), seconds): ((Option<i64>, Option<i64>), Option<i64>)| {
            Some(i128::from(time?.abs_diff(moment?)) <= i128::from(seconds?) * i128::from(NS_PER_SECOND))
        };
        let answer: BooleanArray = times.iter().zip(moments).zip(seconds).map(near).collect();
        Ok(ColumnarValue::Array(Arc::new(answer)))
    }
}
