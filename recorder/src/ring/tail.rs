//! What waits for its segment, written down already: a recorder that is killed loses a flush age, not a batch.
//!
//! A segment is small when it holds many events, and a quiet container takes a minute for them. Meanwhile they stand in a
//! file of their own beside the ring's, in small segments that all carry the number that the one segment will have. When
//! that one is durable the file goes; whoever finds both knows by number and time what of the tail is told already.

use super::file::{RingFile, read_segments};
use super::sync::Unsynced;
use super::{RingError, file};
use crate::host;
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use taffrail_trace::clock::{Anchor, BootNs};
use taffrail_trace::event::{Body, Class, Event, Gap, GapCause};
use taffrail_trace::segment::{Content, Head};

/// The tail of one class of one container.
#[derive(Debug)]
pub struct Tail {
    dir: PathBuf,
    class: Class,
    nonce: u64,
    /// Where it is, once there is something in it.
    path: Option<PathBuf>,
    /// Events in it.
    pub events: usize,
    /// Bytes of it.
    pub bytes: u64,
    /// Time of its first event.
    pub first_ns: Option<BootNs>,
    unsynced: Option<Arc<fs::File>>,
    is_new: bool,
}

impl Tail {
    /// One with nothing in it.
    pub fn new(dir: &Path, class: Class, nonce: u64) -> Self {
        let dir = dir.to_owned();
        Self { dir, class, nonce, path: None, events: 0, bytes: 0, first_ns: None, unsynced: None, is_new: false }
    }

    /// Adds a small segment of `events` events that will be in the segment of number `seq`.
    pub fn append(&mut self, seq: u64, frame: &[u8], events: usize, first_ns: BootNs) -> Result<(), RingError> {
        let path = self.dir.join(file::tail_name(self.class, seq, self.nonce));
        let path = self.path.get_or_insert(path);
        let mut file = file::open_to_append(path, OpenOptions::new().append(true).create(true))?;
        if let Err(source) = file.write_all(frame) {
            // What follows a torn segment is found all the same; cut off it takes no place.
            let _ = file.set_len(self.bytes);
            return Err(RingError { path: path.clone(), source });
        }
        self.is_new |= self.bytes == 0;
        self.bytes += frame.len() as u64;
        self.events += events;
        self.first_ns.get_or_insert(first_ns);
        self.unsynced = Some(Arc::new(file));
        Ok(())
    }

    /// Begins anew; gives the file that there was, and its bytes, to be removed when nobody needs it any more.
    pub fn renew(&mut self) -> Option<(PathBuf, u64)> {
        let (path, bytes) = (self.path.take(), self.bytes);
        (self.events, self.bytes, self.first_ns, self.unsynced, self.is_new) = (0, 0, None, None, false);
        Some((path?, bytes))
    }

    /// What was written since the last call, to be made durable.
    pub fn unsynced(&mut self) -> Option<Unsynced> {
        let file = self.unsynced.take()?;
        let (path, is_new) = (self.path.clone()?, std::mem::take(&mut self.is_new));
        Some(Unsynced { file, path, is_new, then_remove: Vec::new() })
    }
}

/// What a tail on disk holds that no segment tells.
#[derive(Clone, Debug)]
pub struct Waiting {
    /// The file.
    pub path: PathBuf,
    /// Bytes of it.
    pub bytes: u64,
    /// Its class.
    pub class: Class,
    /// The number that its segment has, or would have.
    pub seq: u64,
    /// Both clocks when it was last written to; `None` where no whole segment is in it.
    pub anchor: Option<Anchor>,
    /// The events and who is in them.
    pub content: Content,
    /// Damaged stretches, of which a gap among the events tells too.
    pub damaged: u64,
    /// The newest event in the segments of its number and later ones.
    told_until: Option<BootNs>,
}

impl Waiting {
    /// A segment is there: what it tells need not be told. Where a batch was cut in several and not all of them were
    /// written, the later events still wait.
    pub fn saw(&mut self, head: &Head) {
        if head.class == self.class && head.seq >= self.seq {
            self.told_until = self.told_until.max(Some(head.last_ns));
        }
    }

    /// What is left when all segments were seen.
    pub fn untold(mut self) -> Self {
        if let Some(until_ns) = self.told_until {
            self.content.events.retain(|event| event.time_ns > until_ns);
        }
        self
    }
}

/// Reads a tail. Damage is a gap among the events.
pub fn read(path: &Path, class: Class, seq: u64, nonce: u64) -> Result<Waiting, RingError> {
    let file = RingFile::open(path, nonce)?;
    let mut waiting = Waiting {
        path: path.to_owned(),
        bytes: file.len(),
        class,
        seq,
        anchor: None,
        content: Content::default(),
        damaged: 0,
        told_until: None,
    };
    waiting.damaged = read_segments(&file, &mut |whole| {
        let content = whole.content()?;
        waiting.anchor = Some(whole.head.anchor);
        waiting.content.live.extend(content.live);
        waiting.content.events.extend(content.events);
        Ok(())
    })?;
    let events = &mut waiting.content.events;
    events.sort_by_key(|event| event.time_ns);
    if waiting.damaged > 0 {
        let from_ns = events.first().map_or(0, |event| event.time_ns);
        let to_ns = events.last().map_or_else(host::boot_now, |event| event.time_ns);
        let gap = Gap { class, cause: GapCause::Damaged, lost: None, from_ns, to_ns, own: true };
        events.push(Event { time_ns: to_ns, actor: None, body: Body::Gap(gap) });
    }
    Ok(waiting)
}
