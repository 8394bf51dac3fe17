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
use taffrail_query::arrow::array::RecordBatch;
use taffrail_query::{Bundle, Session};
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

/// Reads the bundles of the session into one recording: on one time line, where there are several.
///
/// # Errors
/// [`TuiError`] where two are of one container and the same time, one is too large, or a table cannot be read.
pub async fn load(session: &Session) -> Result<State, TuiError> {
    load_telling(session, |_, _, _| {}).await
}

/// [`load`], which calls `tell` with each table before it is read, its number, and how many there are.
///
/// # Errors
/// As [`load`].
pub async fn load_telling(
    session: &Session,
    mut tell: impl FnMut(&'static str, usize, usize),
) -> Result<State, TuiError> {
    let tables = READERS.len() + 1;
    let manifests: Vec<&Manifest> = session.bundles().iter().map(Bundle::manifest).collect();
    let Some(about) = about_all(&manifests)? else { return Err(TuiError::NoBundle) };
    let containers: Vec<&str> = manifests.iter().map(|manifest| manifest.container.id.as_str()).collect();
    let mut draft = Draft::new(about);
    tell("process", 1, tables);
    for batch in read(session, "process").await? {
        images::read(&mut draft, &Batch::new("process", &batch), &containers)?;
    }
    let mut rows = draft.link_images();
    for (number, (table, read_rows)) in (2..).zip(READERS) {
        tell(table, number, tables);
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

/// Who, when, where and why of all bundles: why is what the first trigger says.
fn about_all(manifests: &[&Manifest]) -> Result<Option<About>, TuiError> {
    let each: Vec<About> = manifests.iter().map(|manifest| about(manifest)).collect();
    for (at, (one, manifest)) in each.iter().zip(manifests).enumerate() {
        let overlaps = |(other, of): (&About, &&Manifest)| {
            of.container.id == manifest.container.id && other.from <= one.to && one.from <= other.to
        };
        if each.iter().zip(manifests).skip(at + 1).any(overlaps) {
            return Err(TuiError::Overlap(one.container.clone()));
        }
    }
    let Some(first) = each.iter().min_by_key(|about| about.trigger) else { return Ok(None) };
    let all = |of: fn(&About) -> &String| {
        let mut words: Vec<&str> = Vec::new();
        for about in &each {
            if !words.contains(&of(about).as_str()) {
                words.push(of(about));
            }
        }
        (words.join(" + "), words.len())
    };
    let (container, _) = all(|about| &about.container);
    let (host, _) = all(|about| &about.host);
    let mut ids: Vec<&str> = manifests.iter().map(|manifest| manifest.container.id.as_str()).collect();
    ids.sort_unstable();
    ids.dedup();
    Ok(Some(About {
        container,
        containers: ids.len(),
        host,
        from: each.iter().map(|about| about.from).min().unwrap_or(first.from),
        to: each.iter().map(|about| about.to).max().unwrap_or(first.to),
        ..first.clone()
    }))
}

fn about(manifest: &Manifest) -> About {
    let clock = &manifest.clock;
    let container = &manifest.container;
    About {
        container: container.name.clone(),
        containers: 1,
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
