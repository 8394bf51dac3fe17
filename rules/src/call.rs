//! Names of system calls, as rules say `evt.type`, over events that mostly stand for several of them.
//!
//! An `openat` and an `open` are one event here, so `evt.type = open` holds for both. Events of privileges, of the
//! kernel and of level full carry the name of their call, and hold for that name only.

use crate::kind::{Kind, Kinds};
use std::borrow::Cow;
use std::str::FromStr;
use syscalls::x86_64::Sysno;
use taffrail_trace::assemble::syscall;
use taffrail_trace::event::{Body, Event, FileOp, FlowOp, KernelOp, Origin, PrivilegeOp, Protocol, SocketOp};

const fn file(op: FileOp) -> Kind {
    Kind::file(op)
}

const fn privilege(op: PrivilegeOp) -> Kind {
    Kind::privilege(op)
}

const fn kernel(op: KernelOp) -> Kind {
    Kind::kernel(op)
}

/// Names that mean events of these kinds.
const CALLS: &[(&[&str], &[Kind])] = &[
    (&["execve", "execveat"], &[Kind::EXEC]),
    (&["clone", "clone3", "fork", "vfork"], &[Kind::FORK]),
    (&["procexit", "exit", "exit_group"], &[Kind::EXIT]),
    (&["open", "openat", "openat2", "open_by_handle_at"], &[file(FileOp::Open), file(FileOp::Create)]),
    (&["creat"], &[file(FileOp::Create)]),
    (&["unlink"], &[file(FileOp::Unlink)]),
    (&["unlinkat"], &[file(FileOp::Unlink), file(FileOp::Rmdir)]),
    (&["rmdir"], &[file(FileOp::Rmdir)]),
    (&["rename", "renameat", "renameat2"], &[file(FileOp::Rename)]),
    (&["link", "linkat"], &[file(FileOp::Link)]),
    (&["symlink", "symlinkat"], &[file(FileOp::Symlink)]),
    (&["mkdir", "mkdirat"], &[file(FileOp::Mkdir)]),
    (&["mknod", "mknodat"], &[file(FileOp::Mknod)]),
    (&["chmod", "fchmod", "fchmodat", "fchmodat2"], &[file(FileOp::Chmod)]),
    (&["chown", "fchown", "lchown", "fchownat"], &[file(FileOp::Chown)]),
    (&["setxattr", "lsetxattr", "fsetxattr", "setxattrat"], &[file(FileOp::Setxattr)]),
    (&["removexattr", "lremovexattr", "fremovexattr", "removexattrat"], &[file(FileOp::Removexattr)]),
    (&["truncate", "ftruncate"], &[file(FileOp::Truncate)]),
    (&["read", "readv", "pread", "pread64", "preadv", "preadv2"], &[Kind::READ, Kind::READ_WRITE]),
    (&["write", "writev", "pwrite", "pwrite64", "pwritev", "pwritev2"], &[Kind::WRITE, Kind::READ_WRITE]),
    (&["connect"], &[Kind::CONNECT, Kind::SEND, Kind::REACH]),
    (&["sendto", "sendmsg", "sendmmsg", "send"], &[Kind::SEND]),
    (&["recvfrom", "recvmsg", "recvmmsg", "recv"], &[Kind::RECEIVE]),
    (&["accept", "accept4"], &[Kind::ACCEPT]),
    // A bind shows when somebody listens; of UDP with its first packet.
    (&["listen", "bind"], &[Kind::LISTEN]),
    (&["socket"], &[Kind::SOCKET]),
    (&["container"], &[Kind::CONTAINER]),
    (&["setuid", "setreuid", "setresuid", "setfsuid"], &[privilege(PrivilegeOp::Setuid)]),
    (&["setgid", "setregid", "setresgid", "setfsgid"], &[privilege(PrivilegeOp::Setgid)]),
    (&["setgroups"], &[privilege(PrivilegeOp::Setgroups)]),
    (&["capset"], &[privilege(PrivilegeOp::Capset)]),
    (&["prctl"], &[privilege(PrivilegeOp::Prctl)]),
    (&["setns"], &[privilege(PrivilegeOp::Setns)]),
    (&["unshare"], &[privilege(PrivilegeOp::Unshare)]),
    (&["keyctl", "add_key", "request_key"], &[privilege(PrivilegeOp::Keyctl)]),
    (&["seccomp"], &[privilege(PrivilegeOp::Seccomp)]),
    (&["chroot"], &[privilege(PrivilegeOp::Chroot)]),
    (&["bpf"], &[kernel(KernelOp::Bpf)]),
    (&["init_module", "finit_module"], &[kernel(KernelOp::ModuleLoad)]),
    (&["delete_module"], &[kernel(KernelOp::ModuleUnload)]),
    (&["mount"], &[kernel(KernelOp::Mount)]),
    (&["umount", "umount2"], &[kernel(KernelOp::Umount)]),
    (&["pivot_root"], &[kernel(KernelOp::PivotRoot)]),
    (&["move_mount"], &[kernel(KernelOp::MoveMount)]),
    (&["open_tree"], &[kernel(KernelOp::OpenTree)]),
    (&["fsopen", "fspick"], &[kernel(KernelOp::Fsopen)]),
    (&["fsmount"], &[kernel(KernelOp::Fsmount)]),
    (&["mount_setattr"], &[kernel(KernelOp::MountSetattr)]),
    (&["ptrace"], &[kernel(KernelOp::Ptrace)]),
    (&["process_vm_readv"], &[kernel(KernelOp::ProcessRead)]),
    (&["process_vm_writev"], &[kernel(KernelOp::ProcessWrite)]),
    (&["pidfd_getfd"], &[kernel(KernelOp::PidfdGetfd)]),
    (&["perf_event_open"], &[kernel(KernelOp::PerfEvent)]),
    (&["userfaultfd"], &[kernel(KernelOp::Userfaultfd)]),
    (&["io_uring_setup"], &[kernel(KernelOp::IoUring)]),
    (&["kexec_load", "kexec_file_load"], &[kernel(KernelOp::Kexec)]),
    (&["iopl", "ioperm"], &[kernel(KernelOp::Ioport)]),
    (&["personality"], &[kernel(KernelOp::Personality)]),
    (&["memfd_create", "memfd_secret"], &[kernel(KernelOp::Memfd)]),
    (&["mmap"], &[kernel(KernelOp::MapExecutable)]),
    (&["mprotect", "pkey_mprotect"], &[kernel(KernelOp::ProtectExecutable)]),
    (&["fanotify_init"], &[kernel(KernelOp::Fanotify)]),
    (&["syslog"], &[kernel(KernelOp::Syslog)]),
    (&["acct"], &[kernel(KernelOp::Acct)]),
    (&["settimeofday", "clock_settime"], &[kernel(KernelOp::SetTime)]),
    (&["swapon"], &[kernel(KernelOp::Swapon)]),
    (&["reboot"], &[kernel(KernelOp::Reboot)]),
    (&["sethostname"], &[kernel(KernelOp::Sethostname)]),
];

