//! The directory of a ZIP, read strictly: what a recorder writes, and nothing else that is a ZIP too.
//!
//! Members lie one after the other from the first byte on, each behind a header that says what the directory says of it;
//! the directory follows, then the end, and no byte is in between or behind. So there is one way to read a bundle, and no
//! reader finds another member in it than the next: what one of them heeds and another passes over (extra fields, comments,
//! attributes, a second end that says something else) is refused. Lengths are bounded before anything is read by them: at most
//! 256 members, whatever the file states.
//!
//! Format: PKWARE's APPNOTE 6.3.10, sections 4.3.7, 4.3.12, 4.3.14 to 4.3.16, 4.4 and 4.5.3.

mod entry;
#[cfg(test)]
mod tests;

use super::{MANIFEST, Member};
use entry::{Entry, LOCAL, LOCAL_BYTES};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;

/// The most members a bundle can have: a few dozen tables and documents, with room to grow.
const MEMBERS_MAX: u64 = 256;
/// The longest member name.
const NAME_MAX_BYTES: usize = 128;
/// The longest directory: the most members with the longest names and some bytes more each.
const DIRECTORY_MAX_BYTES: u64 = 128 << 10;

const END: &[u8] = b"PK\x05\x06";
const END_BYTES: u64 = 22;
const LOCATOR: &[u8] = b"PK\x06\x07";
const LOCATOR_BYTES: u64 = 20;
const END_64: &[u8] = b"PK\x06\x06";
const END_64_BYTES: u64 = 56;
/// Why a file is not taken.
pub enum Problem {
    /// It cannot be read.
    Io(io::Error),
    /// It has no end where one should be: no ZIP, or one cut short.
    Zip(String),
    /// A ZIP that no recorder wrote.
    Shape(String),
}

