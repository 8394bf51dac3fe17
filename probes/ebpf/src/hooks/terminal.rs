//! Terminals, and what stands for one where a shell talks through pipes or a socket.

use aya_ebpf::{
    macros::map,
    maps::{LruHashMap, PerCpuArray},
};
use taffrail_probes_abi::{
    Class, Kind,
    counters::Cause,
    io::{Descriptor, Direction, SESSIONS_MAX, Session, TERMINAL_MAX_BYTES, Terminal, session_id},
};

use crate::{
    descriptor::File,
    globals::offset,
    header::{cgroup_id, image},
    kernel::{current, read, read_user},
    level,
    output::{add, lost},
    record::{Memory, Record, Scratch},
};

/// Sessions by the pipe or socket that carries them.
#[map]
static SESSION_OF: LruHashMap<Carrier, u64> = LruHashMap::with_max_entries(SESSIONS_MAX, 0);

/// Sessions and what was kept of them.
#[map]
static SESSIONS: LruHashMap<u64, Session> = LruHashMap::with_max_entries(SESSIONS_MAX, 0);

#[map]
static TERMINAL_SCRATCH: PerCpuArray<Scratch> = PerCpuArray::with_max_entries(1, 0);

/// A pipe's end or a socket. The number tells it from one that had its memory before, and the mode tells the two ends
/// of a pipe: who writes to the one that a shell reads would tell everything a second time.
#[repr(C)]
#[derive(Clone, Copy)]
struct Carrier {
    /// Address of the inode.
    inode: u64,
    /// Its number.
    number: u64,
    /// Whether the end is read, written or both.
    mode: u64,
}

/// `FMODE_READ | FMODE_WRITE`
const READ_WRITE: u32 = 3;

/// A standard descriptor: a [`Carrier`], all zero where it is none.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct End {
    pub inode: u64,
    pub number: u64,
    pub mode: u32,
    pub pad: u32,
}

/// Entries of a vector that are looked at.
const VECTOR_MAX: u64 = 4;

/// Whether a device number is a terminal's: a virtual console or serial line (4), `/dev/tty` and `/dev/console` (5),
/// the slave of a pseudoterminal (136 to 143), a hypervisor's console (229).
#[inline(always)]
pub fn is_terminal(rdev: u32) -> bool {
    match rdev >> 20 {
        4 | 136..=143 | 229 => true,
        5 => rdev & 0xF_FFFF <= 1,
        _ => false,
    }
}

