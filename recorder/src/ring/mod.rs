//! The ring: every container's rolling history on disk, in two classes.
//!
//! Laws:
//! 1. A container's files never take more than its budget, the file being written included, and all budgets together no
//!    more than the total.
//! 2. Inside it, vital events have a share that bulk events cannot take, and bulk the rest.
//! 3. What was appended is with the kernel, in a segment or in a tail, after the flush age at the latest, or the process
//!    is dead; it is on the disk after the sync age, or the power is gone.
//! 4. Files are only appended to and removed whole, oldest first. A file that a pin holds stays readable by the pin
//!    when its name is gone.
//! 5. A full disk takes the oldest bulk first, of whoever has most, and vital history last. Recording goes on.
//! 6. What is removed is counted: what was appended is waiting, on disk, evicted, refused or damaged.
//! 7. A segment names every actor in it: it carries the images its events refer to, with their ancestors.
//!
//! ```text
//! <state>/ring/<container key>/container.json, recorded-by.json
//!                             /vital-<number>-<nonce>.ring     segments one after another, see taffrail_trace::segment
//!                             /bulk-<number>-<nonce>.ring
//!                             /bulk-<number>-<nonce>.tail      what waits for the segment of that number
//!
//! ring     (this file)  all containers: flushing, pins, a full disk
//! budget                what each may use
//! history               one container: two lanes and its description
//! lane                  one class of it: open batch -> segment, tail
//! files                 the files of a lane: appended to, let go, pinned, missing
//! tail                  the open batch on disk, as long as it is open
//! file, kept            one file of segments: append, scan; what a lane knows of it
//! pin                   files that stay readable when the ring lets them go
//! sync                  a thread that makes files durable
//! disk                  histories as they lie there, without a recorder
//! ```
//!
//! Not here: what triggers, and what a pin is read for.

mod budget;
mod disk;
mod file;
mod files;
mod history;
mod kept;
mod lane;
mod pin;
mod sync;
mod tail;

pub use crate::enrich::processes::Known;
pub use budget::Budget;
pub use disk::{Before, OnDisk, Sequence, histories};
pub use file::{RingFile, find_segments, read_segments};
pub use history::{History, RecordedBy};
pub use pin::Pin;
pub use tail::Waiting;

use crate::host;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{fs, io};
use sync::{Syncer, Unsynced};
use taffrail_trace::clock::{Anchor, BootNs};
use taffrail_trace::container::Container;
use taffrail_trace::event::{Class, Event, Gap};
use taffrail_trace::ids::ContainerKey;

/// Events that may wait in memory for their segments, of all containers together: some 50 MiB.
const WAITING_MAX: usize = 100_000;
/// The ring's place below the state directory.
const DIR: &str = "ring";

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
    /// None where each segment is made durable as it is written.
    syncer: Option<Syncer>,
    /// What the syncer had no time for.
    behind: Vec<Unsynced>,
    ranks: u64,
}

impl Ring {
    /// Opens the ring below `state_dir` and takes over the histories that are there, as those of stopped containers.
    /// With `sync_at_once` a segment is durable before the next event is taken.
    ///
    /// # Errors
    /// Where the directory cannot be made or listed, or no thread be started. A history that cannot be read is left
    /// alone and said.
    pub fn open(state_dir: &Path, budget: Budget, sync_at_once: bool) -> Result<(Self, Vec<Container>), RingError> {
        let dir = state_dir.join(DIR);
        fs::create_dir_all(&dir).map_err(RingError::at(&dir))?;
        let syncer = if sync_at_once { None } else { Some(Syncer::start().map_err(RingError::at(&dir))?) };
        let histories = HashMap::new();
        let mut ring =
            Self { dir, budget, recorded_by: None, full_ns: None, histories, syncer, behind: Vec::new(), ranks: 0 };
        let mut containers = Vec::new();
        for entry in fs::read_dir(&ring.dir).map_err(RingError::at(&ring.dir))? {
            let path = entry.map_err(RingError::at(&ring.dir))?.path();
            match History::open(&path) {
                Ok((container, mut history)) => {
                    let percent = ring.budget.vital_percent;
                    history.limit(history.budget_to_hold(percent).max(ring.budget.floor_bytes), percent);
                    history.stopped_ns = Some(ago(history::age_ns(&path)));
                    ring.histories.insert(container.key, history);
                    containers.push(container);
                }
                Err(error) => tracing::warn!(path = %path.display(), %error, "history cannot be read, left alone"),
            }
        }
        ring.settle();
        // What an earlier recorder left waiting becomes segments now; where there is no room for that it goes on waiting.
        if let Err(error) = ring.write_all(host::anchor()) {
            tracing::error!(%error, "what waited for its segment could not be written");
        }
        Ok((ring, containers))
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
        if !self.histories.contains_key(&container.key) {
            self.histories.insert(container.key, History::create(&path, container.key)?);
            self.runs(container.key);
        }
        // Somebody may have taken the directory away.
        fs::create_dir_all(&path).map_err(RingError::at(&path))?;
        history::describe(&path, container)?;
        self.recorded_by.iter().try_for_each(|who| who.write(&path))
    }

