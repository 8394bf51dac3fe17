//! Files opened, removed, renamed, their permissions changed; each when its system call ends.

use aya_ebpf::{macros::map, maps::PerCpuArray};
use taffrail_probes_abi::{
    Kind,
    file::{FileOp, USER_PATH_MAX_BYTES, file_flags},
    header_flags,
};

use crate::{
    descriptor,
    globals::offset,
    kernel::{current, read, read_user},
    path::walk,
    record::{Memory, Record, Scratch, Strings},
    sys_exit::{Call, nr},
};

#[map]
static FILE_SCRATCH: PerCpuArray<Scratch> = PerCpuArray::with_max_entries(1, 0);

const AT_FDCWD: i32 = -100;
const AT_REMOVEDIR: u32 = 0x200;
/// `O_CREAT | O_WRONLY | O_TRUNC`, which `creat` stands for.
const CREAT_FLAGS: u32 = 0o1101;
/// `file.f_mode`: the file was made by this open.
const FMODE_CREATED: u32 = 1 << 20;

/// What a system call was asked, whichever of its variants it was.
struct Request {
    kind: Kind,
    /// The descriptor whose file it is, or negative where it has a path.
    fd: i32,
    dirfd: i32,
    path: u64,
    new_dirfd: i32,
    new_path: u64,
    flags: u32,
    mode: u32,
    what: u16,
}

/// Reports a call of this family.
#[inline(always)]
pub fn ended(call: Call) -> Option<()> {
    let request = request(call);
    let record = Record::<FileOp>::begin(FILE_SCRATCH.get_ptr_mut(0), request.kind)?;
    let body = record.body();
    let strings = record.strings();
    // SAFETY: the body is in the record's memory.
    unsafe {
        (*body).result = call.result;
        (*body).flags = request.flags;
        (*body).mode = request.mode;
        (*body).syscall = call.nr as u16;
        (*body).what = request.what;
        let file = descriptor::file(request.fd);
        if file != 0 {
            (*body).what |= file_flags::KERNEL_PATH;
            if request.kind as u16 == Kind::Open as u16 && read::<u32>(file + offset!(file_mode)) & FMODE_CREATED != 0 {
                (*body).what |= file_flags::CREATED;
            }
            let inode: u64 = read(file + offset!(file_inode));
            let super_block: u64 = read(inode + offset!(inode_sb));
            (*body).inode = read(inode + offset!(inode_ino));
            (*body).dev = read(super_block + offset!(super_block_dev));
            (*body).lens[0] = walk(strings, file + offset!(file_path)) as u16;
        } else if request.path != 0 {
            let lens = name(strings, body, request.dirfd, request.path);
            (*body).lens[0] = lens as u16;
            (*body).lens[1] = (lens >> 16) as u16;
        } else {
            (*body).what |= file_flags::BASE_UNKNOWN;
        }
        if request.kind as u16 == Kind::Rename as u16 {
            let lens = name(strings, body, request.new_dirfd, request.new_path);
            (*body).lens[2] = lens as u16;
            (*body).lens[3] = (lens >> 16) as u16;
        }
    }
    if request.kind as u16 == Kind::Open as u16 {
        record.send(Kind::Open)
    } else {
        record.send(request.kind)
    }
    Some(())
}

/// Sorts the arguments of every variant into one shape.
#[inline(always)]
fn request(call: Call) -> Request {
    let first = call.regs.at(offset!(regs_di));
    let second = call.regs.at(offset!(regs_si));
    let third = call.regs.at(offset!(regs_dx));
    let fourth = call.regs.at(offset!(regs_r10));
    let mut request = Request {
        kind: Kind::Open,
        fd: -1,
        dirfd: first as i32,
        path: second,
        new_dirfd: AT_FDCWD,
        new_path: 0,
        flags: 0,
        mode: 0,
        what: 0,
    };
    // The variants without "at" have the path first and the working directory as its base.
    if matches!(call.nr, nr::OPEN | nr::CREAT | nr::UNLINK | nr::RMDIR | nr::RENAME | nr::CHMOD) {
        request.dirfd = AT_FDCWD;
        request.path = first;
    }
    match call.nr {
        nr::OPEN => (request.flags, request.mode) = (second as u32, third as u32),
        nr::CREAT => (request.flags, request.mode) = (CREAT_FLAGS, second as u32),
        nr::OPENAT => (request.flags, request.mode) = (third as u32, fourth as u32),
        nr::OPENAT2 => {
            // struct open_how: u64 flags, mode, resolve
            let [flags, mode]: [u64; 2] = read_user(third).unwrap_or([0; 2]);
            (request.flags, request.mode) = (flags as u32, mode as u32);
        }
        nr::UNLINK => request.kind = Kind::Unlink,
        nr::RMDIR => (request.kind, request.what) = (Kind::Unlink, file_flags::DIRECTORY),
        nr::UNLINKAT => {
            request.kind = Kind::Unlink;
            request.flags = third as u32;
            if request.flags & AT_REMOVEDIR != 0 {
                request.what = file_flags::DIRECTORY;
            }
        }
        nr::RENAME => (request.kind, request.new_path) = (Kind::Rename, second),
        nr::RENAMEAT | nr::RENAMEAT2 => {
            request.kind = Kind::Rename;
            (request.new_dirfd, request.new_path) = (third as i32, fourth);
            if call.nr == nr::RENAMEAT2 {
                request.flags = call.regs.at(offset!(regs_r8)) as u32;
            }
        }
        nr::CHMOD => (request.kind, request.mode) = (Kind::Chmod, second as u32),
        nr::FCHMOD => {
            (request.kind, request.mode) = (Kind::Chmod, second as u32);
            (request.fd, request.path) = (first as i32, 0);
        }
        // fchmodat and fchmodat2
        _ => {
            (request.kind, request.mode) = (Kind::Chmod, third as u32);
            if call.nr == nr::FCHMODAT2 {
                request.flags = fourth as u32;
            }
        }
    }
    if request.kind as u16 == Kind::Open as u16 && call.result >= 0 {
        request.fd = call.result as i32;
    }
    request
}

/// Adds a base and a path as the program passed it; gives the base's bytes and, shifted by 16, the path's.
#[inline(never)]
fn name(strings: Strings, body: *mut FileOp, dirfd: i32, path: u64) -> u64 {
    let mut base = 0;
    if read_user::<u8>(path) != Some(b'/') {
        let directory = if dirfd == AT_FDCWD {
            read::<u64>(current() + offset!(task_fs)) + offset!(fs_pwd)
        } else {
            let file = descriptor::file(dirfd);
            if file == 0 { 0 } else { file + offset!(file_path) }
        };
        if directory == 0 {
            // SAFETY: the body is in the record's memory.
            unsafe { (*body).what |= file_flags::BASE_UNKNOWN };
        } else {
            base = walk(strings, directory);
        }
    }
    match strings.push_string::<{ USER_PATH_MAX_BYTES + 1 }>(path, Memory::User) {
        Some((bytes, cut)) => {
            if cut {
                strings.flag(header_flags::STRING_CUT);
            }
            base & 0xFFFF | bytes << 16
        }
        None => {
            strings.flag(header_flags::USER_UNREADABLE);
            base & 0xFFFF
        }
    }
}
