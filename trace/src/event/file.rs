//! Files opened and changed, and what went through them.

use super::{Abi, words};
use serde::{Deserialize, Serialize};

/// A file system operation that a program asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileEvent {
    /// What was asked for.
    pub op: FileOp,
    /// The name, absolute in the actor's mount namespace.
    pub path: String,
    /// The second name of a rename or link; what a symlink says.
    pub new_path: Option<String>,
    /// Where `path` was read.
    pub path_source: PathSource,
    /// What the program's memory held as `path` when the call began, where it held something else when it ended.
    pub rewritten_from: Option<String>,
    /// The same of `new_path`; of `attribute` where there is one.
    pub new_rewritten_from: Option<String>,
    /// The file lies in a mount namespace that is not the actor's: `path` is as seen there.
    pub other_mounts: bool,
    /// The system call's flags: `O_*` for opens, `AT_*` for unlinks, `RENAME_*` for renames.
    pub flags: u32,
    /// Permission bits given.
    pub mode: Option<u32>,
    /// The owner and group that a chown gave, `u32::MAX` for one left as it is.
    pub owner: Option<(u32, u32)>,
    /// The name of an extended attribute.
    pub attribute: Option<String>,
    /// The size that a truncate gave, bytes.
    pub size_bytes: Option<u64>,
    /// 0 or a negative errno; `None` where it never became known (io_uring).
    pub result: Option<i32>,
    /// The descriptor that an open returned.
    pub fd: Option<i32>,
    /// Inode number where the kernel's object was at hand.
    pub inode: Option<u64>,
    /// Device of that inode, the kernel's encoding (major << 20 | minor).
    pub dev: Option<u32>,
    /// How it was asked for.
    pub abi: Abi,
}

/// What went through an open file since the row before, or since it was opened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IoEvent {
    /// The file's name, walked from the kernel's object; empty where the opening was not seen.
    pub path: String,
    /// The file lies in a mount namespace that is not the actor's.
    pub other_mounts: bool,
    /// The descriptor.
    pub fd: i32,
    /// Inode number.
    pub inode: Option<u64>,
    /// Bytes read.
    pub bytes_read: u64,
    /// Bytes written.
    pub bytes_written: u64,
    /// The file was closed, or its process ended; else it is still open.
    pub closed: bool,
}

words! {
    /// File operations.
    FileOp {
        /// An existing file was opened, or an open failed.
        Open = "open",
        /// An open made the file.
        Create = "create",
        /// A name was removed.
        Unlink = "unlink",
        /// A directory was removed.
        Rmdir = "rmdir",
        /// A name was changed.
        Rename = "rename",
        /// A second name was given.
        Link = "link",
        /// A symbolic link was made.
        Symlink = "symlink",
        /// A directory was made.
        Mkdir = "mkdir",
        /// A device, FIFO, socket or plain file was made.
        Mknod = "mknod",
        /// Permission bits were changed.
        Chmod = "chmod",
        /// Owner or group was changed.
        Chown = "chown",
        /// An extended attribute was set.
        Setxattr = "setxattr",
        /// An extended attribute was removed.
        Removexattr = "removexattr",
        /// The file was cut or grown to a size.
        Truncate = "truncate",
    }
}

/// How far a path can be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PathSource {
    /// Walked from the kernel's own objects.
    Kernel,
    /// Read from the program's memory, which another thread may have changed meanwhile.
    User,
}

impl PathSource {
    /// The word used in tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Kernel => "kernel",
            Self::User => "user",
        }
    }
}
