//! Process family: images run, processes made, processes ended.

use crate::ImageKey;

/// The most argument bytes kept of one exec, NULs included.
pub const ARGS_MAX_BYTES: usize = 4096;

/// Body of [`crate::Kind::Exec`], from `sched_process_exec` (since Linux 3.4), in the context of the new image.
///
/// Strings: exe (walked path of `mm->exe_file`), cwd (walked path of `fs->pwd`), args (the bytes between
/// `mm->arg_start` and `mm->arg_end`: each argument ended by a NUL, copied there by the kernel and read before the
/// program's first instruction).
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct Exec {
    /// The image of `real_parent` at this moment.
    pub parent: ImageKey,
    /// Inode number of the executable.
    pub exe_inode: u64,
    /// `super_block.s_dev` of the executable, in the kernel's own encoding (major << 20 | minor).
    pub exe_dev: u32,
    /// Mode bits of the executable, type included.
    pub exe_mode: u16,
    /// [`exec_flags`].
    pub flags: u16,
    /// What stands behind fd 0 and fd 1.
    pub stdio: [Stdio; 2],
    /// Bytes of the exe string.
    pub exe_len: u16,
    /// Bytes of the cwd string.
    pub cwd_len: u16,
    /// Bytes of the args string.
    pub args_len: u16,
    /// Zero.
    pub pad: u16,
}

/// Bits of [`Exec::flags`].
pub mod exec_flags {
    /// The executable has no name in any directory (`i_nlink == 0`): deleted, or a memfd.
    pub const EXE_DELETED: u16 = 1;
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
/// Threads are not reported. No strings.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct Fork {
    /// The new process's image: it inherits the parent's `exec_seq`.
    pub child: ImageKey,
    /// Id of the child's cgroup in the unified hierarchy (it differs with `CLONE_INTO_CGROUP`).
    pub child_cgroup_id: u64,
    /// Real user id of the child.
    pub child_uid: u32,
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
    assert!(size_of::<Exec>() == 24 + 8 + 8 + 80 + 8);
    assert!(size_of::<Fork>() == 40);
    assert!(size_of::<Exit>() == 8);
};
