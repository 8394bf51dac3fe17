//! What waits for its segment, written down already: a recorder that is killed loses a flush age, not a batch.
//!
//! A segment is small when it holds many events, and a quiet container takes a minute for them. Meanwhile they stand in a
//! file of their own beside the ring's, in small segments that all carry the number that the one segment will have. When
//! that one is written the file goes; whoever finds both knows by the number that the tail is told already.

use super::file::{RingFile, read_segments};
use super::sync::Unsynced;
use super::{RingError, file};
use std::fs::{self, OpenOptions};
use std::io;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use taffrail_trace::clock::{Anchor, BootNs};
use taffrail_trace::event::{Body, Class, Event, Gap, GapCause};
use taffrail_trace::segment::Content;

/// The tail of one class of one container.
#[derive(Debug)]
pub struct Tail {
    path: PathBuf,
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
        let path = dir.join(file::tail_name(class, nonce));
        Self { path, events: 0, bytes: 0, first_ns: None, unsynced: None, is_new: false }
    }

    /// Adds a small segment of `events` events.
    pub fn append(&mut self, frame: &[u8], events: usize, first_ns: BootNs) -> Result<(), RingError> {
        let mut open = OpenOptions::new();
        let mut file = match open.append(true).create(true).open(&self.path) {
            // Somebody took the directory away.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                fs::create_dir_all(self.path.parent().unwrap_or(Path::new("/"))).map_err(RingError::at(&self.path))?;
                open.open(&self.path).map_err(RingError::at(&self.path))?
            }
            file => file.map_err(RingError::at(&self.path))?,
        };
        if let Err(source) = file.write_all(frame) {
            // What follows a torn segment is found all the same; cut off it takes no place.
            let _ = file.set_len(self.bytes);
            return Err(RingError { path: self.path.clone(), source });
        }
        self.is_new |= self.bytes == 0;
        self.bytes += frame.len() as u64;
        self.events += events;
        self.first_ns.get_or_insert(first_ns);
        self.unsynced = Some(Arc::new(file));
        Ok(())
    }

    /// What is in it is written elsewhere, or counted as refused.
    pub fn clear(&mut self) {
        if self.bytes > 0
            && let Err(error) = fs::remove_file(&self.path)
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(path = %self.path.display(), %error, "a tail cannot be removed");
        }
        (self.events, self.bytes, self.first_ns, self.unsynced, self.is_new) = (0, 0, None, None, false);
    }

    /// What was written since the last call, to be made durable.
    pub fn unsynced(&mut self) -> Option<Unsynced> {
        let file = self.unsynced.take()?;
        Some(Unsynced { file, path: self.path.clone(), is_new: std::mem::take(&mut self.is_new) })
    }
}

/// What a tail on disk holds.
#[derive(Clone, Debug)]
pub struct Waiting {
    /// Its class.
    pub class: Class,
    /// The number that its segment would have had.
    pub seq: u64,
    /// Both clocks when it was last written to.
    pub anchor: Anchor,
    /// The events and who is in them.
    pub content: Content,
    /// Damaged stretches.
    pub damaged: u64,
}

/// Reads a tail; gives nothing where no whole segment is in it. Damage is a gap among the events.
pub fn read(path: &Path, class: Class, nonce: u64) -> Result<Option<Waiting>, RingError> {
    let file = RingFile::open(path, nonce)?;
    let mut found: Option<Waiting> = None;
    let damaged = read_segments(&file, &mut |whole| {
        let head = whole.head;
        let content = whole.content()?;
        match &mut found {
            Some(waiting) => {
                waiting.anchor = head.anchor;
                waiting.content.live.extend(content.live);
                waiting.content.events.extend(content.events);
            }
            None => found = Some(Waiting { class, seq: head.seq, anchor: head.anchor, content, damaged: 0 }),
        }
        Ok(())
    })?;
    if let Some(waiting) = &mut found {
        let events = &mut waiting.content.events;
        events.sort_by_key(|event| event.time_ns);
        waiting.damaged = damaged;
        if damaged > 0
            && let (Some(first), Some(last)) = (events.first(), events.last())
        {
            let (from_ns, to_ns) = (first.time_ns, last.time_ns);
            let gap = Gap { class, cause: GapCause::Damaged, lost: None, from_ns, to_ns, own: true };
            events.push(Event { time_ns: to_ns, actor: None, body: Body::Gap(gap) });
        }
    }
    Ok(found.filter(|waiting| !waiting.content.events.is_empty()))
}
