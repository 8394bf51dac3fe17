//! Why a query has no answer, in one line that a person can read and a terminal can show.

use datafusion::common::SchemaError;
use datafusion::common::utils::datafusion_strsim::levenshtein;
use datafusion::error::DataFusionError;
use std::any::Any;
use std::io;
use std::sync::Arc;
use taffrail_trace::bundle::OpenError;
use taffrail_trace::text;
use tokio::task::JoinError;

/// The longest message that is shown; a longer one is cut.
const MESSAGE_MAX_CHARS: usize = 400;

/// Why a query has no answer.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// A file is not opened as a bundle.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// Of several files, none is opened as a bundle.
    #[error("none of them can be read: {0}")]
    NoneOpen(String),
    /// A condition could not be asked to the end.
    #[error("{0}")]
    Asked(String),
    /// No bundle was named.
    #[error("no bundle to query")]
    NoBundle,
    /// There is no statement, or more than one where one is meant.
    #[error("expected one SQL statement, found {0}")]
    NotOne(usize),
    /// A statement that is not a query.
    #[error("{0} is refused: evidence can only be read (SELECT, WITH, EXPLAIN, DESCRIBE, SHOW)")]
    ReadOnly(String),
    /// The statement is not SQL, or names what is not there.
    #[error("{0}")]
    Sql(String),
    /// The statement is fine, but running it failed on its values: an overflow, a cast.
    #[error("the query failed: {0}")]
    Failed(String),
    /// A table's bytes are not what a recorder writes.
    #[error("the evidence is damaged: {0} (see `taffrail verify`)")]
    Damaged(String),
    /// The query wanted more memory than it may have.
    #[error("the query needs more memory than it may use; add a WHERE or a LIMIT ({0})")]
    Memory(String),
    /// The engine gave up in a way it should not; on evidence that verifies this is a fault of this program.
    #[error("the query engine stopped on this evidence, which may be damaged: {0} (see `taffrail verify`)")]
    Panicked(String),
    /// Tables or views could not be put in place: a fault of this program.
    #[error("cannot set up the query engine: {0}")]
    Setup(String),
    /// The output could not be written.
    #[error("cannot write the output: {0}")]
    Output(#[from] io::Error),
    /// The output could not be written as Parquet.
    #[error("cannot write the output as Parquet: {0}")]
    Parquet(#[from] parquet::errors::ParquetError),
}

impl From<DataFusionError> for QueryError {
    fn from(error: DataFusionError) -> Self {
        let root = error.find_root();
        match root {
            DataFusionError::SQL(problem, _) => Self::Sql(format!("not SQL: {}", one_line(&problem.to_string()))),
            DataFusionError::SchemaError(problem, _) => Self::Sql(schema_problem(problem)),
            DataFusionError::Plan(message) => Self::Sql(one_line(message)),
            DataFusionError::NotImplemented(message) => Self::Sql(one_line(message)),
            DataFusionError::ResourcesExhausted(message) => Self::Memory(one_line(message)),
            DataFusionError::ParquetError(_) | DataFusionError::ObjectStore(_) | DataFusionError::IoError(_) => {
                Self::Damaged(one_line(&root.strip_backtrace()))
            }
            DataFusionError::ArrowError(problem, _) if is_damage(problem) => {
                Self::Damaged(one_line(&problem.to_string()))
            }
            DataFusionError::ExecutionJoin(problem) => Self::Panicked(one_line(&problem.to_string())),
            // The repartitioning step hands its panic to every partition, hence the Arc.
            DataFusionError::External(problem) if problem.is::<Arc<JoinError>>() || problem.is::<JoinError>() => {
                Self::Panicked(one_line(&problem.to_string()))
            }
            _ => Self::Failed(one_line(&root.strip_backtrace())),
        }
    }
}

/// Arrow's errors about bytes, not about values.
fn is_damage(error: &datafusion::arrow::error::ArrowError) -> bool {
    use datafusion::arrow::error::ArrowError;
    matches!(error, ArrowError::ParquetError(_) | ArrowError::IoError(..) | ArrowError::ExternalError(_))
}

impl QueryError {
    /// A caught panic.
    pub(crate) fn panicked(payload: &(dyn Any + Send)) -> Self {
        let message = payload
            .downcast_ref::<&str>()
            .map(|message| (*message).to_owned())
            .or_else(|| payload.downcast_ref::<String>().cloned())
            .unwrap_or_else(|| "no reason given".to_owned());
        Self::Panicked(one_line(&message))
    }

    /// Adds the nearest of `tables` to the complaint that a table is not there.
    pub(crate) fn with_nearest_table(self, tables: &[&str]) -> Self {
        let Self::Sql(message) = &self else { return self };
        let Some(missing) = message.strip_prefix("table '").and_then(|rest| rest.split_once('\'')) else { return self };
        let distance = |table: &&&str| levenshtein(missing.0, table);
        let nearest = tables.iter().min_by_key(distance).filter(|table| distance(table) <= 1 + table.len() / 3);
        Self::Sql(match nearest {
            Some(table) => format!("there is no table '{}'; did you mean '{table}'?", missing.0),
            None => format!("there is no table '{}'; there are {}", missing.0, tables.join(", ")),
        })
    }
}

fn schema_problem(problem: &SchemaError) -> String {
    let message = problem.to_string();
    // The list of valid columns only helps where there is no better hint.
    let hint = message.lines().next().filter(|line| line.contains("Did you mean"));
    one_line(&hint.unwrap_or(&message).replace("No field named", "no column named"))
}

/// The message without the engine's own names, on one line, safe to show.
fn one_line(message: &str) -> String {
    let joined = message.split_whitespace().collect::<Vec<_>>().join(" ").replace("datafusion.public.", "");
    let noise = [
        "Error during planning: ",
        "Schema error: ",
        "sql parser error: ",
        "Execution error: ",
        "Object Store error: ",
        "Generic evidence error: ",
    ];
    let plain = noise.iter().fold(joined.as_str(), |rest, noise| rest.strip_prefix(noise).unwrap_or(rest));
    let shown = text::shown(plain);
    if shown.chars().count() <= MESSAGE_MAX_CHARS {
        return shown.into_owned();
    }
    shown.chars().take(MESSAGE_MAX_CHARS).chain(['…']).collect()
}