/// The session on a terminal: one for each login on it.
#[inline(never)]
pub fn session_of(file: &File) -> u64 {
    // struct tty_file_private: whatever name it was opened by, `/dev/tty` too, this is the terminal itself
    let terminal: u64 = read(file.file.at::<u64>(offset!(file_private_data)) + offset!(tty_file_tty));
    let leader: u64 = match current().follow(offset!(task_signal)) {
        // A typed pointer is no number that could be mixed.
        Some(signal) => read(signal.address() + offset!(signal_session)),
        None => 0,
    };
    // The number too: the memory of both is soon another one's.
    let number: u32 = read(leader + offset!(pid_number));
    let id =
        (terminal ^ leader.rotate_left(32) ^ u64::from(number).rotate_left(48)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    begin(id);
    id
}

#[inline(always)]
fn begin(id: u64) {
    let _ = SESSIONS.insert(&id, &Session { kept_bytes: 0, cut_bytes: 0 }, u64::from(aya_ebpf::bindings::BPF_NOEXIST));
}

/// A pipe's end or a socket.
#[inline(always)]
fn carrier(inode: u64, number: u64, file_mode: u32) -> Carrier {
    Carrier { inode, number, mode: u64::from(file_mode & READ_WRITE) }
}

/// The session that a pipe or socket is part of.
#[inline(never)]
pub fn joined(file: &File) -> Option<u64> {
    let carrier = carrier(file.inode_at, file.inode.at(offset!(inode_ino)), file.file.at(offset!(file_mode)));
    // SAFETY: copied at once.
    unsafe { SESSION_OF.get(&carrier) }.copied()
}

/// Makes the pipes and sockets that a shell talks through parts of one session, whoever else uses them: of the one
/// that one of them belongs to, or else of one that the running image begins.
#[inline(never)]
pub fn join(ends: &[End; 3]) {
    let mut id = session_id(&image(current()));
    for end in ends {
        // SAFETY: copied at once.
        if let Some(earlier) = unsafe { SESSION_OF.get(&carrier(end.inode, end.number, end.mode)) } {
            id = *earlier;
        }
    }
    for end in ends {
        if end.inode != 0 {
            let _ = SESSION_OF.insert(&carrier(end.inode, end.number, end.mode), &id, 0);
        }
    }
    begin(id);
}

/// Where a call's bytes are; at address 0 where no program has them.
pub struct Bytes {
    pub buffer: u64,
    pub moved: u64,
    pub is_vector: bool,
    /// Whether the vector is of 32-bit words.
    pub is_narrow: bool,
}

/// What is kept of a session, which may have been forgotten while it was silent.
#[inline(always)]
fn session(id: u64) -> Option<*mut Session> {
    if let Some(session) = SESSIONS.get_ptr_mut(&id) {
        return Some(session);
    }
    begin(id);
    SESSIONS.get_ptr_mut(&id)
}

/// Keeps what went over a terminal, within the session's budget.
#[inline(never)]
pub fn moved(entry: *mut Descriptor, fd: u32, direction: Direction, bytes: Bytes) {
    // SAFETY: map memory.
    let session_id = unsafe { (*entry).session_id };
    let Some(session) = session(session_id) else {
        return lost(cgroup_id(current()), Class::Vital, Cause::DescriptorTableFull);
    };
    let budget = level::settings().map_or(0, |settings| settings.terminal_bytes);
    // SAFETY: map memory.
    let kept = unsafe { (*session).kept_bytes };
    if kept >= budget {
        // SAFETY: map memory.
        return add(unsafe { &raw mut (*session).cut_bytes }, bytes.moved);
    }
    let Some(record) = Record::<Terminal>::begin(TERMINAL_SCRATCH.get_ptr_mut(0), Kind::Terminal) else {
        return;
    };
    let strings = record.strings();
    let mut data = 0;
    if bytes.is_vector {
        let mut left = bytes.moved;
        for index in 0..VECTOR_MAX {
            let (start, len) = vector(&bytes, index);
            let take = smaller(smaller(len, left), TERMINAL_MAX_BYTES as u64);
            if take > 0 {
                data += strings.push_bytes(start, take, Memory::User).unwrap_or(0);
                left -= take;
            }
        }
    } else {
        let take = smaller(bytes.moved, TERMINAL_MAX_BYTES as u64);
        data = strings.push_bytes(bytes.buffer, take, Memory::User).unwrap_or(0);
    }
    // Whoever has nothing kept cannot be told of for ever either.
    let charge = if data == 0 { 1 } else { data };
    // SAFETY: map memory.
    add(unsafe { &raw mut (*session).kept_bytes }, charge);
    // SAFETY: the body is in the record's memory.
    unsafe {
        let body = record.body();
        (*body).session_id = session_id;
        (*body).bytes = bytes.moved;
        (*body).fd = fd;
        (*body).direction = direction as u16;
        (*body).data_len = data as u16;
    }
    record.send(Kind::Terminal);
}

/// Bytes went over a terminal that passed through no program's memory (`sendfile`, `splice`, io_uring): who had them
/// moved is told, without them.
#[inline(always)]
pub fn unseen(entry: *mut Descriptor, fd: u32, direction: Direction, moved_bytes: u64) {
    moved(entry, fd, direction, Bytes { buffer: 0, moved: moved_bytes, is_vector: false, is_narrow: false });
}

/// Address and length of one entry of a `struct iovec` array, or zeroes.
#[inline(always)]
fn vector(bytes: &Bytes, index: u64) -> (u64, u64) {
    if bytes.is_narrow {
        let [start, len]: [u32; 2] = read_user(bytes.buffer + 8 * index).unwrap_or([0; 2]);
        return (u64::from(start), u64::from(len));
    }
    let [start, len]: [u64; 2] = read_user(bytes.buffer + 16 * index).unwrap_or([0; 2]);
    (start, len)
}

#[inline(always)]
fn smaller(a: u64, b: u64) -> u64 {
    if a < b { a } else { b }
}
