//! One file of segments: appended to by one writer, read by position by anybody.

use super::RingError;
use std::fs::{File, OpenOptions};
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::io;
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use taffrail_trace::clock::BootNs;
use taffrail_trace::event::Class;
use taffrail_trace::segment::{self, Content, HEAD_BYTES, Head, MAGIC, SegmentError, Whole};

/// A file of segments. The handle outlives the file's name.
#[derive(Debug)]
pub struct RingFile {
    path: PathBuf,
    file: Arc<File>,
    len: AtomicU64,
    /// What its segments carry; others are not its own.
    nonce: u64,
    /// What a failed write left could not be cut off.
    is_torn: AtomicBool,
}

/// `<class>-<number>-<nonce>.ring`: the name of a file.
pub fn name(class: Class, number: u64, nonce: u64) -> String {
    format!("{}-{number:08}-{nonce:016x}.ring", class.as_str())
}

/// `<class>-<number of the segment>-<nonce>.tail`: the name of the file of what waits for its segment.
pub fn tail_name(class: Class, seq: u64, nonce: u64) -> String {
    format!("{}-{seq:08}-{nonce:016x}.tail", class.as_str())
}

/// Class, number and nonce of a tail's name.
pub fn parse_tail_name(name: &str) -> Option<(Class, u64, u64)> {
    parse(name, ".tail")
}

/// Class, number and nonce of a file's name.
pub fn parse_name(name: &str) -> Option<(Class, u64, u64)> {
    parse(name, ".ring")
}

fn parse(name: &str, suffix: &str) -> Option<(Class, u64, u64)> {
    let mut parts = name.strip_suffix(suffix)?.split('-');
    let (class, number, nonce) = (parts.next()?, parts.next()?.parse().ok()?, parts.next()?);
    let class = Class::ALL.into_iter().find(|known| known.as_str() == class)?;
    Some((class, number, u64::from_str_radix(nonce, 16).ok()?))
}

/// A number that nobody can guess: the standard library seeds its hashes from the system's source of randomness.
pub fn new_nonce() -> u64 {
    RandomState::new().build_hasher().finish()
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
    /// Number of its first segment.
    pub first_seq: Option<u64>,
    /// Number and name of its last segment.
    pub last: Option<(u64, [u8; 32])>,
}

/// Opens a file to append to. Somebody may have taken its directory away.
pub fn open_to_append(path: &Path, options: &OpenOptions) -> Result<File, RingError> {
    match (options.open(path), path.parent()) {
        (Err(error), Some(dir)) if error.kind() == io::ErrorKind::NotFound => {
            std::fs::create_dir_all(dir).and_then(|()| options.open(path))
        }
        (file, _) => file,
    }
    .map_err(RingError::at(path))
}

impl RingFile {
    /// Makes a new file, which must not be there.
    pub fn create(path: &Path, nonce: u64) -> Result<Self, RingError> {
        let file = open_to_append(path, OpenOptions::new().read(true).append(true).create_new(true))?;
        Ok(Self::of(path, file, 0, nonce))
    }

    /// Opens the file that `handle` leads to, whose own name may be gone, for reading.
    pub fn open_by_handle(handle: &Path, path: &Path, nonce: u64) -> Result<Self, RingError> {
        let mut file = Self::open(handle, nonce)?;
        file.path = path.to_owned();
        Ok(file)
    }

    /// Where another process of the same user finds it as long as this value lives.
    pub fn handle(&self) -> PathBuf {
        PathBuf::from(format!("/proc/{}/fd/{}", std::process::id(), self.file.as_raw_fd()))
    }

    /// What its segments carry.
    pub fn nonce(&self) -> u64 {
        self.nonce
    }

    /// Opens a file of an earlier recorder, for reading.
    pub fn open(path: &Path, nonce: u64) -> Result<Self, RingError> {
        let file = File::open(path).map_err(RingError::at(path))?;
        let len = file.metadata().map_err(RingError::at(path))?.len();
        Ok(Self::of(path, file, len, nonce))
    }

    fn of(path: &Path, file: File, len: u64, nonce: u64) -> Self {
        let (len, is_torn) = (AtomicU64::new(len), AtomicBool::new(false));
        Self { path: path.to_owned(), file: Arc::new(file), len, nonce, is_torn }
    }

