//! One class of one container: the open batch, the files, and what was let go.

use super::file::{self, RingFile, Summary, summary};
use super::sync::Unsynced;
use super::{Pin, Reach, RingError};
use crate::enrich::processes::Known;
use std::collections::{HashMap, VecDeque};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};
use std::{io, mem};
use taffrail_trace::clock::{Anchor, BootNs};
use taffrail_trace::event::{Body, Class, Event, Gap, GapCause};
use taffrail_trace::ids::{ContainerKey, ExecId};
use taffrail_trace::segment::{self, Content, Framed, Label};

/// A batch of this many events is written at once.
const BATCH_EVENTS: usize = 4096;
/// So is one of about this many bytes, or of this part of a small budget: a segment must be small beside it, whatever is
/// in it.
const BATCH_BYTES: u64 = 256 << 10;
const BATCHES_PER_BUDGET: u64 = 8;
/// A lane's files are this part of its budget each, so that letting one go keeps most of the history.
const FILES_PER_BUDGET: u64 = 8;
/// And no longer than this, so that a full disk costs no more of it than it must.
const FILE_MAX_BYTES: u64 = 4 << 20;

/// One class of one container.
#[derive(Debug)]
pub struct Lane {
    class: Class,
    key: ContainerKey,
    dir: PathBuf,
    /// What its files may take together.
    budget: u64,
    batch: Vec<Event>,
    waiting_bytes: u64,
    named: HashMap<ExecId, Arc<Known>>,
    opened_ns: BootNs,
    files: VecDeque<Kept>,
    next_file: u64,
    next_seq: u64,
    previous: [u8; 32],
    /// Of all files that this lane makes.
    nonce: u64,
    let_go: Reach,
}

/// A file on disk. It is open only while somebody needs it: a host has many containers, and they many files.
#[derive(Debug)]
struct Kept {
    path: PathBuf,
    nonce: u64,
    bytes: u64,
    holds: Summary,
    /// The last file of a lane takes what is written next.
    open: Option<Arc<RingFile>>,
    /// Whoever has it open, a pin as well.
    held: Weak<RingFile>,
    /// Written to since it was last made durable.
    unsynced: Option<Arc<File>>,
    is_new: bool,
}

impl Kept {
    fn of(file: RingFile, nonce: u64, holds: Summary) -> Self {
        Self {
            path: file.path().to_owned(),
            nonce,
            bytes: file.len(),
            holds,
            open: None,
            held: Weak::new(),
            unsynced: None,
            is_new: false,
        }
    }

    /// The file, opened again where nobody has it open.
    fn handle(&mut self) -> Result<Arc<RingFile>, RingError> {
        if let Some(file) = self.held.upgrade() {
            return Ok(file);
        }
        let file = Arc::new(RingFile::open(&self.path, self.nonce)?);
        self.held = Arc::downgrade(&file);
        Ok(file)
    }

    fn is_pinned(&self) -> bool {
        self.held.strong_count() > usize::from(self.open.is_some())
    }
}

impl Lane {
    /// An empty lane in `dir`.
    pub fn new(class: Class, key: ContainerKey, dir: &Path) -> Self {
        Self {
            class,
            key,
            dir: dir.to_owned(),
            budget: 0,
            batch: Vec::new(),
            waiting_bytes: 0,
            named: HashMap::new(),
            opened_ns: 0,
            files: VecDeque::new(),
            next_file: 0,
            next_seq: 0,
            previous: [0; 32],
            nonce: file::new_nonce(),
            let_go: Reach::default(),
        }
    }

    /// Its files may take so much from the next flush on.
    pub fn limit(&mut self, budget: u64) {
        self.budget = budget;
    }

    /// Takes over a file of an earlier recorder. Files come in order; the chain goes on behind the last.
    pub fn adopt(&mut self, number: u64, nonce: u64, path: &Path) -> Result<(), RingError> {
        let file = RingFile::open(path, nonce)?;
        let holds = summary(&file)?;
        if let Some((seq, sha256)) = holds.last {
            self.next_seq = seq.saturating_add(1);
            self.previous = sha256;
        }
        self.next_file = number.saturating_add(1);
        self.files.push_back(Kept::of(file, nonce, holds));
        Ok(())
    }

    /// Takes an event; true when the batch is full.
    pub fn append(&mut self, event: Event, named: Option<&Arc<Known>>) -> bool {
        if self.batch.is_empty() {
            self.opened_ns = event.time_ns;
        }
        let mut next = named;
        while let Some(known) = next {
            if self.named.insert(known.image.exec_id, Arc::clone(known)).is_some() {
                break;
            }
            next = known.parent.as_ref();
        }
        self.waiting_bytes += weight(&event) as u64;
        self.batch.push(event);
        self.batch.len() >= BATCH_EVENTS || self.waiting_bytes >= BATCH_BYTES.min(self.budget / BATCHES_PER_BUDGET)
    }

