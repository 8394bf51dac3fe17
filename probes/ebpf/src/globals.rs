//! Read-only globals that the host fills before it loads the programs. The verifier knows their values, and drops
//! the branches that they rule out.
//!
//! They have a section of their own: in the common one the compiler gives a constant of the same value the same place,
//! and what the host writes there would change that constant too.

use taffrail_probes_abi::{
    ABI_VERSION,
    call::{Act, I386_TO_X86_64, NUMBERS, SHAPES, SOCKETCALL, Shape, X32_BIT, X32_FIRST, X32_TO_X86_64},
    offsets::Offsets,
};

/// Field offsets of the running kernel. All zero in the object.
#[unsafe(no_mangle)]
#[unsafe(link_section = ".rodata.host")]
pub static OFFSETS: Offsets = {
    // SAFETY: a struct of integers.
    unsafe { core::mem::zeroed() }
};

/// The process whose system calls are not recorded; 0 for none.
#[unsafe(no_mangle)]
#[unsafe(link_section = ".rodata.host")]
pub static IGNORE_TGID: u32 = 0;

/// Bytes in the bulk ring at which the host is woken.
#[unsafe(no_mangle)]
#[unsafe(link_section = ".rodata.host")]
pub static BULK_WAKE_BYTES: u64 = 0;

/// Bytes in a ring from which on each cgroup only gets its share.
#[unsafe(no_mangle)]
#[unsafe(link_section = ".rodata.host")]
pub static SHARE_FROM_BYTES: [u64; 2] = [0; 2];

/// 1 where `io_uring_complete` has the result as its own argument.
#[unsafe(no_mangle)]
#[unsafe(link_section = ".rodata.host")]
pub static URING_RESULT_IS_AN_ARGUMENT: u32 = 0;

/// Bytes of environment kept with an exec.
#[unsafe(no_mangle)]
#[unsafe(link_section = ".rodata.host")]
pub static ENVIRONMENT_BYTES: u32 = 0;

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

/// Rows of the table of system calls, one word each.
static SHAPE_WORDS: [u64; NUMBERS] = {
    let mut words = [0; NUMBERS];
    let mut index = 0;
    while index < NUMBERS {
        // SAFETY: eight bytes without padding.
        words[index] = unsafe { core::mem::transmute::<Shape, u64>(SHAPES[index]) };
        index += 1;
    }
    words
};

static I386_NUMBERS: [u16; NUMBERS] = I386_TO_X86_64;

static X32_NUMBERS: [u16; X32_TO_X86_64.len()] = X32_TO_X86_64;

/// What each number means to somebody, in whichever numbering: [`AT_EXIT`] and [`AT_ENTRY`]. It turns away most of what
/// the host does before anything is known of the task.
static INTEREST: [u8; NUMBERS] = {
    let mut interest = [0; NUMBERS];
    let mut number = 0;
    while number < NUMBERS {
        interest[number] = interest_in(number);
        let meant = I386_TO_X86_64[number] as usize;
        if meant < NUMBERS {
            interest[number] |= interest_in(meant);
        }
        number += 1;
    }
    interest[SOCKETCALL as usize] |= AT_EXIT;
    interest
};

/// The end of the call is looked at.
pub const AT_EXIT: u8 = 1;
/// The beginning of the call is looked at.
pub const AT_ENTRY: u8 = 2;

const fn interest_in(number: usize) -> u8 {
    let shape = SHAPES[number];
    if shape.act == Act::Skip as u8 {
        return 0;
    }
    let names = shape.act == Act::Call as u8 && shape.path < 6;
    let closes = shape.act == Act::Close as u8 || shape.act == Act::Replace as u8;
    if names || closes { AT_EXIT | AT_ENTRY } else { AT_EXIT }
}

/// Whether a call of this number can be of interest, whichever way it was made.
#[inline(always)]
pub fn is_of_interest(number: u64, when: u8) -> bool {
    if number & X32_BIT != 0 {
        return true;
    }
    match INTEREST.get(number as usize) {
        // SAFETY: a reference is readable; volatile, or the compiler builds a jump table of it.
        Some(interest) => (unsafe { core::ptr::read_volatile(interest) }) & when != 0,
        None => false,
    }
}

/// The row of a system call; of one that is of no interest it says so.
#[inline(always)]
pub fn shape(nr: u64) -> Shape {
    let word = match SHAPE_WORDS.get(nr as usize) {
        // SAFETY: a reference is readable; volatile, or the compiler builds a jump table of it.
        Some(word) => unsafe { core::ptr::read_volatile(word) },
        None => 0,
    };
    // SAFETY: eight bytes of integers.
    unsafe { core::mem::transmute::<u64, Shape>(word) }
}

/// The x86-64 number of a 32-bit call, or one beyond all.
#[inline(always)]
pub fn i386_number(nr: u64) -> u64 {
    match I386_NUMBERS.get(nr as usize) {
        // SAFETY: as above.
        Some(number) => u64::from(unsafe { core::ptr::read_volatile(number) }),
        None => u64::MAX,
    }
}

/// The x86-64 number of an x32 call (without its bit).
#[inline(always)]
pub fn x32_number(nr: u64) -> u64 {
    match X32_NUMBERS.get(nr.wrapping_sub(X32_FIRST) as usize) {
        // SAFETY: as above.
        Some(number) => u64::from(unsafe { core::ptr::read_volatile(number) }),
        None => nr,
    }
}

/// Reads one field of [`OFFSETS`].
macro_rules! offset {
    ($field:ident) => {
        u64::from($crate::globals::global(&$crate::globals::OFFSETS.$field))
    };
}
pub(crate) use offset;

/// Reads a global.
#[inline(always)]
pub fn global<T: Copy>(global: &T) -> T {
    // SAFETY: a reference is readable; volatile, because the host changes it after compilation.
    unsafe { core::ptr::read_volatile(global) }
}
