//! The files of one lane, oldest first: appended to, pinned, let go, found missing; and what was let go.

use super::file::{self, RingFile, Summary, summary};
use super::kept::Kept;
use super::sync::Unsynced;
use super::{Pin, Reach, RingError};
use std::collections::VecDeque;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{io, mem};
use taffrail_trace::clock::BootNs;
use taffrail_trace::event::{Class, Gap, GapCause};
use taffrail_trace::segment::Head;

/// A lane's files are this part of its budget each, so that letting one go keeps most of the history.
const FILES_PER_BUDGET: u64 = 8;
/// And no longer than this, so that a full disk costs no more of it than it must.
const FILE_MAX_BYTES: u64 = 4 << 20;

/// The files of one class of one container.
#[derive(Debug)]
pub struct Files {
    class: Class,
    dir: PathBuf,
    /// Of all of them that are made here.
    nonce: u64,
    all: VecDeque<Kept>,
    /// The number of the file that is made next.
    next: u64,
    let_go: Reach,
}

impl Files {
    /// None yet, in `dir`.
    pub fn new(class: Class, dir: &Path, nonce: u64) -> Self {
        Self { class, dir: dir.to_owned(), nonce, all: VecDeque::new(), next: 0, let_go: Reach::default() }
    }

    /// Where they are.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// What is in the name and every segment of each that is made here.
    pub fn nonce(&self) -> u64 {
        self.nonce
    }

    /// Takes over a file of an earlier recorder and shows the heads in it; gives number and name of its last segment. Files
    /// come in order.
    pub fn adopt(
        &mut self,
        number: u64,
        nonce: u64,
        path: &Path,
        each: &mut dyn FnMut(&Head),
    ) -> Result<Option<(u64, [u8; 32])>, RingError> {
        let file = RingFile::open(path, nonce)?;
        let holds = summary(&file, each)?;
        if self.all.is_empty() && holds.first_seq.is_some_and(|seq| seq > 0) {
            // An earlier recorder let go what was before.
            self.let_go.evicted_until_ns = holds.first_ns;
        }
        let last = holds.last;
        self.next = number.saturating_add(1);
        self.all.push_back(Kept::of(&file, holds));
        Ok(last)
    }

    /// Appends a segment that holds this, to the last file or a new one: all of them may take `budget`.
    pub fn append(&mut self, bytes: &[u8], holds: &Summary, budget: u64, pins: &[Pin]) -> Result<(), RingError> {
        let (kept, file) = self.current(budget, pins)?;
        file.append(bytes)?;
        kept.bytes = file.len();
        kept.unsynced = Some(file.inner());
        kept.holds.events += holds.events;
        kept.holds.first_ns = kept.holds.first_ns.or(holds.first_ns);
        kept.holds.last_ns = holds.last_ns.or(kept.holds.last_ns);
        Ok(())
    }

    /// The file to append to: a new one when there is none, or the last has its share.
    fn current(&mut self, budget: u64, pins: &[Pin]) -> Result<(&mut Kept, Arc<RingFile>), RingError> {
        let share = (budget / FILES_PER_BUDGET).min(FILE_MAX_BYTES);
        let takes_more = |kept: &Kept| kept.open.as_ref().is_some_and(|file| !file.is_torn() && file.len() < share);
        if !self.all.back().is_some_and(takes_more) {
            let path = self.dir.join(file::name(self.class, self.next, self.nonce));
            let file = Arc::new(RingFile::create(&path, self.nonce)?);
            self.next = self.next.saturating_add(1);
            for pin in pins {
                pin.add(&file);
            }
            self.close();
            self.all.push_back(Kept::new(&file));
        }
        let none = || RingError { path: PathBuf::new(), source: io::Error::other("no file") };
        let kept = self.all.back_mut().ok_or_else(none)?;
        let file = kept.open.clone().ok_or_else(none)?;
        Ok((kept, file))
    }

    /// Closes the file that was written to: what comes next goes into another.
    pub fn close(&mut self) {
        self.all.back_mut().into_iter().for_each(|kept| kept.open = None);
    }

    /// Lets the oldest file go; gives whether there was one.
    pub fn let_oldest_go(&mut self) -> bool {
        let Some(oldest) = self.all.pop_front() else { return false };
        if let Err(error) = fs::remove_file(&oldest.path) {
            tracing::warn!(path = %oldest.path.display(), %error, "old ring file cannot be removed");
        }
        self.let_go.evicted += oldest.holds.events;
        self.let_go.evicted_until_ns = oldest.holds.last_ns.or(self.let_go.evicted_until_ns);
        true
    }

    /// Bytes that letting the oldest file go would free on the disk: none where a pin holds it.
    pub fn oldest_bytes(&self) -> u64 {
        self.all.front().filter(|kept| !kept.is_pinned()).map_or(0, |kept| kept.bytes)
    }

    /// Puts every file into the pin. One that cannot be opened is a hole in what the pin's reader finds.
    pub fn pin(&mut self, pin: &Pin) {
        for kept in &mut self.all {
            match kept.handle() {
                Ok(file) => pin.add(&file),
                Err(error) => tracing::error!(%error, "a part of the history cannot be opened"),
            }
        }
    }

    /// Counts events that were never written.
    pub fn refused(&mut self, events: u64, from_ns: BootNs, to_ns: BootNs) {
        if events > 0 {
            let (from, to) = self.let_go.refused_ns.unwrap_or((from_ns, to_ns));
            self.let_go.refused_ns = Some((from.min(from_ns), to.max(to_ns)));
            self.let_go.refused += events;
        }
    }

    /// What was written since the last call, to be made durable.
    pub fn unsynced(&mut self) -> Vec<Unsynced> {
        self.all.iter_mut().filter_map(Kept::unsynced).collect()
    }

    /// Notices that somebody removed the file that is written to, and says what went with it and others.
    pub fn missing(&mut self) -> Option<Gap> {
        let open = self.all.back()?.open.as_ref()?;
        if !open.is_unlinked() {
            return None;
        }
        let (kept, missing): (VecDeque<_>, VecDeque<_>) =
            mem::take(&mut self.all).into_iter().partition(|kept| fs::exists(&kept.path).unwrap_or(true));
        self.all = kept;
        let lost = missing.iter().map(|kept| kept.holds.events).sum();
        self.let_go.damaged += lost;
        let from_ns = missing.iter().filter_map(|kept| kept.holds.first_ns).min()?;
        let to_ns = missing.iter().filter_map(|kept| kept.holds.last_ns).max()?;
        Some(Gap { class: self.class, cause: GapCause::Damaged, lost: Some(lost), from_ns, to_ns, own: true })
    }

    /// How far they reach: what is in them, and what was let go.
    pub fn reach(&self) -> Reach {
        Reach {
            events: self.all.iter().map(|kept| kept.holds.events).sum(),
            bytes: self.bytes(),
            oldest_ns: self.all.iter().find_map(|kept| kept.holds.first_ns),
            newest_ns: self.all.iter().rev().find_map(|kept| kept.holds.last_ns),
            ..self.let_go
        }
    }

    /// Bytes of the files that hold anything of the time from `from_ns` on.
    pub fn bytes_from(&self, from_ns: BootNs) -> u64 {
        let within = self.all.iter().filter(|kept| kept.holds.last_ns.is_none_or(|last_ns| last_ns >= from_ns));
        within.map(|kept| kept.bytes).sum()
    }

    /// Bytes of all of them.
    pub fn bytes(&self) -> u64 {
        self.all.iter().map(|kept| kept.bytes).sum()
    }
}
