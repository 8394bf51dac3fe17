//! Tables back to events: the way of [`crate::assemble`] in the other direction.
//!
//! Who asks rules about evidence, or learns from it, wants what the recorder saw: one event after the other, and the
//! images they name. Images are held in memory, everything else passes by, a batch of each table at a time.
//!
//! What tables do not keep does not come back: the later moments of a flow but its end, an executable's change time,
//! contents of files (`Digest`), names of servers. A flow's port is the one it had in the end. Findings and gaps are left
//! where they are: they are what a recorder says, not what it saw.
//!
//! A bundle is hostile input. A column of another type is an error with its name, a word that nobody writes makes the
//! row one that is passed over and counted.

mod columns;
mod images;
mod rows;
mod words;

use crate::bundle::{Batches, Bundle, OpenError};
use crate::clock::BootNs;
use crate::event::{Event, Image};
use crate::ids::ExecId;
use crate::schema::{self, PROCESS};
use arrow_array::RecordBatch;
use columns::Columns;
use rows::Ground;
use std::collections::{HashMap, VecDeque};

/// Rows that are turned into events at once.
const BATCH_ROWS: usize = 1024;

/// Why evidence cannot be turned into events.
#[derive(Debug, thiserror::Error)]
pub enum RecallError {
    /// A table is no Parquet, or damaged.
    #[error(transparent)]
    Table(#[from] OpenError),
    /// A column has not the type that the format gives it.
    #[error("column {table}.{column} is missing or of another type")]
    Column {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
    },
}

/// The events of a bundle by time, those of one moment in the order of its tables.
#[derive(Debug)]
pub struct Recall {
    images: HashMap<ExecId, Image>,
    /// Where images came to be and ended, by time.
    lives: VecDeque<Event>,
    tables: Vec<Table>,
    ground: Ground,
}

/// One table on its way.
struct Table {
    spec: &'static schema::Table,
    rows: Batches,
    next: VecDeque<Event>,
}

impl std::fmt::Debug for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Table").field("name", &self.spec.name).finish_non_exhaustive()
    }
}

impl Recall {
    /// Reads the images of a bundle; its events follow one by one.
    ///
    /// # Errors
    /// [`RecallError`] where a table cannot be read.
    pub fn of(bundle: &Bundle) -> Result<Self, RecallError> {
        let ground = Ground::of(bundle.manifest());
        let (mut images, mut lives) = (HashMap::new(), Vec::new());
        if let Some(mut table) = Table::open(bundle, &PROCESS)? {
            while let Some(batch) = table.batch()? {
                images::read(&Columns::new(&PROCESS, &batch), &ground, &mut images, &mut lives)?;
            }
        }
        lives.sort_by_key(|event| event.time_ns);
        let mut tables = Vec::new();
        for spec in rows::TABLES {
            tables.extend(Table::open(bundle, spec)?);
        }
        Ok(Self { images, lives: lives.into(), tables, ground })
    }

    /// The image with this identity.
    pub fn image(&self, exec_id: ExecId) -> Option<&Image> {
        self.images.get(&exec_id)
    }

    /// The image that made an image's process.
    pub fn parent(&self, image: &Image) -> Option<&Image> {
        image.parent_exec_id.and_then(|id| self.image(id)).filter(|parent| parent.exec_id != image.exec_id)
    }

    /// The next event; `None` when all were told.
    ///
    /// # Errors
    /// [`RecallError`] where a table cannot be read any further.
    pub fn next_event(&mut self) -> Result<Option<Event>, RecallError> {
        let mut earliest: Option<(BootNs, usize)> = None;
        for at in 0..self.tables.len() {
            let table = &mut self.tables[at];
            while table.next.is_empty() {
                let Some(batch) = table.batch()? else { break };
                rows::read(&Columns::new(table.spec, &batch), &mut self.ground, &mut table.next)?;
            }
            if let Some(event) = table.next.front()
                && earliest.is_none_or(|(time_ns, _)| event.time_ns < time_ns)
            {
                earliest = Some((event.time_ns, at));
            }
        }
        let life_ns = self.lives.front().map(|event| event.time_ns);
        match (life_ns, earliest) {
            // A program runs before it does something.
            (Some(life_ns), Some((time_ns, _))) if life_ns <= time_ns => Ok(self.lives.pop_front()),
            (_, Some((_, at))) => Ok(self.tables[at].next.pop_front()),
            (_, None) => Ok(self.lives.pop_front()),
        }
    }

