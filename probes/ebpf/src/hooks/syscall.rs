//! Level `full`: every system call with its duration.

use aya_ebpf::{macros::map, maps::Array};
use taffrail_probes_abi::{
    Kind,
    level::Level,
    syscall::{STARTED_SLOTS, Started, Syscall},
};

use crate::{
    globals::{IGNORE_TGID, global, offset},
    header::{cgroup_id, now},
    kernel::{Typed, current},
    level,
    output::Fixed,
    sys_exit::Call,
};

/// Calls in flight, by the low bits of the thread's id.
#[map]
static STARTED: Array<Started> = Array::with_max_entries(STARTED_SLOTS, 0);

/// A call begins, while some cgroup is at this level.
#[inline(never)]
pub fn began(number: u64) {
    let task = current();
    if level::of(cgroup_id(task)) != Level::Full as u32 {
        return;
    }
    let tid: u32 = task.at(offset!(task_pid));
    if let Some(slot) = STARTED.get_ptr_mut(tid & (STARTED_SLOTS - 1)) {
        // SAFETY: map memory. Of two threads on one slot the later one stays.
        unsafe { *slot = Started { tid, nr: number as u32, time_ns: now() } };
    }
}

/// A call ends, while some cgroup is at this level.
#[inline(never)]
pub fn ended(regs: Typed, number: u64, result: i64) {
    let task = current();
    let tid: u32 = task.at(offset!(task_pid));
    let Some(slot) = STARTED.get_ptr_mut(tid & (STARTED_SLOTS - 1)) else {
        return;
    };
    // SAFETY: map memory.
    let started = unsafe { *slot };
    let is_known = started.tid == tid && started.nr == number as u32;
    if !is_known && level::of(cgroup_id(task)) != Level::Full as u32 {
        return;
    }
    if task.at::<u32>(offset!(task_tgid)) == global(&IGNORE_TGID) {
        return;
    }
    let call = Call::new(regs, number, result);
    let body = Syscall { result, duration_ns: u64::MAX, args: call.args(), nr: number as u32, pad: 0 };
    let mut record = Fixed::new(Kind::Syscall, body);
    record.header.flags = call.flags;
    if is_known {
        // SAFETY: map memory.
        unsafe { (*slot).tid = 0 };
        record.body.duration_ns = record.header.time_ns.wrapping_sub(started.time_ns);
    }
    record.send(Kind::Syscall);
}
