//! Grouping by numbers in place of texts: each word has a code, the same all through a question.

use super::is_text;
use super::pair::{halves, pair};
use datafusion::arrow::array::{Array as _, ArrayRef, AsArray as _, UInt32Array};
use datafusion::arrow::compute::{cast, concat, take};
use datafusion::arrow::datatypes::{DataType, UInt32Type};
use datafusion::arrow::datatypes::{Field, Schema};
use datafusion::common::tree_node::Transformed;
use datafusion::common::{Column, exec_err};
use datafusion::error::Result;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryPool, MemoryReservation};
use datafusion::logical_expr::expr::AggregateFunction;
use datafusion::logical_expr::{
    Aggregate, ColumnarValue, Expr, ExpressionPlacement, JoinType, LogicalPlan, Projection, ScalarFunctionArgs,
    ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use datafusion::optimizer::{ApplyOrder, OptimizerConfig, OptimizerRule};
use datafusion::physical_plan::aggregates::group_values::{GroupValues, new_group_values};
use datafusion::physical_plan::aggregates::order::GroupOrdering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Groups by codes where a question groups by texts of tables, and counts codes where it counts different texts.
#[derive(Debug)]
pub struct GroupByCodes {
    /// What the words of a question are counted against.
    pub memory: Arc<dyn MemoryPool>,
}

impl OptimizerRule for GroupByCodes {
    fn name(&self) -> &'static str {
        "group_by_codes"
    }

    fn apply_order(&self) -> Option<ApplyOrder> {
        Some(ApplyOrder::BottomUp)
    }

    fn rewrite(&self, plan: LogicalPlan, _config: &dyn OptimizerConfig) -> Result<Transformed<LogicalPlan>> {
        let LogicalPlan::Aggregate(aggregate) = &plan else { return Ok(Transformed::no(plan)) };
        Ok(match self.by_codes(aggregate)? {
            Some(plan) => Transformed::yes(plan),
            None => Transformed::no(plan),
        })
    }
}

impl GroupByCodes {
    fn by_codes(&self, aggregate: &Aggregate) -> Result<Option<LogicalPlan>> {
        let groups = aggregate.group_expr.len();
        if aggregate.group_expr.iter().any(|expr| matches!(expr, Expr::GroupingSet(_))) {
            return Ok(None);
        }
        let codes = Arc::new(Codes::new(&self.memory));
        let mut is_changed = false;
        let (mut group_expr, mut aggr_expr, mut given) = (Vec::new(), Vec::new(), Vec::new());
        let mut texts = Vec::new();
        for (at, expr) in aggregate.group_expr.iter().chain(&aggregate.aggr_expr).enumerate() {
            let (qualifier, field) = aggregate.schema.qualified_field(at);
            let unchanged = Expr::Column(Column::new(qualifier.cloned(), field.name()));
            let inner = unaliased(expr);
            if at < groups {
                if is_text_of_table(inner, &aggregate.input) {
                    texts.push((at, inner));
                    given.push(unchanged);
                    is_changed = true;
                } else {
                    group_expr.push(expr.clone());
                    given.push(unchanged);
                }
                continue;
            }
            given.push(unchanged);
            match inner {
                Expr::AggregateFunction(function) if counts_texts(function, &aggregate.input) => {
                    let mut function = function.clone();
                    function.params.args = function.params.args.iter().map(|text| code(&codes, text)).collect();
                    let counted = Expr::AggregateFunction(function);
                    aggr_expr.push(counted.alias_qualified(qualifier.cloned(), field.name()));
                    is_changed = true;
                }
                _ => aggr_expr.push(expr.clone()),
            }
        }
        if !is_changed {
            return Ok(None);
        }
        for several in texts.chunks(2) {
            let name =
                format!("__codes_{}", several.iter().map(|(at, _)| at.to_string()).collect::<Vec<_>>().join("_"));
            let given_as = Expr::Column(Column::new_unqualified(&name));
            let (grouped, codes_given) = match several {
                [(_, first), (_, second)] => {
                    (pair(code(&codes, first), code(&codes, second)), halves(&given_as).to_vec())
                }
                [(_, text)] => (code(&codes, text), vec![given_as]),
                _ => continue,
            };
            group_expr.push(grouped.alias(name));
            for ((at, _), code) in several.iter().zip(codes_given) {
                let (qualifier, field) = aggregate.schema.qualified_field(*at);
                given[*at] = word(&codes, code, field.data_type()).alias_qualified(qualifier.cloned(), field.name());
            }
        }
        let by_codes = Aggregate::try_new(Arc::clone(&aggregate.input), group_expr, aggr_expr)?;
        let texts = Projection::try_new(given, Arc::new(LogicalPlan::Aggregate(by_codes)))?;
        Ok(Some(LogicalPlan::Projection(texts)))
    }
}

