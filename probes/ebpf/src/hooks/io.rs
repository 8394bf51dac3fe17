//! What goes through descriptors. The hottest system calls there are: one look-up, where the descriptor was seen before.

use aya_ebpf::{
    macros::map,
    maps::{Array, HashMap, PerCpuArray},
};
use taffrail_probes_abi::{
    Class, Kind,
    call::{Act, Shape, call_flags},
    counters::Cause,
    io::{DESCRIPTORS_MAX, Descriptor, DescriptorKey, Direction, Leads, NO_DESCRIPTOR, Use},
};

use crate::{
    descriptor::{self, File, TYPE_BLOCK, TYPE_CHARACTER, TYPE_FIFO, TYPE_MASK, TYPE_REGULAR, TYPE_SOCKET},
    globals::offset,
    header::cgroup_id,
    hooks::{
        close, hello, network,
        terminal::{self, Bytes},
    },
    kernel::{Typed, current, read},
    output::{add, lost},
    path::{is_elsewhere, walk},
    record::{Record, Scratch},
    sys_exit::Call,
};

/// What descriptors lead to and what went through them. The host reads it, and empties it of the dead.
#[map]
pub static DESCRIPTORS: HashMap<DescriptorKey, Descriptor> = HashMap::with_max_entries(DESCRIPTORS_MAX, 0);

/// What each thread opened last, by the low bits of its id: then the path is known and need not be walked again.
#[map]
static OPENED: Array<Opened> = Array::with_max_entries(OPENED_SLOTS, 0);

#[map]
static USE_SCRATCH: PerCpuArray<Scratch> = PerCpuArray::with_max_entries(1, 0);

const OPENED_SLOTS: u32 = 16_384;

/// What one thread opened. Addresses tell the file from another one that got the descriptor since.
#[repr(C)]
#[derive(Clone, Copy)]
struct Opened {
    tid: u32,
    fd: u32,
    time_ns: u64,
    file: u64,
    inode: u64,
}

/// The running thread opened a descriptor that leads to the file at an address. `time_ns` is that of the record which
/// tells of it, or 0 where the record is lost: the first use will then tell.
#[inline(always)]
pub fn opened(fd: i32, file: u64, time_ns: u64) {
    // Something is left where the descriptor's last close was not seen, or comes to its end only now.
    let task = current();
    if is_known(task, fd as u32) {
        close::closed(fd as u32);
    }
    let tid: u32 = task.at(offset!(task_pid));
    if let Some(slot) = OPENED.get_ptr_mut(tid & (OPENED_SLOTS - 1)) {
        // SAFETY: map memory. Another thread on the same slot makes one path be walked again.
        unsafe { *slot = Opened { tid, fd: fd as u32, time_ns, file, inode: read(file + offset!(file_inode)) } };
    }
}

/// Which way an act moves bytes.
#[inline(always)]
fn direction(act: u8) -> Direction {
    if act == Act::Read as u8 || act == Act::ReadVector as u8 { Direction::Typed } else { Direction::Printed }
}

/// The entry of a descriptor of the running task, where it is known and of the running image.
#[inline(always)]
fn known(task: Typed, fd: u32) -> Option<*mut Descriptor> {
    let key = DescriptorKey { pid: task.at(offset!(task_tgid)), fd };
    let entry = DESCRIPTORS.get_ptr_mut(&key)?;
    // SAFETY: map memory; an entry that is deleted meanwhile is still readable until the program ends.
    let exec_seq = unsafe { (*entry).exec_seq };
    if exec_seq == task.at::<u64>(offset!(task_self_exec_id)) as u32 { Some(entry) } else { None }
}

/// Whether something went through a descriptor before.
#[inline(always)]
pub fn is_known(task: Typed, fd: u32) -> bool {
    let key = DescriptorKey { pid: task.at(offset!(task_tgid)), fd };
    DESCRIPTORS.get_ptr(&key).is_some()
}

/// Counts what a call moved; whether that was all there is to do.
#[inline(always)]
pub fn is_counted(call: &Call, act: u8) -> bool {
    let Some(entry) = known(call.task, call.first() as u32) else {
        return false;
    };
    // SAFETY: map memory.
    let leads = unsafe { (*entry).leads };
    if leads == Leads::File as u32 {
        count(entry, direction(act), call.result as u64);
        return true;
    }
    leads == Leads::Nowhere as u32
}

/// Adds to the totals of a file.
#[inline(always)]
fn count(entry: *mut Descriptor, direction: Direction, bytes: u64) {
    // SAFETY: map memory.
    let total = unsafe {
        match direction {
            Direction::Typed => &raw mut (*entry).read_bytes,
            Direction::Printed => &raw mut (*entry).written_bytes,
        }
    };
    add(total, bytes);
}

/// Bytes were read or written through a descriptor that is new, or leads to something special.
#[inline(always)]
pub fn moved(call: &Call, act: u8) {
    let (fd, bytes) = (call.first() as u32, call.result as u64);
    let Some(entry) = entry(fd, 0) else {
        return;
    };
    // SAFETY: map memory.
    let leads = unsafe { (*entry).leads };
    if leads == Leads::File as u32 {
        count(entry, direction(act), bytes);
    } else if leads == Leads::Terminal as u32 {
        let is_vector = act == Act::ReadVector as u8 || act == Act::WriteVector as u8;
        let bytes = Bytes { buffer: call.second(), moved: bytes, is_vector, is_narrow: call.is_narrow() };
        terminal::moved(entry, fd, direction(act), bytes);
    } else if leads == Leads::Fresh as u32
        && let Direction::Printed = direction(act)
    {
        hello::written(entry, fd, call.second(), bytes);
    }
}

