//! The rows of a recording's tables, texts as symbols.

use super::{ImageIx, Origin, ProcessIx, Sym, Time};

/// One program image.
#[derive(Clone, Copy, Debug)]
pub struct Image {
    /// Its identity in the evidence.
    pub exec_id: u64,
    /// Its process.
    pub process: ProcessIx,
    /// The parent's image.
    pub parent: Option<ImageIx>,
    /// The image that its process was before, where that is in the record.
    pub before: Option<ImageIx>,
    /// Process id.
    pub pid: u32,
    /// The parent's process id.
    pub ppid: Option<u32>,
    /// User id.
    pub uid: u32,
    /// Group id.
    pub gid: u32,
    /// Thread name.
    pub comm: Sym,
    /// Executable.
    pub exe: Option<Sym>,
    /// Arguments as one line.
    pub cmdline: Sym,
    /// Working directory.
    pub cwd: Sym,
    /// What fd 0 led to.
    pub stdin: Sym,
    /// What fd 1 led to.
    pub stdout: Sym,
    /// `exec`, `fork` or `scan`.
    pub origin: Origin,
    /// When it came to be.
    pub start: Time,
    /// When it ended or was replaced; `None` while it ran at the window's end.
    pub end: Option<Time>,
    /// Exit code.
    pub exit_code: Option<i32>,
    /// Signal that ended it.
    pub exit_signal: Option<i32>,
    /// Arguments were longer than what is kept.
    pub args_cut: bool,
    /// The executable had no name.
    pub exe_deleted: bool,
    /// It ran in the container this is the history of.
    pub inside: bool,
    /// What is not known of every image.
    pub more: ImageMore,
}

/// What is not known of every image: bundles of format 1 have none of it, and a scan little.
#[derive(Clone, Copy, Debug, Default)]
pub struct ImageMore {
    /// What fd 2 led to.
    pub stderr: Option<Sym>,
    /// The script that was run, where the executable is its interpreter.
    pub script: Option<Sym>,
    /// SHA-256 of the executable, in hex.
    pub sha256: Option<Sym>,
    /// The executable is not from the image, or was changed since.
    pub upper: bool,
    /// The executable's file was made, or got its name, earlier in this record.
    pub fresh: bool,
    /// The executable was a file in memory.
    pub memfd: bool,
    /// The environment variables that were kept, spaces between them.
    pub environment: Option<Sym>,
    /// Effective user id.
    pub euid: Option<u32>,
    /// Capabilities in force.
    pub capabilities: Option<u64>,
    /// Who logged in.
    pub login_uid: Option<u32>,
    /// The controlling terminal.
    pub tty: Option<Sym>,
    /// By which door it came into the container.
    pub entered: Option<Sym>,
    /// The image that sent it.
    pub entered_by: Option<u64>,
    /// Threads that its process made.
    pub threads: Option<u32>,
    /// Its container, where the recording is of several.
    pub container: Option<Sym>,
}

/// One file operation.
#[derive(Clone, Copy, Debug)]
pub struct File {
    /// What was asked for.
    pub op: Sym,
    /// The file.
    pub path: Sym,
    /// The second name of a rename or link; what a symlink says.
    pub new_path: Option<Sym>,
    /// `kernel` or `user`.
    pub source: Sym,
    /// What the program's memory held as the path when the call began.
    pub rewritten_from: Option<Sym>,
    /// The path is as another mount namespace has it.
    pub other_mounts: bool,
    /// Flags by name.
    pub flags: Sym,
    /// Permission bits.
    pub mode: Option<u32>,
    /// What else was given: an owner, an attribute, a size.
    pub given: Option<Sym>,
    /// 0 or a negative errno; `None` where it never became known.
    pub result: Option<i32>,
    /// The descriptor returned.
    pub fd: Option<i32>,
    /// Inode number.
    pub inode: Option<u64>,
    /// How the call was made.
    pub abi: Option<Sym>,
}

/// What went through an open file.
#[derive(Clone, Copy, Debug)]
pub struct Io {
    /// The file; empty where its opening was not seen.
    pub path: Sym,
    /// The descriptor.
    pub fd: Option<i32>,
    /// Inode number.
    pub inode: Option<u64>,
    /// Bytes read.
    pub read: u64,
    /// Bytes written.
    pub written: u64,
    /// The file was closed.
    pub closed: bool,
}

