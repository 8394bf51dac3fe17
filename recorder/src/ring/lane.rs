//! One class of one container: the open batch, the files, and what was let go.

use super::file::{self, RingFile, Summary, summary};
use super::{Pin, Reach, RingError};
use crate::enrich::processes::Known;
use std::collections::{HashMap, VecDeque};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use taffrail_trace::clock::{Anchor, BootNs};
use taffrail_trace::event::{Body, Class, Event};
use taffrail_trace::ids::{ContainerKey, ExecId};
use taffrail_trace::segment::{self, Content, Label};

/// A batch of this many events is written at once.
const BATCH_EVENTS: usize = 4096;
/// So is one of about this many bytes: a segment must be small beside the smallest budget, whatever is in it.
const BATCH_BYTES: usize = 256 << 10;
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
    batch: Vec<Event>,
    waiting_bytes: usize,
    named: HashMap<ExecId, Arc<Known>>,
    opened_ns: BootNs,
    files: VecDeque<Kept>,
    next_file: u64,
    next_seq: u64,
    previous: [u8; 32],
    /// Of all files that this lane makes.
    nonce: u64,
    writable: bool,
    let_go: Reach,
}

#[derive(Debug)]
struct Kept {
    file: Arc<RingFile>,
    holds: Summary,
}

impl Lane {
    /// An empty lane in `dir`.
    pub fn new(class: Class, key: ContainerKey, dir: &Path) -> Self {
        Self {
            class,
            key,
            dir: dir.to_owned(),
            batch: Vec::new(),
            waiting_bytes: 0,
            named: HashMap::new(),
            opened_ns: 0,
            files: VecDeque::new(),
            next_file: 0,
            next_seq: 0,
            previous: [0; 32],
            nonce: file::new_nonce(),
            writable: false,
            let_go: Reach::default(),
        }
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
        self.files.push_back(Kept { file: Arc::new(file), holds });
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
        self.waiting_bytes += weight(&event);
        self.batch.push(event);
        self.batch.len() >= BATCH_EVENTS || self.waiting_bytes >= BATCH_BYTES
    }

    /// Writes the batch if its first event is older than `age_ns`, and keeps the budget. A batch that cannot be written
    /// waits for another try, or for [`Lane::give_up`].
    pub fn flush(&mut self, now: Anchor, age_ns: u64, budget: u64, pins: &[Pin]) -> Result<(), RingError> {
        if !self.batch.is_empty() && now.boot_ns.saturating_sub(self.opened_ns) >= age_ns {
            self.write(now, budget, pins)?;
            self.forget_batch();
        }
        self.evict(budget);
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

    fn write(&mut self, now: Anchor, budget: u64, pins: &[Pin]) -> Result<(), RingError> {
        self.batch.sort_by_key(|event| event.time_ns);
        let mut live: Vec<_> = self.named.values().map(|known| known.image.clone()).collect();
        live.sort_by_key(|image| (image.time_ns, image.exec_id));
        let content = Content { live, events: std::mem::take(&mut self.batch) };
        let label = Label {
            class: self.class,
            seq: self.next_seq,
            anchor: now,
            container: self.key,
            nonce: self.nonce,
            previous: self.previous,
        };
        let framed = segment::encode(&label, &content);
        let (first, last) = (content.events.first().map(|e| e.time_ns), content.events.last().map(|e| e.time_ns));
        let events = content.events.len() as u64;
        self.batch = content.events;
        let framed =
            framed.map_err(|error| RingError { path: self.dir.clone(), source: std::io::Error::other(error) })?;

        // A segment that the whole budget cannot hold is refused; letting go of everything for it would help nobody.
        if framed.bytes.len() as u64 > budget {
            let source = std::io::Error::other("one segment is larger than the budget");
            return Err(RingError { path: self.dir.clone(), source });
        }
        self.evict(budget - framed.bytes.len() as u64);
        let kept = self.current(budget, pins)?;
        kept.file.append(&framed.bytes)?;
        kept.holds.events += events;
        kept.holds.first_ns = kept.holds.first_ns.or(first);
        kept.holds.last_ns = last.or(kept.holds.last_ns);
        self.next_seq = self.next_seq.saturating_add(1);
        self.previous = framed.sha256;
        Ok(())
    }

    /// The file to append to: a new one when there is none, or the last has its share.
    fn current(&mut self, budget: u64, pins: &[Pin]) -> Result<&mut Kept, RingError> {
        let full = self.files.back().is_none_or(|kept| {
            kept.file.is_torn() || kept.file.len() >= (budget / FILES_PER_BUDGET).min(FILE_MAX_BYTES)
        });
        if full || !self.writable {
            let name = file::name(self.class, self.next_file, self.nonce);
            let file = Arc::new(RingFile::create(&self.dir.join(name), self.nonce)?);
            for pin in pins {
                pin.add(&file);
            }
            self.next_file = self.next_file.saturating_add(1);
            self.writable = true;
            self.files.push_back(Kept { file, holds: Summary::default() });
        }
        let path = &self.dir;
        self.files.back_mut().ok_or_else(|| RingError { path: path.clone(), source: std::io::Error::other("no file") })
    }

    /// Lets the oldest files go until the rest fits into `budget`.
    fn evict(&mut self, budget: u64) {
        while self.bytes() > budget && self.let_oldest_go() {}
    }

    /// Lets the oldest file go; gives whether there was one.
    pub fn let_oldest_go(&mut self) -> bool {
        let Some(oldest) = self.files.pop_front() else { return false };
        if self.files.is_empty() {
            self.writable = false;
        }
        if let Err(error) = fs::remove_file(oldest.file.path()) {
            tracing::warn!(path = %oldest.file.path().display(), %error, "old ring file cannot be removed");
        }
        self.let_go.evicted += oldest.holds.events;
        self.let_go.evicted_until_ns = oldest.holds.last_ns.or(self.let_go.evicted_until_ns);
        true
    }

    /// Bytes that letting the oldest file go would free on the disk: none where a pin holds it.
    pub fn oldest_bytes(&self) -> u64 {
        self.files.front().filter(|kept| Arc::strong_count(&kept.file) == 1).map_or(0, |kept| kept.file.len())
    }

    /// Puts every file into the pin.
    pub fn pin(&self, pin: &Pin) {
        for kept in &self.files {
            pin.add(&kept.file);
        }
    }

    /// Makes what was written durable.
    pub fn sync(&self) -> Result<(), RingError> {
        self.files.back().filter(|_| self.writable).map_or(Ok(()), |kept| kept.file.sync())
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

    /// Time of the newest event on disk.
    pub fn newest_ns(&self) -> Option<BootNs> {
        self.files.iter().rev().find_map(|kept| kept.holds.last_ns)
    }

    fn bytes(&self) -> u64 {
        self.files.iter().map(|kept| kept.file.len()).sum()
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
            Body::File(file) => file.path.len() + file.new_path.as_ref().map_or(0, String::len),
            _ => 0,
        }
}