    /// Appends one framed segment, whole or not at all: after a failed write the file ends where it ended.
    pub fn append(&self, frame: &[u8]) -> Result<(), RingError> {
        let before = self.len();
        let written = std::io::Write::write_all(&mut &*self.file, frame);
        if let Err(source) = written {
            // What comes next must begin where readers look for it: in another file, where this can't be cut off.
            self.is_torn.store(self.file.set_len(before).is_err(), Ordering::Release);
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

    /// Whether it takes no more segments.
    pub fn is_torn(&self) -> bool {
        self.is_torn.load(Ordering::Acquire)
    }

    /// Where it was made.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether somebody removed it: what is written to it is lost when it is closed.
    pub fn is_unlinked(&self) -> bool {
        self.file.metadata().is_ok_and(|meta| meta.nlink() == 0)
    }

    /// The file itself, for whoever makes it durable.
    pub(super) fn inner(&self) -> Arc<File> {
        Arc::clone(&self.file)
    }
}

/// Reads the segments of `file` in order and counts the damaged stretches. Behind one it goes on at the next place where
/// a whole segment begins: what its checksum says is right, wherever it lies. `each` unpacks what it wants to know more
/// of; where that fails the segment is damaged too.
pub fn read_segments(
    file: &RingFile,
    each: &mut dyn FnMut(Whole<'_>) -> Result<(), SegmentError>,
) -> Result<u64, RingError> {
    find_segments(file, &mut |_, whole| each(whole))
}

/// Like [`read_segments`], with the place of each for [`RingFile::content_at`].
pub fn find_segments(
    file: &RingFile,
    each: &mut dyn FnMut(u64, Whole<'_>) -> Result<(), SegmentError>,
) -> Result<u64, RingError> {
    let (end, mut at, mut damaged) = (file.len(), 0, 0);
    while at < end {
        let frame = file.frame_at(at, end)?;
        let is_cut = matches!(frame, Err(SegmentError::Short { .. }));
        let whole = match &frame {
            Ok(frame) => segment::check(frame).map_err(|error| error.to_string()),
            Err(error) => Err(error.to_string()),
        };
        let (next, problem) = match whole {
            Ok(whole) => (at + whole.head.frame_bytes() as u64, each(at, whole).err().map(|error| error.to_string())),
            Err(problem) => (file.next_segment(at + 1, end)?, Some(problem)),
        };
        if is_cut && next == end {
            // The end of a file that is being written, or whose recorder was killed while it wrote.
            return Ok(damaged);
        }
        if let Some(problem) = problem {
            damaged += 1;
            tracing::warn!(path = %file.path.display(), at, skipped = next - at, problem, "passed over");
        }
        at = next;
    }
    Ok(damaged)
}

/// How much is searched at once for a segment's beginning.
const SEARCH_BYTES: usize = 1 << 16;

impl RingFile {
    /// What the segment holds that was found at a place; an error where it is not there any more.
    pub fn content_at(&self, at: u64) -> Result<Content, RingError> {
        let fault = |error: SegmentError| RingError { path: self.path.clone(), source: io::Error::other(error) };
        let frame = self.frame_at(at, self.len())?.map_err(fault)?;
        segment::check(&frame).and_then(|whole| whole.content()).map_err(fault)
    }

    /// The bytes of the segment that seems to begin at a place, or why none does.
    fn frame_at(&self, at: u64, end: u64) -> Result<Result<Vec<u8>, SegmentError>, RingError> {
        let mut head = [0; HEAD_BYTES];
        if end - at < HEAD_BYTES as u64 {
            return Ok(Err(SegmentError::Short { have: (end - at) as usize, want: HEAD_BYTES }));
        }
        self.read(&mut head, at)?;
        let want = match Head::read(&head) {
            // Before anything of it is read: what an event holds may look like a head, and often.
            Ok(head) if head.nonce != self.nonce => return Ok(Err(SegmentError::Foreign("a segment of another file"))),
            Ok(head) => head.frame_bytes(),
            Err(error) => return Ok(Err(error)),
        };
        if end - at < want as u64 {
            return Ok(Err(SegmentError::Short { have: (end - at) as usize, want }));
        }
        let mut frame = vec![0; want];
        self.read(&mut frame, at)?;
        Ok(Ok(frame))
    }

    /// The first place from `at` on where a whole segment begins, else the end.
    fn next_segment(&self, mut at: u64, end: u64) -> Result<u64, RingError> {
        let mut bytes = vec![0; SEARCH_BYTES];
        while at < end {
            let len = (end - at).min(SEARCH_BYTES as u64) as usize;
            self.read(&mut bytes[..len], at)?;
            for found in memmem(&bytes[..len], &MAGIC) {
                if self.frame_at(at + found as u64, end)?.is_ok_and(|frame| segment::check(&frame).is_ok()) {
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

/// What a file of an earlier recorder holds; shows the heads in it.
pub fn summary(file: &RingFile, each: &mut dyn FnMut(&Head)) -> Result<Summary, RingError> {
    let mut summary = Summary::default();
    read_segments(file, &mut |whole| {
        let head = whole.head;
        each(&head);
        summary.first_seq.get_or_insert(head.seq);
        summary.events += u64::from(head.events);
        summary.first_ns.get_or_insert(head.first_ns);
        summary.last_ns = Some(head.last_ns);
        summary.last = Some((head.seq, whole.sha256()));
        Ok(())
    })?;
    Ok(summary)
}

#[cfg(test)]
mod tests {
    use super::*;
    use taffrail_trace::clock::Anchor;
    use taffrail_trace::ids::ContainerKey;
    use taffrail_trace::segment::Label;

    const OURS: u64 = 0xA5;

    fn frame(seq: u64, nonce: u64) -> Vec<u8> {
        let anchor = Anchor { boot_ns: seq, utc_ns: 0 };
        let label = Label { class: Class::Bulk, seq, anchor, container: ContainerKey(7), nonce, previous: [0; 32] };
        segment::encode(&label, &Content::default()).expect("a segment").bytes
    }

    /// Numbers of the segments that are read, and the damaged stretches.
    fn read(parts: &[&[u8]]) -> (Vec<u64>, u64) {
        let dir = tempfile::tempdir().expect("tempdir");
        let path = dir.path().join(name(Class::Bulk, 0, OURS));
        std::fs::write(&path, parts.concat()).expect("write");
        let mut seen = Vec::new();
        let file = RingFile::open(&path, OURS).expect("open");
        let damaged = read_segments(&file, &mut |whole| {
            seen.push(whole.head.seq);
            Ok(())
        });
        (seen, damaged.expect("read"))
    }

    #[test]
    fn behind_damage_reading_goes_on_at_the_next_segment() {
        let (first, second, third) = (frame(0, OURS), frame(1, OURS), frame(2, OURS));
        assert_eq!(read(&[&first, &second, &third]), (vec![0, 1, 2], 0));
        let mut bad = second.clone();
        bad[8] = 0xFF;
        assert_eq!(read(&[&first, &bad, &third]), (vec![0, 2], 1), "its length");
        let mut bad = second.clone();
        bad[HEAD_BYTES] ^= 1;
        assert_eq!(read(&[&first, &bad, &third]), (vec![0, 2], 1), "its body");
        let far = vec![b'T'; 3 * SEARCH_BYTES + 1];
        assert_eq!(read(&[&first, &far, &third]), (vec![0, 2], 1), "a long stretch");
    }

    #[test]
    fn what_was_being_written_when_the_end_came_is_no_damage() {
        let (first, second) = (frame(0, OURS), frame(1, OURS));
        for len in 1..second.len() {
            assert_eq!(read(&[&first, &second[..len]]), (vec![0], 0), "{len} bytes");
        }
    }

    #[test]
    fn a_segment_that_a_program_printed_is_never_taken_for_one() {
        let forged = frame(1, OURS + 1);
        assert!(segment::check(&forged).is_ok(), "whole in itself");
        let mut host = frame(1, OURS);
        host[HEAD_BYTES] ^= 1;
        assert_eq!(read(&[&frame(0, OURS), &host, &forged, &frame(2, OURS)]), (vec![0, 2], 1));
        assert_eq!(read(&[&forged]), (vec![], 1));
    }

    #[test]
    fn a_files_name_says_class_number_and_nonce() {
        let name = name(Class::Vital, 12, 0xBEEF);
        assert_eq!(name, "vital-00000012-000000000000beef.ring");
        assert_eq!(parse_name(&name), Some((Class::Vital, 12, 0xBEEF)));
        for other in ["vital-00000012.ring", "other-0-0.ring", "container.json", "bulk--1.ring", "bulk-x-1.ring"] {
            assert_eq!(parse_name(other), None, "{other}");
        }
        assert_ne!(new_nonce(), new_nonce());
    }
}
