//! An expression about one text column, worked out for its words.

use datafusion::arrow::array::{Array, ArrayRef, AsArray as _, Int32Array, RecordBatch, new_null_array};
use datafusion::arrow::compute::{cast, concat, take};
use datafusion::arrow::datatypes::{DataType, Field, Int32Type, Schema, SchemaRef};
use datafusion::common::tree_node::{Transformed, TreeNode as _, TreeNodeRecursion};
use datafusion::common::{exec_err, internal_err};
use datafusion::error::Result;
use datafusion::logical_expr::ColumnarValue;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::DynamicFilterTracking;
use datafusion::physical_expr::expressions::{CastExpr, Column, Literal};
use datafusion::physical_expr_common::physical_expr::is_volatile;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, Mutex, PoisonError};

/// Where there are more words than this times the rows asked about, the rows are asked about. A row group has so many
/// batches: its words are looked at once for all of them.
const WORDS_PER_ROW_MAX: usize = 16;

/// `question`, which is about one text, answered for each row of `column`.
///
/// Where the column comes as words and keys the answers of the words are kept for the next batch: those of a row group
/// share their words. Otherwise, it is what `question` is.
pub struct ByWord {
    column: Arc<dyn PhysicalExpr>,
    question: Arc<dyn PhysicalExpr>,
    /// What `question` is asked of: the one text.
    text: SchemaRef,
    answers: Mutex<Option<Answers>>,
}

/// What was answered last.
struct Answers {
    words: ArrayRef,
    of: Each,
}

/// The answers to words. Looking up among values without NULL is quicker, so that they are there without that to NULL too,
/// which often is NULL.
#[derive(Clone)]
struct Each {
    word: ArrayRef,
    /// With that to NULL at the end.
    and_null: ArrayRef,
}

impl ByWord {
    fn new(column: Arc<dyn PhysicalExpr>, question: Arc<dyn PhysicalExpr>, text: SchemaRef) -> Self {
        Self { column, question, text, answers: Mutex::default() }
    }

    fn text_type(&self) -> &DataType {
        self.text.field(0).data_type()
    }

    /// Asks it of texts, one after the other.
    fn ask(&self, texts: &ArrayRef) -> Result<ArrayRef> {
        let texts = cast(texts, self.text_type())?;
        let rows = texts.len();
        self.question.evaluate(&RecordBatch::try_new(Arc::clone(&self.text), vec![texts])?)?.into_array(rows)
    }

    /// The answers to each word and to NULL; `None` where they cannot be had, since a word that no row has may be none
    /// that the question can be asked of.
    fn of_words(&self, words: &ArrayRef, rows: usize) -> Option<Each> {
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(kept) = answers.as_ref().filter(|kept| kept.words.to_data().ptr_eq(&words.to_data())) {
            return Some(kept.of.clone());
        }
        if words.len() > rows.saturating_mul(WORDS_PER_ROW_MAX) {
            return None;
        }
        let and_null = new_null_array(words.data_type(), 1);
        let and_null = self.ask(&concat(&[words, &and_null]).ok()?).ok()?;
        let of = Each { word: and_null.slice(0, words.len()), and_null };
        *answers = Some(Answers { words: Arc::clone(words), of: of.clone() });
        Some(of)
    }
}

impl PhysicalExpr for ByWord {
    fn data_type(&self, _input: &Schema) -> Result<DataType> {
        self.question.data_type(&self.text)
    }

    fn nullable(&self, _input: &Schema) -> Result<bool> {
        self.question.nullable(&self.text)
    }

    fn evaluate(&self, batch: &RecordBatch) -> Result<ColumnarValue> {
        let texts = match self.column.evaluate(batch)? {
            ColumnarValue::Array(texts) => texts,
            ColumnarValue::Scalar(text) => {
                let answer = self.ask(&text.to_array()?)?;
                return Ok(ColumnarValue::Scalar(datafusion::scalar::ScalarValue::try_from_array(&answer, 0)?));
            }
        };
        let Some(keyed) = texts.as_dictionary_opt::<Int32Type>() else {
            return Ok(ColumnarValue::Array(self.ask(&texts)?));
        };
        let (words, keys) = (keyed.values(), keyed.keys());
        if words.is_empty() && keys.null_count() < keys.len() {
            return exec_err!("a row of {} has a key and no word", self.column);
        }
        let Some(of) = self.of_words(words, keys.len()) else {
            return Ok(ColumnarValue::Array(self.ask(&take(words, keys, None)?)?));
        };
        let answers = if keys.null_count() > 0 && of.and_null.is_valid(words.len()) {
            // Where NULL has an answer the rows without a key look that up.
            let of_null = i32::try_from(words.len()).unwrap_or(i32::MAX);
            let keys: Int32Array = keys.iter().map(|key| Some(key.unwrap_or(of_null))).collect();
            take(&of.and_null, &keys, None)?
        } else {
            take(&of.word, keys, None)?
        };
        Ok(ColumnarValue::Array(answers))
    }

