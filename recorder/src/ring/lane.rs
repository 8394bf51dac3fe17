//! One class of one container: the open batch, and how it becomes segments and tails.

use super::file::{self, Summary};
use super::files::Files;
use super::sync::{self, Unsynced};
use super::tail::{Tail, Waiting};
use super::{Pin, Reach, RingError};
use crate::enrich::processes::Known;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{io, mem};
use taffrail_trace::clock::{Anchor, BootNs};
use taffrail_trace::event::{Body, Class, Event};
use taffrail_trace::ids::{ContainerKey, ExecId};
use taffrail_trace::segment::{self, Content, Framed, Head, Label};

/// A batch of this many events is written at once.
const BATCH_EVENTS: usize = 4096;
/// So is one of about this many bytes, or of this part of a small budget: a segment must be small beside it, whatever is
/// in it.
const BATCH_BYTES: u64 = 1 << 20;
const BATCHES_PER_BUDGET: u64 = 8;
/// A batch waits this long for more events. What is in it is in the lane's tail meanwhile.
const BATCH_NS: u64 = 60_000_000_000;
/// A tail is no longer than this part of the budget.
const TAILS_PER_BUDGET: u64 = 8;
/// One class of one container.
#[derive(Debug)]
pub struct Lane {
    class: Class,
    key: ContainerKey,
    /// What its files may take together.
    budget: u64,
    batch: Vec<Event>,
    waiting_bytes: u64,
    named: HashMap<ExecId, Arc<Known>>,
    /// Those of them that the tail does not name yet.
    fresh: Vec<Arc<Known>>,
    /// When the batch's first event came.
    opened_ns: BootNs,
    /// When the first event came that the tail does not have.
    untold_ns: BootNs,
    tail: Tail,
    /// The clocks of what was recovered, which can be those of an earlier boot.
    recovered_at: Option<Anchor>,
    /// Tails, and their bytes, beside the open one that alone tell some of the batch.
    owed: Vec<(PathBuf, u64)>,
    /// Those that go when what tells of them is durable.
    told: Vec<(PathBuf, u64)>,
    /// What is on disk.
    pub files: Files,
    next_seq: u64,
    /// The newest segment's number, where there is one, and its name.
    newest: Option<u64>,
    previous: [u8; 32],
}

impl Lane {
    /// An empty lane in `dir`.
    pub fn new(class: Class, key: ContainerKey, dir: &Path) -> Self {
        let nonce = file::new_nonce();
        Self {
            class,
            key,
            budget: 0,
            batch: Vec::new(),
            waiting_bytes: 0,
            named: HashMap::new(),
            fresh: Vec::new(),
            opened_ns: 0,
            untold_ns: 0,
            tail: Tail::new(dir, class, nonce),
            recovered_at: None,
            owed: Vec::new(),
            told: Vec::new(),
            files: Files::new(class, dir, nonce),
            next_seq: 0,
            newest: None,
            previous: [0; 32],
        }
    }

    /// Its files may take so much from the next flush on.
    pub fn limit(&mut self, budget: u64) {
        self.budget = budget;
    }

    /// Takes over a file of an earlier recorder and shows the heads in it. Files come in order; the chain goes on behind
    /// the last.
    pub fn adopt(
        &mut self,
        number: u64,
        nonce: u64,
        path: &Path,
        each: &mut dyn FnMut(&Head),
    ) -> Result<(), RingError> {
        if let Some((seq, sha256)) = self.files.adopt(number, nonce, path, each)? {
            self.next_seq = seq.saturating_add(1);
            self.newest = Some(seq);
            self.previous = sha256;
        }
        Ok(())
    }

    /// Number and name of the newest segment, which may be gone from the disk by now.
    pub fn head(&self) -> Option<(u64, [u8; 32])> {
        self.newest.map(|seq| (seq, self.previous))
    }

    /// Takes an event; true when the batch is full.
    pub fn append(&mut self, event: Event, named: Option<&Arc<Known>>) -> bool {
        if self.batch.is_empty() {
            self.opened_ns = event.time_ns;
        }
        if self.batch.len() == self.tail.events {
            self.untold_ns = event.time_ns;
        }
        let mut next = named;
        while let Some(known) = next {
            if self.named.insert(known.image.exec_id, Arc::clone(known)).is_some() {
                break;
            }
            self.fresh.push(Arc::clone(known));
            next = known.parent.as_ref();
        }
        self.waiting_bytes += weight(&event);
        self.batch.push(event);
        self.is_full()
    }

    fn is_full(&self) -> bool {
        self.batch.len() >= BATCH_EVENTS || self.waiting_bytes >= BATCH_BYTES.min(self.budget / BATCHES_PER_BUDGET)
    }

