//! One file of segments: appended to by one writer, read by position by anybody.

use super::RingError;
use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use taffrail_trace::clock::BootNs;
use taffrail_trace::segment::{self, Content, HEAD_BYTES, Head};

/// A file of segments. The handle outlives the file's name.
#[derive(Debug)]
pub struct RingFile {
    path: PathBuf,
    file: File,
    len: AtomicU64,
}

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

/// Reads the segments of `file` in order and counts the damaged ones. A damaged length makes the rest of the file
/// unreadable; it counts as one.
pub fn read_segments(file: &RingFile, each: &mut dyn FnMut(Head, Content, [u8; 32])) -> Result<u64, RingError> {
    let (end, mut at, mut damaged) = (file.len(), 0, 0);
    while at < end {
        let mut head = [0; HEAD_BYTES];
        if end - at < HEAD_BYTES as u64 {
            return Ok(damaged + 1);
        }
        file.file.read_exact_at(&mut head, at).map_err(RingError::at(&file.path))?;
        let Ok(seen) = Head::read(&head) else { return Ok(damaged + 1) };
        let bytes = seen.frame_bytes() as u64;
        if end - at < bytes {
            return Ok(damaged + 1);
        }
        let mut frame = vec![0; bytes as usize];
        file.file.read_exact_at(&mut frame, at).map_err(RingError::at(&file.path))?;
        match segment::decode(&frame) {
            Ok((head, content, sha256)) => each(head, content, sha256),
            Err(error) => {
                tracing::warn!(path = %file.path.display(), %error, "segment passed over");
                damaged += 1;
            }
        }
        at += bytes;
    }
    Ok(damaged)
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
