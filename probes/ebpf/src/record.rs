//! A record with strings, built in per-CPU memory because no stack holds it.
//!
//! ```text
//! | Header | body | string | string | ... | room for one more read
//!   ^ header.len is the place where the next string goes
//! ```
//!
//! The length lives in that memory and not in a register: the verifier then knows nothing of it but what the mask at
//! each use says, and does not follow every length a loop could have made. Each program has memory of its own; a raw
//! tracepoint is not preempted, and the hooks that an interrupt can reach build their records on the stack.

use core::marker::PhantomData;

use taffrail_probes_abi::{
    Header, Kind, RECORD_MAX_BYTES,
    header_flags::{STRING_CUT, USER_UNREADABLE},
};

use crate::{
    header,
    kernel::{self, below_4_kib, below_16_kib, copy_string, copy_user_string},
    output,
};

/// The longest single read: a user path and its NUL.
const READ_MAX_BYTES: usize = 4352;

/// A record that is longer gets no more strings.
const FULL_BYTES: u64 = 16 * 1024 - 1;

/// Memory of one record: [`below_16_kib`] bounds the beginning of a read, [`READ_MAX_BYTES`] its length.
#[repr(C, align(8))]
pub struct Scratch {
    bytes: [u8; 16 * 1024 + READ_MAX_BYTES],
}

/// A record being built, its fixed part a header and a `B`.
pub struct Record<B> {
    start: *mut u8,
    body: PhantomData<B>,
}

impl<B> Record<B> {
    /// Begins a record: the header is filled by the running task, the body is zero.
    #[inline(always)]
    pub fn begin(scratch: Option<*mut Scratch>, kind: Kind) -> Option<Record<B>> {
        let record = Record { start: scratch?.cast::<u8>(), body: PhantomData };
        // SAFETY: the scratch memory is larger than any fixed part.
        unsafe {
            header::fill(record.start.cast(), kind, size_of::<Header>() + size_of::<B>());
            core::ptr::write_bytes(record.body(), 0, 1);
        }
        Some(record)
    }

    /// The body.
    #[inline(always)]
    pub fn body(&self) -> *mut B {
        // SAFETY: within the scratch memory.
        unsafe { self.start.add(size_of::<Header>()).cast() }
    }

    /// The part that strings are added to.
    #[inline(always)]
    pub fn strings(&self) -> Strings {
        Strings { start: self.start }
    }

    /// Makes it another kind, which must be of the same class when it is sent.
    #[inline(always)]
    pub fn set_kind(&self, kind: u8) {
        // SAFETY: the header is at the start.
        unsafe { (*self.start.cast::<Header>()).kind = u16::from(kind) };
    }

    /// The time in the header.
    #[inline(always)]
    pub fn time_ns(&self) -> u64 {
        // SAFETY: the header is at the start.
        unsafe { (*self.start.cast::<Header>()).time_ns }
    }

    /// Sends it, or counts it as lost; gives whether it was sent.
    #[inline(always)]
    pub fn send(&self, kind: Kind) -> bool {
        let len = self.strings().len();
        // It never is; the verifier does not know.
        if len > RECORD_MAX_BYTES as u64 {
            return false;
        }
        // SAFETY: the scratch memory is longer than the longest record.
        let (bytes, cgroup_id) = unsafe {
            (core::slice::from_raw_parts(self.start, len as usize), (*self.start.cast::<Header>()).cgroup_id)
        };
        output::send(kind, bytes, cgroup_id)
    }
}

/// Strings without a record.
///
/// # Safety
///
/// `scratch` must be writable, in a way that the verifier sees.
#[inline(always)]
pub unsafe fn alone(scratch: *mut Scratch) -> Strings {
    let strings = Strings { start: scratch.cast() };
    // SAFETY: the scratch memory is larger than a header.
    unsafe {
        let header = scratch.cast::<Header>();
        (*header).flags = 0;
        core::ptr::write_volatile(&raw mut (*header).len, size_of::<Header>() as u32);
    }
    strings
}