fn unaliased(expr: &Expr) -> &Expr {
    match expr {
        Expr::Alias(alias) => unaliased(&alias.expr),
        _ => expr,
    }
}

fn counts_texts(function: &AggregateFunction, input: &LogicalPlan) -> bool {
    let params = &function.params;
    let is_plain = params.distinct && params.filter.is_none() && params.order_by.is_empty();
    is_plain && function.func.name() == "count" && matches!(&params.args[..], [text] if is_text_of_table(text, input))
}

/// Whether this is a text column as a table has it, whatever lies between.
fn is_text_of_table(expr: &Expr, input: &LogicalPlan) -> bool {
    let Expr::Column(column) = expr else { return false };
    let Ok(at) = input.schema().index_of_column(column) else { return false };
    is_text(input.schema().field(at).data_type()) && is_of_table(input, at)
}

fn is_of_table(plan: &LogicalPlan, at: usize) -> bool {
    match plan {
        LogicalPlan::TableScan(_) => true,
        LogicalPlan::Filter(filter) => is_of_table(&filter.input, at),
        LogicalPlan::SubqueryAlias(alias) => is_of_table(&alias.input, at),
        LogicalPlan::Projection(projection) => {
            let Some(Expr::Column(column)) = projection.expr.get(at).map(unaliased) else { return false };
            projection.input.schema().index_of_column(column).is_ok_and(|at| is_of_table(&projection.input, at))
        }
        LogicalPlan::Join(join) => {
            let left = join.left.schema().fields().len();
            match join.join_type {
                JoinType::Inner | JoinType::Left | JoinType::Right | JoinType::Full if at >= left => {
                    is_of_table(&join.right, at - left)
                }
                JoinType::RightSemi | JoinType::RightAnti | JoinType::RightMark => false,
                _ => at < left && is_of_table(&join.left, at),
            }
        }
        _ => false,
    }
}

fn code(codes: &Arc<Codes>, text: &Expr) -> Expr {
    ScalarUDF::new_from_impl(Code { codes: Arc::clone(codes), signature: Signature::any(1, Volatility::Stable) })
        .call(vec![text.clone()])
}

fn word(codes: &Arc<Codes>, code: Expr, kind: &DataType) -> Expr {
    let (codes, kind) = (Arc::clone(codes), kind.clone());
    ScalarUDF::new_from_impl(Word { codes, kind, signature: Signature::any(1, Volatility::Stable) }).call(vec![code])
}

/// The words that a question has met, each with its code.
struct Codes {
    met: Mutex<Met>,
}

struct Met {
    codes: Option<Box<dyn GroupValues>>,
    /// By code, in the pieces in which they came.
    words: Vec<ArrayRef>,
    word_bytes: usize,
    memory: MemoryReservation,
}

impl Codes {
    fn new(memory: &Arc<dyn MemoryPool>) -> Self {
        let memory = MemoryConsumer::new("words of texts").register(memory);
        Self { met: Mutex::new(Met { codes: None, words: Vec::new(), word_bytes: 0, memory }) }
    }

