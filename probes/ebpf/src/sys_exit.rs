//! The end of every system call: chooses the few that are wanted and hands them to their family.
//!
//! The one program that every system call of the host pays for. It is a typed tracepoint (`tp_btf`, as trampoline-free
//! as a raw one), so that it reads the call's number with a plain load: a helper call there costs more than all the
//! rest of a call that is not wanted.

use aya_ebpf::{helpers::generated, macros::btf_tracepoint, programs::BtfTracePointContext};

use crate::{
    globals::{IGNORE_TGID, global, offset},
    hooks::{file, network},
    kernel::{current, read},
};

/// `thread_info.status`: a 32-bit system call runs, its numbers are others.
const TS_COMPAT: u32 = 2;

/// Results below stay in the kernel: the call is made again after a signal (`ERESTARTSYS` to `ERESTART_RESTARTBLOCK`).
const RESTARTS: core::ops::RangeInclusive<i64> = -516..=-512;

/// Numbers of x86-64.
pub mod nr {
    pub const OPEN: u64 = 2;
    pub const ACCEPT: u64 = 43;
    pub const RENAME: u64 = 82;
    pub const RMDIR: u64 = 84;
    pub const CREAT: u64 = 85;
    pub const UNLINK: u64 = 87;
    pub const CHMOD: u64 = 90;
    pub const FCHMOD: u64 = 91;
    pub const OPENAT: u64 = 257;
    pub const UNLINKAT: u64 = 263;
    pub const RENAMEAT: u64 = 264;
    pub const FCHMODAT: u64 = 268;
    pub const ACCEPT4: u64 = 288;
    pub const RENAMEAT2: u64 = 316;
    pub const OPENAT2: u64 = 437;
    pub const FCHMODAT2: u64 = 452;
}

/// A system call that ended.
#[derive(Clone, Copy)]
pub struct Call {
    pub nr: u64,
    pub regs: Regs,
    pub result: i64,
}

/// The call's `pt_regs`, where the arguments still are.
#[derive(Clone, Copy)]
pub struct Regs(*const u8);

impl Regs {
    /// The register at an offset.
    #[inline(always)]
    pub fn at(self, offset: u64) -> u64 {
        // SAFETY: a typed pointer of the kernel; the verifier checks that a field of this size is at the offset, which
        // it knows as a constant.
        unsafe { self.0.add(offset as usize).cast::<u64>().read_volatile() }
    }
}

/// `sys_exit(struct pt_regs *regs, long ret)`; typed tracepoints since Linux 5.5
#[btf_tracepoint(function = "sys_exit")]
pub fn sys_exit(ctx: BtfTracePointContext) -> u32 {
    let regs = Regs(ctx.arg(0));
    let nr = regs.at(offset!(regs_orig_ax));
    let is_accept = match nr {
        nr::ACCEPT | nr::ACCEPT4 => true,
        nr::OPEN
        | nr::CREAT
        | nr::OPENAT
        | nr::OPENAT2
        | nr::UNLINK
        | nr::UNLINKAT
        | nr::RMDIR
        | nr::RENAME
        | nr::RENAMEAT
        | nr::RENAMEAT2
        | nr::CHMOD
        | nr::FCHMOD
        | nr::FCHMODAT
        | nr::FCHMODAT2 => false,
        _ => return 0,
    };
    let call = Call { nr, regs, result: ctx.arg(1) };
    if RESTARTS.contains(&call.result) || is_ignored() || is_compat() {
        return 0;
    }
    if is_accept {
        network::accepted(call.result);
    } else {
        file::ended(call);
    }
    0
}

#[inline(always)]
fn is_ignored() -> bool {
    // SAFETY: no arguments.
    let tgid = unsafe { generated::bpf_get_current_pid_tgid() } >> 32;
    tgid as u32 == global(&IGNORE_TGID)
}

#[inline(always)]
fn is_compat() -> bool {
    read::<u32>(current() + offset!(task_status)) & TS_COMPAT != 0
}
