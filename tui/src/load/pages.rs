//! Where the rows of each page are, and the reading of them.
//!
//! Tables are sorted by time, so a page is a range of rows of each table: those between two moments. Only times are read
//! to find them. What stands elsewhere than its row's time (ends of flows, gaps) is kept as a list of its own.

use super::columns::{Batch, widened};
use super::{READERS, Reads};
use crate::error::TuiError;
use crate::state::draft::{Ground, Rows, Stretch};
use crate::state::recording::{About, Recording, Time};
use crate::state::{Cuts, Reader, State};
use std::ops::Range;
use std::sync::Arc;
use taffrail_query::Bundle;
use taffrail_trace::bundle::Sheet;
use taffrail_trace::schema::{FINDING, GAP, NETWORK, Table};

/// The most events of one moment: they are one page, and read together.
const MOMENT_MAX: usize = 128 << 10;
/// The most rows whose times are looked at: 16 bytes each while pages are found.
const ROWS_MAX: usize = 64 << 20;
/// The most findings, and the most gaps: they are in memory together.
const BASE_MAX: usize = 1 << 20;

/// The tables of some bundles, and where their pages are.
#[derive(Debug)]
struct Pages {
    ground: Arc<Ground>,
    /// With the window as wide as all events.
    about: About,
    sources: Vec<Source>,
    /// The times at which pages begin.
    firsts: Vec<Time>,
}

/// One table of one bundle.
struct Source {
    table: &'static Table,
    reads: Reads,
    sheet: Sheet,
    /// The row at which each page begins, and at last their number. Empty where rows are in no order: then all are read.
    starts: Vec<u32>,
    /// When flows ended, in order, with their rows.
    ends: Vec<(Time, u32)>,
}

impl std::fmt::Debug for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Source").field("table", &self.table.name).finish_non_exhaustive()
    }
}

/// Opens the tables: as one page where that is small, else as pages that are read when they are looked at.
///
/// # Errors
/// [`TuiError`] where a table cannot be read, has more rows than replay takes, or has them in no order.
pub fn open(bundles: &[Bundle], ground: Arc<Ground>, whole: usize, page: usize) -> Result<State, TuiError> {
    let mut sources = Vec::new();
    for (table, reads) in READERS {
        for bundle in bundles {
            if let Some(sheet) = bundle.sheet(&table.member())? {
                sources.push(Source { table, reads, sheet, starts: Vec::new(), ends: Vec::new() });
            }
        }
    }
    let all = sources.iter().fold(0, |sum: usize, source| sum.saturating_add(source.sheet.rows()));
    let mut pages = Pages { about: ground.about.clone(), ground, sources, firsts: Vec::new() };
    if all <= whole {
        return Ok(State::new(pages.rows(Stretch::default(), None)?));
    }
    bounded("all tables", all, ROWS_MAX)?;
    let cuts = pages.cut(page.max(1))?;
    let mut base = pages.base()?;
    base.about = pages.about.clone();
    Ok(State::paged(base, Arc::new(cuts), Arc::new(pages)))
}

/// Refuses more rows than are taken.
pub fn bounded(what: &'static str, rows: usize, max: usize) -> Result<(), TuiError> {
    if rows <= max { Ok(()) } else { Err(TuiError::TooLarge { what, rows: rows as u64, max: max as u64 }) }
}

impl Pages {
    /// Finds where pages begin.
    fn cut(&mut self, page: usize) -> Result<Cuts, TuiError> {
        let about = self.about.clone();
        let mut all: Vec<Time> = self.ground.times().collect();
        let mut times: Vec<Vec<Time>> = Vec::with_capacity(self.sources.len());
        for source in &mut self.sources {
            let own = source.times(&about)?;
            if !own.is_sorted() {
                return Err(TuiError::Disorder { table: source.table.name });
            }
            all.extend(&own);
            all.extend(source.ends.iter().map(|(end, _)| *end));
            times.push(own);
        }
        // Sorted stretches one after the other: this sort finds them.
        all.sort();
        self.about.widen(all.first().copied().zip(all.last().copied()));
        let mut cuts = Cuts::default();
        cuts.see(&all);
        let mut at = 0;
        while at < all.len() {
            cuts.firsts.push(all[at]);
            cuts.starts.push(at as u32);
            // A moment is on one page.
            let next = (at + page).min(all.len());
            at = next + all[next..].partition_point(|time| next > 0 && *time == all[next - 1]);
            bounded("one moment", at - cuts.starts.last().map_or(0, |start| *start as usize), MOMENT_MAX)?;
        }
        cuts.starts.push(all.len() as u32);
        for (source, times) in self.sources.iter_mut().zip(times) {
            let begin = |first: &Time| times.partition_point(|time| time < first) as u32;
            source.starts = cuts.firsts.iter().map(begin).chain([times.len() as u32]).collect();
        }
        self.firsts.clone_from(&cuts.firsts);
        Ok(cuts)
    }

