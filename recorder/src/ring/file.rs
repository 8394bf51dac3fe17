//! One file of segments: appended to by one writer, read by position by anybody.

use super::RingError;
use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use taffrail_trace::clock::BootNs;
use taffrail_trace::segment::{self, Content, HEAD_BYTES, Head, MAGIC, SegmentError};

/// A file of segments. The handle outlives the file's name.
#[derive(Debug)]
pub struct RingFile {
    path: PathBuf,
    file: File,
    len: AtomicU64,
}

/// A segment with its name in the chain.
type Segment = (Head, Content, [u8; 32]);

/// What a file holds, from the heads of its segments.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Events in it.
    pub events: u64,
    /// Time of its first event.
    pub first_ns: Option<BootNs>,
    /// Time of its last event.
    pub last_ns: Option<BootNs>,
    /// Number and name of its last segment.
    pub last: Option<(u64, [u8; 32])>,
}

impl RingFile {
    /// Makes a new file, which must not be there.
    pub fn create(path: &Path) -> Result<Self, RingError> {
        let file =
            OpenOptions::new().read(true).append(true).create_new(true).open(path).map_err(RingError::at(path))?;
        Ok(Self { path: path.to_owned(), file, len: AtomicU64::new(0) })
    }

    /// Opens a file of an earlier recorder, for reading.
    pub fn open(path: &Path) -> Result<Self, RingError> {
        let file = File::open(path).map_err(RingError::at(path))?;
        let len = file.metadata().map_err(RingError::at(path))?.len();
        Ok(Self { path: path.to_owned(), file, len: AtomicU64::new(len) })
    }

    /// Appends one framed segment, whole or not at all: after a failed write the file ends where it ended.
    pub fn append(&self, frame: &[u8]) -> Result<(), RingError> {
        let before = self.len();
        let written = std::io::Write::write_all(&mut &self.file, frame);
        if let Err(source) = written {
            // A reader passes over a torn segment at the end; cutting it off only saves it the trouble.
            let _ = self.file.set_len(before);
            return Err(RingError { path: self.path.clone(), source });
        }
        // Readers take the length first: what it covers is written.
        self.len.store(before + frame.len() as u64, Ordering::Release);
        Ok(())
    }

    /// Bytes of whole segments.
    pub fn len(&self) -> u64 {
        self.len.load(Ordering::Acquire)
    }

    /// Where it was made.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Makes what was appended durable.
    pub fn sync(&self) -> Result<(), RingError> {
        self.file.sync_data().map_err(RingError::at(&self.path))
    }
}

/// Reads the segments of `file` in order and counts the damaged stretches. Behind one it goes on at the next place where
/// a whole segment begins: what its checksum says is right, wherever it lies.
pub fn read_segments(file: &RingFile, each: &mut dyn FnMut(Head, Content, [u8; 32])) -> Result<u64, RingError> {
    let (end, mut at, mut damaged) = (file.len(), 0, 0);
    while at < end {
        match file.segment_at(at, end)? {
            Ok((head, content, sha256)) => {
                at += head.frame_bytes() as u64;
                each(head, content, sha256);
            }
            Err(error) => {
                damaged += 1;
                let next = file.next_segment(at + 1, end)?;
                let skipped = next - at;
                tracing::warn!(path = %file.path.display(), at, skipped, %error, "part of a ring file passed over");
                at = next;
            }
        }
    }
    Ok(damaged)
}

/// How much is searched at once for a segment's beginning.
const SEARCH_BYTES: usize = 1 << 16;

impl RingFile {
    /// The segment that begins at a place, or why none does.
    fn segment_at(&self, at: u64, end: u64) -> Result<Result<Segment, SegmentError>, RingError> {
        let mut head = [0; HEAD_BYTES];
        if end - at < HEAD_BYTES as u64 {
            return Ok(Err(SegmentError::Short { have: (end - at) as usize, want: HEAD_BYTES }));
        }
        self.read(&mut head, at)?;
        let seen = match Head::read(&head) {
            Ok(seen) => seen,
            Err(error) => return Ok(Err(error)),
        };
        let want = seen.frame_bytes();
        if end - at < want as u64 {
            return Ok(Err(SegmentError::Short { have: (end - at) as usize, want }));
        }
        let mut frame = vec![0; want];
        self.read(&mut frame, at)?;
        Ok(segment::decode(&frame))
    }

    /// The first place from `at` on where a whole segment begins, else the end.
    fn next_segment(&self, mut at: u64, end: u64) -> Result<u64, RingError> {
        let mut bytes = vec![0; SEARCH_BYTES];
        while at < end {
            let len = (end - at).min(SEARCH_BYTES as u64) as usize;
            self.read(&mut bytes[..len], at)?;
            for found in memmem(&bytes[..len], &MAGIC) {
                if self.segment_at(at + found as u64, end)?.is_ok() {
                    return Ok(at + found as u64);
                }
            }
            if len < SEARCH_BYTES {
                break;
            }
            // A beginning may lie across two searches.
            at += (len - (MAGIC.len() - 1)) as u64;
        }
        Ok(end)
    }

    fn read(&self, bytes: &mut [u8], at: u64) -> Result<(), RingError> {
        self.file.read_exact_at(bytes, at).map_err(RingError::at(&self.path))
    }
}

/// Every place of `what` in `bytes`.
fn memmem<'a>(bytes: &'a [u8], what: &'a [u8]) -> impl Iterator<Item = usize> + 'a {
    bytes.windows(what.len()).enumerate().filter(move |(_, window)| *window == what).map(|(at, _)| at)
}

/// What a file of an earlier recorder holds.
pub fn summary(file: &RingFile) -> Result<Summary, RingError> {
    let mut summary = Summary::default();
    read_segments(file, &mut |head, _, sha256| {
        summary.events += u64::from(head.events);
        summary.first_ns.get_or_insert(head.first_ns);
        summary.last_ns = Some(head.last_ns);
        summary.last = Some((head.seq, sha256));
    })?;
    Ok(summary)
}
