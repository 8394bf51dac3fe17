//! Which system calls are looked at, and how: the one table that both sides read.

use super::{Act, CWD, NONE, Shape};
use crate::Kind;

/// Numbers below this have a [`Shape`]; x86-64 has none above that is of interest.
pub const NUMBERS: usize = 512;

/// A row: a call that names nothing.
const fn plain(act: Act, kind: Kind) -> Shape {
    Shape {
        act: act as u8,
        kind: kind as u8,
        path: NONE,
        base: CWD,
        new_path: NONE,
        new_base: CWD,
        fd: NONE,
        data: NONE,
    }
}

/// A row: a call with one name at a place, relative to the working directory.
const fn named(kind: Kind, path: u8) -> Shape {
    Shape { path, ..plain(Act::Call, kind) }
}

/// A row: a call with one name relative to a directory descriptor.
const fn named_at(kind: Kind, base: u8, path: u8) -> Shape {
    Shape { base, ..named(kind, path) }
}

/// A row: a call with two names.
const fn two(kind: Kind, base: u8, path: u8, new_base: u8, new_path: u8) -> Shape {
    Shape { base, path, new_base, new_path, ..plain(Act::Call, kind) }
}

/// A row: a call on the file of a descriptor.
const fn of_fd(kind: Kind, fd: u8) -> Shape {
    Shape { fd, ..plain(Act::Call, kind) }
}

/// A row with a string besides its names.
const fn with_data(shape: Shape, data: u8) -> Shape {
    Shape { data, ..shape }
}

/// A row with another act.
const fn act(shape: Shape, act: Act) -> Shape {
    Shape { act: act as u8, ..shape }
}

/// Defines the numbers as constants and the table in one go.
macro_rules! shapes {
    ($($name:ident $number:literal => $shape:expr;)*) => {
        /// System call numbers of x86-64 (`arch/x86/entry/syscalls/syscall_64.tbl`).
        #[allow(missing_docs, reason = "each is the call's own name")]
        pub mod nr {
            $(pub const $name: u16 = $number;)*
        }

        /// The row of each number.
        pub const SHAPES: [Shape; NUMBERS] = {
            let mut shapes = [plain(Act::Skip, Kind::File); NUMBERS];
            $(shapes[$number] = $shape;)*
            shapes
        };
    };
}

use Kind::{File, Kernel, Open, Privilege, Socket};

