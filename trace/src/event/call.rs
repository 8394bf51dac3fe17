//! System calls: privileges, the kernel itself, terminals, and every call at level `full`.

use super::{Credentials, PathSource, words};
use serde::{Deserialize, Serialize};

/// How a system call was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Abi {
    /// As 64-bit programs do.
    #[default]
    X86_64,
    /// As 32-bit programs do (`int 0x80`), which 64-bit programs can too.
    I386,
    /// With an x32 number.
    X32,
    /// Submitted through io_uring: no system call of its own.
    IoUring,
}

impl Abi {
    /// The word used in tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::X86_64 => "x86_64",
            Self::I386 => "i386",
            Self::X32 => "x32",
            Self::IoUring => "io_uring",
        }
    }
}

words! {
    /// Operations on privileges: the family of system calls, its variants folded.
    PrivilegeOp {
        /// `setuid`, `setreuid`, `setresuid`, `setfsuid`.
        Setuid = "setuid",
        /// `setgid`, `setregid`, `setresgid`, `setfsgid`.
        Setgid = "setgid",
        /// `setgroups`.
        Setgroups = "setgroups",
        /// `capset`.
        Capset = "capset",
        /// `prctl`, the options that change privileges or the thread's name.
        Prctl = "prctl",
        /// `setns`.
        Setns = "setns",
        /// `unshare`.
        Unshare = "unshare",
        /// `keyctl`, `add_key`, `request_key`.
        Keyctl = "keyctl",
        /// `seccomp`.
        Seccomp = "seccomp",
        /// `chroot`.
        Chroot = "chroot",
    }
}

words! {
    /// What the kernel itself was asked for.
    KernelOp {
        /// `bpf`.
        Bpf = "bpf",
        /// `init_module`, `finit_module`.
        ModuleLoad = "module_load",
        /// `delete_module`.
        ModuleUnload = "module_unload",
        /// `mount`.
        Mount = "mount",
        /// `umount2`.
        Umount = "umount",
        /// `pivot_root`.
        PivotRoot = "pivot_root",
        /// `move_mount`.
        MoveMount = "move_mount",
        /// `open_tree`.
        OpenTree = "open_tree",
        /// `fsopen`, `fspick`.
        Fsopen = "fsopen",
        /// `fsmount`.
        Fsmount = "fsmount",
        /// `mount_setattr`.
        MountSetattr = "mount_setattr",
        /// `ptrace`, the requests that attach or write.
        Ptrace = "ptrace",
        /// `process_vm_readv`.
        ProcessRead = "process_vm_readv",
        /// `process_vm_writev`.
        ProcessWrite = "process_vm_writev",
        /// `pidfd_getfd`.
        PidfdGetfd = "pidfd_getfd",
        /// `perf_event_open`.
        PerfEvent = "perf_event_open",
        /// `userfaultfd`.
        Userfaultfd = "userfaultfd",
        /// `io_uring_setup`.
        IoUring = "io_uring_setup",
        /// `kexec_load`, `kexec_file_load`.
        Kexec = "kexec",
        /// `iopl`, `ioperm`.
        Ioport = "ioport",
        /// `personality`.
        Personality = "personality",
        /// `memfd_create`, `memfd_secret`.
        Memfd = "memfd_create",
        /// `mmap` to memory that is writable and executable.
        MapExecutable = "mmap_wx",
        /// `mprotect`, `pkey_mprotect` to memory that is writable and executable.
        ProtectExecutable = "mprotect_wx",
        /// `fanotify_init`.
        Fanotify = "fanotify_init",
        /// `syslog`: the kernel's messages were read or cleared.
        Syslog = "syslog",
        /// `acct`.
        Acct = "acct",
        /// `settimeofday`, `clock_settime`.
        SetTime = "set_time",
        /// `swapon`.
        Swapon = "swapon",
        /// `reboot`.
        Reboot = "reboot",
        /// `sethostname`.
        Sethostname = "sethostname",
    }
}

/// A privileged operation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PrivilegeEvent {
    /// What was asked for.
    pub op: PrivilegeOp,
    /// The system call by name.
    pub syscall: String,
    /// Its arguments in words: `uid 0`, `PR_SET_NO_NEW_PRIVS`, `CLONE_NEWNET`.
    pub detail: String,
    /// 0 or a negative errno, or what the call returned where that is no error.
    pub result: i64,
    /// Ids and capabilities after the call.
    pub credentials: Option<Credentials>,
    /// How it was asked for.
    pub abi: Abi,
}

/// The kernel was asked for something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KernelEvent {
    /// What.
    pub op: KernelOp,
    /// The system call by name.
    pub syscall: String,
    /// Its arguments in words: `BPF_PROG_LOAD`, `PTRACE_ATTACH`, `type overlay`.
    pub detail: String,
    /// The first file name, where there is one: what is mounted, the module's file.
    pub path: Option<String>,
    /// The second file name: where it is mounted.
    pub target: Option<String>,
    /// Where the names were read.
    pub path_source: Option<PathSource>,
    /// What the program's memory held as `path` when the call began, where it held something else when it ended.
    pub rewritten_from: Option<String>,
    /// The same of `target`.
    pub target_rewritten_from: Option<String>,
    /// The process it was done to, in the actor's pid namespace.
    pub target_pid: Option<i32>,
    /// 0 or a negative errno, or what the call returned where that is no error.
    pub result: i64,
    /// How it was asked for.
    pub abi: Abi,
}

/// Bytes of a terminal session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TerminalEvent {
    /// Tells this session from every other since boot.
    pub session_id: u64,
    /// They were typed; else they were printed.
    pub typed: bool,
    /// The descriptor.
    pub fd: i32,
    /// The bytes, as they were.
    #[serde(with = "serde_bytes")]
    pub data: Vec<u8>,
    /// Bytes that the call moved: more than `data` holds where a budget cut it, or where no program had them in its memory.
    pub bytes: u64,
}

/// One system call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SyscallEvent {
    /// Its number, in the numbering of `abi`.
    pub nr: u32,
    /// How it was made.
    pub abi: Abi,
    /// The arguments as passed.
    pub args: [u64; 6],
    /// What it returned.
    pub result: i64,
    /// From entry to exit, nanoseconds; `None` where the entry was not seen.
    pub duration_ns: Option<u64>,
}