    /// Writes the batch if its first event is older than `age_ns`, and keeps the budget. What cannot be written waits for
    /// another try, or for [`Lane::give_up`].
    pub fn flush(&mut self, now: Anchor, age_ns: u64, pins: &[Pin]) -> Result<(), RingError> {
        if !self.batch.is_empty() && now.boot_ns.saturating_sub(self.opened_ns) >= age_ns {
            self.batch.sort_by_key(|event| event.time_ns);
            while !self.batch.is_empty() {
                self.write_first(now, pins)?;
            }
            self.forget_batch();
        }
        self.evict(self.budget);
        Ok(())
    }

    /// Counts the batch as refused: there is no place for it.
    pub fn give_up(&mut self) {
        self.let_go.refused += self.batch.len() as u64;
        self.forget_batch();
    }

    fn forget_batch(&mut self) {
        self.batch.clear();
        self.named.clear();
        self.waiting_bytes = 0;
    }

    /// Writes as many of the batch's first events as one segment within the budget can hold.
    fn write_first(&mut self, now: Anchor, pins: &[Pin]) -> Result<(), RingError> {
        let mut live: Vec<_> = self.named.values().map(|known| known.image.clone()).collect();
        live.sort_by_key(|image| (image.time_ns, image.exec_id));
        let mut content = Content { live, events: mem::take(&mut self.batch) };
        let mut rest = Vec::new();
        let framed = loop {
            let framed = self.pack(&content, now);
            match &framed {
                // Half of it may fit. One event that does not is refused; letting go of everything for it would help
                // nobody.
                Ok(framed) if framed.bytes.len() as u64 > self.budget && content.events.len() > 1 => {
                    let mut half = content.events.split_off(content.events.len() / 2);
                    half.append(&mut rest);
                    rest = half;
                }
                _ => break framed,
            }
        };
        let holds = Summary {
            events: content.events.len() as u64,
            first_ns: content.events.first().map(|event| event.time_ns),
            last_ns: content.events.last().map(|event| event.time_ns),
            last: None,
        };
        let written = framed.and_then(|framed| self.write(&framed, &holds, pins));
        self.batch = if written.is_ok() { Vec::new() } else { content.events };
        self.batch.append(&mut rest);
        written
    }

    fn pack(&self, content: &Content, now: Anchor) -> Result<Framed, RingError> {
        let label = Label {
            class: self.class,
            seq: self.next_seq,
            anchor: now,
            container: self.key,
            nonce: self.nonce,
            previous: self.previous,
        };
        segment::encode(&label, content)
            .map_err(|error| RingError { path: self.dir.clone(), source: io::Error::other(error) })
    }

    fn write(&mut self, framed: &Framed, holds: &Summary, pins: &[Pin]) -> Result<(), RingError> {
        if framed.bytes.len() as u64 > self.budget {
            let source = io::Error::other("one event is larger than the budget");
            return Err(RingError { path: self.dir.clone(), source });
        }
        self.evict(self.budget - framed.bytes.len() as u64);
        let (kept, file) = self.current(pins)?;
        file.append(&framed.bytes)?;
        kept.bytes = file.len();
        kept.unsynced = Some(file.inner());
        kept.holds.events += holds.events;
        kept.holds.first_ns = kept.holds.first_ns.or(holds.first_ns);
        kept.holds.last_ns = holds.last_ns.or(kept.holds.last_ns);
        self.next_seq = self.next_seq.saturating_add(1);
        self.previous = framed.sha256;
        Ok(())
    }

    /// The file to append to: a new one when there is none, or the last has its share.
    fn current(&mut self, pins: &[Pin]) -> Result<(&mut Kept, Arc<RingFile>), RingError> {
        let share = (self.budget / FILES_PER_BUDGET).min(FILE_MAX_BYTES);
        let takes_more = |kept: &Kept| kept.open.as_ref().is_some_and(|file| !file.is_torn() && file.len() < share);
        if !self.files.back().is_some_and(takes_more) {
            let path = self.dir.join(file::name(self.class, self.next_file, self.nonce));
            let file = match RingFile::create(&path, self.nonce) {
                // Somebody took the directory away.
                Err(error) if error.source.kind() == io::ErrorKind::NotFound => {
                    fs::create_dir_all(&self.dir).map_err(RingError::at(&self.dir))?;
                    RingFile::create(&path, self.nonce)?
                }
                file => file?,
            };
            self.next_file = self.next_file.saturating_add(1);
            let file = Arc::new(file);
            for pin in pins {
                pin.add(&file);
            }
            self.close();
            let holds = Summary::default();
            let held = Arc::downgrade(&file);
            let nonce = self.nonce;
            self.files.push_back(Kept {
                path,
                nonce,
                bytes: 0,
                holds,
                open: Some(file),
                held,
                unsynced: None,
                is_new: true,
            });
        }
        let none = || RingError { path: PathBuf::new(), source: io::Error::other("no file") };
        let kept = self.files.back_mut().ok_or_else(none)?;
        let file = kept.open.clone().ok_or_else(none)?;
        Ok((kept, file))
    }