shapes! {
    READ 0 => plain(Act::Read, File);
    WRITE 1 => plain(Act::Write, File);
    OPEN 2 => act(named(Open, 0), Act::Open);
    CLOSE 3 => plain(Act::Close, File);
    MMAP 9 => act(of_fd(Kernel, 4), Act::Protect);
    MPROTECT 10 => act(plain(Act::Call, Kernel), Act::Protect);
    PREAD64 17 => plain(Act::Read, File);
    PWRITE64 18 => plain(Act::Write, File);
    READV 19 => plain(Act::ReadVector, File);
    WRITEV 20 => plain(Act::WriteVector, File);
    DUP2 33 => plain(Act::Replace, File);
    SENDFILE 40 => Shape { base: 0, fd: 1, ..plain(Act::Copy, File) };
    SOCKET 41 => plain(Act::Socket, Socket);
    CONNECT 42 => plain(Act::Connect, Socket);
    ACCEPT 43 => plain(Act::Accept, Socket);
    SENDTO 44 => plain(Act::Write, File);
    RECVFROM 45 => plain(Act::Read, File);
    TRUNCATE 76 => named(File, 0);
    FTRUNCATE 77 => of_fd(File, 0);
    RENAME 82 => two(File, CWD, 0, CWD, 1);
    MKDIR 83 => named(File, 0);
    RMDIR 84 => named(File, 0);
    CREAT 85 => act(named(Open, 0), Act::Open);
    LINK 86 => two(File, CWD, 0, CWD, 1);
    UNLINK 87 => named(File, 0);
    SYMLINK 88 => with_data(named(File, 1), 0);
    CHMOD 90 => named(File, 0);
    FCHMOD 91 => of_fd(File, 0);
    CHOWN 92 => named(File, 0);
    FCHOWN 93 => of_fd(File, 0);
    LCHOWN 94 => named(File, 0);
    PTRACE 101 => plain(Act::Ptrace, Kernel);
    SYSLOG 103 => plain(Act::Call, Kernel);
    SETUID 105 => plain(Act::Call, Privilege);
    SETGID 106 => plain(Act::Call, Privilege);
    SETREUID 113 => plain(Act::Call, Privilege);
    SETREGID 114 => plain(Act::Call, Privilege);
    SETGROUPS 116 => plain(Act::Call, Privilege);
    SETRESUID 117 => plain(Act::Call, Privilege);
    SETRESGID 119 => plain(Act::Call, Privilege);
    SETFSUID 122 => plain(Act::Call, Privilege);
    SETFSGID 123 => plain(Act::Call, Privilege);
    CAPSET 126 => plain(Act::Call, Privilege);
    MKNOD 133 => named(File, 0);
    PERSONALITY 135 => plain(Act::Call, Kernel);
    PIVOT_ROOT 155 => two(Kernel, CWD, 0, CWD, 1);
    PRCTL 157 => with_data(plain(Act::Prctl, Privilege), 1);
    CHROOT 161 => named(Privilege, 0);
    ACCT 163 => named(Kernel, 0);
    SETTIMEOFDAY 164 => plain(Act::Call, Kernel);
    MOUNT 165 => with_data(two(Kernel, CWD, 0, CWD, 1), 2);
    UMOUNT2 166 => named(Kernel, 0);
    SWAPON 167 => named(Kernel, 0);
    REBOOT 169 => plain(Act::Call, Kernel);
    SETHOSTNAME 170 => with_data(plain(Act::Call, Kernel), 0);
    IOPL 172 => plain(Act::Call, Kernel);
    IOPERM 173 => plain(Act::Call, Kernel);
    INIT_MODULE 175 => with_data(plain(Act::Call, Kernel), 2);
    DELETE_MODULE 176 => with_data(plain(Act::Call, Kernel), 0);
    SETXATTR 188 => with_data(named(File, 0), 1);
    LSETXATTR 189 => with_data(named(File, 0), 1);
    FSETXATTR 190 => with_data(of_fd(File, 0), 1);
    REMOVEXATTR 197 => with_data(named(File, 0), 1);
    LREMOVEXATTR 198 => with_data(named(File, 0), 1);
    FREMOVEXATTR 199 => with_data(of_fd(File, 0), 1);
    CLOCK_SETTIME 227 => plain(Act::Call, Kernel);
    KEXEC_LOAD 246 => plain(Act::Call, Kernel);
    ADD_KEY 248 => with_data(plain(Act::Call, Privilege), 1);
    REQUEST_KEY 249 => with_data(plain(Act::Call, Privilege), 1);
    KEYCTL 250 => plain(Act::Call, Privilege);
    OPENAT 257 => act(named_at(Open, 0, 1), Act::Open);
    MKDIRAT 258 => named_at(File, 0, 1);
    MKNODAT 259 => named_at(File, 0, 1);
    FCHOWNAT 260 => named_at(File, 0, 1);
    UNLINKAT 263 => named_at(File, 0, 1);
    RENAMEAT 264 => two(File, 0, 1, 2, 3);
    LINKAT 265 => two(File, 0, 1, 2, 3);
    SYMLINKAT 266 => with_data(named_at(File, 1, 2), 0);
    FCHMODAT 268 => named_at(File, 0, 1);
    UNSHARE 272 => plain(Act::Call, Privilege);
    SPLICE 275 => Shape { base: 2, fd: 0, ..plain(Act::Copy, File) };
    ACCEPT4 288 => plain(Act::Accept, Socket);
    DUP3 292 => plain(Act::Replace, File);
    PREADV 295 => plain(Act::ReadVector, File);
    PWRITEV 296 => plain(Act::WriteVector, File);
    PERF_EVENT_OPEN 298 => plain(Act::Call, Kernel);
    FANOTIFY_INIT 300 => plain(Act::Call, Kernel);
    OPEN_BY_HANDLE_AT 304 => act(plain(Act::Call, Open), Act::Open);
    SETNS 308 => plain(Act::Call, Privilege);
    PROCESS_VM_READV 310 => plain(Act::Call, Kernel);
    PROCESS_VM_WRITEV 311 => plain(Act::Call, Kernel);
    FINIT_MODULE 313 => with_data(of_fd(Kernel, 0), 1);
    RENAMEAT2 316 => two(File, 0, 1, 2, 3);
    SECCOMP 317 => plain(Act::Call, Privilege);
    MEMFD_CREATE 319 => with_data(plain(Act::Call, Kernel), 0);
    KEXEC_FILE_LOAD 320 => of_fd(Kernel, 0);
    BPF 321 => plain(Act::Call, Kernel);
    USERFAULTFD 323 => plain(Act::Call, Kernel);
    COPY_FILE_RANGE 326 => Shape { base: 2, fd: 0, ..plain(Act::Copy, File) };
    PREADV2 327 => plain(Act::ReadVector, File);
    PWRITEV2 328 => plain(Act::WriteVector, File);
    PKEY_MPROTECT 329 => act(plain(Act::Call, Kernel), Act::Protect);
    IO_URING_SETUP 425 => plain(Act::Call, Kernel);
    OPEN_TREE 428 => named_at(Kernel, 0, 1);
    MOVE_MOUNT 429 => two(Kernel, 0, 1, 2, 3);
    FSOPEN 430 => with_data(plain(Act::Call, Kernel), 0);
    FSMOUNT 432 => plain(Act::Call, Kernel);
    FSPICK 433 => named_at(Kernel, 0, 1);
    CLOSE_RANGE 436 => plain(Act::CloseRange, File);
    OPENAT2 437 => act(named_at(Open, 0, 1), Act::Open2);
    PIDFD_GETFD 438 => plain(Act::Call, Kernel);
    MOUNT_SETATTR 442 => named_at(Kernel, 0, 1);
    MEMFD_SECRET 447 => plain(Act::Call, Kernel);
    FCHMODAT2 452 => named_at(File, 0, 1);
    SETXATTRAT 463 => with_data(named_at(File, 0, 1), 3);
    REMOVEXATTRAT 466 => with_data(named_at(File, 0, 1), 3);
}
