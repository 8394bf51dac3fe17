//! System calls that are reported one by one: files, privileges, the kernel itself, and odd sockets.
//!
//! All of them are one record, [`Call`], and one table, [`shapes::SHAPES`], says for each number which arguments are
//! names, which are descriptors, and what else must be looked at. The kernel side follows the table, the host gives
//! the numbers their meaning.

mod i386;
mod shapes;
mod x32;

pub use i386::{FTRUNCATE64, I386_TO_X86_64, OLD_MMAP, OLD_UMOUNT, SOCKETCALL, TRUNCATE64};
pub use shapes::{NUMBERS, SHAPES, nr};
pub use x32::{X32_FIRST, X32_TO_X86_64};

/// Body of `Open`, `File`, `Privilege`, `Kernel` and `Socket`, from `sys_exit` or from io_uring.
///
/// Strings, in this order: base, path, new base, new path, entered, data, credentials, entered second. Two ways to name a file:
/// * **kernel**: `base` is the walked path of the kernel's own object ([`call_flags::KERNEL_PATH`] is set): a successful
///   open, a change through a descriptor, a connected unix socket; `path` is empty there. Where the kernel lets programs
///   in when it has looked a name up, a change by name too; `path` is then what the program passed.
/// * **user**: `path` is what the program passed, read from its memory, and `base` the walked path of the directory
///   it is relative to (the working directory or the directory descriptor); `base` is empty where `path` is absolute.
///
/// New base and new path are a second name in the same shape ([`call_flags::KERNEL_NEW_PATH`]). `entered` is `path` as it
/// was read when the call began, for calls that are also watched there: where it differs from `path` the program rewrote
/// its argument meanwhile. `entered second` is the same of new path, or of `data` where there is no second name. `data` is
/// what the call's [`Shape::data`] names. `credentials` are a [`crate::process::Credentials`] as they are after the call,
/// for `Privilege` alone.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct Call {
    /// What the system call returned: a descriptor, an address or 0, or a negative errno.
    pub result: i64,
    /// The six arguments. Of `openat2`, 2 and 3 are the flags and the mode that its third argument points to.
    pub args: [u64; 6],
    /// Inode number of the file that was opened or that a descriptor leads to, else 0.
    pub inode: u64,
    /// `super_block.s_dev` of that file, or 0.
    pub dev: u32,
    /// System call number in the numbering of x86-64, whichever way the call was made.
    pub nr: u16,
    /// [`call_flags`].
    pub what: u16,
    /// `inode.i_mode` of that file, or 0.
    pub inode_mode: u16,
    /// Bytes of each string.
    pub lens: [u16; 8],
    /// Zero.
    pub pad: [u16; 3],
}

/// Bits of [`Call::what`].
pub mod call_flags {
    /// The path was walked from the kernel's own object.
    pub const KERNEL_PATH: u16 = 1;
    /// The base is not known: the directory descriptor led nowhere.
    pub const BASE_UNKNOWN: u16 = 2;
    /// The file was made by this open (`FMODE_CREATED`).
    pub const CREATED: u16 = 4;
    /// The file lies in a mount namespace that is not the actor's: the path is as seen there.
    pub const OTHER_MOUNTS: u16 = 8;
    /// `entered` was read; it may be empty.
    pub const ENTERED: u16 = 16;
    /// `entered second` was read; it may be empty.
    pub const ENTERED_SECOND: u16 = 128;
    /// Submitted through io_uring and not over yet: the result comes with a `Completed` of the same request.
    pub const PENDING: u16 = 32;
    /// The new base is the whole second name, walked from the kernel's own object; the new path is empty.
    pub const KERNEL_NEW_PATH: u16 = 64;
}

/// What the kernel side does when a system call ends.
#[repr(u8)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Act {
    /// Nothing.
    #[default]
    Skip = 0,
    /// Report a [`Call`].
    Call = 1,
    /// Report a [`Call`]; on success the result is a descriptor whose file is walked.
    Open = 2,
    /// Like `Open`, with the flags and mode of `openat2`'s structure.
    Open2 = 3,
    /// Like `Call`, only where the protection in argument 2 says writable and executable.
    Protect = 4,
    /// Like `Call`, only for the `prctl` options that change privileges or the name.
    Prctl = 5,
    /// Like `Call`, only for the `ptrace` requests that attach or write.
    Ptrace = 6,
    /// A connection was taken.
    Accept = 7,
    /// A unix socket was connected, or a connect failed before any packet was sent.
    Connect = 8,
    /// Like `Call`, only for raw and packet sockets.
    Socket = 9,
    /// Bytes were read to the buffer in argument 1 from the descriptor in argument 0.
    Read = 10,
    /// Bytes were written from the buffer in argument 1 to the descriptor in argument 0.
    Write = 11,
    /// Like `Read`, with the vector in argument 1.
    ReadVector = 12,
    /// Like `Write`, with the vector in argument 1.
    WriteVector = 13,
    /// Bytes went from one descriptor to another inside the kernel: [`Shape::fd`] reads, [`Shape::base`] writes.
    Copy = 14,
    /// The descriptor in argument 0 is closed.
    Close = 15,
    /// The descriptor in argument 1 was replaced.
    Replace = 16,
    /// The descriptors from argument 0 to argument 1 are closed.
    CloseRange = 17,
}

