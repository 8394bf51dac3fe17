//! Descriptors that go: what went through them is told.

use taffrail_probes_abi::{
    Kind,
    call::Act,
    io::{DescriptorKey, Totals},
};

use crate::{
    globals::offset,
    hooks::io::{DESCRIPTORS, is_known},
    kernel::current,
    level,
    output::Fixed,
    sys_exit::Call,
};

/// Descriptors that one `close_range` is followed through: a program may jump on to itself 32 times.
const RANGE_STEP: u32 = 128;
const RANGE_MAX: u32 = 32 * RANGE_STEP;

/// `CLOSE_RANGE_CLOEXEC`: nothing is closed yet.
const RANGE_CLOEXEC: u64 = 4;

/// A descriptor is gone, or about to go: tells what went through it.
#[inline(always)]
pub fn closed(fd: u32) {
    let _ = descriptor_closed(fd);
}

/// A global function, which the verifier looks at once and not at every call; such a one must give a number.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn descriptor_closed(fd: u32) -> u32 {
    let key = DescriptorKey { pid: current().at(offset!(task_tgid)), fd };
    let Some(entry) = DESCRIPTORS.get_ptr_mut(&key) else {
        return 0;
    };
    // SAFETY: map memory.
    let entry = unsafe { *entry };
    if DESCRIPTORS.remove(&key).is_err()
        || entry.read_bytes | entry.written_bytes == 0
        || !level::is_recorded(current())
    {
        return 0;
    }
    let totals = Totals {
        fd,
        pad: 0,
        named_ns: entry.named_ns,
        read_bytes: entry.read_bytes,
        written_bytes: entry.written_bytes,
    };
    Fixed::new(Kind::Totals, totals).send(Kind::Totals);
    0
}

/// A call that closes or replaces a descriptor begins or is over. At both ends: another thread may use the descriptor
/// while it goes, and what it leads to afterwards must not be counted with what it led to before.
#[inline(always)]
pub fn going(call: &Call, act: u8) {
    let (task, first, second) = (call.task, call.first() as u32, call.second() as u32);
    if act == Act::Close as u8 {
        if is_known(task, first) {
            closed(first);
        }
    } else if first != second && is_known(task, second) {
        closed(second);
    }
}

/// A step of `close_range(first, last, flags)`: gives whether there are more.
#[inline(always)]
pub fn range_closed(call: &Call, step: u32) -> bool {
    let args = call.args();
    let (first, last) = (args[0] as u32, args[1] as u32);
    let from = step * RANGE_STEP;
    if call.result < 0 || args[2] & RANGE_CLOEXEC != 0 || from >= RANGE_MAX {
        return false;
    }
    let open = current().follow(offset!(task_files)).and_then(|files| files.follow(offset!(files_fdt)));
    // The table is never made smaller.
    let end: u32 = open.map_or(0, |table| table.at(offset!(fdtable_max_fds)));
    for index in 0..RANGE_STEP {
        let fd = first.wrapping_add(from).wrapping_add(index);
        if fd > last || fd >= end {
            return false;
        }
        // Asked anew each time: of a pointer kept through the loop the verifier follows every turn by itself.
        if is_known(current(), fd) {
            closed(fd);
        }
    }
    true
}
