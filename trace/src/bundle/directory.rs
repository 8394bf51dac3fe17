//! The directory of a ZIP, read strictly: what a recorder writes, and nothing else that is a ZIP too.
//!
//! Members lie one after the other from the first byte on, each behind a header that says what the directory says of it;
//! the directory follows, then the end, and no byte is in between or behind. So there is one way to read a bundle, and no
//! reader finds another member in it than the next. Lengths are bounded before anything is read by them: at most
//! 256 members, whatever the file states.
//!
//! Format: PKWARE's APPNOTE 6.3.10, sections 4.3.7, 4.3.12, 4.3.14 to 4.3.16 and 4.5.3.

use super::{MANIFEST, Member};
use std::collections::BTreeMap;
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
const ENTRY: &[u8] = b"PK\x01\x02";
const ENTRY_BYTES: usize = 46;
const LOCAL: &[u8] = b"PK\x03\x04";
const LOCAL_BYTES: usize = 30;

/// Names are UTF-8, which ours are whether it is said or not.
const FLAG_UTF8: u16 = 1 << 11;
/// Sizes that stand in the extra field of a large file (4.5.3).
const IN_EXTRA: u32 = u32::MAX;
const EXTRA_64: u16 = 1;

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
    let short = (u64::from(u16_at(&end, 10)), u64::from(u32_at(&end, 16)), u64::from(u32_at(&end, 12)), end_at);
    let (count, begin, len, behind) = match end_at.checked_sub(LOCATOR_BYTES + END_64_BYTES) {
        Some(record_at) => {
            let locator = read(file, record_at + END_64_BYTES, LOCATOR_BYTES as usize)?;
            if locator.starts_with(LOCATOR) {
                let record = read(file, record_at, END_64_BYTES as usize)?;
                if u64_at(&locator, 8) != record_at || !record.starts_with(END_64) {
                    return shape("its end says that it is large, and not where it ends");
                }
                (u64_at(&record, 32), u64_at(&record, 48), u64_at(&record, 40), record_at)
            } else {
                short
            }
        }
        None => short,
    };
    if begin.checked_add(len) != Some(behind) {
        return shape("its directory does not lie before its end");
    }
    Ok((count, begin, behind))
}

/// What the directory says of a member.
struct Entry {
    name: String,
    crc: u32,
    len: u64,
    /// Where its header is.
    at: u64,
}

impl Entry {
    /// The next one.
    fn take(rest: &mut &[u8]) -> Result<Self, Problem> {
        let Some((head, behind)) = rest.split_at_checked(ENTRY_BYTES).filter(|(head, _)| head.starts_with(ENTRY))
        else {
            return shape("its directory has fewer members than it says");
        };
        let [name_len, extra_len, comment_len] = [28, 30, 32].map(|at| usize::from(u16_at(head, at)));
        let parts = behind.split_at_checked(name_len).and_then(|(name, behind)| {
            let (extra, behind) = behind.split_at_checked(extra_len)?;
            Some((name, extra, behind.get(comment_len..)?))
        });
        let Some((name, extra, behind)) = parts else { return shape("its directory is cut short") };
        *rest = behind;
        let name = checked_name(name).map_err(Problem::Shape)?;
        if u16_at(head, 10) != 0 || u16_at(head, 8) & !FLAG_UTF8 != 0 {
            return shape(format!("member {name} is compressed or encrypted; ours are stored plain"));
        }
        let mut large = large(extra);
        let mut size = |short: u32| if short == IN_EXTRA { large.next() } else { Some(u64::from(short)) };
        let (len, stored) = (size(u32_at(head, 24)), size(u32_at(head, 20)));
        let Some((len, at)) = len.zip(size(u32_at(head, 42))) else {
            return shape(format!("member {name} does not say how long it is"));
        };
        if stored != Some(len) {
            return shape(format!("member {name} states two different lengths"));
        }
        Ok(Self { name, crc: u32_at(head, 16), len, at })
    }