    fn children(&self) -> Vec<&Arc<dyn PhysicalExpr>> {
        vec![&self.column]
    }

    /// The column as a file has it: where that is words, they are not to be made texts first.
    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn PhysicalExpr>>) -> Result<Arc<dyn PhysicalExpr>> {
        let [column] = &children[..] else { return internal_err!("a question is about one column") };
        let column = match column.downcast_ref::<CastExpr>() {
            Some(made_text) if made_text.expr().is::<Column>() => made_text.expr(),
            _ => column,
        };
        Ok(Arc::new(Self::new(Arc::clone(column), Arc::clone(&self.question), Arc::clone(&self.text))))
    }

    fn fmt_sql(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.question.fmt_sql(f)
    }
}

impl fmt::Display for ByWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "by_word({})", self.question)
    }
}

impl fmt::Debug for ByWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ByWord").field("column", &self.column).field("question", &self.question).finish_non_exhaustive()
    }
}

impl PartialEq for ByWord {
    fn eq(&self, other: &Self) -> bool {
        self.column.eq(&other.column) && self.question.eq(&other.question)
    }
}

impl Eq for ByWord {}

impl Hash for ByWord {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.column.hash(state);
        self.question.hash(state);
    }
}

/// `expr` with the largest parts of it that ask something of one text column asked by word. `is_text` says of a column's
/// place whether it can come as words.
pub fn by_words(expr: Arc<dyn PhysicalExpr>, is_text: &dyn Fn(&Column) -> bool) -> Result<Arc<dyn PhysicalExpr>> {
    let asked = expr.transform_down(|expr| {
        if expr.is::<ByWord>() {
            return Ok(Transformed::new(expr, false, TreeNodeRecursion::Jump));
        }
        Ok(match asked(&expr, is_text)? {
            Some(asked) => Transformed::new(asked, true, TreeNodeRecursion::Jump),
            None => Transformed::no(expr),
        })
    })?;
    Ok(asked.data)
}

/// This very expression by word; `None` where it is not about one text alone, asks nothing of it, or may not say the same
/// twice.
fn asked(expr: &Arc<dyn PhysicalExpr>, is_text: &dyn Fn(&Column) -> bool) -> Result<Option<Arc<dyn PhysicalExpr>>> {
    let asks_nothing = expr.is::<Column>() || expr.is::<Literal>() || expr.is::<CastExpr>();
    if asks_nothing || is_volatile(expr) || DynamicFilterTracking::classify(expr).contains_dynamic_filter() {
        return Ok(None);
    }
    let mut about: Option<Column> = None;
    let mut is_one_text = true;
    expr.apply(|part| {
        if let Some(column) = part.downcast_ref::<Column>() {
            let first = about.get_or_insert_with(|| column.clone());
            is_one_text &= first == column && is_text(column);
        }
        Ok(if is_one_text { TreeNodeRecursion::Continue } else { TreeNodeRecursion::Stop })
    })?;
    let Some(column) = about.filter(|_| is_one_text) else { return Ok(None) };
    let question = Arc::clone(expr).transform(|part| {
        Ok(match part.downcast_ref::<Column>() {
            Some(column) => Transformed::yes(Arc::new(Column::new(column.name(), 0)) as Arc<dyn PhysicalExpr>),
            None => Transformed::no(part),
        })
    })?;
    let text = Arc::new(Schema::new(vec![Field::new(column.name(), DataType::Utf8View, true)]));
    Ok(Some(Arc::new(ByWord::new(Arc::new(column), question.data, text))))
}

/// The columns of which something is asked by word, by name.
pub fn columns_by_word(expr: &Arc<dyn PhysicalExpr>, found: &mut Vec<String>) -> Result<()> {
    expr.apply(|part| {
        if let Some(by_word) = part.downcast_ref::<ByWord>()
            && let Some(column) = by_word.column.downcast_ref::<Column>()
        {
            found.push(column.name().to_owned());
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(())
}