    /// Rows that were passed over, since nobody who writes this format writes such.
    pub fn passed_over(&self) -> u64 {
        self.ground.passed_over
    }
}

impl Table {
    fn open(bundle: &Bundle, spec: &'static schema::Table) -> Result<Option<Self>, RecallError> {
        let name = spec.member();
        if !bundle.members().contains_key(&name) {
            return Ok(None);
        }
        Ok(Some(Self { spec, rows: bundle.batches(&name, usize::MAX, BATCH_ROWS)?, next: VecDeque::new() }))
    }

    fn batch(&mut self) -> Result<Option<RecordBatch>, RecallError> {
        Ok(self.rows.next().transpose()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Body, FlowPhase};
    use crate::fixture;

    /// What the tables keep of an event; `None` where they keep it in another place or not at all.
    fn kept(mut event: Event, story: &[Event]) -> Option<Event> {
        match &mut event.body {
            Body::Image(image) => {
                image.exe_file.iter_mut().for_each(|file| (file.bytes, file.ctime_ns) = (0, 0));
            }
            Body::Flow(flow) if flow.phase == FlowPhase::Begin => {
                // The port that it had in the end.
                let port = story.iter().rev().find_map(|event| match &event.body {
                    Body::Flow(later) if later.flow_id == flow.flow_id && later.local.port != 0 => {
                        Some(later.local.port)
                    }
                    _ => None,
                });
                (flow.local.port, flow.result) = (port.unwrap_or(0), 0);
            }
            Body::Privilege(call) => {
                if let Some(credentials) = &mut call.credentials {
                    let (euid, permitted, effective) = (credentials.euid, credentials.permitted, credentials.effective);
                    *credentials = crate::event::Credentials { euid, permitted, effective, ..Default::default() };
                }
            }
            Body::Flow(_) | Body::ServerName(_) | Body::Digest(_) | Body::Finding(_) | Body::Gap(_) => return None,
            _ => {}
        }
        Some(event)
    }

    #[test]
    fn what_was_written_as_rows_comes_back_as_the_events_it_was() {
        let dir = tempfile::tempdir().expect("tempdir");
        let bundle = Bundle::open(&fixture::write_incident(dir.path())).expect("a bundle");
        let window = bundle.manifest().window;
        let mut recall = Recall::of(&bundle).expect("its images");
        let mut told = Vec::new();
        while let Some(event) = recall.next_event().expect("an event") {
            told.push(event);
        }
        assert_eq!(recall.passed_over(), 0);
        assert!(told.is_sorted_by_key(|event| event.time_ns));
        let story = fixture::events();
        let id = &bundle.manifest().container.id;
        let ours = |event: &Event| match &event.body {
            Body::Image(image) => image.container_id == *id,
            _ => true,
        };
        let expected: Vec<Event> = story
            .iter()
            .filter(|event| (window.from_ns..=window.to_ns).contains(&event.time_ns) && ours(event))
            .filter_map(|event| kept(event.clone(), &story))
            .collect();
        for event in &expected {
            assert!(
                told.contains(event),
                "missing: {event:#?}\nlike it: {:#?}",
                told.iter().find(|it| it.time_ns == event.time_ns)
            );
        }
        let more: Vec<_> = told.iter().filter(|event| !expected.contains(event)).collect();
        assert!(more.is_empty(), "nobody saw {more:#?}");
        let shell = told.iter().find_map(|event| match &event.body {
            Body::Image(image) if matches!(image.stdio[0], crate::event::Stdio::Inet { .. }) => Some(image),
            _ => None,
        });
        let shell = shell.expect("the shell");
        assert!(recall.parent(shell).is_some_and(|parent| Some(parent.exec_id) == shell.parent_exec_id));
    }

    #[test]
    fn a_table_that_is_none_is_an_error_with_its_name() {
        let dir = tempfile::tempdir().expect("tempdir");
        let path = fixture::write_incident(dir.path());
        let file = *Bundle::open(&path).expect("a bundle").members().get("events/file.parquet").expect("it has files");
        let mut bytes = std::fs::read(&path).expect("read");
        let end = usize::try_from(file.offset + file.len).expect("small");
        bytes[end - 40..end].fill(0xff);
        std::fs::write(&path, bytes).expect("written");
        let problem = Recall::of(&Bundle::open(&path).expect("still a ZIP")).expect_err("no Parquet");
        assert!(problem.to_string().contains("events/file.parquet"), "{problem}");
    }
}
