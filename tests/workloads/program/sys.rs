//! System calls by number, as the kernel takes them. Results are the kernel's own: a negative errno where it failed.

use std::arch::asm;
use std::ffi::CStr;
use std::io;

/// `AT_FDCWD`.
pub const CWD: usize = -100isize as usize;

/// Numbers of x86-64.
pub mod nr {
    pub const CLOSE: usize = 3;
    pub const MMAP: usize = 9;
    pub const MPROTECT: usize = 10;
    pub const SOCKET: usize = 41;
    pub const CONNECT: usize = 42;
    pub const VFORK: usize = 58;
    pub const FORK: usize = 57;
    pub const CLONE: usize = 56;
    pub const EXECVE: usize = 59;
    pub const WAIT4: usize = 61;
    pub const TRUNCATE: usize = 76;
    pub const FTRUNCATE: usize = 77;
    pub const RENAME: usize = 82;
    pub const MKDIR: usize = 83;
    pub const RMDIR: usize = 84;
    pub const LINK: usize = 86;
    pub const UNLINK: usize = 87;
    pub const SYMLINK: usize = 88;
    pub const CHMOD: usize = 90;
    pub const FCHMOD: usize = 91;
    pub const CHOWN: usize = 92;
    pub const PTRACE: usize = 101;
    pub const SETUID: usize = 105;
    pub const SETGID: usize = 106;
    pub const GETPPID: usize = 110;
    pub const SETGROUPS: usize = 116;
    pub const CAPGET: usize = 125;
    pub const CAPSET: usize = 126;
    pub const MKNOD: usize = 133;
    pub const PERSONALITY: usize = 135;
    pub const PIVOT_ROOT: usize = 155;
    pub const PRCTL: usize = 157;
    pub const CHROOT: usize = 161;
    pub const MOUNT: usize = 165;
    pub const UMOUNT2: usize = 166;
    pub const IOPL: usize = 172;
    pub const SETXATTR: usize = 188;
    pub const REMOVEXATTR: usize = 197;
    pub const SCHED_SETAFFINITY: usize = 203;
    pub const EXIT_GROUP: usize = 231;
    pub const KEXEC_LOAD: usize = 246;
    pub const ADD_KEY: usize = 248;
    pub const KEYCTL: usize = 250;
    pub const OPENAT: usize = 257;
    pub const MKDIRAT: usize = 258;
    pub const MKNODAT: usize = 259;
    pub const FCHOWNAT: usize = 260;
    pub const UNLINKAT: usize = 263;
    pub const LINKAT: usize = 265;
    pub const SYMLINKAT: usize = 266;
    pub const FCHMODAT: usize = 268;
    pub const UNSHARE: usize = 272;
    pub const PERF_EVENT_OPEN: usize = 298;
    pub const SETNS: usize = 308;
    pub const PROCESS_VM_WRITEV: usize = 311;
    pub const FINIT_MODULE: usize = 313;
    pub const RENAMEAT2: usize = 316;
    pub const SECCOMP: usize = 317;
    pub const MEMFD_CREATE: usize = 319;
    pub const BPF: usize = 321;
    pub const EXECVEAT: usize = 322;
    pub const USERFAULTFD: usize = 323;
    pub const IO_URING_SETUP: usize = 425;
    pub const IO_URING_ENTER: usize = 426;
}

/// Makes a system call with up to six arguments.
///
/// # Safety
/// What the kernel reads or writes for this call must be this program's to give: every argument that the call takes
/// for an address points to memory of the size that the call expects, for as long as the kernel uses it.
pub unsafe fn call<const N: usize>(nr: usize, given: [usize; N]) -> isize {
    let mut args = [0; 6];
    args[..N].copy_from_slice(&given);
    let result: isize;
    // SAFETY: the instruction itself changes rax, rcx and r11 only; the rest is the caller's promise.
    unsafe {
        asm!(
            "syscall",
            inlateout("rax") nr as isize => result,
            in("rdi") args[0], in("rsi") args[1], in("rdx") args[2],
            in("r10") args[3], in("r8") args[4], in("r9") args[5],
            lateout("rcx") _, lateout("r11") _,
            options(nostack),
        );
    }
    result
}