impl From<io::Error> for Problem {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

fn shape<T>(reason: impl Into<String>) -> Result<T, Problem> {
    Err(Problem::Shape(reason.into()))
}

/// The members of the ZIP, each checked.
pub fn directory(file: &File, file_len: u64) -> Result<BTreeMap<String, Member>, Problem> {
    let (count, begin, end) = place(file, file_len)?;
    if count > MEMBERS_MAX {
        return shape(format!("it has {count} members, more than {MEMBERS_MAX}"));
    }
    if end - begin > DIRECTORY_MAX_BYTES {
        return shape(format!("its directory has {} bytes, more than {DIRECTORY_MAX_BYTES}", end - begin));
    }
    let bytes = read(file, begin, (end - begin) as usize)?;
    let mut rest = bytes.as_slice();
    let mut entries = Vec::new();
    for _ in 0..count {
        entries.push(Entry::take(&mut rest)?);
    }
    if !rest.is_empty() {
        return shape("its directory is longer than its members");
    }
    entries.sort_by_key(|entry| entry.at);
    let mut members = BTreeMap::new();
    let mut names = BTreeSet::new();
    let mut at = 0;
    for entry in entries {
        let name = entry.name.clone();
        if entry.at < at {
            return shape(format!("member {name} overlaps the one before it"));
        }
        if entry.at > at {
            return shape(format!("before member {name} lie bytes that are of none"));
        }
        let member = entry.member(file, begin)?;
        at = member.offset + member.len;
        if members.insert(name.clone(), member).is_some() {
            return shape(format!("member {name} is there twice"));
        }
        if !names.insert(name.to_ascii_lowercase()) {
            return shape(format!("member {name} is there twice where capitals do not count"));
        }
    }
    if at != begin {
        return shape("behind its last member lie bytes that are of none");
    }
    Ok(members)
}

/// How many members the directory has, where it begins, and where it ends.
fn place(file: &File, file_len: u64) -> Result<(u64, u64, u64), Problem> {
    let no_end = || Problem::Zip("its last bytes are not the end of a ZIP".to_owned());
    let end_at = file_len.checked_sub(END_BYTES).ok_or_else(no_end)?;
    let end = read(file, end_at, END_BYTES as usize)?;
    if !end.starts_with(END) || u16_at(&end, 20) != 0 {
        return Err(no_end());
    }
    let short = [
        u64::from(u16_at(&end, 4)),
        u64::from(u16_at(&end, 6)),
        u64::from(u16_at(&end, 8)),
        u64::from(u16_at(&end, 10)),
        u64::from(u32_at(&end, 12)),
        u64::from(u32_at(&end, 16)),
    ];
    let (end, behind) = match end_at.checked_sub(LOCATOR_BYTES + END_64_BYTES) {
        Some(record_at) => match large_end(file, record_at)? {
            Some(large) => (of_both(short, large)?, record_at),
            None => (short, end_at),
        },
        None => (short, end_at),
    };
    let [disk, directory_disk, on_this_disk, count, len, begin] = end;
    if disk != 0 || directory_disk != 0 || on_this_disk != count {
        return shape("it is one of several disks, says its end");
    }
    if begin.checked_add(len) != Some(behind) {
        return shape("its directory does not lie before its end");
    }
    Ok((count, begin, behind))
}

/// What the end of a large ZIP says, where there is one: its disk, the directory's, how many members are on it and in
/// all, how long the directory is and where it begins.
fn large_end(file: &File, record_at: u64) -> Result<Option<[u64; 6]>, Problem> {
    let locator = read(file, record_at + END_64_BYTES, LOCATOR_BYTES as usize)?;
    if !locator.starts_with(LOCATOR) {
        return Ok(None);
    }
    let record = read(file, record_at, END_64_BYTES as usize)?;
    let is_where_it_says = u64_at(&locator, 8) == record_at && record.starts_with(END_64);
    if !is_where_it_says || u64_at(&record, 4) != END_64_BYTES - 12 {
        return shape("its end says that it is large, and not where it ends");
    }
    if u32_at(&locator, 4) != 0 || u32_at(&locator, 16) != 1 {
        return shape("it is one of several disks, says its end");
    }
    let disks = [16, 20].map(|at| u64::from(u32_at(&record, at)));
    let [on_this_disk, count, len, begin] = [24, 32, 40, 48].map(|at| u64_at(&record, at));
    Ok(Some([disks[0], disks[1], on_this_disk, count, len, begin]))
}

/// One end out of two: each field of the short one either leaves the word to the large one or says the same, so that a
/// reader that knows only one of them finds what the others find.
fn of_both(short: [u64; 6], large: [u64; 6]) -> Result<[u64; 6], Problem> {
    let [in_large_16, in_large_32] = [u64::from(u16::MAX), u64::from(u32::MAX)];
    let left_to_it = [in_large_16, in_large_16, in_large_16, in_large_16, in_large_32, in_large_32];
    let agree = short.iter().zip(large).zip(left_to_it).all(|((short, large), left)| *short == large || *short == left);
    if agree { Ok(large) } else { shape("its two ends say different things") }
}

/// Whether the file's first member is a manifest: it was a bundle, whatever became of its end.
pub fn begins_as_bundle(file: &File) -> bool {
    read(file, 0, LOCAL_BYTES + MANIFEST.len())
        .is_ok_and(|head| head.starts_with(LOCAL) && head[LOCAL_BYTES..] == *MANIFEST.as_bytes())
}

/// A member name made of plain words and at most one folder, or why not.
pub fn checked_name(raw: &[u8]) -> Result<String, String> {
    let shown = || crate::text::shown(&crate::text::from_bytes(raw)).into_owned();
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-' | b'/');
    if raw.is_empty() || raw.len() > NAME_MAX_BYTES || !raw.iter().all(plain) {
        return Err(format!("member name {:?} is not one of ours", shown()));
    }
    let name = String::from_utf8_lossy(raw).into_owned();
    if name.split('/').any(|part| part.is_empty() || part.starts_with('.')) {
        return Err(format!("member name {:?} is not one of ours", shown()));
    }
    Ok(name)
}

fn read(file: &File, at: u64, len: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; len];
    file.read_exact_at(&mut bytes, at)?;
    Ok(bytes)
}

// Of arrays whose lengths were checked; zero beyond them, which fits nothing.
fn u16_at(bytes: &[u8], at: usize) -> u16 {
    bytes.get(at..).and_then(<[u8]>::first_chunk).map_or(0, |bytes| u16::from_le_bytes(*bytes))
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..).and_then(<[u8]>::first_chunk).map_or(0, |bytes| u32::from_le_bytes(*bytes))
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    bytes.get(at..).and_then(<[u8]>::first_chunk).map_or(0, |bytes| u64::from_le_bytes(*bytes))
}
