//! The end of every system call: chooses what is wanted by the table of shapes and hands it to its family.
//!
//! The one program that every system call of the host pays for. It is a typed tracepoint (`tp_btf`, as trampoline-free
//! as a raw one), so that it reads the call's number with a plain load: a helper call there costs more than all the
//! rest of a call that is not wanted.

use aya_ebpf::{
    macros::{btf_tracepoint, map},
    maps::{PerCpuArray, ProgramArray},
    programs::BtfTracePointContext,
};
use taffrail_probes_abi::{
    call::{Act, FTRUNCATE64, OLD_MMAP, OLD_UMOUNT, SOCKETCALL, TAILS_LEN, TRUNCATE64, Tail, X32_BIT, nr},
    header_flags,
};

use crate::{
    globals::{AT_EXIT, i386_number, is_of_interest, offset, shape, x32_number},
    hooks::{call, close, io, network, syscall, unix},
    kernel::{Typed, current, read_user},
    level,
};

/// `thread_info.status`: a 32-bit system call runs, its numbers and registers are others.
const TS_COMPAT: u32 = 2;

/// Results below stay in the kernel: the call is made again after a signal (`ERESTARTSYS` to `ERESTART_RESTARTBLOCK`).
const RESTARTS: core::ops::RangeInclusive<i64> = -516..=-512;

/// A system call as its registers tell it, in the numbering of x86-64.
#[derive(Clone, Copy)]
pub struct Call {
    pub nr: u64,
    /// Of the header: how it was made.
    pub flags: u16,
    pub regs: Typed,
    pub result: i64,
    /// Who made it.
    pub task: Typed,
}

impl Call {
    /// The call that a `sys_exit` program runs for.
    #[inline(always)]
    pub fn ended(ctx: &BtfTracePointContext) -> Call {
        let regs = Typed::argument(ctx.arg(0));
        Call::new(regs, regs.at(offset!(regs_orig_ax)), ctx.arg(1))
    }

    /// Sorts out how a call was made. `number` is what the registers say.
    #[inline(always)]
    pub fn new(regs: Typed, number: u64, result: i64) -> Call {
        let task = current();
        if task.at::<u32>(offset!(task_status)) & TS_COMPAT != 0 {
            let nr = if number == SOCKETCALL { socket_call(regs.at(offset!(regs_bx))) } else { i386_number(number) };
            return Call { nr, flags: header_flags::ABI_I386, regs, result, task };
        }
        if number & X32_BIT != 0 {
            return Call { nr: x32_number(number & !X32_BIT), flags: header_flags::ABI_X32, regs, result, task };
        }
        Call { nr: number, flags: 0, regs, result, task }
    }

    /// Whether the program's pointers and sizes in memory are 32 bits wide.
    #[inline(always)]
    pub fn is_narrow(&self) -> bool {
        self.flags & (header_flags::ABI_I386 | header_flags::ABI_X32) != 0
    }

    /// Whether it was made the 32-bit way.
    #[inline(always)]
    pub fn is_i386(&self) -> bool {
        self.flags & header_flags::ABI_I386 != 0
    }

    #[inline(always)]
    pub fn first(&self) -> u64 {
        if self.is_i386() { self.args_i386()[0] } else { self.regs.at(offset!(regs_di)) }
    }

    #[inline(always)]
    pub fn second(&self) -> u64 {
        if self.is_i386() { self.args_i386()[1] } else { self.regs.at(offset!(regs_si)) }
    }

    /// All six.
    #[inline(always)]
    pub fn args(&self) -> [u64; 6] {
        if self.is_i386() {
            return self.args_i386();
        }
        let regs = self.regs;
        [
            regs.at(offset!(regs_di)),
            regs.at(offset!(regs_si)),
            regs.at(offset!(regs_dx)),
            regs.at(offset!(regs_r10)),
            regs.at(offset!(regs_r8)),
            regs.at(offset!(regs_r9)),
        ]
    }

    /// The arguments of a 32-bit call, in the places where the call of x86-64 has them.
    #[inline(never)]
    fn args_i386(&self) -> [u64; 6] {
        let regs = self.regs;
        let low = |offset: u64| u64::from(regs.at::<u64>(offset) as u32);
        let number = low(offset!(regs_orig_ax));
        if number == SOCKETCALL || number == OLD_MMAP {
            let at = if number == SOCKETCALL { low(offset!(regs_cx)) } else { low(offset!(regs_bx)) };
            let words: [u32; 6] = read_user(at).unwrap_or([0; 6]);
            return words.map(u64::from);
        }
        let second = match number {
            OLD_UMOUNT => 0,
            TRUNCATE64 | FTRUNCATE64 => low(offset!(regs_cx)) | low(offset!(regs_dx)) << 32,
            _ => low(offset!(regs_cx)),
        };
        [
            low(offset!(regs_bx)),
            second,
            low(offset!(regs_dx)),
            low(offset!(regs_si)),
            low(offset!(regs_di)),
            low(offset!(regs_bp)),
        ]
    }
}

/// The number of the call that `socketcall` stands for (`include/uapi/linux/net.h`), or one beyond all.
#[inline(always)]
fn socket_call(which: u64) -> u64 {
    u64::from(match which as u32 {
        1 => nr::SOCKET,
        3 => nr::CONNECT,
        5 => nr::ACCEPT,
        9 | 11 => nr::SENDTO,
        10 | 12 => nr::RECVFROM,
        18 => nr::ACCEPT4,
        _ => u16::MAX,
    })
}

