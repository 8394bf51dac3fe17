//! The rows of an answer on their way.

use crate::error::QueryError;
use crate::session::{MEMORY_MAX_BYTES, Session};
use datafusion::arrow::array::{Array as _, ArrayRef, AsArray as _, RecordBatch, RecordBatchOptions};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::error::DataFusionError;
use datafusion::execution::SendableRecordBatchStream;
use futures::{FutureExt as _, StreamExt as _};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

/// The most bytes of one column's texts in one batch, unless a single text is longer. In a hostile bundle a few bytes stand for
/// a text of a megabyte, as often as it likes.
const TEXTS_MAX_BYTES: usize = 16 << 20;

/// The rows of an answer, a few thousand at a time.
pub struct Rows<'a> {
    session: &'a Session,
    stream: SendableRecordBatchStream,
    schema: SchemaRef,
    /// What the engine gave, as far as it was not passed on.
    rest: Option<RecordBatch>,
}

impl std::fmt::Debug for Rows<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rows").field("columns", &self.schema.fields().len()).finish_non_exhaustive()
    }
}

impl<'a> Rows<'a> {
    /// What `stream`, of a question to `session`, gives.
    pub(crate) fn of(session: &'a Session, stream: SendableRecordBatchStream) -> Self {
        let plain = |field: &Arc<Field>| Arc::new(field.as_ref().clone().with_data_type(plain(field.data_type())));
        let fields: Vec<Arc<Field>> = stream.schema().fields().iter().map(plain).collect();
        let schema = Arc::new(Schema::new_with_metadata(fields, stream.schema().metadata().clone()));
        Self { session, stream, schema, rest: None }
    }

    /// The columns.
    pub fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    /// The next rows; nothing at the end.
    ///
    /// # Errors
    /// [`QueryError`], also where decoding a hostile table panics. It is the last word.
    pub async fn next(&mut self) -> Result<Option<RecordBatch>, QueryError> {
        let batch = match self.rest.take() {
            Some(rest) => rest,
            None => {
                let next = guarded(async { Ok(self.stream.next().await.transpose()?) }).await;
                let Some(batch) = next.map_err(|error| self.session.placed(error))? else { return Ok(None) };
                batch
            }
        };
        let rows = batch.columns().iter().map(fitting).min().unwrap_or(batch.num_rows());
        if rows < batch.num_rows() {
            self.rest = Some(batch.slice(rows, batch.num_rows() - rows));
        }
        Ok(Some(self.plain(&batch.slice(0, rows))?))
    }

    /// All that are left; one batch without rows where there are none, so that the columns are known.
    ///
    /// # Errors
    /// [`QueryError::Memory`] where they take more than [`MEMORY_MAX_BYTES`]; otherwise as [`Self::next`].
    pub async fn all(mut self) -> Result<Vec<RecordBatch>, QueryError> {
        let (mut batches, mut bytes) = (Vec::new(), 0_usize);
        while let Some(batch) = self.next().await? {
            for column in batch.columns() {
                // The engine cuts its batches from large ones: what is shared would be counted each time.
                bytes = bytes.saturating_add(column.to_data().get_slice_memory_size().map_err(DataFusionError::from)?);
            }
            if bytes > MEMORY_MAX_BYTES {
                return Err(QueryError::Memory(format!("its rows take more than {MEMORY_MAX_BYTES} bytes")));
            }
            batches.push(batch);
        }
        if batches.is_empty() {
            batches.push(RecordBatch::new_empty(self.schema));
        }
        Ok(batches)
    }

    /// With texts as whoever reads the batches expects them, whatever the engine works with.
    fn plain(&self, batch: &RecordBatch) -> Result<RecordBatch, QueryError> {
        let columns = batch.columns().iter().zip(self.schema.fields());
        let columns = columns.map(|(column, field)| match column.data_type() {
            DataType::Utf8View => cast(column, field.data_type()),
            _ => Ok(Arc::clone(column)),
        });
        let columns = columns.collect::<Result<Vec<_>, _>>().map_err(DataFusionError::from)?;
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        let batch = RecordBatch::try_new_with_options(self.schema(), columns, &options);
        Ok(batch.map_err(DataFusionError::from)?)
    }
}

/// How many rows of a column are passed on at once: at least one, where it has any.
fn fitting(column: &ArrayRef) -> usize {
    let Some(texts) = column.as_string_view_opt() else { return column.len() };
    let mut bytes = 0_usize;
    let over = texts.lengths().position(|len| {
        bytes = bytes.saturating_add(len as usize);
        bytes > TEXTS_MAX_BYTES
    });
    over.map_or(column.len(), |at| at.max(1))
}

/// A type as whoever asks gets it, whatever the engine works with.
pub fn plain(kind: &DataType) -> DataType {
    if *kind == DataType::Utf8View { DataType::Utf8 } else { kind.clone() }
}

/// Runs a step of the engine so that a panic in it, which a hostile table may cause, is an error of this query. The
/// engine passes a panic of its reading tasks on to whoever polls it, which is here.
pub async fn guarded<T>(step: impl Future<Output = Result<T, QueryError>>) -> Result<T, QueryError> {
    match AssertUnwindSafe(step).catch_unwind().await {
        Ok(result) => result,
        Err(payload) => Err(QueryError::panicked(payload.as_ref())),
    }
}