    /// A container runs: its history grows, within a share that it and the others now have.
    pub fn runs(&mut self, key: ContainerKey) {
        if let Some(history) = self.histories.get_mut(&key).filter(|it| it.is_stopped() || it.rank == 0) {
            self.ranks += 1;
            history.rank = self.ranks;
            history.stopped_ns = None;
            self.settle();
        }
    }

    /// A container stopped: its history stays as it is, for as long as the budget says.
    pub fn stopped(&mut self, key: ContainerKey) {
        if let Some(history) = self.histories.get_mut(&key).filter(|history| !history.is_stopped()) {
            history.stopped_ns = Some(ago(0));
            self.settle();
        }
    }

    /// Gives everybody who runs a share of what those who stopped leave.
    fn settle(&mut self) {
        let stopped = self.stopped_bytes();
        let mut running: Vec<&mut History> = self.histories.values_mut().filter(|it| !it.is_stopped()).collect();
        running.sort_by_key(|history| history.rank);
        let shares = self.budget.shares(running.len(), stopped);
        for (history, share) in running.into_iter().zip(shares) {
            history.limit(share, self.budget.vital_percent);
        }
    }

    fn stopped_bytes(&self) -> u64 {
        self.histories.values().filter(|history| history.is_stopped()).map(History::bytes).sum()
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
        let class = event.body.class();
        if history.append(event, named) {
            return self.with_room(key, class, now, &|history| history.write(class, now));
        }
        Ok(())
    }

    /// Sees to it that whatever waits longer than `age_ns` is written down, and keeps the budgets.
    ///
    /// # Errors
    /// The first write that fails; the others are still tried.
    pub fn flush(&mut self, now: Anchor, age_ns: u64) -> Result<(), RingError> {
        let keys: Vec<ContainerKey> = self.histories.keys().copied().collect();
        let mut result = Ok(());
        for key in keys {
            result = result.and(self.each_class(key, now, &|history, class| history.flush(class, now, age_ns)));
        }
        if self.waiting() > WAITING_MAX {
            result = result.and(self.write_all(now));
            self.refuse_above(WAITING_MAX / 2, now);
        }
        result
    }

    fn waiting(&self) -> usize {
        self.histories
            .values()
            .map(|history| Class::ALL.map(|class| history.waiting(class)).iter().sum::<usize>())
            .sum()
    }

    /// Counts as refused what cannot be written and is too much for memory, bulk events first, of whoever has most.
    fn refuse_above(&mut self, limit: usize, now: Anchor) {
        for class in [Class::Bulk, Class::Vital] {
            while self.waiting() > limit {
                let most = self.histories.values_mut().max_by_key(|history| history.waiting(class));
                let Some(history) = most.filter(|history| history.waiting(class) > 0) else { break };
                history.lane(class).refuse(now);
            }
        }
    }

    /// Writes what waits as segments.
    ///
    /// # Errors
    /// The first write that fails; the others are still tried.
    pub fn write_all(&mut self, now: Anchor) -> Result<(), RingError> {
        let keys: Vec<ContainerKey> = self.histories.keys().copied().collect();
        keys.into_iter().fold(Ok(()), |result, key| result.and(self.write(key, now)))
    }

    /// Writes what one container has waiting as segments.
    ///
    /// # Errors
    /// Where that cannot be written. It stays in memory, unless there is too much of it.
    pub fn write(&mut self, key: ContainerKey, now: Anchor) -> Result<(), RingError> {
        self.each_class(key, now, &|history, class| history.write(class, now))
    }

    fn each_class(
        &mut self,
        key: ContainerKey,
        now: Anchor,
        act: &dyn Fn(&mut History, Class) -> Result<(), RingError>,
    ) -> Result<(), RingError> {
        let mut result = Ok(());
        for class in Class::ALL {
            result = result.and(self.with_room(key, class, now, &|history| act(history, class)));
        }
        result
    }

    /// Writes something of a history's class: on a full disk again and again, while anything can go for it.
    fn with_room(
        &mut self,
        key: ContainerKey,
        class: Class,
        now: Anchor,
        act: &dyn Fn(&mut History) -> Result<(), RingError>,
    ) -> Result<(), RingError> {
        while let Some(history) = self.histories.get_mut(&key) {
            match act(history) {
                Ok(()) => break,
                Err(error) if error.is_disk_full() && self.free_disk(class) => {}
                Err(error) => {
                    self.histories.get_mut(&key).into_iter().for_each(|history| history.lane(class).give_up(now));
                    return Err(error);
                }
            }
        }
        if self.syncer.is_none() {
            self.histories.get_mut(&key).into_iter().for_each(|history| sync::sync_all(&history.unsynced()));
        }
        Ok(())
    }

