//! Program images: how they came to be, who they are, how they ended.

use super::Endpoint;
use crate::clock::BootNs;
use crate::ids::{ExecId, ProcessId};
use serde::{Deserialize, Serialize};

/// One program image: an exec, a fork's copy, or what was found running when the recorder started.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Image {
    /// Its identity.
    pub exec_id: ExecId,
    /// Its process.
    pub process_id: ProcessId,
    /// The image that made this image's process, which stays the same when the kernel hands the process to another
    /// parent; `None` where there is none or it is not known.
    pub parent_exec_id: Option<ExecId>,
    /// How it came to be.
    pub origin: Origin,
    /// When, on the boot clock; for `Scan` the start of its process.
    pub time_ns: BootNs,
    /// Thread group id in the initial pid namespace.
    pub pid: u32,
    /// Pid of the kernel's parent at that moment, 0 where there is none.
    pub ppid: u32,
    /// Real user id in the initial user namespace.
    pub uid: u32,
    /// Real group id in the initial user namespace.
    pub gid: u32,
    /// All ids and capabilities at exec; `None` for `Scan`. A fork has its parent's.
    pub credentials: Option<Credentials>,
    /// The namespaces it lives in; `None` where not known.
    pub namespaces: Option<Namespaces>,
    /// Who logged in, through every `su`; `None` where nobody did.
    pub login_uid: Option<u32>,
    /// Name of the controlling terminal.
    pub tty: Option<String>,
    /// The thread name given at exec.
    pub comm: String,
    /// Path of the executable, walked from the kernel's file object; from `/proc/PID/exe` for `Scan`.
    pub exe: String,
    /// What the executable is beside its name; `None` where not known.
    pub exe_file: Option<ExeFile>,
    /// What `execve` was asked to run, where that is a script and `exe` its interpreter.
    pub script: Option<String>,
    /// The environment variables that the configuration keeps, `NAME=value`, secrets masked.
    pub environment: Vec<String>,
    /// It came into the container from outside: the process that made it lives elsewhere.
    pub entered: Option<Entered>,
    /// Arguments, program name first.
    pub args: Vec<String>,
    /// The arguments were longer than what is kept.
    pub args_cut: bool,
    /// Working directory.
    pub cwd: String,
    /// What fd 0, 1 and 2 led to at exec.
    pub stdio: [Stdio; 3],
    /// The container it ran in, by the id used in tables.
    pub container_id: String,
    /// That container's name as known at that moment.
    pub container_name: String,
}

/// The file of a program image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ExeFile {
    /// Inode number.
    pub inode: u64,
    /// Device, the kernel's encoding (major << 20 | minor).
    pub dev: u32,
    /// Mode bits, type included.
    pub mode: u16,
    /// Size in bytes.
    pub bytes: u64,
    /// Change time, nanoseconds since 1970.
    pub ctime_ns: u64,
    /// It has no name in any directory any more, or never had one (memfd).
    pub deleted: bool,
    /// It is an anonymous file in memory.
    pub memfd: bool,
    /// It lies in the upper layer of the container's overlay: it is not from the image, or was changed since.
    pub upper: bool,
}

/// How a process came into a container from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entered {
    /// By which door.
    pub way: EnteredBy,
    /// The image outside that sent it.
    pub by: Option<ExecId>,
}

/// The door.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum EnteredBy {
    /// It was put into the container's cgroup, as `docker exec` does.
    Cgroup,
    /// It joined the container's namespaces from another cgroup, as `nsenter` does.
    Namespaces,
}

impl EnteredBy {
    /// The word used in tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cgroup => "cgroup",
            Self::Namespaces => "namespaces",
        }
    }
}

/// User and group ids and capabilities, as in the initial user namespace.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credentials {
    /// Real user.
    pub uid: u32,
    /// Real group.
    pub gid: u32,
    /// Saved user.
    pub suid: u32,
    /// Saved group.
    pub sgid: u32,
    /// Effective user.
    pub euid: u32,
    /// Effective group.
    pub egid: u32,
    /// User for file access.
    pub fsuid: u32,
    /// Group for file access.
    pub fsgid: u32,
    /// Capabilities that may be used, a bit each as `capabilities(7)` numbers them.
    pub permitted: u64,
    /// Capabilities in force.
    pub effective: u64,
    /// Capabilities that can ever be had.
    pub bounding: u64,
}

/// Inode numbers of namespaces, as `/proc/PID/ns` shows them; 0 where not known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Namespaces {
    /// Mounts.
    pub mount: u32,
    /// Process ids.
    pub pid: u32,
    /// Network.
    pub network: u32,
    /// Host name.
    pub uts: u32,
    /// System V and POSIX message objects.
    pub ipc: u32,
    /// Cgroups.
    pub cgroup: u32,
    /// Users.
    pub user: u32,
}

impl Namespaces {
    /// Each with its name.
    pub fn named(self) -> [(&'static str, u32); 7] {
        [
            ("mount", self.mount),
            ("pid", self.pid),
            ("network", self.network),
            ("user", self.user),
            ("uts", self.uts),
            ("ipc", self.ipc),
            ("cgroup", self.cgroup),
        ]
    }
}

/// How a program image came to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Origin {
    /// A program was run.
    Exec,
    /// A process was made and has its parent's image.
    Fork,
    /// It was there when the recorder started.
    Scan,
}

impl Origin {
    /// The word used in tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Exec => "exec",
            Self::Fork => "fork",
            Self::Scan => "scan",
        }
    }
}

/// What an open descriptor led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Stdio {
    /// Not looked at (fork, scan).
    Unknown,
    /// Not open.
    Closed,
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A character device: a terminal, `/dev/null`.
    CharDevice,
    /// A block device.
    BlockDevice,
    /// A pipe or FIFO.
    Pipe,
    /// A socket that is not IPv4 or IPv6.
    Socket,
    /// An IPv4 or IPv6 socket.
    Inet {
        /// Local end.
        local: Endpoint,
        /// Remote end.
        remote: Endpoint,
    },
}

impl std::fmt::Display for Stdio {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unknown => f.write_str("unknown"),
            Self::Closed => f.write_str("closed"),
            Self::File => f.write_str("file"),
            Self::Directory => f.write_str("directory"),
            Self::CharDevice => f.write_str("char device"),
            Self::BlockDevice => f.write_str("block device"),
            Self::Pipe => f.write_str("pipe"),
            Self::Socket => f.write_str("socket"),
            Self::Inet { local, remote } => write!(f, "inet {local} -> {remote}"),
        }
    }
}

/// The end of a process. Exactly one of `code` and `signal` is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exit {
    /// Exit code, 0..=255.
    pub code: Option<i32>,
    /// The signal that ended it.
    pub signal: Option<i32>,
    /// Threads that the process made besides its first.
    pub threads: u32,
}

/// The content of an executable that is new to its container. The actor is the image that ran it first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Digest {
    /// Which file.
    pub inode: u64,
    /// Device of that file.
    pub dev: u32,
    /// Change time of the file when it was run, nanoseconds since 1970.
    pub ctime_ns: u64,
    /// Its SHA-256, or why it could not be read.
    pub sha256: Result<[u8; 32], String>,
}
