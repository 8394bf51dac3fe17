//! The ring: every container's rolling history on disk, in two classes.
//!
//! Laws:
//! 1. A container's files never take more than its budget, the file being written included.
//! 2. Inside it, vital events have a share that bulk events cannot take, and bulk the rest.
//! 3. What was appended is on disk after the flush age at the latest, or the process is dead.
//! 4. Files are only appended to and removed whole, oldest first. A file that a pin holds stays readable by the pin
//!    when its name is gone.
//! 5. A full disk takes the oldest bulk first, of whoever has most, and vital history last. Recording goes on.
//! 6. What is removed is counted: segments' event counts add up to appended minus evicted.
//! 7. A segment names every actor in it: it carries the images its events refer to, with their ancestors.
//!
//! ```text
//! <state>/ring/<container key>/container.json, recorded-by.json
//!                             /vital-00000000.ring     segments one after another, see taffrail_trace::segment
//!                             /bulk-00000000.ring
//!
//! ring     (this file)  all containers: budgets, flushing, pins
//! history               one container: two lanes and its description
//! lane                  one class of it: open batch -> segment -> file, eviction
//! file                  one file of segments: append, scan
//! disk                  histories as they lie there, without a recorder
//! ```
//!
//! Not here: what triggers, and what a pin is read for.

mod disk;
mod file;
mod history;
mod lane;

pub use disk::{OnDisk, histories};
pub use file::{RingFile, read_segments};
pub use history::{History, RecordedBy};

use crate::enrich::processes::Known;
use crate::host;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{fs, io};
use taffrail_trace::clock::{Anchor, BootNs};
use taffrail_trace::container::Container;
use taffrail_trace::event::{Class, Event};
use taffrail_trace::ids::ContainerKey;

/// The ring's place below the state directory.
const DIR: &str = "ring";

/// Budgets of the ring.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    /// For all containers together.
    pub total_bytes: u64,
    /// For each at least.
    pub floor_bytes: u64,
    /// The vital share, in percent.
    pub vital_percent: u64,
}

/// An I/O error with its path.
#[derive(Debug, thiserror::Error)]
#[error("{}: {source}", path.display())]
pub struct RingError {
    /// The file or directory.
    pub path: PathBuf,
    /// What the system said.
    pub source: io::Error,
}

impl RingError {
    /// Whether there is no room on the disk, or no more of it for us.
    pub fn is_disk_full(&self) -> bool {
        matches!(self.source.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
    }

    fn at(path: &Path) -> impl Fn(io::Error) -> Self + '_ {
        |source| Self { path: path.to_owned(), source }
    }
}

/// All histories.
#[derive(Debug)]
pub struct Ring {
    dir: PathBuf,
    budget: Budget,
    recorded_by: Option<RecordedBy>,
    full_ns: Option<BootNs>,
    histories: HashMap<ContainerKey, History>,
}

impl Ring {
    /// Opens the ring below `state_dir` and takes over the histories that are there.
    ///
    /// # Errors
    /// Where the directory cannot be made or listed. A history that cannot be read is left alone and said.
    pub fn open(state_dir: &Path, budget: Budget) -> Result<(Self, Vec<Container>), RingError> {
        let dir = state_dir.join(DIR);
        fs::create_dir_all(&dir).map_err(RingError::at(&dir))?;
        let mut histories = HashMap::new();
        let mut containers = Vec::new();
        for entry in fs::read_dir(&dir).map_err(RingError::at(&dir))? {
            let path = entry.map_err(RingError::at(&dir))?.path();
            match History::open(&path) {
                Ok((container, history)) => {
                    histories.insert(container.key, history);
                    containers.push(container);
                }
                Err(error) => tracing::warn!(path = %path.display(), %error, "history cannot be read, left alone"),
            }
        }
        Ok((Self { dir, budget, recorded_by: None, full_ns: None, histories }, containers))
    }

    /// Says who records: written down beside the histories of this boot, and every one that is described from now on.
    pub fn recorded_by(&mut self, who: RecordedBy) {
        for key in self.histories.keys() {
            let path = self.dir.join(key.to_string());
            let is_ours = RecordedBy::read(&path).is_ok_and(|before| before.host.boot_id == who.host.boot_id);
            if is_ours && let Err(error) = who.write(&path) {
                tracing::warn!(%error, "who records a history could not be written down");
            }
        }
        self.recorded_by = Some(who);
    }

    /// Writes down what is known of a container, now or later bound.
    ///
    /// # Errors
    /// Where its directory or description cannot be written, even when bulk history made room on a full disk.
    pub fn describe(&mut self, container: &Container) -> Result<(), RingError> {
        loop {
            match self.try_describe(container) {
                Err(error) if error.is_disk_full() && self.free_disk(Class::Vital) => {}
                result => return result,
            }
        }
    }

    fn try_describe(&mut self, container: &Container) -> Result<(), RingError> {
        let path = self.dir.join(container.key.to_string());
        let new = match self.histories.contains_key(&container.key) {
            true => None,
            false => Some(History::create(&path, container.key)?),
        };
        history::describe(&path, container)?;
        self.histories.extend(new.map(|history| (container.key, history)));
        self.recorded_by.iter().try_for_each(|who| who.write(&path))
    }

    /// Appends an event. `named` is the actor's image: it and its ancestors travel in the same segment.
    ///
    /// # Errors
    /// Where a full batch cannot be written.
    pub fn append(
        &mut self,
        key: ContainerKey,
        event: Event,
        named: Option<&Arc<Known>>,
        now: Anchor,
    ) -> Result<(), RingError> {
        let Some(history) = self.histories.get_mut(&key) else { return Ok(()) };
        if history.append(event, named) {
            return self.flush_one(key, now, None);
        }
        Ok(())
    }