/// The strings of a record being built.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub struct Strings {
    start: *mut u8,
}

impl Strings {
    /// Bytes of the record so far.
    #[inline(always)]
    pub fn len(self) -> u64 {
        // SAFETY: the header is at the start.
        u64::from(unsafe { core::ptr::read_volatile(&raw const (*self.start.cast::<Header>()).len) })
    }

    /// Sets a bit of the header.
    #[inline(always)]
    pub fn flag(self, flag: u16) {
        // SAFETY: the header is at the start.
        unsafe { (*self.start.cast::<Header>()).flags |= flag };
    }

    /// Whether a bit of the header is set.
    #[inline(always)]
    pub fn has(self, flag: u16) -> bool {
        // SAFETY: the header is at the start.
        unsafe { (*self.start.cast::<Header>()).flags & flag != 0 }
    }

    /// Where the next string goes. [`READ_MAX_BYTES`] are writable there.
    #[inline(always)]
    pub fn end(self) -> *mut u8 {
        // SAFETY: the mask and the size of the scratch memory.
        unsafe { self.start.add(below_16_kib(self.len()) as usize) }
    }

    /// Makes `bytes` that were written at the end part of the record.
    #[inline(always)]
    pub fn grow(self, bytes: u64) {
        let len = self.len() + bytes;
        // SAFETY: the header is at the start.
        unsafe { core::ptr::write_volatile(&raw mut (*self.start.cast::<Header>()).len, len as u32) };
    }

    /// Whether there is no room for another string; the record then says that something is missing.
    #[inline(always)]
    fn is_full(self) -> bool {
        let full = self.len() > FULL_BYTES;
        if full {
            self.flag(STRING_CUT);
        }
        full
    }

    /// Adds a kernel string with its NUL, `LIMIT` bytes at most; gives the bytes added, NUL included.
    #[inline(always)]
    pub fn push_component<const LIMIT: usize>(self, address: u64) -> u64 {
        if self.is_full() {
            return 0;
        }
        // SAFETY: see `end`; every LIMIT in use is smaller than READ_MAX_BYTES.
        let written = unsafe { copy_string(self.end(), LIMIT as u32, address) };
        // An empty name is no component: written is 1 then.
        if written <= 1 || written > LIMIT as i64 {
            return 0;
        }
        self.grow(written as u64);
        written as u64
    }

    /// Adds a string without its NUL, `LIMIT` bytes at most with it. Gives the bytes added and whether more was there
    /// (or exactly as much), or none where it can't be read.
    #[inline(always)]
    pub fn push_string<const LIMIT: usize>(self, address: u64, from: Memory) -> Option<(u64, bool)> {
        if self.is_full() {
            return None;
        }
        // SAFETY: see `end`; every LIMIT in use is smaller than READ_MAX_BYTES.
        let written = unsafe {
            match from {
                Memory::Kernel => copy_string(self.end(), LIMIT as u32, address),
                Memory::User => copy_user_string(self.end(), LIMIT as u32, address),
            }
        };
        if written <= 0 || written > LIMIT as i64 {
            return None;
        }
        let bytes = written as u64 - 1;
        self.grow(bytes);
        Some((bytes, written == LIMIT as i64))
    }

    /// Adds bytes, 4095 at most; gives those added, none where they can't be read.
    #[inline(always)]
    pub fn push_bytes(self, address: u64, bytes: u64, from: Memory) -> Option<u64> {
        if self.is_full() {
            return None;
        }
        let bytes = below_4_kib(bytes);
        // SAFETY: see `end`; the mask is smaller than READ_MAX_BYTES.
        let failed = unsafe {
            match from {
                Memory::Kernel => kernel::copy_bytes(self.end(), bytes as u32, address),
                Memory::User => kernel::copy_user(self.end(), bytes as u32, address),
            }
        };
        if failed != 0 {
            self.flag(USER_UNREADABLE);
            return None;
        }
        self.grow(bytes);
        Some(bytes)
    }
}

/// Whose memory.
#[derive(Clone, Copy)]
pub enum Memory {
    Kernel,
    User,
}
