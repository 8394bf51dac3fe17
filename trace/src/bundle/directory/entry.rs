//! A member as the directory has it, and as its own header has it: both say the same, and nothing that only some readers
//! heed.

use super::{Problem, checked_name, read, shape, u16_at, u32_at, u64_at};
use crate::bundle::Member;
use std::fs::File;

const ENTRY: &[u8] = b"PK\x01\x02";
const ENTRY_BYTES: usize = 46;
pub const LOCAL: &[u8] = b"PK\x03\x04";
pub const LOCAL_BYTES: usize = 30;

/// Names are UTF-8, which ours are whether it is said or not.
const FLAG_UTF8: u16 = 1 << 11;
/// The newest version that a reader needs for a stored member: 4.5, for large ones (4.4.3). Other readers leave out
/// what needs a version that they do not have.
const VERSION_MAX: u16 = 45;
/// Who made it, for whom the attributes are to be understood: Unix (4.4.2).
const MADE_BY_UNIX: u8 = 3;
/// A regular file, in the upper half of a Unix member's attributes: `S_IFREG`, see inode(7).
const REGULAR: u32 = 0o100_000;
/// What a file's owner, group and others may do; not the bits that make it run as somebody else.
const PERMISSIONS: u32 = 0o777;
/// Sizes that stand in the extra field of a large file (4.5.3).
const IN_EXTRA: u32 = u32::MAX;
/// That field's id.
const EXTRA_64: u16 = 1;

/// What the directory says of a member.
pub struct Entry {
    pub name: String,
    pub len: u64,
    /// Where its header is.
    pub at: u64,
    /// Flags, method, time, date and CRC, which its header repeats byte for byte.
    repeated: [u8; 12],
}

impl Entry {
    /// The next one.
    pub fn take(rest: &mut &[u8]) -> Result<Self, Problem> {
        let Some((head, behind)) = rest.split_at_checked(ENTRY_BYTES).filter(|(head, _)| head.starts_with(ENTRY))
        else {
            return shape("its directory has fewer members than it says");
        };
        let [name_len, extra_len, comment_len] = [28, 30, 32].map(|at| usize::from(u16_at(head, at)));
        let parts = behind.split_at_checked(name_len).and_then(|(name, behind)| {
            let (extra, behind) = behind.split_at_checked(extra_len)?;
            Some((name, extra, behind))
        });
        let Some((name, extra, behind)) = parts else { return shape("its directory is cut short") };
        *rest = behind;
        let name = checked_name(name).map_err(Problem::Shape)?;
        if u16_at(head, 10) != 0 || u16_at(head, 8) & !FLAG_UTF8 != 0 {
            return shape(format!("member {name} is compressed or encrypted; ours are stored plain"));
        }
        if comment_len != 0 || u16_at(head, 34) != 0 {
            return shape(format!("member {name} has a comment, or lies on another disk"));
        }
        let [_, made_by, ..] = u16_at(head, 4).to_le_bytes();
        let (internal, external) = (u16_at(head, 36), u32_at(head, 38));
        if made_by != MADE_BY_UNIX || u16_at(head, 6) > VERSION_MAX || internal != 0 || !is_plain(external) {
            return shape(format!("member {name} is not a regular file as a recorder writes it"));
        }
        let Some([len, stored, at]) = sizes([24, 20, 42].map(|at| u32_at(head, at)), extra) else {
            return shape(format!("member {name} has an extra field that is not its size, or does not say its size"));
        };
        if stored != len {
            return shape(format!("member {name} states two different lengths"));
        }
        Ok(Self { name, len, at, repeated: repeated(&head[8..]) })
    }

    /// Where its bytes are: behind a header that says the same of it, and before the directory.
    pub fn member(&self, file: &File, directory_at: u64) -> Result<Member, Problem> {
        let Self { name, len, at, .. } = self;
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
        let says_the_same = head.starts_with(LOCAL)
            && u16_at(&head, 4) <= VERSION_MAX
            && own_name == name.as_bytes()
            && repeated(&head[6..]) == self.repeated
            && sizes([22, 18].map(|at| u32_at(&head, at)), extra) == Some([*len, *len]);
        if !says_the_same {
            return shape(format!("member {name} has a header that says something else than the directory"));
        }
        Ok(Member { offset, len: *len, crc32: u32_at(&self.repeated, 8) })
    }
}

/// Whether these attributes say no more than that it is a file, or nothing of that, and who may read and write it.
fn is_plain(external: u32) -> bool {
    let (mode, dos) = (external >> 16, external & 0xFFFF);
    dos == 0 && [0, REGULAR].contains(&(mode & !PERMISSIONS))
}

/// What a header and the directory have in common, from the flags on.
fn repeated(from_flags: &[u8]) -> [u8; 12] {
    from_flags.first_chunk().copied().unwrap_or_default()
}

/// These fields of a header, those that are too small out of its extra field: which is there for no other reason, and has
/// no other and no further field (4.5.3).
fn sizes<const N: usize>(short: [u32; N], extra: &[u8]) -> Option<[u64; N]> {
    let in_extra = 8 * short.iter().filter(|size| **size == IN_EXTRA).count();
    let large = match extra.split_at_checked(4) {
        None if extra.is_empty() && in_extra == 0 => extra,
        Some((head, large))
            if in_extra > 0
                && u16_at(head, 0) == EXTRA_64
                && usize::from(u16_at(head, 2)) == in_extra
                && large.len() == in_extra =>
        {
            large
        }
        _ => return None,
    };
    let mut large = large.chunks_exact(8).map(|size| u64_at(size, 0));
    Some(short.map(|size| if size == IN_EXTRA { large.next().unwrap_or(0) } else { u64::from(size) }))
}
