//! From a file descriptor of the running task to kernel objects.

use crate::{
    globals::offset,
    kernel::{Block, current, read},
};

/// `S_IFMT` and the types that matter.
pub const TYPE_MASK: u16 = 0o170_000;
pub const TYPE_SOCKET: u16 = 0o140_000;
pub const TYPE_REGULAR: u16 = 0o100_000;
pub const TYPE_BLOCK: u16 = 0o060_000;
pub const TYPE_CHARACTER: u16 = 0o020_000;
pub const TYPE_FIFO: u16 = 0o010_000;

/// The `struct file` behind a descriptor, or 0.
#[inline(always)]
pub fn file(fd: i32) -> u64 {
    if fd < 0 {
        return 0;
    }
    let Some(table) = current().follow(offset!(task_files)).and_then(|files| files.follow(offset!(files_fdt))) else {
        return 0;
    };
    if fd as u32 >= table.at::<u32>(offset!(fdtable_max_fds)) {
        return 0;
    }
    let entries: u64 = table.at(offset!(fdtable_fd));
    read(entries + 8 * fd as u32 as u64)
}

/// A file and its inode, each read as one.
pub struct File {
    pub file: Block<12>,
    pub inode: Block<15>,
    /// Address of the inode.
    pub inode_at: u64,
}

impl File {
    /// Reads the file at an address.
    #[inline(always)]
    pub fn load(address: u64) -> File {
        let file = Block::load(address);
        let inode_at: u64 = file.at(offset!(file_inode));
        File { file, inode: Block::load(inode_at), inode_at }
    }

    /// `inode.i_mode`.
    #[inline(always)]
    pub fn mode(&self) -> u16 {
        self.inode.at(offset!(inode_mode))
    }

    /// `super_block.s_dev`.
    #[inline(always)]
    pub fn dev(&self) -> u32 {
        read(self.inode.at::<u64>(offset!(inode_sb)) + offset!(super_block_dev))
    }

    /// Mount and dentry.
    #[inline(always)]
    pub fn path(&self) -> (u64, u64) {
        (self.file.at(offset!(file_path) + offset!(path_mnt)), self.file.at(offset!(file_path) + offset!(path_dentry)))
    }

    /// The `struct sock`, or 0 where it is no socket.
    #[inline(always)]
    pub fn sock(&self) -> u64 {
        if self.mode() & TYPE_MASK != TYPE_SOCKET {
            return 0;
        }
        let socket: u64 = self.file.at(offset!(file_private_data));
        read(socket + offset!(socket_sk))
    }
}