/// Slots of the `TAILS` program array: the programs behind `sys_exit`.
#[repr(u32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tail {
    /// `exit_call`
    Call = 0,
    /// `exit_io`
    Io = 1,
    /// `exit_copy`
    Copy = 2,
    /// `exit_close`
    Close = 3,
    /// `exit_accept`
    Accept = 4,
    /// `exit_connect`
    Connect = 5,
    /// `exit_close_range`
    CloseRange = 6,
}

/// How many slots [`Tail`] has.
pub const TAILS_LEN: u32 = 7;

/// How one system call is to be looked at. Arguments are named by their place, 0 to 5.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct Shape {
    /// An [`Act`].
    pub act: u8,
    /// A [`crate::Kind`], as small number.
    pub kind: u8,
    /// Pointer to the first name, or [`NONE`].
    pub path: u8,
    /// Directory descriptor of the first name, or [`CWD`].
    pub base: u8,
    /// Pointer to the second name, or [`NONE`].
    pub new_path: u8,
    /// Directory descriptor of the second name, or [`CWD`].
    pub new_base: u8,
    /// A descriptor whose file is walked, or [`NONE`].
    pub fd: u8,
    /// Pointer to a string for `data`, or [`NONE`].
    pub data: u8,
}

/// Place of an argument that every call has behind its six: `AT_FDCWD`.
pub const CWD: u8 = 6;
/// Place of an argument that every call has behind its six: zero.
pub const NONE: u8 = 7;

/// Set in the number of an x32 call (`__X32_SYSCALL_BIT`).
pub const X32_BIT: u64 = 0x4000_0000;

/// The most bytes kept of a path read from user memory: the kernel's `PATH_MAX` without its NUL, and one.
pub const USER_PATH_MAX_BYTES: usize = 4096;
/// The most bytes kept of `data`, but for files, where it is a symlink's content and as long as a path.
pub const DATA_MAX_BYTES: usize = 256;

/// What the kernel side keeps of a call that began: value of the `ENTERED` map, keyed by the thread id.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Entered {
    /// The call's number; `u64::MAX` when it is over.
    pub nr: u64,
    /// Bytes of the name, its NUL included; 0 where it could not be read.
    pub len: u64,
    /// [`call_flags`] of what the kernel was seen to look up: `KERNEL_PATH`, `KERNEL_NEW_PATH`, `OTHER_MOUNTS`.
    pub what: u16,
    /// Not zero where one of the walked paths was cut.
    pub cut: u16,
    /// Bytes of the first and the second walked path in `NAMED`.
    pub walked: [u16; 2],
    /// The name.
    pub name: [u8; USER_PATH_MAX_BYTES],
}

/// The most calls in flight whose first, and whose second name is kept as it was when they began.
pub const ENTERED_MAX: [u32; 2] = [1024, 512];

/// Key of the `NAMED` map, whose values are [`crate::WalkedPath::BYTES_MAX`] bytes of a walked path.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct NamedKey {
    /// The thread.
    pub tid: u32,
    /// 0 for the first name of its call, 1 for the second.
    pub which: u32,
}

/// The most names of calls in flight that are kept.
pub const NAMED_MAX: u32 = 2048;

/// Body of `Completed`: a request that went through io_uring is over. No strings but the walked path (`base`) of the
/// file that a successful open gave, which fills the record.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct Completed {
    /// Address of the request: the key of the `Call` that is pending, [`Call::args`] 5 there.
    pub request: u64,
    /// What the request returned.
    pub result: i64,
    /// Inode number of the opened file, or 0.
    pub inode: u64,
    /// Device of the opened file, or 0.
    pub dev: u32,
    /// [`call_flags`].
    pub what: u16,
    /// `inode.i_mode` of the opened file, or 0.
    pub inode_mode: u16,
    /// Bytes of the walked path.
    pub base_len: u16,
    /// Zero.
    pub pad: [u16; 3],
}

const _: () = {
    assert!(size_of::<Shape>() == 8);
    assert!(size_of::<Call>() == 8 + 48 + 8 + 10 + 16 + 6);
    assert!(size_of::<Completed>() == 40);
};
