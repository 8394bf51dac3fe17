//! Work submitted through io_uring, which makes no system call of its own. The actor is the process that submits; where
//! a kernel thread does it for a process (`IORING_SETUP_SQPOLL`, workers) that thread belongs to the process.

use aya_ebpf::{
    macros::{map, raw_tracepoint},
    maps::PerCpuArray,
    programs::RawTracePointContext,
};
use taffrail_probes_abi::{
    Kind,
    call::{Call as Body, DATA_MAX_BYTES, USER_PATH_MAX_BYTES, call_flags, nr},
    header_flags::{IO_URING, STRING_CUT},
};

use crate::{
    descriptor,
    globals::offset,
    hooks::{call, close, io},
    kernel::{current, read},
    level,
    record::{Memory, Record, Scratch, Strings},
};

#[map]
static URING_SCRATCH: PerCpuArray<Scratch> = PerCpuArray::with_max_entries(1, 0);

/// Operations (`enum io_uring_op`).
pub mod op {
    pub const READV: u8 = 1;
    pub const WRITEV: u8 = 2;
    pub const READ_FIXED: u8 = 4;
    pub const WRITE_FIXED: u8 = 5;
    pub const ACCEPT: u8 = 13;
    pub const CONNECT: u8 = 16;
    pub const OPENAT: u8 = 18;
    pub const CLOSE: u8 = 19;
    pub const READ: u8 = 22;
    pub const WRITE: u8 = 23;
    pub const OPENAT2: u8 = 28;
    pub const RENAMEAT: u8 = 35;
    pub const UNLINKAT: u8 = 36;
    pub const MKDIRAT: u8 = 37;
    pub const SYMLINKAT: u8 = 38;
    pub const LINKAT: u8 = 39;
    pub const FSETXATTR: u8 = 41;
    pub const SETXATTR: u8 = 42;
    pub const SOCKET: u8 = 45;
    pub const FTRUNCATE: u8 = 55;
    pub const READV_FIXED: u8 = 60;
    pub const WRITEV_FIXED: u8 = 61;
}

/// A request that names files: where its structure keeps what.
struct Request {
    kind: Kind,
    nr: u16,
    dirfd: u64,
    name: u64,
    new_dirfd: u64,
    new_name: u64,
    flags: u64,
    mode: u64,
    data: u64,
}

/// Bit of `io_kiocb.flags`: the descriptor is one of the ring's own table.
const FIXED_FILE: u32 = 1;

const NOWHERE: u64 = u32::MAX as u64;

/// In the place of a field: the working directory, whatever the request says.
const AT_FDCWD: u64 = NOWHERE - 1;

/// `io_uring_submit_req(struct io_kiocb *req)`, since Linux 6.3; `io_uring_submit_sqe` with the same first argument
/// since Linux 6.0
#[raw_tracepoint(tracepoint = "io_uring_submit_req")]
pub fn io_uring_submit_req(ctx: RawTracePointContext) -> u32 {
    let request: u64 = ctx.arg(0);
    let opcode: u8 = read(request + offset!(uring_opcode));
    let plain = |kind, nr, dirfd, name| Request {
        kind,
        nr,
        dirfd,
        name,
        new_dirfd: NOWHERE,
        new_name: NOWHERE,
        flags: NOWHERE,
        mode: NOWHERE,
        data: NOWHERE,
    };
    let (link_dirfd, link_name) = (offset!(uring_link_dirfd), offset!(uring_link_name));
    let shape = match opcode {
        op::OPENAT | op::OPENAT2 => Request {
            flags: offset!(uring_open_flags),
            mode: offset!(uring_open_mode),
            ..plain(Kind::Open, nr::OPENAT, offset!(uring_open_dirfd), offset!(uring_open_name))
        },
        op::UNLINKAT => Request {
            flags: offset!(uring_unlink_flags),
            ..plain(Kind::File, nr::UNLINKAT, offset!(uring_unlink_dirfd), offset!(uring_unlink_name))
        },
        op::MKDIRAT => plain(Kind::File, nr::MKDIRAT, offset!(uring_mkdir_dirfd), offset!(uring_mkdir_name)),
        op::RENAMEAT => Request {
            new_dirfd: offset!(uring_rename_new_dirfd),
            new_name: offset!(uring_rename_new_name),
            flags: offset!(uring_rename_flags),
            ..plain(Kind::File, nr::RENAMEAT2, offset!(uring_rename_dirfd), offset!(uring_rename_name))
        },
        // The new name is the link's; the first one is only text.
        op::SYMLINKAT => Request {
            new_dirfd: offset!(uring_link_new_dirfd),
            new_name: offset!(uring_link_new_name),
            ..plain(Kind::File, nr::SYMLINKAT, NOWHERE, link_name)
        },
        op::LINKAT => Request {
            new_dirfd: offset!(uring_link_new_dirfd),
            new_name: offset!(uring_link_new_name),
            ..plain(Kind::File, nr::LINKAT, link_dirfd, link_name)
        },
        op::SETXATTR => Request {
            data: offset!(uring_attribute),
            ..plain(Kind::File, nr::SETXATTR, AT_FDCWD, offset!(uring_attribute_name))
        },
        op::FSETXATTR => {
            Request { data: offset!(uring_attribute), ..plain(Kind::File, nr::FSETXATTR, NOWHERE, NOWHERE) }
        }
        op::FTRUNCATE => plain(Kind::File, nr::FTRUNCATE, NOWHERE, NOWHERE),
        op::CLOSE => {
            close_request(request);
            return 0;
        }
        _ => return 0,
    };
    if level::is_recorded(current()) {
        let _ = submitted(request, &shape);
    }
    0
}

