//! One thing that happened, as the ring stores it: enriched, with identities, before tables.

use crate::clock::BootNs;
use crate::ids::{ExecId, ProcessId};
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// Which share of a container's budget an event lives in. Bulk can never evict vital.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Class {
    /// Rare and decisive: programs run, connections, removals, containers, findings, gaps.
    Vital,
    /// Frequent: opened files.
    Bulk,
}

impl Class {
    /// Both classes.
    pub const ALL: [Class; 2] = [Class::Vital, Class::Bulk];

    /// The word used in tables and file names.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Vital => "vital",
            Self::Bulk => "bulk",
        }
    }
}

/// One event of one container.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// When, on the boot clock.
    pub time_ns: BootNs,
    /// Who; `None` for what no process did (a gap, a removed container).
    pub actor: Option<Actor>,
    /// What.
    pub body: Body,
}

/// Who did it, at that moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    /// The program image; its [`Image`] is in the same ring.
    pub exec_id: ExecId,
    /// Thread group id in the initial pid namespace.
    pub pid: u32,
    /// Thread id in the initial pid namespace.
    pub tid: u32,
    /// Real user id in the initial user namespace.
    pub uid: u32,
    /// The thread's name as the kernel has it, which the program may have chosen.
    pub comm: String,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Body {
    /// A program image came to be. The event's actor is the image itself.
    Image(Box<Image>),
    /// The process of the actor's image ended.
    Exit(Exit),
    /// A file was touched.
    File(Box<FileEvent>),
    /// A network flow began, was answered or ended.
    Flow(Box<FlowEvent>),
    /// The container itself began or ended.
    Lifecycle(Lifecycle),
    /// A rule matched, or a person asked.
    Finding(Box<Finding>),
    /// Events are missing here.
    Gap(Gap),
}

impl Body {
    /// The share of the budget this event lives in.
    pub fn class(&self) -> Class {
        match self {
            Self::File(file) if matches!(file.op, FileOp::Open | FileOp::Create) => Class::Bulk,
            _ => Class::Vital,
        }
    }
}

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
    /// The thread name given at exec.
    pub comm: String,
    /// Path of the executable, walked from the kernel's file object; from `/proc/PID/exe` for `Scan`.
    pub exe: String,
    /// Inode number of the executable, 0 where not known.
    pub exe_inode: u64,
    /// The executable has no name in any directory any more, or never had one (memfd).
    pub exe_deleted: bool,
    /// Arguments, program name first.
    pub args: Vec<String>,
    /// The arguments were longer than what is kept.
    pub args_cut: bool,
    /// Working directory.
    pub cwd: String,
    /// What fd 0 and fd 1 led to at exec.
    pub stdio: [Stdio; 2],
    /// The container it ran in, by the id used in tables.
    pub container_id: String,
    /// That container's name as known at that moment.
    pub container_name: String,
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

/// One end of a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoint {
    /// Address.
    pub addr: IpAddr,
    /// Port; 0 where none was chosen yet.
    pub port: u16,
}

impl std::fmt::Display for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::net::SocketAddr::new(self.addr, self.port).fmt(f)
    }
}

/// The end of a process. Exactly one of the two is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exit {
    /// Exit code, 0..=255.
    pub code: Option<i32>,
    /// The signal that ended it.
    pub signal: Option<i32>,
}

/// A file system operation that a program asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileEvent {
    /// What was asked for.
    pub op: FileOp,
    /// The name, absolute in the actor's mount namespace.
    pub path: String,
    /// The second name of a rename.
    pub new_path: Option<String>,
    /// Where `path` was read.
    pub path_source: PathSource,
    /// The system call's flags: `O_*` for opens, `AT_*` for unlinks, `RENAME_*` for renames.
    pub flags: u32,
    /// Permission bits given.
    pub mode: Option<u32>,
    /// 0 or a negative errno.
    pub result: i32,
    /// The descriptor that an open returned.
    pub fd: Option<i32>,
    /// Inode number where the kernel's object was at hand.
    pub inode: Option<u64>,
}

/// File operations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FileOp {
    /// An existing file was opened, or an open failed.
    Open,
    /// An open made the file.
    Create,
    /// A name was removed.
    Unlink,
    /// A directory was removed.
    Rmdir,
    /// A name was changed.
    Rename,
    /// Permission bits were changed.
    Chmod,
}