/// Makes a system call of which no argument is an address.
pub fn plain<const N: usize>(nr: usize, given: [usize; N]) -> isize {
    // SAFETY: only for calls that take numbers; memory is never the kernel's to touch here.
    unsafe { call(nr, given) }
}

/// Makes a call whose first argument is a name, and the rest numbers.
pub fn named<const N: usize>(nr: usize, name: &CStr, rest: [usize; N]) -> isize {
    let mut args = [0; 6];
    args[0] = name.as_ptr() as usize;
    args[1..=N].copy_from_slice(&rest);
    // SAFETY: the name ends with a NUL and outlives the call; the rest are numbers.
    unsafe { call(nr, args) }
}

/// Makes a call whose first two arguments are names, and the rest numbers.
pub fn two_named(nr: usize, first: &CStr, second: &CStr) -> isize {
    named(nr, first, [second.as_ptr() as usize])
}

/// Makes a call on a name below a directory descriptor: `...at(fd, name, rest)`.
pub fn at<const N: usize>(nr: usize, dir: usize, name: &CStr, rest: [usize; N]) -> isize {
    let mut args = [0; 6];
    args[0] = dir;
    args[1] = name.as_ptr() as usize;
    args[2..2 + N].copy_from_slice(&rest);
    // SAFETY: as in `named`.
    unsafe { call(nr, args) }
}

/// The result, where the act cannot go on without it.
pub fn need(what: &str, result: isize) -> io::Result<usize> {
    usize::try_from(result).map_err(|_| {
        let error = io::Error::from_raw_os_error(i32::try_from(-result).unwrap_or(i32::MAX));
        io::Error::new(error.kind(), format!("{what}: {error}"))
    })
}

/// Opens a file with `openat(AT_FDCWD)`; gives the descriptor or a negative errno.
pub fn open(path: &CStr, flags: usize, mode: usize) -> isize {
    at(nr::OPENAT, CWD, path, [flags, mode])
}

/// Closes a descriptor that this program opened by number.
pub fn close(fd: usize) {
    plain(nr::CLOSE, [fd]);
}

/// The flags of `open`.
pub mod o {
    pub const RDONLY: usize = 0;
    pub const WRONLY: usize = 1;
    pub const CREAT: usize = 0o100;
    pub const EXCL: usize = 0o200;
    pub const TRUNC: usize = 0o1000;
    pub const DIRECTORY: usize = 0o200_000;
    pub const CLOEXEC: usize = 0o2_000_000;
}

/// Runs `child` in a child process, whose exit code is what it gives. Returns the child's pid.
///
/// The program has one thread where this is called, so that the child may do whatever its parent may.
pub fn fork(child: impl FnOnce() -> u8) -> io::Result<usize> {
    let pid = need("fork", plain(nr::FORK, []))?;
    if pid == 0 {
        leave(child());
    }
    Ok(pid)
}

/// Ends the process at once.
pub fn leave(code: u8) -> ! {
    loop {
        plain(nr::EXIT_GROUP, [code as usize]);
    }
}

/// Waits for a child and gives its status as `wait` tells it.
pub fn wait(pid: usize) -> io::Result<i32> {
    let mut status = 0i32;
    loop {
        // SAFETY: the status is an int that outlives the call; the usage is not asked for.
        let result = unsafe { call(nr::WAIT4, [pid, &raw mut status as usize, 0, 0]) };
        match result {
            // EINTR
            -4 => {}
            _ => return need("wait4", result).map(|_| status),
        }
    }
}

/// Waits for a child and gives its exit code, or says which signal ended it.
pub fn code(pid: usize) -> io::Result<i32> {
    let status = wait(pid)?;
    if status & 0x7f == 0 {
        Ok(status >> 8 & 0xff)
    } else {
        Err(io::Error::other(format!("the child ended with signal {}", status & 0x7f)))
    }
}

/// Keeps this thread on one CPU.
pub fn pin(cpu: u64) -> io::Result<()> {
    let mut mask = [0u64; 16];
    let word = mask.get_mut((cpu / 64) as usize).ok_or_else(|| io::Error::other("no such CPU"))?;
    *word = 1 << (cpu % 64);
    // SAFETY: the mask is as long as is said and outlives the call.
    let result = unsafe { call(nr::SCHED_SETAFFINITY, [0, size_of_val(&mask), mask.as_ptr() as usize]) };
    need("sched_setaffinity", result).map(drop)
}
