//! System calls that are reported one by one, each when it ends: files, privileges, the kernel, odd sockets.

use aya_ebpf::{
    macros::map,
    maps::{LruHashMap, PerCpuArray},
};
use taffrail_probes_abi::{
    Kind,
    call::{Act, Call as Body, DATA_MAX_BYTES, ENTERED_MAX, Entered, Shape, USER_PATH_MAX_BYTES, call_flags},
    header_flags,
};

use crate::{
    descriptor::{self, File},
    globals::{offset, shape},
    hooks::{credentials, io, named},
    kernel::{current, read, read_user},
    path::{is_elsewhere, walk, walk_at},
    record::{Memory, Record, Scratch, Strings},
    sys_exit::Call,
};

#[map]
static CALL_SCRATCH: PerCpuArray<Scratch> = PerCpuArray::with_max_entries(1, 0);

/// The call that ends. In memory, because registers take no index and a stack is small.
#[map]
static REQUEST: PerCpuArray<Request> = PerCpuArray::with_max_entries(1, 0);

/// A call's arguments and its row of the table.
#[repr(C)]
struct Request {
    /// Behind the six stand `AT_FDCWD` and zero, for a row that names no argument.
    args: [u64; 8],
    shape: Shape,
}

/// Names as they were read when the calls of these threads began.
#[map]
pub static ENTERED: LruHashMap<u32, Entered> = LruHashMap::with_max_entries(ENTERED_MAX[0], 0);

/// The second names of calls that have two, or another text of theirs.
#[map]
pub static ENTERED_SECOND: LruHashMap<u32, Entered> = LruHashMap::with_max_entries(ENTERED_MAX[1], 0);

pub const AT_FDCWD: i32 = -100;

/// `file.f_mode`: the file was made by this open.
const FMODE_CREATED: u32 = 1 << 20;

/// `PROT_WRITE | PROT_EXEC`
const WRITE_EXECUTE: u64 = 6;

/// Reports a call of this family, where its arguments make it worth it.
#[inline(always)]
pub fn ended(call: &Call) {
    let Some(request) = REQUEST.get_ptr_mut(0) else {
        return;
    };
    // SAFETY: map memory of this CPU.
    let request = unsafe {
        let args = call.args();
        (*request).args = [args[0], args[1], args[2], args[3], args[4], args[5], AT_FDCWD as u32 as u64, 0];
        (*request).shape = shape(call.nr);
        &*request
    };
    if wanted(request) {
        let _ = report(call, request);
    }
}

#[inline(always)]
fn wanted(request: &Request) -> bool {
    const PROTECT: u8 = Act::Protect as u8;
    const PRCTL: u8 = Act::Prctl as u8;
    const PTRACE: u8 = Act::Ptrace as u8;
    const SOCKET: u8 = Act::Socket as u8;
    let args = &request.args;
    match request.shape.act {
        PROTECT => args[2] & WRITE_EXECUTE == WRITE_EXECUTE,
        // PR_SET_DUMPABLE, KEEPCAPS, NAME, SECCOMP, CAPBSET_DROP, SECUREBITS, MM, NO_NEW_PRIVS, CAP_AMBIENT, PTRACER
        PRCTL => matches!(args[0] as u32, 4 | 8 | 15 | 22 | 24 | 28 | 35 | 38 | 47 | 0x5961_6d61),
        // TRACEME, POKETEXT, POKEDATA, POKEUSER, SETREGS, SETFPREGS, ATTACH, SETREGSET, SEIZE
        PTRACE => matches!(args[0] as u32, 0 | 4 | 5 | 6 | 13 | 15 | 16 | 0x4205 | 0x4206),
        SOCKET => is_odd_socket(args[0] as u32, args[1] as u32),
        _ => true,
    }
}

/// `SOCK_RAW` of `AF_INET` and `AF_INET6`, anything of `AF_PACKET`
#[inline(always)]
pub fn is_odd_socket(domain: u32, kind: u32) -> bool {
    domain == 17 || kind & 0xF == 3 && matches!(domain, 2 | 10)
}

