//! What goes through descriptors: totals per open file, and the words on a terminal.
//!
//! The kernel side resolves a descriptor at its first read or write and keeps the answer in a map, so that the hottest
//! system calls pay one look-up.

use crate::ImageKey;

/// Key of the `DESCRIPTORS` map.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct DescriptorKey {
    /// The process.
    pub pid: u32,
    /// The descriptor.
    pub fd: u32,
}

/// Value of the `DESCRIPTORS` map: what a descriptor leads to, and what went through it.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct Descriptor {
    /// A [`Leads`].
    pub leads: u32,
    /// The low bits of the image's `exec_seq`: an exec closes descriptors without a word.
    pub exec_seq: u32,
    /// Time of the `Open` or `Use` record that named the file: the two together tell one opening from the next.
    pub named_ns: u64,
    /// Bytes read.
    pub read_bytes: u64,
    /// Bytes written.
    pub written_bytes: u64,
    /// Time of the last of them, `CLOCK_BOOTTIME` nanoseconds of a coarse clock.
    pub last_ns: u64,
    /// Which session it belongs to, where it leads to a terminal.
    pub session_id: u64,
}

/// Set in a descriptor's number where it is none: a file that io_uring reads or writes goes by a number made of its
/// address, and no close of it is told.
pub const NO_DESCRIPTOR: u32 = 0x8000_0000;

/// What a descriptor leads to, as far as this recorder cares.
#[repr(u32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leads {
    /// Nothing to count: a socket, a pipe, an event descriptor.
    Nowhere = 0,
    /// A regular file or a device: bytes are counted.
    File = 1,
    /// A terminal, or the standard descriptors of a shell: bytes are kept.
    Terminal = 2,
    /// A TCP socket on which nothing was written yet: the first bytes may be a TLS hello.
    Fresh = 3,
}

/// The most descriptors counted at once; one more is counted as lost.
pub const DESCRIPTORS_MAX: u32 = 32_768;

/// Body of `Use`: a process first reads or writes through a descriptor that it did not just open itself. One string:
/// the file's walked path.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct Use {
    /// Inode number.
    pub inode: u64,
    /// `super_block.s_dev`.
    pub dev: u32,
    /// The descriptor, or a number with [`NO_DESCRIPTOR`].
    pub fd: u32,
    /// `inode.i_mode`.
    pub inode_mode: u16,
    /// [`crate::call::call_flags`].
    pub what: u16,
    /// Bytes of the path.
    pub path_len: u16,
    /// Zero.
    pub pad: u16,
}

/// Body of `Totals`: a descriptor that was read or written is closed or replaced. No strings.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct Totals {
    /// The descriptor.
    pub fd: u32,
    /// Zero.
    pub pad: u32,
    /// See [`Descriptor::named_ns`].
    pub named_ns: u64,
    /// Bytes read since the file was named.
    pub read_bytes: u64,
    /// Bytes written since the file was named.
    pub written_bytes: u64,
}

/// Body of `Terminal`: bytes that went over a terminal or a shell's standard descriptors. One string: the bytes.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct Terminal {
    /// Tells this session from every other since boot.
    pub session_id: u64,
    /// Bytes that the call moved; more than the string where the record cut it or where no program had them in its memory.
    pub bytes: u64,
    /// The descriptor.
    pub fd: u32,
    /// [`Direction`].
    pub direction: u16,
    /// Bytes of the string.
    pub data_len: u16,
}

/// Which way.
#[repr(u16)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// A program wrote it: it appeared on the screen.
    Printed = 0,
    /// A program read it: it was typed.
    Typed = 1,
}

/// Body of `Hello`: the first bytes that a TCP client wrote, where they are a TLS handshake. One string: the bytes.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct Hello {
    /// The flow, see [`crate::network::Flow::flow_id`].
    pub flow_id: u64,
    /// Bytes of the string.
    pub data_len: u16,
    /// Zero.
    pub pad: [u16; 3],
}

/// The most bytes kept of one read or write on a terminal.
pub const TERMINAL_MAX_BYTES: usize = 2048;
/// The most bytes kept of a TLS hello.
pub const HELLO_MAX_BYTES: usize = 1024;

/// Value of the `SESSIONS` map, keyed by [`Terminal::session_id`].
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Session {
    /// Bytes kept so far; 1 for each record without any.
    pub kept_bytes: u64,
    /// Bytes that came when the budget was used up.
    pub cut_bytes: u64,
}

/// The most sessions known at once; the one that was silent longest is forgotten first.
pub const SESSIONS_MAX: u32 = 4_096;

/// The session that an image begins.
pub const fn session_id(image: &ImageKey) -> u64 {
    (image.start_boottime_ns ^ (image.pid as u64).rotate_left(40) ^ image.exec_seq).wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

const _: () = {
    assert!(size_of::<Descriptor>() == 48);
    assert!(size_of::<Use>() == 24);
    assert!(size_of::<Totals>() == 32);
    assert!(size_of::<Terminal>() == 24);
    assert!(size_of::<Hello>() == 16);
};