impl FileOp {
    /// The word used in tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Create => "create",
            Self::Unlink => "unlink",
            Self::Rmdir => "rmdir",
            Self::Rename => "rename",
            Self::Chmod => "chmod",
        }
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

/// A moment in the life of a TCP flow. The table has one row per flow, made of all its moments.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlowEvent {
    /// Tells this flow from every other since boot.
    pub flow_id: u64,
    /// Which moment.
    pub phase: FlowPhase,
    /// How the flow began.
    pub op: FlowOp,
    /// When it began, on the boot clock.
    pub start_ns: BootNs,
    /// This host's end, or the end inside the container.
    pub local: Endpoint,
    /// The other end; `None` for a listener.
    pub remote: Option<Endpoint>,
    /// Payload bytes sent, known at the end.
    pub bytes_sent: u64,
    /// Payload bytes received, known at the end.
    pub bytes_received: u64,
    /// 0 or a negative errno, known at the end.
    pub result: i32,
}

/// A moment of a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FlowPhase {
    /// It began.
    Begin,
    /// The other side answered a connect.
    Established,
    /// It is closed.
    End,
}

/// How a flow began.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FlowOp {
    /// The owner called out.
    Connect,
    /// The owner took a call.
    Accept,
    /// The owner waits for calls.
    Listen,
}

impl FlowOp {
    /// The word used in tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Accept => "accept",
            Self::Listen => "listen",
        }
    }

    /// Who called whom, as the owner sees it; `None` for a listener.
    pub fn direction(self) -> Option<&'static str> {
        match self {
            Self::Connect => Some("outbound"),
            Self::Accept => Some("inbound"),
            Self::Listen => None,
        }
    }
}

/// The container's own beginning and end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lifecycle {
    /// `found`, `created` or `removed`.
    pub op: LifecycleOp,
    /// Path of the cgroup below the unified hierarchy's root.
    pub cgroup_path: String,
}

/// Lifecycle operations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LifecycleOp {
    /// It was there when the recorder started.
    Found,
    /// Its cgroup was made.
    Created,
    /// Its cgroup was removed.
    Removed,
}

impl LifecycleOp {
    /// The word used in tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Found => "found",
            Self::Created => "created",
            Self::Removed => "removed",
        }
    }
}

/// A rule matched, or a person asked for the evidence. Its time is the moment of the trigger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// The rule's stable name; `manual` where a person asked.
    pub rule: String,
    /// How serious.
    pub severity: Severity,
    /// One sentence for a person, with the values that matched.
    pub message: String,
}

/// How serious a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// A person asked; nothing is said about danger.
    Info,
    /// Worth a look.
    Warning,
    /// An attack unless explained.
    Critical,
}

impl Severity {
    /// The word used in tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }
}

/// Events are missing: how many, of what, between when, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    /// Which class is missing.
    pub class: Class,
    /// Why.
    pub cause: GapCause,
    /// How many events; `None` where that cannot be known.
    pub lost: Option<u64>,
    /// Not before this moment.
    pub from_ns: BootNs,
    /// Not after this moment.
    pub to_ns: BootNs,
    /// The events were this container's; `false` where they could have been any container's.
    pub own: bool,
}

/// Why events are missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum GapCause {
    /// The kernel's ring buffer had no room (*lost*).
    RingFull,
    /// The kernel's table of open flows had no room: the ends of flows are missing (*lost*).
    FlowTableFull,
    /// The kernel skipped a program that was already running on that CPU (*lost*).
    Nested,
    /// A record from the kernel could not be decoded (*lost*).
    Malformed,
    /// The budget said no (*refused*).
    Refused,
    /// The ring aged it out (*evicted*).
    Evicted,
    /// A segment on disk is damaged.
    Damaged,
    /// The recorder was not running.
    RecorderDown,
}

impl GapCause {
    /// The word used in tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::RingFull => "ring_full",
            Self::FlowTableFull => "flow_table_full",
            Self::Nested => "nested",
            Self::Malformed => "malformed",
            Self::Refused => "refused",
            Self::Evicted => "evicted",
            Self::Damaged => "damaged",
            Self::RecorderDown => "recorder_down",
        }
    }
}