impl Request {
    /// The argument at a place.
    #[inline(always)]
    fn at(&self, place: u8) -> u64 {
        let mut place = u64::from(place);
        // SAFETY: arithmetic on one register; then an index below eight.
        unsafe {
            core::arch::asm!("{0} &= 7", inout(reg) place, options(pure, nomem, nostack));
            self.args.as_ptr().add(place as usize).read_volatile()
        }
    }

    /// Whether the result of a call that went well is a descriptor.
    #[inline(always)]
    fn is_open(&self) -> bool {
        self.shape.act == Act::Open as u8 || self.shape.act == Act::Open2 as u8
    }
}

#[inline(always)]
fn report(call: &Call, request: &Request) -> Option<()> {
    let record = Record::<Body>::begin(CALL_SCRATCH.get_ptr_mut(0), Kind::Open)?;
    let body = record.body();
    let strings = record.strings();
    strings.flag(call.flags);
    record.set_kind(request.shape.kind);
    // SAFETY: the body is in the record's memory.
    unsafe {
        (*body).result = call.result;
        (*body).nr = call.nr as u16;
        core::ptr::copy_nonoverlapping(request.args.as_ptr(), (&raw mut (*body).args).cast(), 6);
        if request.shape.act == Act::Open2 as u8 {
            // struct open_how: u64 flags, mode, resolve
            let how: [u64; 2] = read_user(request.args[2]).unwrap_or([0; 2]);
            (*body).args[2] = how[0];
            (*body).args[3] = how[1];
        }
    }
    let file = names(strings, body, request, call.result, call.nr);
    if request.is_open() {
        let sent = record.send(Kind::Open);
        if file != 0 {
            io::opened(call.result as i32, file, if sent { record.time_ns() } else { 0 });
        }
    } else {
        // SAFETY: as above.
        unsafe { texts(strings, body, request, call.nr) };
        record.send(Kind::File);
    }
    Some(())
}

/// Adds the names of files: the kernel's where there is an object, else the program's. Gives the object's address or 0.
#[inline(never)]
fn names(strings: Strings, body: *mut Body, request: &Request, result: i64, nr: u64) -> u64 {
    let fd = if request.is_open() { result } else { request.at(request.shape.fd) as i64 };
    let has_fd = request.is_open() || request.shape.fd < 6;
    let file = if has_fd { descriptor::file(fd as i32) } else { 0 };
    // SAFETY: the body is in the record's memory.
    unsafe {
        if file != 0 {
            of_file(strings, body, file, request.is_open());
        } else if request.at(request.shape.path) != 0 {
            let (base, path) = (request.at(request.shape.base), request.at(request.shape.path));
            let lens = match named::looked_up(strings, body, nr, 0) {
                Some(bytes) => bytes | passed(strings, path) << 16,
                None => name(strings, body, base as i32, path),
            };
            (*body).lens[0] = lens as u16;
            (*body).lens[1] = (lens >> 16) as u16;
        }
        if request.shape.new_path < 6 {
            let (base, path) = (request.at(request.shape.new_base), request.at(request.shape.new_path));
            let lens = match named::looked_up(strings, body, nr, 1) {
                Some(bytes) => bytes,
                None => name(strings, body, base as i32, path),
            };
            (*body).lens[2] = lens as u16;
            (*body).lens[3] = (lens >> 16) as u16;
        }
    }
    file
}

/// Adds what else a call says.
///
/// # Safety
///
/// `body` must be writable, in a way that the verifier sees.
#[inline(always)]
unsafe fn texts(strings: Strings, body: *mut Body, request: &Request, nr: u64) {
    // SAFETY: by this function's own contract.
    unsafe {
        if request.shape.path < 6 {
            if let Some(bytes) = entered(strings, &ENTERED, nr) {
                (*body).lens[4] = bytes as u16;
                (*body).what |= call_flags::ENTERED;
            }
        }
        if request.shape.data < 6 {
            let data = request.at(request.shape.data);
            // What a symlink says is as long as a path; the texts of other families are names.
            let pushed = if request.shape.kind == Kind::File as u8 {
                strings.push_string::<{ USER_PATH_MAX_BYTES + 1 }>(data, Memory::User)
            } else {
                strings.push_string::<{ DATA_MAX_BYTES + 1 }>(data, Memory::User)
            };
            // An option of prctl that takes no string gives an address that can't be read, and an empty string.
            if let Some((bytes, _)) = pushed {
                (*body).lens[5] = bytes as u16;
            }
        }
        if request.shape.kind == Kind::Privilege as u8 {
            (*body).lens[6] = credentials::push(strings) as u16;
        }
        if request.shape.path < 6 && (request.shape.new_path < 6 || request.shape.data < 6) {
            if let Some(bytes) = entered(strings, &ENTERED_SECOND, nr) {
                (*body).lens[7] = bytes as u16;
                (*body).what |= call_flags::ENTERED_SECOND;
            }
        }
    }
}