    /// Whether nothing waits to be written.
    pub fn is_idle(&self) -> bool {
        self.batch.is_empty()
    }

    /// Closes the file that was written to: what comes next goes into another.
    pub fn close(&mut self) {
        self.files.back_mut().into_iter().for_each(|kept| kept.open = None);
    }

    /// Lets the oldest files go until the rest fits into `budget`.
    fn evict(&mut self, budget: u64) {
        while self.bytes() > budget && self.let_oldest_go() {}
    }

    /// Lets the oldest file go; gives whether there was one.
    pub fn let_oldest_go(&mut self) -> bool {
        let Some(oldest) = self.files.pop_front() else { return false };
        if let Err(error) = fs::remove_file(&oldest.path) {
            tracing::warn!(path = %oldest.path.display(), %error, "old ring file cannot be removed");
        }
        self.let_go.evicted += oldest.holds.events;
        self.let_go.evicted_until_ns = oldest.holds.last_ns.or(self.let_go.evicted_until_ns);
        true
    }

    /// Bytes that letting the oldest file go would free on the disk: none where a pin holds it.
    pub fn oldest_bytes(&self) -> u64 {
        self.files.front().filter(|kept| !kept.is_pinned()).map_or(0, |kept| kept.bytes)
    }

    /// Puts every file into the pin. One that cannot be opened is a hole in what the pin's reader finds.
    pub fn pin(&mut self, pin: &Pin) {
        for kept in &mut self.files {
            match kept.handle() {
                Ok(file) => pin.add(&file),
                Err(error) => tracing::error!(%error, "a part of the history cannot be opened"),
            }
        }
    }

    /// What was written since the last call, to be made durable.
    pub fn unsynced(&mut self) -> impl Iterator<Item = Unsynced> {
        self.files.iter_mut().filter_map(|kept| {
            let file = kept.unsynced.take()?;
            Some(Unsynced { file, path: kept.path.clone(), is_new: mem::take(&mut kept.is_new) })
        })
    }

    /// Notices that somebody removed the file that is written to, and says what went with it and others.
    pub fn missing(&mut self) -> Option<Gap> {
        let open = self.files.back()?.open.as_ref()?;
        if !open.is_unlinked() {
            return None;
        }
        let (kept, missing): (VecDeque<_>, VecDeque<_>) =
            mem::take(&mut self.files).into_iter().partition(|kept| fs::exists(&kept.path).unwrap_or(true));
        self.files = kept;
        let lost = missing.iter().map(|kept| kept.holds.events).sum();
        self.let_go.damaged += lost;
        let from_ns = missing.iter().filter_map(|kept| kept.holds.first_ns).min()?;
        let to_ns = missing.iter().filter_map(|kept| kept.holds.last_ns).max()?;
        Some(Gap { class: self.class, cause: GapCause::Damaged, lost: Some(lost), from_ns, to_ns, own: true })
    }

    /// How far it reaches.
    pub fn reach(&self) -> Reach {
        Reach {
            events: self.files.iter().map(|kept| kept.holds.events).sum(),
            bytes: self.bytes(),
            oldest_ns: self.files.iter().find_map(|kept| kept.holds.first_ns),
            ..self.let_go
        }
    }

    fn bytes(&self) -> u64 {
        self.files.iter().map(|kept| kept.bytes).sum()
    }
}

/// About how many bytes an event takes in a segment before it is packed. A program's texts stand there twice: as the
/// event, and as an image that lives.
fn weight(event: &Event) -> usize {
    const FIXED_BYTES: usize = 64;
    FIXED_BYTES
        + match &event.body {
            Body::Image(image) => {
                let texts = image.args.iter().chain(&image.environment);
                2 * texts.map(|text| text.len() + 8).sum::<usize>() + image.exe.len() + image.cwd.len()
            }
            Body::Terminal(terminal) => terminal.data.len(),
            Body::Io(io) => io.path.len(),
            Body::Lifecycle(moment) => moment.cgroup_path.len(),
            Body::File(file) => file.path.len() + file.new_path.as_ref().map_or(0, String::len),
            _ => 0,
        }
}
