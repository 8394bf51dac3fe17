//! The records that cross from the kernel programs to the host, byte for byte.
//!
//! Both sides are built from this crate, and the loader refuses an object whose [`ABI_VERSION`] is not its own.
//! A record is a [`Header`], one fixed body for its [`Kind`], and then the body's strings, one after another:
//!
//! ```text
//! | Header | body (Exec, Fork, ...) | string 0 | string 1 | ...
//!          ^ header.len counts everything from the header's first byte to the last string's last byte
//! ```
//!
//! The body holds each string's length. Strings are raw bytes of the kernel or of user memory, with no NUL unless
//! their documentation says so, and no promise of UTF-8. A *walked path* is a string of another shape, see
//! [`WalkedPath`].
//!
//! Layout: `lib.rs` the header and what all families share; `process.rs`, `call.rs`, `io.rs`, `network.rs`,
//! `syscall.rs`, `cgroup.rs` one family each, mirrored by `probes/ebpf/src/hooks/`; `level.rs` what is recorded of
//! whom; `offsets.rs` the kernel's field offsets; `counters.rs` losses.
#![no_std]

pub mod call;
pub mod cgroup;
pub mod counters;
pub mod io;
pub mod level;
pub mod network;
pub mod offsets;
pub mod process;
pub mod syscall;

/// Raised with every change of this crate's layouts. The object carries it as a read-only global.
pub const ABI_VERSION: u32 = 4;

/// The longest record, header and strings included. A string is added while the record is shorter than 16 KiB, and
/// takes 4352 bytes at most. It bounds the host's checks.
pub const RECORD_MAX_BYTES: usize = 16 * 1024 + 4352;

/// The kernel's `TASK_COMM_LEN`.
pub const COMM_BYTES: usize = 16;

/// Which ring buffer a record travels in. Bulk may be refused in a flood, vital has a buffer of its own.
#[repr(u32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// Rare and decisive: programs run, connections, removals, privileges, containers.
    Vital = 0,
    /// Frequent: opened files, bytes read and written, single system calls.
    Bulk = 1,
}

/// How many classes there are.
pub const CLASSES: usize = 2;

/// Defines [`Kind`], and what must know all of it.
macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $number:literal, $class:ident;)*) => {
        /// What a record tells, and so which body follows the header.
        #[repr(u8)]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Kind {
            $($(#[$doc])* $name = $number,)*
        }

        impl Kind {
            /// Every kind, for a decoder to look through.
            pub const ALL: &[Kind] = &[$(Kind::$name),*];

            /// The ring buffer this kind travels in.
            pub const fn class(self) -> Class {
                match self {
                    $(Kind::$name => Class::$class,)*
                }
            }
        }
    };
}

kinds! {
    /// A program image was run: [`process::Exec`].
    Exec = 1, Vital;
    /// A process was made: [`process::Fork`].
    Fork = 2, Vital;
    /// The last thread of a process ended: [`process::Exit`].
    Exit = 3, Vital;
    /// A process made a thread: [`process::Thread`].
    Thread = 4, Bulk;
    /// A file was opened or created: [`call::Call`].
    Open = 10, Bulk;
    /// A name or a file was changed: [`call::Call`].
    File = 11, Vital;
    /// Privileges were changed or asked for: [`call::Call`].
    Privilege = 12, Vital;
    /// The kernel itself was asked for something: [`call::Call`].
    Kernel = 13, Vital;
    /// A raw or packet socket was made, a unix socket connected, or a connect failed at once: [`call::Call`].
    Socket = 14, Vital;
    /// An io_uring request of an earlier call is over: [`call::Completed`].
    Completed = 15, Vital;
    /// A TCP socket began to connect, or a UDP socket to send: [`network::Flow`].
    Connect = 20, Vital;
    /// A process took a connection, or a UDP socket its first packet: [`network::Flow`].
    Accept = 21, Vital;
    /// A socket began to listen: [`network::Flow`].
    Listen = 22, Vital;
    /// A connecting socket was answered: [`network::Flow`].
    Established = 23, Vital;
    /// A socket of an earlier `Connect`, `Accept` or `Listen` is closed: [`network::Flow`].
    FlowEnd = 24, Vital;
    /// A DNS message: [`network::Dns`].
    Dns = 25, Bulk;
    /// The first bytes of a TLS client: [`io::Hello`].
    Hello = 26, Vital;
    /// A cgroup of the unified hierarchy was made: [`cgroup::Cgroup`].
    CgroupMake = 30, Vital;
    /// A cgroup of the unified hierarchy was removed: [`cgroup::Cgroup`].
    CgroupRemove = 31, Vital;
    /// A process was moved to another cgroup: [`cgroup::Attach`].
    CgroupAttach = 32, Vital;
    /// A file that was opened elsewhere is read or written: [`io::Use`].
    Use = 40, Bulk;
    /// A file that was read or written is closed: [`io::Totals`].
    Totals = 41, Bulk;
    /// Bytes on a terminal: [`io::Terminal`].
    Terminal = 42, Vital;
    /// A system call, at level `full`: [`syscall::Syscall`].
    Syscall = 50, Bulk;
}