    fn met(&self) -> MutexGuard<'_, Met> {
        self.met.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The code of each text; NULL of NULL.
    fn of(&self, texts: &ArrayRef) -> Result<UInt32Array> {
        let texts = cast(texts, &DataType::Utf8View)?;
        let mut met = self.met();
        let Met { codes, words, word_bytes, memory } = &mut *met;
        let codes = match codes {
            Some(codes) => codes,
            None => {
                let schema = Schema::new(vec![Field::new("word", DataType::Utf8View, true)]);
                codes.insert(new_group_values(Arc::new(schema), &GroupOrdering::None)?)
            }
        };
        let known = codes.len();
        let mut found = Vec::with_capacity(texts.len());
        codes.intern(&[Arc::clone(&texts)], &mut found)?;
        if codes.len() > known {
            let mut next = known;
            let mut first = Vec::with_capacity(codes.len() - known);
            for (row, code) in found.iter().enumerate() {
                if *code == next {
                    first.push(row as u32);
                    next += 1;
                }
            }
            // A text under another's code would be a wrong answer.
            if known + first.len() != codes.len() {
                return exec_err!("the codes of texts did not come in their order");
            }
            let new = take(&texts, &UInt32Array::from(first), None)?;
            // Only they are kept, not what they were read from.
            let new: ArrayRef = Arc::new(new.as_string_view().gc());
            *word_bytes += new.get_array_memory_size();
            words.push(new);
            memory.try_resize(codes.size() + *word_bytes)?;
        }
        if u32::try_from(codes.len()).is_err() {
            return exec_err!("more different texts than can be told apart");
        }
        let found = found.into_iter().map(|code| code as u32).collect::<Vec<u32>>();
        Ok(UInt32Array::new(found.into(), texts.nulls().cloned()))
    }

    /// The texts of codes.
    fn words(&self, codes: &UInt32Array, kind: &DataType) -> Result<ArrayRef> {
        let mut met = self.met();
        let all = match &met.words[..] {
            [] => return Ok(datafusion::arrow::array::new_null_array(kind, codes.len())),
            [all] => Arc::clone(all),
            pieces => {
                let pieces: Vec<_> = pieces.iter().map(AsRef::as_ref).collect();
                let all = concat(&pieces)?;
                met.words = vec![Arc::clone(&all)];
                all
            }
        };
        drop(met);
        Ok(cast(&take(&all, codes, None)?, kind)?)
    }
}

// Two functions are the same where their words are.
impl PartialEq for Codes {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self, other)
    }
}

impl Eq for Codes {}

impl Hash for Codes {
    fn hash<H: Hasher>(&self, state: &mut H) {
        std::ptr::hash(self, state);
    }
}

impl fmt::Debug for Codes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Codes")
    }
}

/// Text to code. It is cheap where texts are read, and what is above it then handles numbers.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Code {
    codes: Arc<Codes>,
    signature: Signature,
}

/// Code to text.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Word {
    codes: Arc<Codes>,
    kind: DataType,
    signature: Signature,
}

impl ScalarUDFImpl for Code {
    fn name(&self) -> &'static str {
        "code"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _args: &[DataType]) -> Result<DataType> {
        Ok(DataType::UInt32)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        match &args.args[..] {
            [ColumnarValue::Array(texts)] => Ok(ColumnarValue::Array(Arc::new(self.codes.of(texts)?))),
            [ColumnarValue::Scalar(text)] => {
                let code = self.codes.of(&text.to_array()?)?;
                Ok(ColumnarValue::Scalar(datafusion::scalar::ScalarValue::try_from_array(&code, 0)?))
            }
            _ => exec_err!("code takes one text"),
        }
    }

    fn placement(&self, args: &[ExpressionPlacement]) -> ExpressionPlacement {
        match args {
            [ExpressionPlacement::Column] => ExpressionPlacement::MoveTowardsLeafNodes,
            _ => ExpressionPlacement::KeepInPlace,
        }
    }
}

impl ScalarUDFImpl for Word {
    fn name(&self) -> &'static str {
        "word"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _args: &[DataType]) -> Result<DataType> {
        Ok(self.kind.clone())
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arrays = ColumnarValue::values_to_arrays(&args.args)?;
        match &arrays[..] {
            [codes] if codes.data_type() == &DataType::UInt32 => {
                Ok(ColumnarValue::Array(self.codes.words(codes.as_primitive::<UInt32Type>(), &self.kind)?))
            }
            _ => exec_err!("word takes one code"),
        }
    }
}
