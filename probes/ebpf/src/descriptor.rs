//! From a file descriptor of the running task to kernel objects.

use crate::{
    globals::offset,
    kernel::{current, read},
};

/// `S_IFMT` and `S_IFSOCK`.
const TYPE_MASK: u16 = 0o170_000;
const TYPE_SOCKET: u16 = 0o140_000;

/// The `struct file` behind a descriptor, or 0.
#[inline(always)]
pub fn file(fd: i32) -> u64 {
    if fd < 0 {
        return 0;
    }
    let files: u64 = read(current() + offset!(task_files));
    let table: u64 = read(files + offset!(files_fdt));
    let count: u32 = read(table + offset!(fdtable_max_fds));
    if fd as u32 >= count {
        return 0;
    }
    let entries: u64 = read(table + offset!(fdtable_fd));
    read(entries + 8 * fd as u32 as u64)
}

/// `inode.i_mode` of a file.
#[inline(always)]
pub fn mode(file: u64) -> u16 {
    let inode: u64 = read(file + offset!(file_inode));
    read(inode + offset!(inode_mode))
}

/// The `struct sock` of a file whose mode is `mode`, or 0 where that is no socket's.
#[inline(always)]
pub fn sock(file: u64, mode: u16) -> u64 {
    if mode & TYPE_MASK != TYPE_SOCKET {
        return 0;
    }
    let socket: u64 = read(file + offset!(file_private_data));
    read(socket + offset!(socket_sk))
}
