//! Texts by their words. Parquet keeps most text columns as a dictionary, the words, and a key for each row; what is asked
//! of a text is asked of each word once here, not of each row.
//!
//! ```text
//! codes      GROUP BY a text, count(DISTINCT text)   -> by a number for each word; the few groups become texts again
//! pair       two such numbers in one, since a grouping by one column is looked up in half the time of two
//! by_word    path LIKE '/etc/%', the number of a word  -> worked out for the words of a row group, looked up by key
//! scan       the plan of a question  -> texts of which something is asked are read as words and keys
//! ```
//!
//! Who asks notices nothing but the time: types and answers are the same. The journal has the figures.

mod by_word;
mod codes;
mod pair;
mod scan;

pub use codes::GroupByCodes;
pub use scan::{Files, read_words};

use datafusion::arrow::datatypes::DataType;

/// What a text column is for the engine. Those of files are [`DataType::Utf8View`], those of their paths `Utf8`.
fn is_text(kind: &DataType) -> bool {
    matches!(kind, DataType::Utf8View | DataType::Utf8)
}

/// What the decoder is told to make of a column of words.
fn words_type() -> DataType {
    DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8))
}
