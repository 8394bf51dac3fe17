//! What can go wrong before or around a replay. Each is one line for a person.

use taffrail_query::QueryError;
use taffrail_query::arrow::error::ArrowError;
use taffrail_trace::bundle::OpenError;

/// Why a replay cannot be shown.
#[derive(Debug, thiserror::Error)]
pub enum TuiError {
    /// There is no terminal to draw on.
    #[error("standard output is not a terminal: `replay` draws on one; use `taffrail query` in a pipe")]
    NoTerminal,
    /// The terminal refused something, or went away.
    #[error("the terminal cannot be used: {0}")]
    Terminal(#[from] std::io::Error),
    /// There is nothing to replay.
    #[error("no bundle is open")]
    NoBundle,
    /// Two bundles tell of the same container and time, and would show everything twice.
    #[error("two of these bundles are of container {name} and overlap; replay one of them", name = taffrail_trace::text::shown(.0))]
    Overlap(String),
    /// More rows than fit in memory have to be there at once.
    #[error("{what}: {rows} rows, more than the {max} that replay takes; use `taffrail query`")]
    TooLarge {
        /// The table, or what else they belong to.
        what: &'static str,
        /// How many.
        rows: u64,
        /// How many replay takes.
        max: u64,
    },
    /// The rows are too many to be sorted in memory, and are in no order in the bundle.
    #[error("the rows of {table} are not sorted by time, as no recorder writes them; use `taffrail query`")]
    Disorder {
        /// The table.
        table: &'static str,
    },
    /// The case notes beside a bundle cannot be read or written.
    #[error("the case notes {path}: {reason}", path = taffrail_trace::text::shown(&path.to_string_lossy()))]
    Notes {
        /// The file.
        path: std::path::PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// A person's own keys cannot be used.
    #[error(transparent)]
    Keys(#[from] crate::keys::KeymapError),
    /// A table cannot be read.
    #[error(transparent)]
    Open(#[from] OpenError),
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