/// Names that rules may say, and that none of our events is.
const FOREIGN: &[&str] = &[
    "asyncevent",
    "cpu_hotplug",
    "drop",
    "generic",
    "group_added",
    "group_deleted",
    "mesos",
    "notification",
    "page_fault",
    "pluginevent",
    "procinfo",
    "signaldeliver",
    "switch",
    "tracer",
    "user_added",
    "user_deleted",
];

/// What a name of `evt.type` means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// Events of these kinds.
    Events(Kinds),
    /// A system call that is recorded at level full only.
    AtLevelFull,
    /// Something that is not recorded.
    Nothing,
}

/// What `name` means; `None` where no system call and nothing else is called so.
pub fn meaning(name: &str) -> Option<Meaning> {
    if let Some((_, kinds)) = CALLS.iter().find(|(names, _)| names.contains(&name)) {
        return Some(Meaning::Events(Kinds::of(kinds)));
    }
    if Sysno::from_str(name).is_ok() {
        return Some(Meaning::AtLevelFull);
    }
    FOREIGN.contains(&name).then_some(Meaning::Nothing)
}

/// Every name that has a meaning, for hints and for operators that look at parts of names.
pub fn names() -> impl Iterator<Item = &'static str> {
    let ours = CALLS.iter().flat_map(|(names, _)| names.iter().copied());
    let others =
        Sysno::iter().map(|call| call.name()).filter(|name| !CALLS.iter().any(|(names, _)| names.contains(name)));
    ours.chain(others).chain(FOREIGN.iter().copied())
}