impl Kind {
    /// The kind whose number is `raw`, or none.
    pub fn from_raw(raw: u16) -> Option<Kind> {
        Kind::ALL.iter().copied().find(|kind| *kind as u16 == raw)
    }
}

/// One program image of one process, as the kernel tells it from every other since boot.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct ImageKey {
    /// `task_struct.group_leader.start_boottime`, nanoseconds since boot.
    pub start_boottime_ns: u64,
    /// `task_struct.self_exec_id`: one more with every exec of the process; a fork inherits it.
    pub exec_seq: u64,
    /// `task_struct.tgid` in the initial pid namespace; 0 where there is no such process.
    pub pid: u32,
    /// Zero.
    pub pad: u32,
}

/// Opens every record: what, when, where and by whom.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct Header {
    /// Bytes of the whole record, this header included; at most [`RECORD_MAX_BYTES`].
    pub len: u32,
    /// A [`Kind`].
    pub kind: u16,
    /// [`header_flags`].
    pub flags: u16,
    /// `CLOCK_BOOTTIME` nanoseconds, read once per record.
    pub time_ns: u64,
    /// Id (inode number) of the actor's cgroup in the unified hierarchy.
    pub cgroup_id: u64,
    /// The actor's image.
    pub image: ImageKey,
    /// `task_struct.pid`: the thread.
    pub tid: u32,
    /// Real user id in the initial user namespace (`cred.uid`).
    pub uid: u32,
    /// Real group id in the initial user namespace (`cred.gid`).
    pub gid: u32,
    /// CPU that wrote the record.
    pub cpu: u32,
    /// `task_struct.comm`, NUL padded.
    pub comm: [u8; COMM_BYTES],
}

/// Bits of [`Header::flags`].
pub mod header_flags {
    /// A walked path was longer than its budget: its outermost components are missing.
    pub const PATH_CUT: u16 = 1;
    /// A user string was longer than its budget: its end is missing.
    pub const STRING_CUT: u16 = 2;
    /// User memory could not be read; the string is empty.
    pub const USER_UNREADABLE: u16 = 4;
    /// The call was made the 32-bit way (`int 0x80`).
    pub const ABI_I386: u16 = 8;
    /// The call was made with an x32 number.
    pub const ABI_X32: u16 = 16;
    /// The work was submitted through io_uring.
    pub const IO_URING: u16 = 32;
    /// The actor is not known: the packet came when nobody of its socket was running.
    pub const NO_ACTOR: u16 = 64;
}

/// A walked path: the components of a kernel dentry, innermost first, each ended by a NUL.
///
/// `/usr/bin/env` travels as `env\0bin\0usr\0`, `/` as nothing. Turning it round is the host's work, where a loop
/// costs no verifier. The walk crosses mounts and ends at the root of the walker's mount namespace.
pub struct WalkedPath;

impl WalkedPath {
    /// The most components that are walked; what lies above is missing and `PATH_CUT` set.
    pub const COMPONENTS_MAX: usize = 64;
    /// The most bytes a walked path takes in a record.
    pub const BYTES_MAX: usize = 4096;
}

const _: () = {
    assert!(size_of::<ImageKey>() == 24);
    assert!(size_of::<Header>() == 80);
    assert!(size_of::<Header>().is_multiple_of(8));
};
