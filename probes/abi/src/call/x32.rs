//! The calls that x32 has numbers of its own for, in the numbers of x86-64; the others are the same.

use super::shapes::nr::*;

/// The first of them (`arch/x86/entry/syscalls/syscall_64.tbl`).
pub const X32_FIRST: u64 = 512;

/// The x86-64 number of each, [`u16::MAX`] where [`super::SHAPES`] has no row for it.
pub const X32_TO_X86_64: [u16; 36] = {
    let mut table = [u16::MAX; 36];
    let mut index = 0;
    while index < ROWS.len() {
        table[ROWS[index].0 - X32_FIRST as usize] = ROWS[index].1;
        index += 1;
    }
    table
};

const ROWS: &[(usize, u16)] = &[
    (515, READV),
    (516, WRITEV),
    (517, RECVFROM),
    (521, PTRACE),
    (528, KEXEC_LOAD),
    (534, PREADV),
    (535, PWRITEV),
    (539, PROCESS_VM_READV),
    (540, PROCESS_VM_WRITEV),
    (546, PREADV2),
    (547, PWRITEV2),
];
