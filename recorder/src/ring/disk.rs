//! A history as it lies on disk, read without its recorder: that one may be dead, gone, or at work this moment.

use super::RingError;
use super::file::{RingFile, read_segments};
use super::history::{self, RecordedBy};
use super::tail::Waiting;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use taffrail_trace::clock::{Anchor, BootNs};
use taffrail_trace::container::Container;
use taffrail_trace::event::{Class, Gap, GapCause};
use taffrail_trace::segment::{Head, Whole};

/// What lies on disk of one container.
#[derive(Debug)]
pub struct OnDisk {
    /// Whose it is.
    pub container: Container,
    /// Who recorded it; `None` where that is not written down.
    pub recorded_by: Option<RecordedBy>,
    /// Its files, oldest first, a class after the other.
    pub files: Vec<Arc<RingFile>>,
    /// What waits for its segment beside them.
    pub waiting: Vec<Waiting>,
    /// Whole events in it.
    pub events: u64,
    /// Segments that are damaged.
    pub damaged: u64,
    /// Times of its first and last event, and both clocks when the last segment was written; `None` where there is none.
    pub reach: Option<(BootNs, BootNs, Anchor)>,
    /// What is missing: what was let go before the first segment, and segments between others.
    pub gaps: Vec<Gap>,
}

/// Every history below a state directory, each by itself: one that cannot be read does not hide the others.
///
/// # Errors
/// Where there is no ring in that directory.
pub fn histories(state_dir: &Path) -> Result<Vec<Result<OnDisk, RingError>>, RingError> {
    let dir = state_dir.join(super::DIR);
    let mut paths: Vec<_> = fs::read_dir(&dir).map_err(RingError::at(&dir))?.flatten().map(|it| it.path()).collect();
    paths.sort_unstable();
    Ok(paths.iter().filter(|path| path.is_dir()).map(|path| OnDisk::read(path)).collect())
}

/// Follows the numbers of one class's segments: each is one more than that of the segment before it.
#[derive(Debug, Default)]
pub struct Sequence {
    /// The next number, and when the last segment ended.
    next: Option<(u64, BootNs)>,
}

/// What lies before a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Before {
    /// It is the first.
    Nothing,
    /// The one that was written before it.
    Neighbour,
    /// One that was written earlier; between them segments are missing.
    Hole {
        /// When the earlier one ended.
        since_ns: BootNs,
    },
}

impl Sequence {
    /// Takes the next segment.
    pub fn next(&mut self, head: &Head) -> Before {
        let before = self.next.replace((head.seq.saturating_add(1), head.last_ns));
        match before {
            None => Before::Nothing,
            Some((expected, _)) if expected == head.seq => Before::Neighbour,
            Some((_, since_ns)) => Before::Hole { since_ns },
        }
    }
}

impl OnDisk {
    fn read(dir: &Path) -> Result<Self, RingError> {
        let container = history::description(dir)?;
        let recorded_by = RecordedBy::read(dir).ok();
        let mut found = Self {
            container,
            recorded_by,
            files: Vec::new(),
            waiting: Vec::new(),
            events: 0,
            damaged: 0,
            reach: None,
            gaps: Vec::new(),
        };
        // Before the files: what is written as a segment meanwhile is found there again, and not lost.
        let mut waiting = history::waiting(dir)?;
        for class in Class::ALL {
            // All of them are open before one is read: what the recorder lets go meanwhile is still there.
            let mut files = Vec::new();
            for (_, nonce, path) in history::files(dir, class)? {
                match RingFile::open(&path, nonce) {
                    Ok(file) => files.push(file),
                    // The recorder let it go this moment.
                    Err(error) if error.source.kind() == std::io::ErrorKind::NotFound => {}
                    Err(error) => return Err(error),
                }
            }
            let mut sequence = Sequence::default();
            let mut damaged = 0;
            for file in files {
                damaged += found.take(class, file, damaged, &mut sequence, &mut waiting)?;
            }
            found.damaged += damaged;
            for waiting in waiting.extract_if(.., |waiting| waiting.class == class) {
                found.wait(waiting.untold(), &sequence);
            }
        }
        Ok(found)
    }

    /// Takes in what waits for its segment and no segment tells.
    fn wait(&mut self, waiting: Waiting, sequence: &Sequence) {
        self.damaged += waiting.damaged;
        let events = &waiting.content.events;
        let (Some(first), Some(last)) = (events.first(), events.last()) else { return };
        let (first_ns, last_ns) = (first.time_ns, last.time_ns);
        let (class, own) = (waiting.class, true);
        let hole = match sequence.next {
            Some((expected, since_ns)) if waiting.seq > expected => Some((GapCause::Damaged, since_ns)),
            None if waiting.seq > 0 => Some((GapCause::Evicted, self.container.created_ns.unwrap_or(0))),
            _ => None,
        };
        self.gaps.extend(hole.map(|(cause, from_ns)| Gap { class, cause, lost: None, from_ns, to_ns: first_ns, own }));
        self.events += events.len() as u64;
        if let Some(anchor) = waiting.anchor {
            self.reaches(first_ns, last_ns, anchor);
        }
        self.waiting.push(waiting);
    }

    fn reaches(&mut self, first_ns: BootNs, last_ns: BootNs, at: Anchor) {
        let (first, last, anchor) = self.reach.unwrap_or((first_ns, last_ns, at));
        let anchor = if at.boot_ns >= anchor.boot_ns { at } else { anchor };
        self.reach = Some((first.min(first_ns), last.max(last_ns), anchor));
    }

    /// Takes a file in; gives how much of it is damaged. `damaged_before` is what was of the class's files before it.
    fn take(
        &mut self,
        class: Class,
        file: RingFile,
        damaged_before: u64,
        sequence: &mut Sequence,
        waiting: &mut [Waiting],
    ) -> Result<u64, RingError> {
        let damaged = read_segments(&file, &mut |Whole { head, .. }| {
            waiting.iter_mut().for_each(|waiting| waiting.saw(&head));
            let hole = match sequence.next(&head) {
                Before::Nothing if head.seq > 0 && damaged_before == 0 => {
                    Some((GapCause::Evicted, self.container.created_ns.unwrap_or(0)))
                }
                Before::Nothing if head.seq > 0 => Some((GapCause::Damaged, self.container.created_ns.unwrap_or(0))),
                Before::Hole { since_ns } => Some((GapCause::Damaged, since_ns)),
                Before::Nothing | Before::Neighbour => None,
            };
            if let Some((cause, from_ns)) = hole {
                self.gaps.push(Gap { class, cause, lost: None, from_ns, to_ns: head.first_ns, own: true });
            }
            self.events += u64::from(head.events);
            self.reaches(head.first_ns, head.last_ns, head.anchor);
            Ok(())
        })?;
        self.files.push(Arc::new(file));
        Ok(damaged)
    }
}
