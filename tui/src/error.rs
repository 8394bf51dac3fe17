//! What can go wrong before or around a replay. Each is one line for a person.

use taffrail_query::QueryError;
use taffrail_query::arrow::error::ArrowError;

/// Why a replay cannot be shown.
#[derive(Debug, thiserror::Error)]
pub enum TuiError {
    /// There is no terminal to draw on.
    #[error("standard output is not a terminal: `replay` draws on one; use `taffrail query` in a pipe")]
    NoTerminal,
    /// The terminal refused something, or went away.
    #[error("the terminal cannot be used: {0}")]
    Terminal(#[from] std::io::Error),
    /// Replay moves through one history at a time.
    #[error("replay shows exactly one bundle, {0} are open")]
    OneBundle(usize),
    /// The bundle has more rows than fit the screen's index.
    #[error("table {table} has {rows} rows, more than the {max} that replay takes; use `taffrail query`")]
    TooLarge {
        /// The table.
        table: &'static str,
        /// Its rows.
        rows: u64,
        /// How many replay takes.
        max: u64,
    },
    /// The evidence could not be queried.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// A column is not there or has a type that cannot be read as what the schema says.
    #[error("column {table}.{column} cannot be read: {reason}")]
    Column {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
        /// What is wrong with it.
        reason: ArrowError,
    },
}
