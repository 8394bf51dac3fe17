//! The beginning of system calls. One that names a file does it by a text in the program's memory, which the program
//! can change while the kernel works: read before and after, the two are held against each other on the host. One that
//! closes a descriptor ends its count.

use aya_ebpf::{
    macros::{btf_tracepoint, map},
    maps::{LruHashMap, PerCpuArray},
    programs::BtfTracePointContext,
};
use taffrail_probes_abi::call::{Act, Entered, USER_PATH_MAX_BYTES};

use crate::{
    globals::{AT_ENTRY, is_of_interest, offset, shape},
    hooks::{
        call::{ENTERED, ENTERED_SECOND},
        close, syscall,
    },
    kernel::{Typed, copy_user_string, current},
    level,
    sys_exit::Call,
};

#[map]
static ENTERED_SCRATCH: PerCpuArray<Entered> = PerCpuArray::with_max_entries(1, 0);

/// `sys_enter(struct pt_regs *regs, long id)`; typed tracepoints since Linux 5.5
#[btf_tracepoint(function = "sys_enter")]
pub fn sys_enter(ctx: BtfTracePointContext) -> u32 {
    let number: u64 = ctx.arg(1);
    if level::is_any_full() {
        syscall::began(number);
    }
    if !is_of_interest(number, AT_ENTRY) {
        return 0;
    }
    let call = Call::new(Typed::argument(ctx.arg(0)), number, 0);
    let shape = shape(call.nr);
    if shape.act == Act::Close as u8 || shape.act == Act::Replace as u8 {
        close::going(&call, shape.act);
    } else if shape.act == Act::Call as u8 && shape.path < 6 && level::is_recorded(call.task) {
        let args = call.args();
        let _ = keep(&ENTERED, call.nr, text(&args, shape.path));
        let second = if shape.new_path < 6 { shape.new_path } else { shape.data };
        if second < 6 {
            let _ = keep(&ENTERED_SECOND, call.nr, text(&args, second));
        }
    }
    0
}

/// The argument at a place.
#[inline(always)]
fn text(args: &[u64; 6], place: u8) -> u64 {
    match place {
        0 => args[0],
        1 => args[1],
        2 => args[2],
        _ => args[3],
    }
}

#[inline(always)]
fn keep(kept: &LruHashMap<u32, Entered>, nr: u64, path: u64) -> Option<()> {
    let entered = ENTERED_SCRATCH.get_ptr_mut(0)?;
    let tid: u32 = current().at(offset!(task_pid));
    // SAFETY: map memory of this CPU.
    unsafe {
        (*entered).nr = nr;
        // What an earlier call left is not this one's.
        (*entered).what = 0;
        (*entered).cut = 0;
        let bytes = copy_user_string((&raw mut (*entered).name).cast(), USER_PATH_MAX_BYTES as u32, path);
        (*entered).len = if bytes <= 0 { 0 } else { bytes as u64 };
        let _ = kept.insert(&tid, &*entered, 0);
    }
    Some(())
}