/// Adds the walked path of a file, and what its inode says.
///
/// # Safety
///
/// `body` must be writable, in a way that the verifier sees.
#[inline(never)]
pub unsafe fn of_file(strings: Strings, body: *mut Body, address: u64, is_open: bool) {
    let Some(file) = File::load(address) else {
        return;
    };
    // SAFETY: by this function's own contract.
    unsafe {
        (*body).what |= call_flags::KERNEL_PATH;
        if is_open && file.file.at::<u32>(offset!(file_mode)) & FMODE_CREATED != 0 {
            (*body).what |= call_flags::CREATED;
        }
        (*body).inode = file.inode.at(offset!(inode_ino));
        (*body).inode_mode = file.mode();
        (*body).dev = file.dev();
        let (mnt, dentry) = file.path();
        if is_elsewhere(mnt) {
            (*body).what |= call_flags::OTHER_MOUNTS;
        }
        (*body).lens[0] = walk(strings, mnt, dentry) as u16;
    }
}

/// Adds a base and a path as the program passed it; gives the base's bytes and, shifted by 16, the path's.
#[inline(never)]
fn name(strings: Strings, body: *mut Body, dirfd: i32, path: u64) -> u64 {
    let base = if read_user::<u8>(path) == Some(b'/') { 0 } else { base(strings, body, dirfd) };
    base & 0xFFFF | passed(strings, path) << 16
}

/// Adds a path as the program passed it; gives its bytes.
#[inline(never)]
fn passed(strings: Strings, path: u64) -> u64 {
    match strings.push_string::<{ USER_PATH_MAX_BYTES + 1 }>(path, Memory::User) {
        Some((bytes, cut)) => {
            if cut {
                strings.flag(header_flags::STRING_CUT);
            }
            bytes
        }
        None => {
            strings.flag(header_flags::USER_UNREADABLE);
            0
        }
    }
}

/// Adds the walked path of a directory descriptor or of the working directory.
#[inline(always)]
pub fn base(strings: Strings, body: *mut Body, dirfd: i32) -> u64 {
    let directory = if dirfd == AT_FDCWD {
        read::<u64>(current().address() + offset!(task_fs)) + offset!(fs_pwd)
    } else {
        let file = descriptor::file(dirfd);
        if file == 0 { 0 } else { file + offset!(file_path) }
    };
    if directory == 0 {
        // SAFETY: the body is in the record's memory.
        unsafe { (*body).what |= call_flags::BASE_UNKNOWN };
        return 0;
    }
    walk_at(strings, directory)
}

/// Adds a name as it was when the call began; gives its bytes, or none where it was not read or has no room.
#[inline(always)]
fn entered(strings: Strings, kept: &LruHashMap<u32, Entered>, nr: u64) -> Option<u64> {
    let tid: u32 = current().at(offset!(task_pid));
    let entered = kept.get_ptr_mut(&tid)?;
    // SAFETY: map memory, this thread's own.
    unsafe {
        if (*entered).nr != nr {
            return None;
        }
        (*entered).nr = u64::MAX;
        if (*entered).len == 0 {
            return None;
        }
        let name = (&raw const (*entered).name) as u64;
        strings.push_string::<{ USER_PATH_MAX_BYTES + 1 }>(name, Memory::Kernel).map(|(bytes, _)| bytes)
    }
}
