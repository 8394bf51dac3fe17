//! What sort of event it is, as one small number: the first thing that rules are sorted by.

use taffrail_trace::event::{Body, Event, FileOp, FlowOp, FlowPhase, KernelOp, LifecycleOp, Origin, PrivilegeOp};
use taffrail_trace::event::{Protocol, SocketOp};

/// A sort of event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Kind(u8);

/// How many kinds there can be: one bit of [`Kinds`] each.
pub const KINDS_MAX: usize = 128;

const FILE: u8 = 32;
const PRIVILEGE: u8 = 48;
const KERNEL: u8 = 64;

const _: () = assert!(FILE as usize + FileOp::ALL.len() <= PRIVILEGE as usize);
const _: () = assert!(PRIVILEGE as usize + PrivilegeOp::ALL.len() <= KERNEL as usize);
const _: () = assert!(KERNEL as usize + KernelOp::ALL.len() <= KINDS_MAX);

impl Kind {
    /// A program was run.
    pub const EXEC: Self = Self(0);
    /// A process was made.
    pub const FORK: Self = Self(1);
    /// A process was there when the recorder started.
    pub const FOUND: Self = Self(2);
    /// A process ended.
    pub const EXIT: Self = Self(3);
    /// Bytes were read from a file, and none written.
    pub const READ: Self = Self(4);
    /// Bytes were written to a file, and none read.
    pub const WRITE: Self = Self(5);
    /// Bytes were read from a file and written to it.
    pub const READ_WRITE: Self = Self(6);
    /// A TCP flow was begun by its owner.
    pub const CONNECT: Self = Self(7);
    /// A TCP flow was begun by the other side.
    pub const ACCEPT: Self = Self(8);
    /// A socket waits for flows.
    pub const LISTEN: Self = Self(9);
    /// A UDP flow was begun by its owner.
    pub const SEND: Self = Self(10);
    /// A UDP flow was begun by the other side.
    pub const RECEIVE: Self = Self(11);
    /// A later moment of a flow: answered, counted, ended.
    pub const MOMENT: Self = Self(12);
    /// A raw or packet socket was made.
    pub const SOCKET: Self = Self(13);
    /// A unix socket was connected, or a connect failed.
    pub const REACH: Self = Self(14);
    /// A TLS client named its server.
    pub const SERVER_NAME: Self = Self(15);
    /// A DNS message.
    pub const DNS: Self = Self(16);
    /// Bytes went over a terminal.
    pub const TERMINAL: Self = Self(17);
    /// A system call at level full.
    pub const SYSCALL: Self = Self(18);
    /// A container was made.
    pub const CONTAINER: Self = Self(19);
    /// Another moment of a container's life.
    pub const LIFECYCLE: Self = Self(20);
    /// The content of an executable became known.
    pub const DIGEST: Self = Self(21);
    /// A finding.
    pub const FINDING: Self = Self(22);
    /// A gap.
    pub const GAP: Self = Self(23);

    /// A file operation.
    pub const fn file(op: FileOp) -> Self {
        Self(FILE + op as u8)
    }

    /// An operation on privileges.
    pub const fn privilege(op: PrivilegeOp) -> Self {
        Self(PRIVILEGE + op as u8)
    }

    /// An operation on the kernel.
    pub const fn kernel(op: KernelOp) -> Self {
        Self(KERNEL + op as u8)
    }

    /// The kind of an event.
    pub fn of(event: &Event) -> Self {
        match &event.body {
            Body::Image(image) => match image.origin {
                Origin::Exec => Self::EXEC,
                Origin::Fork => Self::FORK,
                Origin::Scan => Self::FOUND,
            },
            Body::Exit(_) => Self::EXIT,
            Body::File(file) => Self::file(file.op),
            Body::Io(io) => match (io.bytes_read > 0, io.bytes_written > 0) {
                (true, true) => Self::READ_WRITE,
                (false, true) => Self::WRITE,
                (_, false) => Self::READ,
            },
            Body::Flow(flow) if flow.phase != FlowPhase::Begin => Self::MOMENT,
            Body::Flow(flow) => match (flow.op, flow.protocol) {
                (FlowOp::Listen, _) => Self::LISTEN,
                (FlowOp::Connect, Protocol::Udp) => Self::SEND,
                (FlowOp::Accept, Protocol::Udp) => Self::RECEIVE,
                (FlowOp::Connect, _) => Self::CONNECT,
                (FlowOp::Accept, _) => Self::ACCEPT,
            },
            Body::Socket(socket) => match socket.op {
                SocketOp::Connect => Self::REACH,
                SocketOp::Socket => Self::SOCKET,
            },
            Body::ServerName(_) => Self::SERVER_NAME,
            Body::Dns(_) => Self::DNS,
            Body::Privilege(call) => Self::privilege(call.op),
            Body::Kernel(call) => Self::kernel(call.op),
            Body::Terminal(_) => Self::TERMINAL,
            Body::Syscall(_) => Self::SYSCALL,
            Body::Digest(_) => Self::DIGEST,
            Body::Lifecycle(moment) if moment.op == LifecycleOp::Created => Self::CONTAINER,
            Body::Lifecycle(_) => Self::LIFECYCLE,
            Body::Finding(_) => Self::FINDING,
            Body::Gap(_) => Self::GAP,
        }
    }

    /// Its place in a table of [`KINDS_MAX`] rows.
    pub fn index(self) -> usize {
        usize::from(self.0)
    }

    /// Whether its events carry the exact name of their system call; others stand for several calls that do the same.
    pub fn names_its_call(self) -> bool {
        self.0 >= PRIVILEGE || self == Self::SYSCALL
    }
}

/// A set of kinds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Kinds(u128);

impl Kinds {
    /// None.
    pub const NONE: Self = Self(0);

    /// What rules are asked about: everything but what was there before, what others say of an event that was judged
    /// already, and what the recorder says of itself.
    pub const JUDGED: Self =
        Self::of(&[Kind::FOUND, Kind::MOMENT, Kind::LIFECYCLE, Kind::DIGEST, Kind::FINDING, Kind::GAP]).not();

    /// A set of these.
    pub const fn of(kinds: &[Kind]) -> Self {
        let mut bits = 0;
        let mut at = 0;
        while at < kinds.len() {
            bits |= 1 << kinds[at].0;
            at += 1;
        }
        Self(bits)
    }

    /// Every kind that is not in it.
    #[must_use]
    pub const fn not(self) -> Self {
        Self(!self.0)
    }

    /// What is in both.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// What is in either.
    #[must_use]
    pub const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether `kind` is in it.
    pub const fn has(self, kind: Kind) -> bool {
        self.0 & (1 << kind.0) != 0
    }

    /// Whether nothing is in it.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Each kind in it.
    pub fn iter(self) -> impl Iterator<Item = Kind> {
        (0..KINDS_MAX as u8).map(Kind).filter(move |kind| self.has(*kind))
    }
}