/// The name of the call that an event carries; `None` where it stands for several.
pub fn exact(event: &Event) -> Option<Cow<'_, str>> {
    match &event.body {
        Body::Privilege(call) => Some(Cow::Borrowed(&call.syscall)),
        Body::Kernel(call) => Some(Cow::Borrowed(&call.syscall)),
        Body::Syscall(call) => Some(syscall::name(call.nr, call.abi)),
        _ => None,
    }
}

/// The name that an event is shown with: its own, or the most usual one of those it stands for.
pub fn shown(event: &Event) -> Cow<'_, str> {
    if let Some(name) = exact(event) {
        return name;
    }
    Cow::Borrowed(match &event.body {
        Body::Image(image) => match image.origin {
            Origin::Exec => "execve",
            Origin::Fork => "clone",
            Origin::Scan => "procinfo",
        },
        Body::Exit(_) => "procexit",
        Body::File(file) => match file.op {
            FileOp::Open | FileOp::Create => "openat",
            FileOp::Unlink => "unlinkat",
            op => op.as_str(),
        },
        Body::Io(io) if io.bytes_written > 0 => "write",
        Body::Io(_) => "read",
        Body::Flow(flow) => match (flow.op, flow.protocol) {
            (FlowOp::Listen, _) => "listen",
            (FlowOp::Connect, Protocol::Udp) => "sendto",
            (FlowOp::Accept, Protocol::Udp) => "recvfrom",
            (FlowOp::Connect, _) => "connect",
            (FlowOp::Accept, _) => "accept4",
        },
        Body::Socket(socket) => match socket.op {
            SocketOp::Connect => "connect",
            SocketOp::Socket => "socket",
        },
        Body::ServerName(_) => "tls_hello",
        Body::Dns(_) => "dns",
        Body::Terminal(terminal) if terminal.typed => "read",
        Body::Terminal(_) => "write",
        Body::Lifecycle(_) => "container",
        Body::Digest(_) => "digest",
        Body::Finding(_) => "finding",
        Body::Gap(_) => "drop",
        Body::Privilege(_) | Body::Kernel(_) | Body::Syscall(_) => "syscall",
    })
}

/// A set of call names, ready to be asked about an event.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Calls {
    /// Kinds whose events it may mean.
    pub kinds: Kinds,
    /// The names that events which carry one must have.
    pub names: Vec<String>,
}

impl Calls {
    /// A set of these names; those without a meaning are left out.
    pub fn of<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        let mut calls = Self::default();
        for name in names {
            let kinds = match meaning(name) {
                Some(Meaning::Events(kinds)) => kinds,
                Some(Meaning::AtLevelFull) => Kinds::of(&[Kind::SYSCALL]),
                Some(Meaning::Nothing) | None => continue,
            };
            calls.kinds = calls.kinds.or(kinds);
            calls.names.push(name.to_owned());
        }
        calls.names.sort_unstable();
        calls.names.dedup();
        calls
    }

    /// Whether an event of `kind` is one of these for certain, or for certain not; `None` where its name decides.
    pub fn decides(&self, kind: Kind) -> Option<bool> {
        match self.kinds.has(kind) {
            false => Some(false),
            true if kind.names_its_call() => None,
            true => Some(true),
        }
    }

    /// Whether `event` is one of these.
    pub fn has(&self, event: &Event) -> bool {
        self.kinds.has(Kind::of(event)) && exact(event).is_none_or(|name| self.names.iter().any(|known| *known == name))
    }
}