/// Bytes went from one descriptor to another.
#[inline(always)]
pub fn copied(call: &Call, shape: Shape) {
    if call.result <= 0 {
        return;
    }
    let args = call.args();
    let (from, to) = match (shape.fd, shape.base) {
        (0, 2) => (args[0], args[2]),
        _ => (args[1], args[0]),
    };
    moved_by_kernel(from as u32, 0, Direction::Typed, call.result as u64);
    moved_by_kernel(to as u32, 0, Direction::Printed, call.result as u64);
}

/// Bytes were read or written through io_uring, from the file at an address.
#[inline(always)]
pub fn moved_by_ring(file: u64, direction: Direction, bytes: u64) {
    let inode: u64 = read(file + offset!(file_inode));
    // The inode too: the memory of a file is soon another one's, and no close tells of it here.
    let mixed = (file ^ inode.rotate_left(32)).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32;
    moved_by_kernel(NO_DESCRIPTOR | mixed as u32, file, direction, bytes);
}

/// Bytes were moved without passing through the program's memory.
#[inline(always)]
fn moved_by_kernel(fd: u32, file: u64, direction: Direction, bytes: u64) {
    let Some(entry) = entry(fd, file) else {
        return;
    };
    // SAFETY: map memory.
    let leads = unsafe { (*entry).leads };
    if leads == Leads::File as u32 {
        count(entry, direction, bytes);
    } else if leads == Leads::Terminal as u32 {
        terminal::unseen(entry, fd, direction, bytes);
    }
}

/// The entry of a descriptor, or of the file at an address.
#[inline(always)]
fn entry(fd: u32, file: u64) -> Option<*mut Descriptor> {
    let task = current();
    if let Some(entry) = known(task, fd) {
        return Some(entry);
    }
    // What an earlier image of the process left.
    close::closed(fd);
    let key = DescriptorKey { pid: task.at(offset!(task_tgid)), fd };
    resolve(key, task.at::<u64>(offset!(task_self_exec_id)) as u32, file)
}

/// Finds out what a descriptor leads to and remembers it.
#[inline(never)]
fn resolve(key: DescriptorKey, exec_seq: u32, file: u64) -> Option<*mut Descriptor> {
    let address = if file == 0 { descriptor::file(key.fd as i32) } else { file };
    if address == 0 {
        return None;
    }
    let mut entry = Descriptor { exec_seq, ..Descriptor::default() };
    if !look(&mut entry, key.fd, address) {
        return None;
    }
    if DESCRIPTORS.insert(&key, &entry, 0).is_err() && entry.leads != Leads::Nowhere as u32 {
        lost(cgroup_id(current()), Class::Bulk, Cause::DescriptorTableFull);
    }
    DESCRIPTORS.get_ptr_mut(&key)
}

/// Fills what the file at an address is. Gives whether the host knows it: what it could not be told is looked at again
/// with the next bytes.
#[inline(never)]
fn look(entry: &mut Descriptor, fd: u32, address: u64) -> bool {
    let Some(file) = File::load(address) else {
        return false;
    };
    match file.mode() & TYPE_MASK {
        TYPE_REGULAR | TYPE_BLOCK => {
            entry.leads = Leads::File as u32;
            entry.named_ns = match named(fd, address, file.inode_at) {
                Some(time_ns) => time_ns,
                None => tell(fd, file),
            };
            return entry.named_ns != 0;
        }
        TYPE_CHARACTER => {
            if terminal::is_terminal(file.inode.at(offset!(inode_rdev))) {
                entry.leads = Leads::Terminal as u32;
                entry.session_id = terminal::session_of(file);
            }
        }
        TYPE_FIFO | TYPE_SOCKET => {
            if let Some(session) = terminal::joined(file) {
                entry.leads = Leads::Terminal as u32;
                entry.session_id = session;
            } else if network::is_client(file.sock()) {
                entry.leads = Leads::Fresh as u32;
            }
        }
        _ => {}
    }
    true
}

/// The time of the record that named a descriptor's file, where the running thread just opened it. Given once: who
/// comes later does not know how much was told since.
#[inline(always)]
fn named(fd: u32, file: u64, inode: u64) -> Option<u64> {
    let tid: u32 = current().at(offset!(task_pid));
    let slot = OPENED.get_ptr_mut(tid & (OPENED_SLOTS - 1))?;
    // SAFETY: map memory.
    unsafe {
        let opened = *slot;
        let is_it = opened.tid == tid && opened.fd == fd && opened.file == file && opened.inode == inode;
        if !is_it || opened.time_ns == 0 {
            return None;
        }
        (*slot).tid = 0;
        Some(opened.time_ns)
    }
}

/// Tells which file a descriptor leads to that was opened by somebody else, or long ago; gives the
/// record's time, or 0 where it is lost.
#[inline(never)]
fn tell(fd: u32, file: &File) -> u64 {
    let Some(record) = Record::<Use>::begin(USE_SCRATCH.get_ptr_mut(0), Kind::Use) else {
        return 0;
    };
    // SAFETY: header and body are in the record's memory.
    unsafe {
        let body = record.body();
        let (mnt, dentry) = file.path();
        (*body).fd = fd;
        (*body).inode = file.inode.at(offset!(inode_ino));
        (*body).inode_mode = file.mode();
        (*body).dev = file.dev();
        (*body).what = call_flags::KERNEL_PATH | if is_elsewhere(mnt) { call_flags::OTHER_MOUNTS } else { 0 };
        (*body).path_len = walk(record.strings(), mnt, dentry) as u16;
    }
    if record.send(Kind::Use) { record.time_ns() } else { 0 }
}
