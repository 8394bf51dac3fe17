//! From a file descriptor of the running task to kernel objects.

use aya_ebpf::{macros::map, maps::PerCpuArray};

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

/// A file, in memory because it would take half of a stack, and kernels before Linux 6.13 have one for a program and
/// all that it calls.
#[map]
static FILES: PerCpuArray<File> = PerCpuArray::with_max_entries(1, 0);

/// A file and its inode, each read as one.
pub struct File {
    pub file: Block<12>,
    pub inode: Block<15>,
    /// Address of the inode.
    pub inode_at: u64,
}

impl File {
    /// Reads the file at an address. What this gave before is overwritten: a program has one at a time.
    #[inline(always)]
    pub fn load(address: u64) -> Option<&'static File> {
        let file = FILES.get_ptr_mut(0)?;
        // SAFETY: map memory of this CPU. No hook that an interrupt can reach comes here.
        unsafe {
            Block::load(&raw mut (*file).file, address);
            let inode_at = (*file).file.at(offset!(file_inode));
            Block::load(&raw mut (*file).inode, inode_at);
            (*file).inode_at = inode_at;
            Some(&*file)
        }
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