    /// Writes every batch older than `age_ns`, and keeps the budgets.
    ///
    /// # Errors
    /// The first write that fails; the other batches are still tried.
    pub fn flush(&mut self, now: Anchor, age_ns: u64) -> Result<(), RingError> {
        let keys: Vec<ContainerKey> = self.histories.keys().copied().collect();
        let mut result = Ok(());
        for key in keys {
            result = result.and(self.flush_one(key, now, Some(age_ns)));
        }
        result
    }

    /// Writes what one container has waiting.
    ///
    /// # Errors
    /// Where that cannot be written. The batch is then counted as refused.
    pub fn flush_one(&mut self, key: ContainerKey, now: Anchor, age_ns: Option<u64>) -> Result<(), RingError> {
        let (share, percent) = (self.share(), self.budget.vital_percent);
        let mut result = Ok(());
        for class in Class::ALL {
            let budget = lane_budget(class, share, percent);
            while let Some(history) = self.histories.get_mut(&key) {
                match history.flush(class, now, age_ns.unwrap_or(0), budget) {
                    Ok(()) => break,
                    Err(error) if error.is_disk_full() && self.free_disk(class) => {}
                    Err(error) => {
                        self.histories.get_mut(&key).into_iter().for_each(|history| history.lane(class).give_up());
                        result = result.and(Err(error));
                        break;
                    }
                }
            }
        }
        result
    }

    /// The disk is full: lets the oldest bulk of the container that has the most of it go. Vital history goes only for
    /// vital events, and only where there is no bulk. Gives whether that freed anything.
    fn free_disk(&mut self, wanted: Class) -> bool {
        self.full_ns = Some(host::boot_now());
        let may_go: &[Class] = if wanted == Class::Vital { &[Class::Bulk, Class::Vital] } else { &[Class::Bulk] };
        for &class in may_go {
            let candidates = self.histories.values_mut().filter(|history| history.oldest_bytes(class) > 0);
            if let Some(history) = candidates.max_by_key(|history| history.reach(class).bytes) {
                tracing::debug!(class = class.as_str(), "the disk is full");
                history.lane(class).let_oldest_go();
                return true;
            }
        }
        false
    }

    /// When the disk was last found full.
    pub fn full_ns(&self) -> Option<BootNs> {
        self.full_ns
    }

    /// Removes stopped histories, longest silent first, while all together are over the total. Gives their keys.
    pub fn make_room(&mut self, stopped: &dyn Fn(ContainerKey) -> bool) -> Vec<ContainerKey> {
        let mut removed = Vec::new();
        while self.histories.values().map(History::bytes).sum::<u64>() > self.budget.total_bytes {
            let silent = self.histories.iter().filter(|(key, history)| stopped(**key) && !history.is_pinned());
            let Some(key) = silent.min_by_key(|(_, history)| history.newest_ns()).map(|(key, _)| *key) else { break };
            self.histories.remove(&key);
            let dir = self.dir.join(key.to_string());
            if let Err(error) = fs::remove_dir_all(&dir) {
                tracing::warn!(path = %dir.display(), %error, "old history cannot be removed");
            }
            removed.push(key);
        }
        removed
    }

    /// Holds everything that `key` has on disk, and what it writes from now on, until the pin is dropped.
    pub fn pin(&mut self, key: ContainerKey) -> Option<Pin> {
        self.histories.get_mut(&key).map(History::pin)
    }

    /// One container's history.
    pub fn history(&self, key: ContainerKey) -> Option<&History> {
        self.histories.get(&key)
    }

    /// Every history.
    pub fn histories(&self) -> impl Iterator<Item = (ContainerKey, &History)> {
        self.histories.iter().map(|(key, history)| (*key, history))
    }

    /// What one container may use now.
    pub fn share(&self) -> u64 {
        let count = self.histories.len().max(1) as u64;
        (self.budget.total_bytes / count).max(self.budget.floor_bytes)
    }
}

/// Files of a history that stay readable, whatever the ring lets go.
#[derive(Clone, Debug, Default)]
pub struct Pin {
    files: Arc<std::sync::Mutex<Vec<Arc<RingFile>>>>,
}

impl Pin {
    fn add(&self, file: &Arc<RingFile>) {
        self.lock().push(Arc::clone(file));
    }

    /// The files pinned so far.
    pub fn files(&self) -> Vec<Arc<RingFile>> {
        self.lock().clone()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Arc<RingFile>>> {
        // A list of handles is right whatever a panicking thread did: it is only ever pushed to.
        self.files.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// How far one class of a history reaches, and what was let go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reach {
    /// Events on disk.
    pub events: u64,
    /// Bytes on disk.
    pub bytes: u64,
    /// Time of the oldest event on disk.
    pub oldest_ns: Option<BootNs>,
    /// Events that the ring aged out.
    pub evicted: u64,
    /// Time of the newest event that the ring aged out.
    pub evicted_until_ns: Option<BootNs>,
    /// Events that could not be written.
    pub refused: u64,
}

/// The vital share of `share`, or the rest.
fn lane_budget(class: Class, share: u64, vital_percent: u64) -> u64 {
    let vital = share * vital_percent / 100;
    match class {
        Class::Vital => vital,
        Class::Bulk => share - vital,
    }
}