/// The programs behind this one: each has a stack of its own, and what is not wanted never comes near them.
#[map]
static TAILS: ProgramArray = ProgramArray::with_max_entries(TAILS_LEN, 0);

/// `sys_exit(struct pt_regs *regs, long ret)`; typed tracepoints since Linux 5.5
#[btf_tracepoint(function = "sys_exit")]
pub fn sys_exit(ctx: BtfTracePointContext) -> u32 {
    let regs = Typed::argument(ctx.arg(0));
    let number = regs.at(offset!(regs_orig_ax));
    if level::is_any_full() {
        syscall::ended(regs, number, ctx.arg(1));
    }
    if !is_of_interest(number, AT_EXIT) {
        return 0;
    }
    let call = Call::new(regs, number, ctx.arg(1));
    let shape = shape(call.nr);
    if shape.act == Act::Skip as u8 || RESTARTS.contains(&call.result) {
        return 0;
    }
    // The hottest calls first: whatever else they are, most move no bytes or concern a descriptor that is known.
    let tail = match tail(shape.act) {
        Tail::Io => {
            if call.result <= 0 || !level::is_recorded(call.task) {
                return 0;
            }
            if io::is_counted(&call, shape.act) {
                return 0;
            }
            Tail::Io
        }
        Tail::Close => {
            let fd = if shape.act == Act::Close as u8 { call.first() } else { call.second() };
            if !io::is_known(call.task, fd as u32) {
                return 0;
            }
            Tail::Close
        }
        other => other,
    };
    // Whatever is recorded: a descriptor that is gone must not be counted on when it is another file's.
    let is_settled = matches!(tail, Tail::Io | Tail::Close | Tail::CloseRange);
    if is_settled || level::is_recorded(call.task) {
        // SAFETY: the context is this program's own. It comes back only where the host put no program into the slot,
        // which it never leaves so.
        let _ = unsafe { TAILS.tail_call(&ctx, tail as u32) };
    }
    0
}

/// Which program goes on.
#[inline(always)]
fn tail(act: u8) -> Tail {
    const READ: u8 = Act::Read as u8;
    const WRITE: u8 = Act::Write as u8;
    const READ_VECTOR: u8 = Act::ReadVector as u8;
    const WRITE_VECTOR: u8 = Act::WriteVector as u8;
    const COPY: u8 = Act::Copy as u8;
    const CLOSE: u8 = Act::Close as u8;
    const REPLACE: u8 = Act::Replace as u8;
    const CLOSE_RANGE: u8 = Act::CloseRange as u8;
    const ACCEPT: u8 = Act::Accept as u8;
    const CONNECT: u8 = Act::Connect as u8;
    match act {
        READ | WRITE | READ_VECTOR | WRITE_VECTOR => Tail::Io,
        COPY => Tail::Copy,
        CLOSE | REPLACE => Tail::Close,
        CLOSE_RANGE => Tail::CloseRange,
        ACCEPT => Tail::Accept,
        CONNECT => Tail::Connect,
        _ => Tail::Call,
    }
}

/// A call that is reported one by one.
#[btf_tracepoint(function = "sys_exit")]
pub fn exit_call(ctx: BtfTracePointContext) -> u32 {
    call::ended(&Call::ended(&ctx));
    0
}

/// Bytes went through a descriptor that is new, or leads to a terminal.
#[btf_tracepoint(function = "sys_exit")]
pub fn exit_io(ctx: BtfTracePointContext) -> u32 {
    let call = Call::ended(&ctx);
    io::moved(&call, shape(call.nr).act);
    0
}

/// Bytes went from one descriptor to another.
#[btf_tracepoint(function = "sys_exit")]
pub fn exit_copy(ctx: BtfTracePointContext) -> u32 {
    let call = Call::ended(&ctx);
    io::copied(&call, shape(call.nr));
    0
}

/// A descriptor through which bytes went is gone.
#[btf_tracepoint(function = "sys_exit")]
pub fn exit_close(ctx: BtfTracePointContext) -> u32 {
    let call = Call::ended(&ctx);
    let act = shape(call.nr).act;
    if act == Act::Close as u8 || call.result >= 0 {
        close::going(&call, act);
    }
    0
}

/// How many steps of a range this CPU has gone.
#[map]
static RANGE_STEPS: PerCpuArray<u32> = PerCpuArray::with_max_entries(1, 0);

/// Descriptors in a range are gone: a step of it, and again.
#[btf_tracepoint(function = "sys_exit")]
pub fn exit_close_range(ctx: BtfTracePointContext) -> u32 {
    let Some(step) = RANGE_STEPS.get_ptr_mut(0) else {
        return 0;
    };
    // SAFETY: map memory of this CPU; no other task comes between the steps.
    unsafe {
        if close::range_closed(&Call::ended(&ctx), *step) {
            *step += 1;
            let _ = TAILS.tail_call(&ctx, Tail::CloseRange as u32);
        }
        *step = 0;
    }
    0
}

/// A connection was taken.
#[btf_tracepoint(function = "sys_exit")]
pub fn exit_accept(ctx: BtfTracePointContext) -> u32 {
    network::accepted(ctx.arg(1));
    0
}

/// A connect ended.
#[btf_tracepoint(function = "sys_exit")]
pub fn exit_connect(ctx: BtfTracePointContext) -> u32 {
    unix::connected(&Call::ended(&ctx));
    0
}
