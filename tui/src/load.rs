//! A bundle's tables to a [`State`], once.
//!
//! Read from the tables, not from the view `timeline`, because the detail shows every column. Any value of a hostile
//! bundle may be NULL: texts are empty then, numbers 0, and a row without a time stands at the window's beginning.

mod calls;
mod columns;
mod files;
mod flows;
mod images;
mod records;

use crate::error::TuiError;
use crate::state::State;
use crate::state::draft::{Draft, Rows};
use crate::state::recording::About;
use columns::Batch;
use taffrail_query::Session;
use taffrail_query::arrow::array::RecordBatch;
use taffrail_trace::manifest::Manifest;

/// The most rows of one table: about half a gigabyte, and hours of the busiest container.
const ROWS_MAX: u64 = 4 << 20;

type Reader = fn(&mut Rows, &Batch<'_>) -> Result<(), TuiError>;

/// Who reads which table, but for `process`, which comes first, and `syscall`, which is for SQL: a container at level
/// `full` makes more calls in a second than a person reads in a day.
const READERS: [(&str, Reader); 9] = [
    ("file", files::read),
    ("network", flows::flows),
    ("dns", flows::messages),
    ("privilege", calls::privileges),
    ("kernel", calls::kernel),
    ("terminal", calls::terminal),
    ("lifecycle", records::moments),
    ("finding", records::findings),
    ("gap", records::gaps),
];

/// Reads the one bundle of the session.
///
/// # Errors
/// [`TuiError`] where there is not exactly one, it is too large, or its tables cannot be read.
pub async fn load(session: &Session) -> Result<State, TuiError> {
    let [bundle] = session.bundles() else {
        return Err(TuiError::OneBundle(session.bundles().len()));
    };
    let manifest = bundle.manifest();
    let mut draft = Draft::new(about(manifest));
    for batch in read(session, "process").await? {
        images::read(&mut draft, &Batch::new("process", &batch), &manifest.container.id)?;
    }
    let mut rows = draft.link_images();
    for (table, read_rows) in READERS {
        for batch in read(session, table).await? {
            read_rows(&mut rows, &Batch::new(table, &batch))?;
        }
    }
    Ok(State::new(rows.finish()))
}

/// All rows of a table. They are sorted here later, so the engine need not.
async fn read(session: &Session, table: &'static str) -> Result<Vec<RecordBatch>, TuiError> {
    let count = session.sql(&format!("SELECT count(*) AS rows FROM {table}")).await?;
    let rows = match count.first() {
        Some(batch) => Batch::new(table, batch).u64("rows")?.get(0).unwrap_or(0),
        None => 0,
    };
    if rows > ROWS_MAX {
        return Err(TuiError::TooLarge { table, rows, max: ROWS_MAX });
    }
    Ok(session.sql(&format!("SELECT * FROM {table}")).await?)
}

fn about(manifest: &Manifest) -> About {
    let clock = &manifest.clock;
    let container = &manifest.container;
    About {
        container: container.name.clone(),
        image: container.image.clone(),
        runtime: container.runtime.as_str().to_owned(),
        host: manifest.host.hostname.clone(),
        rule: manifest.trigger.rule.clone(),
        severity: manifest.trigger.severity,
        reason: manifest.trigger.reason.clone(),
        trigger: clock.utc(manifest.trigger.time_ns),
        from: clock.utc(manifest.window.from_ns),
        to: clock.utc(manifest.window.to_ns),
    }
}