    /// Sees to it that what waits longer than `age_ns` is written down: in the tail, or, where the batch is full or old,
    /// as a segment. Keeps the budget.
    pub fn flush(&mut self, now: Anchor, age_ns: u64, pins: &[Pin]) -> Result<(), RingError> {
        if self.is_full() || !self.batch.is_empty() && now.boot_ns.saturating_sub(self.opened_ns) >= BATCH_NS {
            return self.write(now, pins);
        }
        if self.batch.len() > self.tail.events && now.boot_ns.saturating_sub(self.untold_ns) >= age_ns {
            self.write_tail(now, pins)?;
        }
        self.evict(self.budget);
        Ok(())
    }

    /// Writes the batch as a segment, or several where one is too large. What cannot be written waits, see
    /// [`Lane::give_up`].
    pub fn write(&mut self, now: Anchor, pins: &[Pin]) -> Result<(), RingError> {
        self.batch.sort_by_key(|event| event.time_ns);
        let first_seq = self.next_seq;
        while !self.batch.is_empty() {
            let mut live: Vec<_> = self.named.values().map(|known| known.image.clone()).collect();
            live.sort_by_key(|image| (image.time_ns, image.exec_id));
            let content = Content { live, events: mem::take(&mut self.batch) };
            let (rest, result) = self.write_first(content, now, pins);
            self.batch = rest;
            if result.is_err() {
                if self.next_seq != first_seq {
                    // What is left begins a tail anew; the one there was tells of it until then.
                    self.owed.extend(self.tail.renew());
                    self.fresh = self.named.values().cloned().collect();
                }
                return result;
            }
        }
        self.forget_batch();
        self.evict(self.budget);
        Ok(())
    }

    /// Takes in what an earlier recorder left waiting. It is written next.
    pub fn recover(&mut self, waiting: Waiting) {
        // Where files are missing in between, the numbers say so.
        self.next_seq = self.next_seq.max(waiting.seq);
        self.owed.push((waiting.path, waiting.bytes));
        if waiting.content.events.is_empty() {
            return;
        }
        self.recovered_at = waiting.anchor.or(self.recovered_at);
        for image in waiting.content.live {
            let known = Known::new(image, None, self.key);
            self.named.insert(known.image.exec_id, known);
        }
        self.fresh = self.named.values().cloned().collect();
        self.waiting_bytes += waiting.content.events.iter().map(weight).sum::<u64>();
        self.batch.extend(waiting.content.events);
    }

    /// Writes down what the tail does not have yet. Where that fails it waits in memory alone.
    fn write_tail(&mut self, now: Anchor, pins: &[Pin]) -> Result<(), RingError> {
        let untold = self.batch.get(self.tail.events..).unwrap_or_default();
        let mut content = Content { live: Vec::new(), events: untold.to_vec() };
        content.events.sort_by_key(|event| event.time_ns);
        content.live.extend(self.fresh.iter().map(|known| known.image.clone()));
        let framed = self.pack(&content, now)?;
        let needed = self.tail.bytes + framed.bytes.len() as u64;
        if needed > self.budget / TAILS_PER_BUDGET {
            return self.write(now, pins);
        }
        self.evict(self.budget - framed.bytes.len() as u64);
        self.tail.append(self.next_seq, &framed.bytes, content.events.len(), self.untold_ns)?;
        self.fresh.clear();
        Ok(())
    }

    /// There is no place for what waits. It stays in memory for another try, or, where the batch is full, goes and is
    /// counted as refused.
    pub fn give_up(&mut self, now: Anchor) {
        if self.is_full() {
            self.refuse(now);
        } else {
            (self.opened_ns, self.untold_ns) = (now.boot_ns, now.boot_ns);
        }
    }

    /// Counts everything that waits as refused.
    pub fn refuse(&mut self, now: Anchor) {
        let since_ns = self.batch.first().map_or(now.boot_ns, |event| event.time_ns);
        self.files.refused(self.batch.len() as u64, since_ns, now.boot_ns);
        self.forget_batch();
        self.remove_told();
    }

    fn remove_told(&mut self) {
        for (path, _) in self.told.drain(..) {
            sync::remove(&path);
        }
    }

    /// All of it is in segments, or counted as refused.
    fn forget_batch(&mut self) {
        self.told.append(&mut self.owed);
        self.told.extend(self.tail.renew());
        self.batch.clear();
        self.named.clear();
        self.fresh.clear();
        self.waiting_bytes = 0;
        self.recovered_at = None;
    }

    /// Writes as many of the first events as one segment within the budget can hold; gives those that are left.
    fn write_first(&mut self, mut content: Content, now: Anchor, pins: &[Pin]) -> (Vec<Event>, Result<(), RingError>) {
        let mut rest = Vec::new();
        let framed = loop {
            let framed = self.pack(&content, now);
            match &framed {
                // Half of it may fit.
                Ok(framed) if framed.bytes.len() as u64 > self.budget && content.events.len() > 1 => {
                    let mut half = content.events.split_off(content.events.len() / 2);
                    half.append(&mut rest);
                    rest = half;
                }
                // One event that does not is refused; letting go of everything for it would help nobody.
                Ok(framed) if framed.bytes.len() as u64 > self.budget => {
                    let time_ns = content.events.first().map_or(now.boot_ns, |event| event.time_ns);
                    self.files.refused(content.events.len() as u64, time_ns, time_ns);
                    return (rest, Ok(()));
                }
                _ => break framed,
            }
        };
        let holds = Summary {
            events: content.events.len() as u64,
            first_ns: content.events.first().map(|event| event.time_ns),
            last_ns: content.events.last().map(|event| event.time_ns),
            ..Summary::default()
        };
        let written = framed.and_then(|framed| self.append_segment(&framed, &holds, pins));
        if written.is_err() {
            content.events.append(&mut rest);
            return (content.events, written);
        }
        (rest, written)
    }

