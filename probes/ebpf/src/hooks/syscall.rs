//! Level `full`: every system call with its duration. These two programs are attached only while some container is at
//! that level, so that nobody else pays.

use aya_ebpf::{
    macros::{btf_tracepoint, map},
    maps::Array,
    programs::BtfTracePointContext,
};
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

/// `sys_enter(struct pt_regs *regs, long id)`
#[btf_tracepoint(function = "sys_enter")]
pub fn full_enter(ctx: BtfTracePointContext) -> u32 {
    if level::of(cgroup_id()) != Level::Full as u32 {
        return 0;
    }
    let tid: u32 = current().at(offset!(task_pid));
    if let Some(slot) = STARTED.get_ptr_mut(tid & (STARTED_SLOTS - 1)) {
        let nr: u64 = ctx.arg(1);
        // SAFETY: map memory. Of two threads on one slot the later one stays.
        unsafe { *slot = Started { tid, nr: nr as u32, time_ns: now() } };
    }
    0
}

/// `sys_exit(struct pt_regs *regs, long ret)`
#[btf_tracepoint(function = "sys_exit")]
pub fn full_exit(ctx: BtfTracePointContext) -> u32 {
    let regs = Typed::argument(ctx.arg(0));
    let number: u64 = regs.at(offset!(regs_orig_ax));
    let task = current();
    let tid: u32 = task.at(offset!(task_pid));
    let Some(slot) = STARTED.get_ptr_mut(tid & (STARTED_SLOTS - 1)) else {
        return 0;
    };
    // SAFETY: map memory.
    let started = unsafe { *slot };
    let is_known = started.tid == tid && started.nr == number as u32;
    if !is_known && level::of(cgroup_id()) != Level::Full as u32 {
        return 0;
    }
    if task.at::<u32>(offset!(task_tgid)) == global(&IGNORE_TGID) {
        return 0;
    }
    let call = Call::new(regs, number, ctx.arg(1));
    let body = Syscall { result: call.result, duration_ns: u64::MAX, args: call.args(), nr: number as u32, pad: 0 };
    let mut record = Fixed::new(Kind::Syscall, body);
    record.header.flags = call.flags;
    if is_known {
        // SAFETY: map memory.
        unsafe { (*slot).tid = 0 };
        record.body.duration_ns = record.header.time_ns.wrapping_sub(started.time_ns);
    }
    record.send(Kind::Syscall);
    0
}
