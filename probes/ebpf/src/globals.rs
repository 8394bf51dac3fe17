//! Read-only globals that the host fills before it loads the programs. The verifier knows their values, and drops
//! the branches that they rule out.

use taffrail_probes_abi::{ABI_VERSION, offsets::Offsets};

/// Field offsets of the running kernel. All zero in the object.
#[unsafe(no_mangle)]
pub static OFFSETS: Offsets = {
    // SAFETY: a struct of integers.
    unsafe { core::mem::zeroed() }
};

/// The process whose system calls are not recorded; 0 for none.
#[unsafe(no_mangle)]
pub static IGNORE_TGID: u32 = 0;

/// Bytes in the bulk ring at which the host is woken.
#[unsafe(no_mangle)]
pub static BULK_WAKE_BYTES: u64 = 0;

/// What the host looks for in the object: the mark and the ABI version, little-endian.
#[used]
#[unsafe(no_mangle)]
static ABI_MARK: [u8; 16] = {
    let mut mark = *b"TAFFRAIL-ABI\0\0\0\0";
    let version = ABI_VERSION.to_le_bytes();
    let mut index = 0;
    while index < 4 {
        mark[12 + index] = version[index];
        index += 1;
    }
    mark
};

/// Reads one field of [`OFFSETS`].
macro_rules! offset {
    ($field:ident) => {
        u64::from($crate::globals::global(&$crate::globals::OFFSETS.$field))
    };
}
pub(crate) use offset;

/// Reads a global.
pub fn global<T: Copy>(global: &T) -> T {
    // SAFETY: a reference is readable; volatile, because the host changes it after compilation.
    unsafe { core::ptr::read_volatile(global) }
}
