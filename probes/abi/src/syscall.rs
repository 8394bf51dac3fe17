//! Level `full`: every system call.

/// Body of `Syscall`, from `sys_enter` and `sys_exit`. No strings.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct Syscall {
    /// What it returned.
    pub result: i64,
    /// From entry to exit, nanoseconds; `u64::MAX` where the entry was not seen.
    pub duration_ns: u64,
    /// The arguments.
    pub args: [u64; 6],
    /// Number, in the numbering that the call was made with: see the header's flags.
    pub nr: u32,
    /// Zero.
    pub pad: u32,
}

/// What the kernel side keeps of a call in flight: `STARTED`, an array indexed by the low bits of the thread id.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct Started {
    /// The thread.
    pub tid: u32,
    /// The call's number.
    pub nr: u32,
    /// `CLOCK_BOOTTIME` nanoseconds.
    pub time_ns: u64,
}

/// Slots of `STARTED`, a power of two. Two threads that share one lose a duration, and never get a wrong one.
pub const STARTED_SLOTS: u32 = 65_536;

const _: () = assert!(size_of::<Syscall>() == 72);