    /// Has what was written made durable, without waiting for it.
    pub fn sync(&mut self) {
        let Some(syncer) = &self.syncer else { return };
        // A file that waits already waits once.
        let places: HashMap<PathBuf, usize> =
            self.behind.iter().enumerate().map(|(at, behind)| (behind.path.clone(), at)).collect();
        for unsynced in self.histories.values_mut().flat_map(History::unsynced) {
            match places.get(&unsynced.path) {
                Some(at) => self.behind[*at].merge(unsynced),
                None => self.behind.push(unsynced),
            }
        }
        if !self.behind.is_empty()
            && let Err(files) = syncer.order(std::mem::take(&mut self.behind))
        {
            self.behind = files;
        }
    }

    /// Makes everything written durable, and waits for it.
    pub fn sync_all(&mut self) {
        self.behind.extend(self.histories.values_mut().flat_map(History::unsynced));
        sync::sync_all(&std::mem::take(&mut self.behind));
    }

    /// Notices what somebody removed from the ring's directory: the container has to be described again, and the gaps
    /// belong into its history.
    pub fn missing(&mut self) -> Vec<(ContainerKey, Vec<Gap>)> {
        let look = |(key, history): (&ContainerKey, &mut History)| {
            history.rest();
            let gaps = history.missing();
            let is_described = history::is_described(&self.dir.join(key.to_string()));
            (!gaps.is_empty() || !is_described).then_some((*key, gaps))
        };
        self.histories.iter_mut().filter_map(look).collect()
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
                history.lane(class).files.let_oldest_go();
                return true;
            }
        }
        false
    }

    /// When the disk was last found full.
    pub fn full_ns(&self) -> Option<BootNs> {
        self.full_ns
    }

    /// Removes histories of stopped containers whose time is over, and, longest stopped first, while they take what
    /// running ones should have. Gives their keys.
    pub fn make_room(&mut self) -> Vec<ContainerKey> {
        let over_ns = ago(u64::try_from(self.budget.keep.as_nanos()).unwrap_or(u64::MAX));
        let mut stopped: Vec<(i64, ContainerKey)> = self
            .histories
            .iter()
            .filter(|(_, it)| !it.is_pinned())
            .filter_map(|(key, it)| Some((it.stopped_ns?, *key)))
            .collect();
        stopped.sort_unstable();
        let mut removed = Vec::new();
        for (since_ns, key) in stopped {
            let running = self.histories.values().filter(|history| !history.is_stopped()).count();
            if since_ns > over_ns && !self.budget.is_crowded(running, self.stopped_bytes()) {
                break;
            }
            self.histories.remove(&key);
            let dir = self.dir.join(key.to_string());
            if let Err(error) = fs::remove_dir_all(&dir) {
                tracing::warn!(path = %dir.display(), %error, "old history cannot be removed");
            }
            removed.push(key);
        }
        if !removed.is_empty() {
            self.settle();
        }
        removed
    }

    /// Holds everything that `key` has on disk, and what it writes from now on, until the pin is dropped.
    pub fn pin(&mut self, key: ContainerKey) -> Option<Pin> {
        self.histories.get_mut(&key).map(History::pin)
    }

    /// What all histories together may use.
    pub fn total_bytes(&self) -> u64 {
        self.budget.total_bytes
    }

    /// How far the chains of all histories have come; see [`History::head`].
    pub fn heads(&self) -> impl Iterator<Item = (ContainerKey, Class, u64, [u8; 32])> {
        self.histories.iter().flat_map(|(key, history)| {
            let head = |class| history.head(class).map(|(seq, sha256)| (*key, class, seq, sha256));
            Class::ALL.into_iter().filter_map(head)
        })
    }

    /// One container's history.
    pub fn history(&self, key: ContainerKey) -> Option<&History> {
        self.histories.get(&key)
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
    /// Time of the newest event in segments on disk.
    pub newest_ns: Option<BootNs>,
    /// Events that could not be written.
    pub refused: u64,
    /// From when to when that was.
    pub refused_ns: Option<(BootNs, BootNs)>,
    /// Events on disk that somebody removed.
    pub damaged: u64,
}

/// Boot time so many nanoseconds ago; negative before this boot.
fn ago(ns: u64) -> i64 {
    let signed = |ns: u64| i64::try_from(ns).unwrap_or(i64::MAX);
    signed(host::boot_now()).saturating_sub(signed(ns))
}
