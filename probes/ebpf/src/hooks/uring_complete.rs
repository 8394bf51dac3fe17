//! Requests of io_uring that are over.

use aya_ebpf::{
    macros::{map, raw_tracepoint},
    maps::PerCpuArray,
    programs::RawTracePointContext,
};
use taffrail_probes_abi::{
    Kind,
    call::{Call as Body, Completed, call_flags, nr},
    header_flags::IO_URING,
    io::Direction,
};

use crate::{
    descriptor::{self, File},
    globals::{URING_RESULT_IS_AN_ARGUMENT, global, offset},
    hooks::{
        call, close, io, network, unix,
        uring::{close_request, op},
    },
    kernel::{current, read},
    level,
    path::{is_elsewhere, walk},
    record::{Record, Scratch},
    socket::{self, AF_UNIX},
};

#[map]
static COMPLETED_SCRATCH: PerCpuArray<Scratch> = PerCpuArray::with_max_entries(1, 0);

/// `io_uring_complete(struct io_ring_ctx *ctx, void *req, struct io_uring_cqe *cqe)`, since Linux 6.14; before with
/// `u64 user_data, int res, ...` in the place of `cqe`
#[raw_tracepoint(tracepoint = "io_uring_complete")]
pub fn io_uring_complete(ctx: RawTracePointContext) -> u32 {
    let request: u64 = ctx.arg(1);
    if request == 0 {
        return 0;
    }
    let opcode: u8 = read(request + offset!(uring_opcode));
    let is_wanted = matches!(
        opcode,
        op::READV..=op::WRITEV
            | op::READ_FIXED..=op::WRITE_FIXED
            | op::ACCEPT
            | op::CONNECT
            | op::OPENAT
            | op::READ
            | op::WRITE
            | op::OPENAT2
            | op::RENAMEAT..=op::LINKAT
            | op::CLOSE
            | op::FSETXATTR..=op::SETXATTR
            | op::SOCKET
            | op::FTRUNCATE
            | op::READV_FIXED..=op::WRITEV_FIXED
    );
    if !is_wanted || opcode != op::CLOSE && !level::is_recorded(current()) {
        return 0;
    }
    let result = if global(&URING_RESULT_IS_AN_ARGUMENT) != 0 {
        i64::from(ctx.arg::<i32>(3))
    } else {
        // struct io_uring_cqe: u64 user_data, s32 res, u32 flags
        i64::from(read::<i32>(ctx.arg::<u64>(2) + 8))
    };
    let file: u64 = read(request + offset!(uring_file));
    match opcode {
        op::READV | op::READ_FIXED | op::READ | op::READV_FIXED => {
            if result > 0 {
                io::moved_by_ring(file, Direction::Typed, result as u64);
            }
        }
        op::WRITEV | op::WRITE_FIXED | op::WRITE | op::WRITEV_FIXED => {
            if result > 0 {
                io::moved_by_ring(file, Direction::Printed, result as u64);
            }
        }
        op::ACCEPT => network::accepted(result),
        op::CONNECT => connected(file, result),
        op::CLOSE => close_request(request),
        op::SOCKET => {
            // domain, type and protocol stand together
            let [domain, kind, protocol]: [u32; 3] = read(request + offset!(uring_socket));
            if call::is_odd_socket(domain, kind) {
                let args = [u64::from(domain), u64::from(kind), u64::from(protocol), 0, 0, 0];
                let _ = made(args, result);
            }
        }
        _ => {
            let _ = completed(request, result, opcode == op::OPENAT || opcode == op::OPENAT2);
        }
    }
    0
}

/// A connect is over; that of TCP is told by its flow.
#[inline(always)]
fn connected(file: u64, result: i64) {
    let sock = File::load(file).map_or(0, File::sock);
    if sock != 0 && socket::family(sock) == AF_UNIX && result == 0 {
        let _ = unix::report(IO_URING, [0; 6], result, sock);
    }
}

/// A raw or packet socket was made.
#[inline(always)]
fn made(args: [u64; 6], result: i64) -> Option<()> {
    let record = Record::<Body>::begin(COMPLETED_SCRATCH.get_ptr_mut(0), Kind::Socket)?;
    record.strings().flag(IO_URING);
    // SAFETY: the body is in the record's memory.
    unsafe {
        let body = record.body();
        (*body).result = result;
        (*body).args = args;
        (*body).nr = nr::SOCKET;
    }
    record.send(Kind::Socket);
    Some(())
}

#[inline(always)]
fn completed(request: u64, result: i64, is_open: bool) -> Option<()> {
    let record = Record::<Completed>::begin(COMPLETED_SCRATCH.get_ptr_mut(0), Kind::Completed)?;
    record.strings().flag(IO_URING);
    // SAFETY: the body is in the record's memory.
    unsafe {
        let body = record.body();
        (*body).request = request;
        (*body).result = result;
        // An open into the ring's own table gives 0 and no descriptor.
        let address = if is_open && result > 0 { descriptor::file(result as i32) } else { 0 };
        if address != 0 {
            if io::is_known(current(), result as u32) {
                close::closed(result as u32);
            }
            let file = File::load(address)?;
            let (mnt, dentry) = file.path();
            (*body).what = call_flags::KERNEL_PATH;
            if is_elsewhere(mnt) {
                (*body).what |= call_flags::OTHER_MOUNTS;
            }
            (*body).inode = file.inode.at(offset!(inode_ino));
            (*body).inode_mode = file.mode();
            (*body).dev = file.dev();
            (*body).base_len = walk(record.strings(), mnt, dentry) as u16;
        }
    }
    record.send(Kind::Completed);
    Some(())
}
