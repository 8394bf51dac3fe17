//! Where questions in SQL are answered and bundles are checked: on the threads of a runtime, never on the one that draws.

use crate::error::TuiError;
use crate::state::{Answer, Ask, ROWS_MAX, Relation, State};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Instant;
use taffrail_query::arrow::array::{Array as _, AsArray as _, RecordBatch};
use taffrail_query::arrow::compute::cast;
use taffrail_query::arrow::datatypes::{DataType, Int64Type, TimeUnit};
use taffrail_query::arrow::util::display::{ArrayFormatter, FormatOptions};
use taffrail_query::{QueryError, Session};
use taffrail_trace::bundle::Verdict;
use tokio::runtime::Handle;
use tokio::task::AbortHandle;

/// A cell is kept to this many bytes.
const CELL_MAX_BYTES: usize = 4 << 10;
/// Rows are kept until their texts have this many bytes.
const ANSWER_MAX_BYTES: usize = 64 << 20;

/// Answers one question at a time.
#[derive(Debug)]
pub struct Desk {
    session: Arc<Session>,
    runtime: Handle,
    asked: u64,
    running: Option<AbortHandle>,
    answers: (Sender<(u64, Reply)>, Receiver<(u64, Reply)>),
    verdict: Option<Receiver<Result<Option<Verdict>, String>>>,
}

type Reply = Result<Answer, String>;

/// What checking all bundles of a session against their own SHA256SUMS gives: of several the first that is altered.
///
/// # Errors
/// [`TuiError::Open`] where one cannot be read.
pub fn verdict(session: &Session) -> Result<Option<Verdict>, TuiError> {
    let mut all = None;
    for bundle in session.bundles() {
        all = Some(match (all, bundle.verify()?) {
            (Some(Verdict::Intact(before)), Verdict::Intact(members)) => Verdict::Intact(before + members),
            (Some(altered @ Verdict::Altered(_)), _) => altered,
            (_, verdict) => verdict,
        });
    }
    Ok(all)
}

impl Desk {
    /// A desk for the session's bundles, working on `runtime`, which must have threads of its own.
    pub fn new(session: Arc<Session>, runtime: Handle) -> Self {
        Self { session, runtime, asked: 0, running: None, answers: channel(), verdict: None }
    }

    /// Begins to check the bundles against their own SHA256SUMS. It takes as long as reading all of them does.
    pub fn verify(&mut self) {
        let (outbox, inbox) = channel();
        let session = Arc::clone(&self.session);
        self.runtime.spawn_blocking(move || {
            // Where nobody listens any more nobody misses it.
            let _ = outbox.send(verdict(&session).map_err(|problem| problem.to_string()));
        });
        self.verdict = Some(inbox);
    }

    /// Whether something will come without a key.
    pub fn is_busy(&self) -> bool {
        self.running.is_some() || self.verdict.is_some()
    }

    /// What there is to ask, for completion.
    ///
    /// # Errors
    /// [`TuiError::Query`], a fault of this program.
    pub async fn relations(&self) -> Result<Vec<Relation>, TuiError> {
        let relations = self.session.relations().await?.into_iter().map(|relation| Relation {
            columns: relation.columns.into_iter().map(|column| column.name).collect(),
            name: relation.name,
        });
        Ok(relations.collect())
    }

    /// Takes what the state wants to ask, and gives it what has been answered. Never waits.
    pub fn serve(&mut self, state: &mut State) {
        match state.sql.take_ask() {
            Some(Ask::Run(sql)) => self.ask(sql),
            Some(Ask::Cancel) => self.cancel(),
            None => {}
        }
        if let Some(Ok(verdict)) = self.verdict.as_ref().map(Receiver::try_recv) {
            self.verdict = None;
            match verdict {
                Ok(verdict) => state.verdict = verdict,
                Err(problem) => state.notice = Some(problem),
            }
        }
        while let Ok((number, reply)) = self.answers.1.try_recv() {
            // An answer to a question that was stopped or replaced comes too late.
            if number == self.asked && state.sql.running {
                self.running = None;
                state.sql.answered(reply);
            }
        }
    }

    fn ask(&mut self, sql: String) {
        self.cancel();
        self.asked += 1;
        let (number, session, answers) = (self.asked, Arc::clone(&self.session), self.answers.0.clone());
        let task = self.runtime.spawn(async move {
            let began = Instant::now();
            let reply = answer(&session, &sql).await.map(|answer| Answer { took: began.elapsed(), ..answer });
            // Where nobody listens any more nobody misses it.
            let _ = answers.send((number, reply.map_err(|problem| problem.to_string())));
        });
        self.running = Some(task.abort_handle());
    }

    fn cancel(&mut self) {
        if let Some(running) = self.running.take() {
            running.abort();
        }
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        self.cancel();
    }
}

/// The first rows as texts, with the time of each, and how many there are. No more of them is held.
async fn answer(session: &Session, sql: &str) -> Result<Answer, QueryError> {
    let mut rows = session.rows(sql).await?;
    let schema = rows.schema();
    let columns = schema.fields().iter().map(|field| field.name().clone()).collect();
    let mut answer = Answer { columns, ..Answer::default() };
    let mut room = ANSWER_MAX_BYTES;
    while let Some(batch) = rows.next().await? {
        answer.total = answer.total.saturating_add(batch.num_rows());
        if answer.rows.len() < ROWS_MAX && room > 0 {
            keep(&mut answer, &batch, &mut room)?;
        }
    }
    Ok(answer)
}

/// Keeps the rows for which there is room.
fn keep(answer: &mut Answer, batch: &RecordBatch, room: &mut usize) -> Result<(), QueryError> {
    let schema = batch.schema();
    let options = FormatOptions::default().with_display_error(true).with_null("");
    let is_time = |at: &usize| matches!(schema.field(*at).data_type(), DataType::Timestamp(..));
    let times = (0..schema.fields().len()).filter(is_time);
    // `time` before any other.
    let time = times.min_by_key(|at| (schema.field(*at).name() != "time", *at));
    let as_times = DataType::Timestamp(TimeUnit::Nanosecond, Some("UTC".into()));
    let times = time.and_then(|at| cast(&cast(batch.column(at), &as_times).ok()?, &DataType::Int64).ok());
    let cells = batch.columns().iter().map(|column| ArrayFormatter::try_new(column, &options));
    let cells = cells.collect::<Result<Vec<_>, _>>().map_err(|reason| QueryError::Setup(reason.to_string()))?;
    for row in 0..batch.num_rows() {
        if answer.rows.len() >= ROWS_MAX || *room == 0 {
            break;
        }
        let text = |cell: &ArrayFormatter<'_>| {
            let mut text = cell.value(row).to_string();
            let end = text.floor_char_boundary(CELL_MAX_BYTES);
            if end < text.len() {
                text.truncate(end);
                text.push('\u{2026}');
                text.shrink_to_fit();
            }
            text
        };
        let row_texts: Vec<String> = cells.iter().map(text).collect();
        *room = room.saturating_sub(row_texts.iter().map(String::len).sum());
        answer.rows.push(row_texts);
        let times = times.as_ref().map(|times| times.as_primitive::<Int64Type>());
        answer.times.push(times.filter(|times| times.is_valid(row)).map(|times| times.value(row)));
    }
    Ok(())
}