/// One flow, or one use of a socket that makes none.
#[derive(Clone, Copy, Debug)]
pub struct Flow {
    /// `connect`, `accept`, `listen`, `socket`.
    pub op: Sym,
    /// `tcp`, `udp`, `unix`, `raw`, `packet`, `other`.
    pub protocol: Sym,
    /// Local address and port, joined; empty where there is no flow.
    pub local: Sym,
    /// Remote address and port, joined, or the path of a unix socket.
    pub remote: Option<Sym>,
    /// The server that a TLS client asked for.
    pub server_name: Option<Sym>,
    /// Where the remote end was read: `kernel` or `user`.
    pub source: Sym,
    /// When it really began, which may be before the window.
    pub start: Time,
    /// When it ended.
    pub end: Option<Time>,
    /// Bytes sent.
    pub sent: Option<u64>,
    /// Bytes received.
    pub received: Option<u64>,
    /// 0 or a negative errno.
    pub result: i32,
    /// Its number; `None` where there is no flow.
    pub flow_id: Option<u64>,
}

impl Flow {
    /// When it ended, where that is an event of its own: a connect that failed is over where it began.
    pub fn ended(&self) -> Option<Time> {
        self.end.filter(|_| self.result == 0)
    }
}

/// A DNS message.
#[derive(Clone, Copy, Debug)]
pub struct Dns {
    /// `query` or `response`.
    pub op: Sym,
    /// The container sent it.
    pub sent: bool,
    /// The name asked for.
    pub name: Sym,
    /// The record type asked for.
    pub qtype: Sym,
    /// The answers, commas between them.
    pub answers: Sym,
    /// The answer's code.
    pub rcode: Option<Sym>,
    /// The message's id.
    pub id: Option<u16>,
    /// Local address and port, joined.
    pub local: Sym,
    /// Remote address and port, joined.
    pub remote: Sym,
    /// The flow it went through.
    pub flow_id: Option<u64>,
}

/// A system call on privileges or on the kernel itself.
#[derive(Clone, Copy, Debug)]
pub struct Call {
    /// The family of the call.
    pub op: Sym,
    /// The call by name.
    pub syscall: Sym,
    /// Its arguments in words.
    pub detail: Sym,
    /// The first file name.
    pub path: Option<Sym>,
    /// The second file name.
    pub target: Option<Sym>,
    /// Where the names were read.
    pub source: Option<Sym>,
    /// The process it was done to.
    pub target_pid: Option<i32>,
    /// 0, a negative errno, or what the call returned.
    pub result: i64,
    /// Effective user id after it.
    pub euid: Option<u32>,
    /// Capabilities in force after it.
    pub capabilities: Option<u64>,
    /// How the call was made.
    pub abi: Sym,
}

/// Bytes that went over a terminal.
#[derive(Clone, Copy, Debug)]
pub struct Terminal {
    /// `typed` or `printed`.
    pub direction: Sym,
    /// The bytes as lines of text. A bundle that lies has anything here.
    pub text: Sym,
    /// The bytes as they were, where they are kept.
    pub data: Option<Span>,
    /// The terminal session.
    pub session: Option<u64>,
    /// The descriptor.
    pub fd: Option<i32>,
    /// Bytes that the call moved.
    pub bytes: u64,
    /// The record has not all of it.
    pub cut: bool,
    /// How many bytes it has not.
    pub unkept: u64,
}

/// A stretch of [`super::Recording::blob`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// Where it begins.
    pub from: u32,
    /// Where it ends.
    pub to: u32,
}

/// A moment of the container's life.
#[derive(Clone, Copy, Debug)]
pub struct Lifecycle {
    /// `found`, `created`, `removed`, `entered`, `level`.
    pub op: Sym,
    /// Its cgroup.
    pub cgroup: Sym,
    /// Who entered; the new level.
    pub detail: Option<Sym>,
}

/// A rule that matched.
#[derive(Clone, Copy, Debug)]
pub struct Finding {
    /// The rule.
    pub rule: Sym,
    /// `info`, `warning`, `critical`.
    pub severity: Sym,
    /// One sentence.
    pub message: Sym,
    /// Who says so, where it is not a rule.
    pub source: Option<Sym>,
    /// Techniques of MITRE ATT&CK, commas between them.
    pub techniques: Option<Sym>,
}

/// Missing events.
#[derive(Clone, Copy, Debug)]
pub struct Gap {
    /// `vital` or `bulk`.
    pub class: Sym,
    /// Why.
    pub cause: Sym,
    /// How many, where known.
    pub lost: Option<u64>,
    /// Not before.
    pub from: Time,
    /// Not after.
    pub to: Time,
    /// Surely this container's.
    pub own: bool,
}
