//! Process family: images run, processes made, processes ended.

use crate::ImageKey;

/// The most argument bytes kept of one exec, NULs included.
pub const ARGS_MAX_BYTES: usize = 4096;
/// The most environment bytes kept of one exec, NULs included.
pub const ENVIRONMENT_MAX_BYTES: usize = 3072;
/// The most bytes kept of the name that `execve` was given, and of the interpreter's.
pub const NAME_MAX_BYTES: usize = 512;
/// Bytes of a terminal's name (`tty_struct.name`).
pub const TTY_BYTES: usize = 16;

/// Body of [`crate::Kind::Exec`], from `sched_process_exec` (since Linux 3.4), in the context of the new image.
///
/// Strings: exe (walked path of `mm->exe_file`), cwd (walked path of `fs->pwd`), name (`bprm->filename`: what was
/// asked to be run, a script where there is an interpreter), args (the bytes between `mm->arg_start` and
/// `mm->arg_end`: each argument ended by a NUL, copied there by the kernel and read before the program's first
/// instruction), environment (the same between `mm->env_start` and `mm->env_end`).
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct Exec {
    /// The image of `real_parent` at this moment.
    pub parent: ImageKey,
    /// Inode number of the executable.
    pub exe_inode: u64,
    /// Change time of the executable's inode, nanoseconds since 1970; with inode and device it names the content.
    pub exe_ctime_ns: u64,
    /// Size of the executable in bytes.
    pub exe_bytes: u64,
    /// `super_block.s_dev` of the executable, in the kernel's own encoding (major << 20 | minor).
    pub exe_dev: u32,
    /// Mode bits of the executable, type included.
    pub exe_mode: u16,
    /// [`exec_flags`].
    pub flags: u16,
    /// Who it is allowed to be.
    pub credentials: Credentials,
    /// Where it lives.
    pub namespaces: Namespaces,
    /// `task_struct.loginuid`: who logged in, through every `su`; `u32::MAX` where nobody did.
    pub login_uid: u32,
    /// Zero.
    pub pad: u32,
    /// Id of the parent's cgroup in the unified hierarchy.
    pub parent_cgroup_id: u64,
    /// Name of the controlling terminal, NUL padded; empty where there is none.
    pub tty: [u8; TTY_BYTES],
    /// What stands behind fd 0, 1 and 2.
    pub stdio: [Stdio; 3],
    /// Bytes of the strings: exe, cwd, name, args, environment.
    pub lens: [u16; 5],
    /// Zero.
    pub reserved: [u16; 3],
}

/// User and group ids and capabilities: `struct cred`, ids as in the initial user namespace.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
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
    /// Capabilities that an exec may keep, a bit each as `capabilities(7)` numbers them.
    pub inheritable: u64,
    /// Capabilities that may be used.
    pub permitted: u64,
    /// Capabilities in force.
    pub effective: u64,
    /// Capabilities that can ever be had.
    pub bounding: u64,
    /// Capabilities that survive an exec without privilege.
    pub ambient: u64,
}

/// Inode numbers of a task's namespaces (`/proc/PID/ns`).
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Namespaces {
    /// Mounts.
    pub mount: u32,
    /// Process ids: the one that the task's children will be in.
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
    /// Zero.
    pub pad: u32,
}

/// Bits of [`Exec::flags`].
pub mod exec_flags {
    /// The executable has no name in any directory (`i_nlink == 0`): deleted, or a memfd.
    pub const EXE_DELETED: u16 = 1;
    /// The executable lies in the upper layer of an overlay: it is not from the image, or was changed since.
    pub const EXE_UPPER: u16 = 2;
    /// The executable is an anonymous file in memory (`memfd_create`).
    pub const EXE_MEMFD: u16 = 4;
    /// `args` is cut.
    pub const ARGS_CUT: u16 = 8;
    /// `environment` is cut.
    pub const ENVIRONMENT_CUT: u16 = 16;
    /// A script: the executable is its interpreter.
    pub const SCRIPT: u16 = 32;
}

/// What an open file descriptor leads to.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stdio {
    /// `inode.i_mode`, type and permissions; 0 where the descriptor is closed.
    pub mode: u16,
    /// `sock_common.skc_family` where the mode says socket, else 0.
    pub family: u16,
    /// Remote port, host byte order, where the family is IPv4 or IPv6.
    pub remote_port: u16,
    /// Local port, host byte order, where the family is IPv4 or IPv6.
    pub local_port: u16,
    /// Remote address in network byte order; IPv4 in the first four bytes.
    pub remote_addr: [u8; 16],
    /// Local address in network byte order; IPv4 in the first four bytes.
    pub local_addr: [u8; 16],
}

/// Body of [`crate::Kind::Fork`], from `sched_process_fork`, in the parent's context (the header is the parent's).
/// Threads are [`Thread`]. No strings.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct Fork {
    /// The new process's image: it inherits the parent's `exec_seq`.
    pub child: ImageKey,
    /// Id of the child's cgroup in the unified hierarchy (it differs with `CLONE_INTO_CGROUP`).
    pub child_cgroup_id: u64,
    /// The child's namespaces, which differ where it was cloned into new ones.
    pub child_namespaces: Namespaces,
    /// Real user id of the child.
    pub child_uid: u32,
    /// Zero.
    pub pad: u32,
}

/// Body of [`crate::Kind::Thread`], from `sched_process_fork`, in the context of the process that made it. No strings.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct Thread {
    /// The new thread (`task_struct.pid`).
    pub tid: u32,
    /// Zero.
    pub pad: u32,
}

/// Body of [`crate::Kind::Exit`], from `sched_process_exit`, when the last thread is leaving. No strings.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct Exit {
    /// The status as `wait` tells it: exit code in bits 8..16, signal in bits 0..7, core-dump flag in bit 7.
    pub status: u32,
    /// Zero.
    pub pad: u32,
}

const _: () = {
    assert!(size_of::<Stdio>() == 40);
    assert!(size_of::<Credentials>() == 72);
    assert!(size_of::<Namespaces>() == 32);
    assert!(size_of::<Exec>() == 24 + 24 + 8 + 72 + 32 + 8 + 8 + 16 + 120 + 16);
    assert!(size_of::<Fork>() == 24 + 8 + 32 + 8);
    assert!(size_of::<Exit>() == 8);
};
