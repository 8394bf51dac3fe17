//! A bundle's tables to a [`State`]: images, findings and gaps at once, of the rest what is looked at.
//!
//! Read from the tables, not from the view `timeline`, because the detail shows every column. Any value of a hostile
//! bundle may be NULL: texts are empty then, numbers 0, and a row without a time stands at the window's beginning.

mod calls;
mod columns;
mod files;
mod flows;
mod images;
mod pages;
mod records;

use crate::error::TuiError;
use crate::state::State;
use crate::state::draft::{Draft, Rows};
use crate::state::recording::About;
use columns::Batch;
use std::sync::Arc;
use taffrail_query::{Bundle, Session};
use taffrail_trace::manifest::Manifest;
use taffrail_trace::schema::{
    DNS, FILE, FINDING, GAP, KERNEL, LIFECYCLE, NETWORK, PRIVILEGE, PROCESS, TERMINAL, Table,
};

/// The most images: those of days, and as much memory as a laptop has to spare.
const IMAGES_MAX: usize = 1 << 20;

/// So many rows are read at once and kept: then every filter is a matter of one frame. Above it rows have to be in order.
const WHOLE_MAX: usize = 128 << 10;
/// How many events a page has, where not more of them are of one moment.
const PAGE_EVENTS: usize = 4 << 10;

type Reads = fn(&mut Rows, &Batch<'_>) -> Result<(), TuiError>;

/// Who reads which table, but for `process`, which comes first, and `syscall`, which is for SQL: a container at level
/// `full` makes more calls in a second than a person reads in a day.
const READERS: [(&Table, Reads); 9] = [
    (&FILE, files::read),
    (&NETWORK, flows::flows),
    (&DNS, flows::messages),
    (&PRIVILEGE, calls::privileges),
    (&KERNEL, calls::kernel),
    (&TERMINAL, calls::terminal),
    (&LIFECYCLE, records::moments),
    (&FINDING, records::findings),
    (&GAP, records::gaps),
];

/// Opens the bundles of the session as one recording: on one time line, where there are several.
///
/// # Errors
/// [`TuiError`] where two are of one container and the same time, or a table cannot be read.
pub fn load(session: &Session) -> Result<State, TuiError> {
    load_cut(session, WHOLE_MAX, PAGE_EVENTS)
}

/// [`load`], where more events than `whole` stay in the bundles, and are read in pages of `page`, which is not 0.
///
/// # Errors
/// As [`load`].
pub fn load_cut(session: &Session, whole: usize, page: usize) -> Result<State, TuiError> {
    let manifests: Vec<&Manifest> = session.bundles().iter().map(Bundle::manifest).collect();
    let Some(about) = about_all(&manifests)? else { return Err(TuiError::NoBundle) };
    let containers: Vec<&str> = manifests.iter().map(|manifest| manifest.container.id.as_str()).collect();
    let mut draft = Draft::new(about);
    for bundle in session.bundles() {
        let Some(sheet) = bundle.sheet(&PROCESS.member())? else { continue };
        pages::bounded(PROCESS.name, sheet.rows(), IMAGES_MAX)?;
        sheet.each_batch(&[0..sheet.rows()], None, &mut |batch| {
            images::read(&mut draft, &Batch::new(PROCESS.name, &columns::widened(&PROCESS, &batch)?), &containers)
        })?;
    }
    pages::open(session.bundles(), Arc::new(draft.ground()), whole, page)
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