#[inline(always)]
fn submitted(request: u64, shape: &Request) -> Option<()> {
    let record = Record::<Body>::begin(URING_SCRATCH.get_ptr_mut(0), Kind::Open)?;
    let strings = record.strings();
    strings.flag(IO_URING);
    record.set_kind(shape.kind as u8);
    let field = |at: u64| -> u32 { if at == NOWHERE { 0 } else { read(request + at) } };
    // SAFETY: the body is in the record's memory.
    unsafe {
        let body = record.body();
        (*body).nr = shape.nr;
        (*body).what = call_flags::PENDING;
        (*body).args = [0, 0, u64::from(field(shape.flags)), u64::from(field(shape.mode)), 0, request];
        if shape.name == NOWHERE {
            of_descriptor(strings, body, request);
        } else {
            // The text of a symbolic link is relative to nothing.
            if shape.dirfd != NOWHERE {
                let dirfd = if shape.dirfd == AT_FDCWD { call::AT_FDCWD } else { field(shape.dirfd) as i32 };
                (*body).lens[0] = call::base(strings, body, dirfd) as u16;
            }
            (*body).lens[1] = name(strings, request + shape.name) as u16;
        }
        if shape.new_name != NOWHERE {
            (*body).lens[2] = call::base(strings, body, field(shape.new_dirfd) as i32) as u16;
            (*body).lens[3] = name(strings, request + shape.new_name) as u16;
        }
        if shape.nr == nr::FTRUNCATE {
            (*body).args[1] = read(request + offset!(uring_truncate_len));
        }
        if shape.data != NOWHERE {
            let text: u64 = read(request + shape.data);
            let pushed = strings.push_string::<{ DATA_MAX_BYTES + 1 }>(text, Memory::Kernel);
            (*body).lens[5] = pushed.map_or(0, |(bytes, _)| bytes) as u16;
        }
    }
    if let Kind::Open = shape.kind {
        record.send(Kind::Open);
    } else {
        record.send(Kind::File);
    }
    Some(())
}

/// Adds the walked path of the file that a request names by a descriptor.
///
/// # Safety
///
/// `body` must be writable, in a way that the verifier sees.
#[inline(never)]
unsafe fn of_descriptor(strings: Strings, body: *mut Body, request: u64) {
    let is_fixed = read::<u32>(request + offset!(uring_flags)) & FIXED_FILE != 0;
    let fd: i32 = read(request + offset!(uring_fd));
    let file = if is_fixed { 0 } else { descriptor::file(fd) };
    // SAFETY: by this function's own contract.
    unsafe {
        (*body).args[0] = fd as u32 as u64;
        if file == 0 {
            (*body).what |= call_flags::BASE_UNKNOWN;
        } else {
            call::of_file(strings, body, file, false);
        }
    }
}

/// A descriptor goes. Told when the request begins and when it is over, as with the system call.
#[inline(always)]
pub fn close_request(request: u64) {
    let fd: u32 = read(request + offset!(uring_close_fd));
    if io::is_known(current(), fd) {
        close::closed(fd);
    }
}

/// Adds the name in the `struct filename` that a field of the request leads to: the kernel's own copy.
#[inline(never)]
fn name(strings: Strings, field: u64) -> u64 {
    let filename: u64 = read(field);
    let text: u64 = read(filename + offset!(filename_name));
    match strings.push_string::<{ USER_PATH_MAX_BYTES + 1 }>(text, Memory::Kernel) {
        Some((bytes, cut)) => {
            if cut {
                strings.flag(STRING_CUT);
            }
            bytes
        }
        None => 0,
    }
}