    fn pack(&self, content: &Content, now: Anchor) -> Result<Framed, RingError> {
        let label = Label {
            class: self.class,
            seq: self.next_seq,
            anchor: self.recovered_at.unwrap_or(now),
            container: self.key,
            nonce: self.files.nonce(),
            previous: self.previous,
        };
        segment::encode(&label, content)
            .map_err(|error| RingError { path: self.files.dir().to_owned(), source: io::Error::other(error) })
    }

    fn append_segment(&mut self, framed: &Framed, holds: &Summary, pins: &[Pin]) -> Result<(), RingError> {
        self.evict(self.budget.saturating_sub(framed.bytes.len() as u64));
        self.files.append(&framed.bytes, holds, self.budget, pins)?;
        self.newest = Some(self.next_seq);
        self.next_seq = self.next_seq.saturating_add(1);
        self.previous = framed.sha256;
        Ok(())
    }

    /// Events that wait to be written as a segment, in the tail or in memory alone.
    pub fn waiting(&self) -> usize {
        self.batch.len()
    }

    /// Lets the oldest files go until the rest fits into `budget`.
    fn evict(&mut self, budget: u64) {
        while self.bytes() > budget && self.files.let_oldest_go() {}
    }

    /// What was written since the last call, to be made durable.
    pub fn unsynced(&mut self) -> Vec<Unsynced> {
        let mut unsynced = self.files.unsynced();
        // What tells of these is durable then.
        match unsynced.last_mut() {
            Some(last) => last.then_remove.extend(self.told.drain(..).map(|(path, _)| path)),
            // It was let go meanwhile.
            None => self.remove_told(),
        }
        unsynced.extend(self.tail.unsynced());
        unsynced
    }

    /// How far it reaches.
    pub fn reach(&self) -> Reach {
        let files = self.files.reach();
        Reach {
            events: files.events + self.tail.events as u64,
            bytes: self.bytes(),
            oldest_ns: files.oldest_ns.or(self.tail.first_ns),
            ..files
        }
    }

    fn bytes(&self) -> u64 {
        let told: u64 = self.told.iter().chain(&self.owed).map(|(_, bytes)| bytes).sum();
        self.files.bytes() + self.tail.bytes + told
    }
}

/// About how many bytes an event takes in a segment before it is packed. A program's texts stand there twice: as the
/// event, and as an image that lives.
fn weight(event: &Event) -> u64 {
    const FIXED_BYTES: usize = 64;
    let texts = match &event.body {
        Body::Image(image) => {
            let texts = image.args.iter().chain(&image.environment);
            2 * texts.map(|text| text.len() + 8).sum::<usize>() + image.exe.len() + image.cwd.len()
        }
        Body::Terminal(terminal) => terminal.data.len(),
        Body::Io(io) => io.path.len(),
        Body::Lifecycle(moment) => moment.cgroup_path.len(),
        Body::File(file) => file.path.len() + file.new_path.as_ref().map_or(0, String::len),
        _ => 0,
    };
    (FIXED_BYTES + texts) as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use taffrail_trace::event::{Lifecycle, LifecycleOp};

    fn event(time_ns: BootNs) -> Event {
        let moment = Lifecycle { op: LifecycleOp::Level, cgroup_path: String::new(), detail: None };
        Event { time_ns, actor: None, body: Body::Lifecycle(moment) }
    }

    #[test]
    fn a_tail_stays_while_some_of_what_it_tells_is_in_no_segment() {
        let dir = tempfile::tempdir().expect("tempdir");
        let now = Anchor { boot_ns: 10, utc_ns: 0 };
        let mut left = Lane::new(Class::Vital, ContainerKey(1), dir.path());
        left.limit(1 << 20);
        left.append(event(1), None);
        left.flush(now, 0, &[]).expect("a tail");
        let waiting = super::super::history::waiting(dir.path()).expect("read").pop().expect("one");
        let tail = waiting.path.clone();

        let mut lane = Lane::new(Class::Vital, ContainerKey(1), dir.path());
        lane.limit(1 << 20);
        lane.append(event(2), None);
        lane.write(now, &[]).expect("a segment, not yet durable");
        lane.recover(waiting);
        sync::sync_all(&lane.unsynced());
        assert!(tail.exists(), "what was recovered is not written yet");
        lane.write(now, &[]).expect("now it is");
        assert!(tail.exists(), "and not durable");
        sync::sync_all(&lane.unsynced());
        assert!(!tail.exists());
    }
}