    /// Where its bytes are: behind a header that says the same of it, and before the directory.
    fn member(&self, file: &File, directory_at: u64) -> Result<Member, Problem> {
        let Self { name, crc, len, at } = self;
        let beyond = || Problem::Shape(format!("member {name} reaches beyond the end of the file"));
        if at.checked_add(LOCAL_BYTES as u64).is_none_or(|end| end > directory_at) {
            return Err(beyond());
        }
        let head = read(file, *at, LOCAL_BYTES)?;
        let (name_len, extra_len) = (u16_at(&head, 26), u16_at(&head, 28));
        let named_at = at + LOCAL_BYTES as u64;
        let offset = named_at + u64::from(name_len) + u64::from(extra_len);
        if offset.checked_add(*len).is_none_or(|end| end > directory_at) {
            return Err(beyond());
        }
        let named = read(file, named_at, usize::from(name_len) + usize::from(extra_len))?;
        let (own_name, extra) = named.split_at(usize::from(name_len));
        let mut large = large(extra);
        let mut size = |short: u32| if short == IN_EXTRA { large.next() } else { Some(u64::from(short)) };
        let says_the_same = head.starts_with(LOCAL)
            && own_name == name.as_bytes()
            && u16_at(&head, 6) & !FLAG_UTF8 == 0
            && u16_at(&head, 8) == 0
            && u32_at(&head, 14) == *crc
            && size(u32_at(&head, 22)) == Some(*len)
            && size(u32_at(&head, 18)) == Some(*len);
        if !says_the_same {
            return shape(format!("member {name} has a header that says something else than the directory"));
        }
        Ok(Member { offset, len: *len })
    }
}

/// The sizes in the extra field of a large file, in the order in which they are asked for.
fn large(mut extra: &[u8]) -> impl Iterator<Item = u64> + '_ {
    let mut sizes: &[u8] = &[];
    while let Some((head, behind)) = extra.split_at_checked(4) {
        let len = usize::from(u16_at(head, 2)).min(behind.len());
        if u16_at(head, 0) == EXTRA_64 {
            sizes = &behind[..len];
            break;
        }
        extra = &behind[len..];
    }
    sizes.chunks_exact(8).map(|size| u64_at(size, 0))
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;
    use zip::write::SimpleFileOptions;
    use zip::{CompressionMethod, ZipWriter};

    fn members(bytes: &[u8]) -> Result<BTreeMap<String, Member>, String> {
        let mut file = tempfile::tempfile().expect("a file");
        file.write_all(bytes).expect("written");
        directory(&file, bytes.len() as u64).map_err(|problem| match problem {
            Problem::Io(error) => error.to_string(),
            Problem::Zip(reason) | Problem::Shape(reason) => reason,
        })
    }

    /// A ZIP of two members, with the sizes of large ones where that is asked for.
    fn zip(is_large: bool) -> Vec<u8> {
        let mut zip = ZipWriter::new(io::Cursor::new(Vec::new()));
        let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored).large_file(is_large);
        for (name, content) in [("manifest.json", "{}"), ("events/file.parquet", "PAR1")] {
            zip.start_file(name, options).expect("a member");
            zip.write_all(content.as_bytes()).expect("written");
        }
        zip.finish().expect("a ZIP").into_inner()
    }

    /// The same with the end of a large one: record, locator, and an end that says nothing.
    fn with_large_end(mut bytes: Vec<u8>) -> Vec<u8> {
        let end = bytes.split_off(bytes.len() - END_BYTES as usize);
        let record_at = bytes.len() as u64;
        let mut record = [END_64, &44_u64.to_le_bytes(), &[45, 0, 45, 0], &[0; 8]].concat();
        record.extend([u64::from(u16_at(&end, 10)); 2].iter().flat_map(|count| count.to_le_bytes()));
        record.extend(u64::from(u32_at(&end, 12)).to_le_bytes());
        record.extend(u64::from(u32_at(&end, 16)).to_le_bytes());
        let locator = [LOCATOR, &[0; 4], &record_at.to_le_bytes(), &[1, 0, 0, 0]].concat();
        let end = [END, &[0; 4], &[0xFF; 12], &[0; 2]].concat();
        [bytes, record, locator, end].concat()
    }

    #[test]
    fn large_sizes_are_read_where_a_large_zip_has_them() {
        let plain = members(&zip(false)).expect("a ZIP");
        assert_eq!(plain["events/file.parquet"].len, 4);
        let large = zip(true);
        let found = members(&large).expect("a large one");
        assert_eq!(found["manifest.json"].len, 2);
        let member = found["events/file.parquet"];
        assert_eq!(&large[member.offset as usize..][..4], b"PAR1");
        assert_eq!(members(&with_large_end(large.clone())).expect("the largest"), found);
        let mut wrong = with_large_end(large);
        let at = wrong.len() - 22 - 20 + 8;
        wrong[at] ^= 1;
        assert!(members(&wrong).expect_err("elsewhere").contains("not where it ends"));
    }

    #[test]
    fn a_byte_more_or_less_anywhere_is_noticed() {
        let whole = zip(false);
        for at in 0..=whole.len() {
            let mut more = whole.clone();
            more.insert(at, 0);
            assert!(members(&more).is_err(), "more at {at}");
            if at < whole.len() {
                let mut less = whole.clone();
                less.remove(at);
                assert!(members(&less).is_err(), "less at {at}");
            }
        }
    }
}
