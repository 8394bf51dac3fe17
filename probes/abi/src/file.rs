//! File family: open, unlink, rename, chmod, each reported when its system call returns.

/// Body of `Open`, `Unlink`, `Rename` and `Chmod`, from `sys_exit`.
///
/// Strings, in this order: base, path, new base, new path. Two ways to name a file:
/// * **kernel**: `base` is the walked path of the kernel's own file object and `path` is empty
///   ([`file_flags::KERNEL_PATH`] is set): a successful open, a chmod through a descriptor.
/// * **user**: `path` is what the program passed, read from its memory, and `base` the walked path of the directory
///   it is relative to (the working directory or the directory descriptor); `base` is empty where `path` is absolute.
///
/// The new base and new path are the second name of a rename, in the same shape, and empty otherwise.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct FileOp {
    /// What the system call returned: a descriptor or 0, or a negative errno.
    pub result: i64,
    /// Inode number where the kernel's object was at hand, else 0.
    pub inode: u64,
    /// Open flags, `unlinkat` flags, `renameat2` flags.
    pub flags: u32,
    /// Mode given to `open` with `O_CREAT`, or to `chmod`.
    pub mode: u32,
    /// `super_block.s_dev` of the inode, or 0.
    pub dev: u32,
    /// System call number, in the numbering of x86-64.
    pub syscall: u16,
    /// [`file_flags`].
    pub what: u16,
    /// Bytes of each string.
    pub lens: [u16; 4],
}

/// Bits of [`FileOp::what`].
pub mod file_flags {
    /// The path was walked from the kernel's file object.
    pub const KERNEL_PATH: u16 = 1;
    /// The base is the root of the mount namespace because nothing of it could be walked.
    pub const BASE_UNKNOWN: u16 = 2;
    /// The file was made by this open (`FMODE_CREATED`).
    pub const CREATED: u16 = 4;
    /// The name removed was a directory's (`rmdir`, `AT_REMOVEDIR`).
    pub const DIRECTORY: u16 = 8;
}

/// The most bytes kept of a path read from user memory: the kernel's `PATH_MAX` without its NUL, and one.
pub const USER_PATH_MAX_BYTES: usize = 4096;

const _: () = assert!(size_of::<FileOp>() == 40);
