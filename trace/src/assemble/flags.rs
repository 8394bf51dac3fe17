//! Flags of system calls by name, in the numbering of x86-64 Linux.

use crate::event::FileOp;

/// `open(2)`; the two lowest bits are the access mode and are handled apart. Longer names come before the bits that
/// they contain.
pub const OPEN: &[(u32, &str)] = &[
    (0o20_200_000, "O_TMPFILE"),
    (0o4_010_000, "O_SYNC"),
    (0o100, "O_CREAT"),
    (0o200, "O_EXCL"),
    (0o400, "O_NOCTTY"),
    (0o1000, "O_TRUNC"),
    (0o2000, "O_APPEND"),
    (0o4000, "O_NONBLOCK"),
    (0o10_000, "O_DSYNC"),
    (0o20_000, "O_ASYNC"),
    (0o40_000, "O_DIRECT"),
    (0o100_000, "O_LARGEFILE"),
    (0o200_000, "O_DIRECTORY"),
    (0o400_000, "O_NOFOLLOW"),
    (0o1_000_000, "O_NOATIME"),
    (0o2_000_000, "O_CLOEXEC"),
    (0o10_000_000, "O_PATH"),
];
/// `unlinkat(2)`.
pub const UNLINK: &[(u32, &str)] = &[(0x200, "AT_REMOVEDIR")];
/// `renameat2(2)`.
pub const RENAME: &[(u32, &str)] = &[(1, "RENAME_NOREPLACE"), (2, "RENAME_EXCHANGE"), (4, "RENAME_WHITEOUT")];
/// Calls with a directory and a name.
pub const AT: &[(u32, &str)] =
    &[(0x100, "AT_SYMLINK_NOFOLLOW"), (0x400, "AT_SYMLINK_FOLLOW"), (0x1000, "AT_EMPTY_PATH")];
const XATTR: &[(u32, &str)] = &[(1, "XATTR_CREATE"), (2, "XATTR_REPLACE")];

/// The access modes of `open(2)`, by number.
const ACCESS: [&str; 4] = ["O_RDONLY", "O_WRONLY", "O_RDWR", "O_ACCMODE"];

fn names(op: FileOp) -> &'static [(u32, &'static str)] {
    match op {
        FileOp::Open | FileOp::Create => OPEN,
        FileOp::Unlink | FileOp::Rmdir => UNLINK,
        FileOp::Rename => RENAME,
        FileOp::Link | FileOp::Chmod | FileOp::Chown => AT,
        FileOp::Setxattr => XATTR,
        // These have none; a bit that is there all the same is shown as a number.
        FileOp::Symlink | FileOp::Mkdir | FileOp::Mknod | FileOp::Removexattr | FileOp::Truncate => &[],
    }
}

fn has_access(op: FileOp) -> bool {
    matches!(op, FileOp::Open | FileOp::Create)
}

/// The number that [`shown`] wrote like this; `None` where it writes nothing of the kind.
pub fn read(op: FileOp, shown: &str) -> Option<u32> {
    let mut flags = 0;
    for part in shown.split('|').filter(|part| !part.is_empty()) {
        let access = || (0..).zip(ACCESS).find(|(_, name)| has_access(op) && *name == part).map(|(mode, _)| mode);
        let named = || names(op).iter().find(|(_, name)| *name == part).map(|(bits, _)| *bits);
        let rest = || u32::from_str_radix(part.strip_prefix("0x")?, 16).ok();
        flags |= access().or_else(named).or_else(rest)?;
    }
    Some(flags)
}

/// `O_WRONLY|O_CREAT`; bits without a name are shown in hex, none as an empty text.
pub fn shown(op: FileOp, flags: u32) -> String {
    let mut parts: Vec<String> = Vec::new();
    let mut left = flags;
    if has_access(op) {
        parts.push(ACCESS[(flags & 3) as usize].to_owned());
        left &= !3;
    }
    for (bits, name) in names(op) {
        if left & bits == *bits {
            parts.push((*name).to_owned());
            left &= !bits;
        }
    }
    if left != 0 {
        parts.push(format!("{left:#x}"));
    }
    parts.join("|")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_named_and_unknown_bits_stay_visible() {
        assert_eq!(shown(FileOp::Create, 0o1101), "O_WRONLY|O_CREAT|O_TRUNC");
        assert_eq!(shown(FileOp::Open, 0), "O_RDONLY");
        assert_eq!(shown(FileOp::Open, 0o20_200_002), "O_RDWR|O_TMPFILE");
        assert_eq!(shown(FileOp::Rename, 0), "");
        assert_eq!(shown(FileOp::Unlink, 0x8200), "AT_REMOVEDIR|0x8000");
        assert_eq!(shown(FileOp::Chown, 0x1100), "AT_SYMLINK_NOFOLLOW|AT_EMPTY_PATH");
        assert_eq!(shown(FileOp::Setxattr, 1), "XATTR_CREATE");
        assert_eq!(shown(FileOp::Mkdir, 0), "");
    }
}