    /// The images, findings and gaps.
    fn base(&self) -> Result<Recording, TuiError> {
        let mut rows = Rows::on(Arc::clone(&self.ground), Stretch::default());
        for source in self.sources.iter().filter(|source| [FINDING.name, GAP.name].contains(&source.table.name)) {
            bounded(source.table.name, source.sheet.rows(), BASE_MAX)?;
            source.read(&mut rows, &[0..source.sheet.rows()])?;
        }
        Ok(rows.finish())
    }

    /// The events of a stretch: of some pages, or of everything.
    fn rows(&self, stretch: Stretch, pages: Option<Range<usize>>) -> Result<Recording, TuiError> {
        let mut rows = Rows::on(Arc::clone(&self.ground), stretch);
        for source in &self.sources {
            source.read(&mut rows, &source.ranges(pages.as_ref(), stretch))?;
        }
        Ok(rows.finish())
    }
}

impl Reader for Pages {
    fn read(&self, pages: Range<usize>) -> Result<Arc<Recording>, String> {
        let from = self.firsts.get(pages.start).copied().filter(|_| pages.start > 0);
        let stretch = Stretch { from, to: self.firsts.get(pages.end).copied() };
        let mut recording = self.rows(stretch, Some(pages)).map_err(|problem| problem.to_string())?;
        recording.about = self.about.clone();
        Ok(Arc::new(recording))
    }
}

impl Source {
    /// When each row is an event; the ends of flows are kept.
    fn times(&mut self, about: &About) -> Result<Vec<Time>, TuiError> {
        let (is_flow, is_gap) = (self.table.name == NETWORK.name, self.table.name == GAP.name);
        let columns: &[&str] = match (is_flow, is_gap) {
            (true, _) => &["time", "end_time", "result"],
            (_, true) => &["from_time"],
            _ => &["time"],
        };
        let mut times = Vec::with_capacity(self.sheet.rows());
        let mut ends = Vec::new();
        self.sheet.each_batch(&[0..self.sheet.rows()], Some(columns), &mut |batch| {
            let batch = Batch::new(self.table.name, &batch);
            if is_gap {
                let from = batch.time("from_time")?;
                times.extend((0..batch.rows()).map(|row| about.placed_gap(from.get(row).unwrap_or(Time::MIN))));
                return Ok::<_, TuiError>(());
            }
            let first = times.len();
            let time = batch.time("time")?;
            times.extend((0..batch.rows()).map(|row| about.placed(time.get(row), is_flow)));
            if is_flow {
                let (end, result) = (batch.time("end_time")?, batch.i32("result")?);
                let ended = |row: usize| {
                    Some((end.get(row)?, (first + row) as u32)).filter(|_| result.get(row).unwrap_or(0) == 0)
                };
                ends.extend((0..batch.rows()).filter_map(ended));
            }
            Ok(())
        })?;
        ends.sort_unstable();
        self.ends = ends;
        Ok(times)
    }

    /// The rows that have events on these pages, or all.
    fn ranges(&self, pages: Option<&Range<usize>>, stretch: Stretch) -> Vec<Range<usize>> {
        let start = |page: usize| self.starts.get(page).or(self.starts.last()).map(|row| *row as usize);
        let range = pages.and_then(|pages| Some(start(pages.start)?..start(pages.end)?));
        let Some(range) = range else { return std::iter::once(0..self.sheet.rows()).collect() };
        let from = self.ends.partition_point(|(end, _)| stretch.from.is_some_and(|from| *end < from));
        let to = self.ends.partition_point(|(end, _)| stretch.to.is_none_or(|to| *end < to));
        let ended = self.ends.get(from..to).unwrap_or_default().iter().map(|(_, row)| *row as usize);
        let mut elsewhere: Vec<usize> = ended.filter(|row| !range.contains(row)).collect();
        elsewhere.sort_unstable();
        let mut ranges: Vec<Range<usize>> = Vec::new();
        let one_by_one = elsewhere.iter().map(|row| *row..row + 1);
        let before = elsewhere.partition_point(|row| *row < range.start);
        let mut all: Vec<Range<usize>> = one_by_one.collect();
        all.insert(before, range);
        for next in all {
            match ranges.last_mut() {
                Some(last) if last.end == next.start => last.end = next.end,
                _ => ranges.push(next),
            }
        }
        ranges
    }

    fn read(&self, rows: &mut Rows, ranges: &[Range<usize>]) -> Result<(), TuiError> {
        self.sheet.each_batch(ranges, None, &mut |batch| {
            (self.reads)(rows, &Batch::new(self.table.name, &widened(self.table, &batch)?))
        })
    }
}
