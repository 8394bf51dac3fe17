//! Images run, processes made, processes ended.

use aya_ebpf::{
    bindings::BPF_NOEXIST,
    macros::{map, raw_tracepoint},
    maps::{LruHashMap, PerCpuArray},
    programs::RawTracePointContext,
};
use taffrail_probes_abi::{
    ImageKey, Kind,
    process::{
        ARGS_MAX_BYTES, ENVIRONMENT_MAX_BYTES, Exec, Exit, Fork, NAME_MAX_BYTES, Stdio, TTY_BYTES, Thread, exec_flags,
    },
};

use crate::{
    descriptor::{self, File, TYPE_FIFO, TYPE_MASK},
    globals::{ENVIRONMENT_BYTES, global, offset},
    header::image_of,
    hooks::{
        credentials,
        terminal::{self, End},
    },
    kernel::{current, read},
    level,
    output::Fixed,
    path::walk_at,
    record::{Memory, Record, Scratch, Strings},
    socket,
};

#[map]
static EXEC_SCRATCH: PerCpuArray<Scratch> = PerCpuArray::with_max_entries(1, 0);

/// Processes whose end was reported: two threads that leave at once both find themselves the last.
#[map]
static EXITED: LruHashMap<ImageKey, u8> = LruHashMap::with_max_entries(4096, 0);

/// `-EEXIST`
const EXISTS: i32 = -17;

/// `i_ctime_nsec` keeps a flag in its highest bit (`I_CTIME_QUERIED`, since Linux 6.13).
const NANOSECONDS: u32 = 0x7FFF_FFFF;

/// `OVERLAYFS_SUPER_MAGIC`
const OVERLAY_MAGIC: u64 = 0x794C_7630;

/// `signal_struct.flags`: the whole group leaves, with one code.
const SIGNAL_GROUP_EXIT: u32 = 4;

/// `sched_process_exec(struct task_struct *p, pid_t old_pid, struct linux_binprm *bprm)`, since Linux 3.4
#[raw_tracepoint(tracepoint = "sched_process_exec")]
pub fn sched_process_exec(ctx: RawTracePointContext) -> u32 {
    executed(ctx.arg(2));
    0
}

#[inline(always)]
fn executed(program: u64) -> Option<()> {
    let record = Record::<Exec>::begin(EXEC_SCRATCH.get_ptr_mut(0), Kind::Exec)?;
    let body = record.body();
    let task = current().address();
    let memory: u64 = read(task + offset!(task_mm));
    let exe: u64 = read(memory + offset!(mm_exe_file));
    let parent: u64 = read(task + offset!(task_real_parent));
    // SAFETY: the body is in the record's memory.
    unsafe {
        (*body).parent = image_of(parent);
        (*body).parent_cgroup_id = cgroup_of(parent);
        executable(exe, body);
        credentials::fill(&raw mut (*body).credentials);
        (*body).namespaces = credentials::namespaces(task);
        (*body).login_uid = login_uid(task);
        let signal: u64 = read(task + offset!(task_signal));
        let tty: u64 = read(signal + offset!(signal_tty));
        if tty != 0 {
            (*body).tty = read(tty + offset!(tty_name));
            (*body).tty[TTY_BYTES - 1] = 0;
        }
        let filename: u64 = read(program + offset!(bprm_filename));
        if read::<u64>(program + offset!(bprm_interp)) != filename {
            (*body).flags |= exec_flags::SCRIPT;
        }
        stdio(body);
        let strings = record.strings();
        let fs: u64 = read(task + offset!(task_fs));
        (*body).lens[0] = walk_at(strings, exe + offset!(file_path)) as u16;
        (*body).lens[1] = walk_at(strings, fs + offset!(fs_pwd)) as u16;
        (*body).lens[2] =
            strings.push_string::<NAME_MAX_BYTES>(filename, Memory::Kernel).map_or(0, |(len, _)| len) as u16;
        let (args, is_cut) = span::<ARGS_MAX_BYTES>(strings, memory, offset!(mm_arg_start), offset!(mm_arg_end));
        (*body).lens[3] = args as u16;
        if is_cut {
            (*body).flags |= exec_flags::ARGS_CUT;
        }
        if global(&ENVIRONMENT_BYTES) != 0 {
            let (bytes, is_cut) =
                span::<ENVIRONMENT_MAX_BYTES>(strings, memory, offset!(mm_env_start), offset!(mm_env_end));
            (*body).lens[4] = bytes as u16;
            if is_cut {
                (*body).flags |= exec_flags::ENVIRONMENT_CUT;
            }
        }
    }
    record.send(Kind::Exec);
    Some(())
}

/// What the executable is, beside its name.
///
/// # Safety
///
/// `body` must be writable, in a way that the verifier sees.
#[inline(never)]
unsafe fn executable(exe: u64, body: *mut Exec) {
    let Some(exe) = File::load(exe) else {
        return;
    };
    let super_block: u64 = exe.inode.at(offset!(inode_sb));
    // SAFETY: by this function's own contract.
    unsafe {
        (*body).exe_inode = exe.inode.at(offset!(inode_ino));
        (*body).exe_dev = read(super_block + offset!(super_block_dev));
        (*body).exe_mode = exe.mode();
        (*body).exe_bytes = exe.inode.at(offset!(inode_size));
        let seconds: u64 = exe.inode.at(offset!(inode_ctime_sec));
        let rest = exe.inode.at::<u32>(offset!(inode_ctime_nsec)) & NANOSECONDS;
        (*body).exe_ctime_ns = seconds * 1_000_000_000 + u64::from(rest);
        if exe.inode.at::<u32>(offset!(inode_nlink)) == 0 {
            (*body).flags |= exec_flags::EXE_DELETED;
            let (_, dentry) = exe.path();
            if read::<u64>(dentry + offset!(dentry_parent)) == dentry {
                (*body).flags |= exec_flags::EXE_MEMFD;
            }
        }
        let is_overlay = read::<u64>(super_block + offset!(super_block_magic)) == OVERLAY_MAGIC;
        if is_overlay && read::<u64>(exe.inode_at + offset!(inode_to_upper)) != 0 {
            (*body).flags |= exec_flags::EXE_UPPER;
        }
    }
}

/// `task_struct.loginuid`; nobody's where the kernel keeps none.
#[inline(always)]
fn login_uid(task: u64) -> u32 {
    let at = offset!(task_loginuid);
    if at == u64::from(u32::MAX) { u32::MAX } else { read(task + at) }
}

/// Adds what lies between two addresses that the program's memory descriptor keeps, `LIMIT` bytes at most; gives the
/// bytes, and whether there were more.
#[inline(always)]
fn span<const LIMIT: usize>(strings: Strings, memory: u64, start: u64, end: u64) -> (u64, bool) {
    let start: u64 = read(memory + start);
    let end: u64 = read(memory + end);
    let size = end.wrapping_sub(start);
    // One less than a power of two is what the mask of `push_bytes` lets through.
    let limit = (LIMIT - 1) as u64;
    let (size, is_cut) = if size > limit { (limit, true) } else { (size, false) };
    (strings.push_bytes(start, size, Memory::User).unwrap_or(0), is_cut)
}

/// Id of a task's cgroup in the unified hierarchy.
#[inline(always)]
fn cgroup_of(task: u64) -> u64 {
    let groups: u64 = read(task + offset!(task_cgroups));
    let group: u64 = read(groups + offset!(css_set_dfl_cgrp));
    let node: u64 = read(group + offset!(cgroup_kn));
    read(node + offset!(kernfs_node_id))
}

/// Names of the usual shells, as little-endian words of `comm`.
const SHELLS: [[u8; 8]; 10] = [
    *b"sh\0\0\0\0\0\0",
    *b"bash\0\0\0\0",
    *b"dash\0\0\0\0",
    *b"ash\0\0\0\0\0",
    *b"zsh\0\0\0\0\0",
    *b"ksh\0\0\0\0\0",
    *b"mksh\0\0\0\0",
    *b"csh\0\0\0\0\0",
    *b"tcsh\0\0\0\0",
    *b"fish\0\0\0\0",
];

/// Whether somebody talks with this image over pipes or sockets: it is called like a shell, or its input and output are
/// the same network socket.
///
/// # Safety
///
/// `body` must be readable, in a way that the verifier sees.
#[inline(always)]
unsafe fn is_conversation(body: *mut Exec, ends: &[End; 3]) -> bool {
    // SAFETY: by this function's own contract.
    let (first, second) = unsafe { ((*body).stdio[0], (*body).stdio[1]) };
    if ends[0].inode == 0 && ends[1].inode == 0 {
        return false;
    }
    if ends[0].inode == ends[1].inode && socket::is_internet(first.family) && socket::is_internet(second.family) {
        return true;
    }
    let comm: u64 = current().at(offset!(task_comm));
    for shell in SHELLS {
        if comm == u64::from_le_bytes(shell) {
            return true;
        }
    }
    false
}

/// Fills what stands behind the standard descriptors, and begins a session where they are a conversation.
///
/// # Safety
///
/// `body` must be writable, in a way that the verifier sees.
#[inline(never)]
unsafe fn stdio(body: *mut Exec) {
    let mut ends = [End::default(); 3];
    // SAFETY: by this function's own contract.
    unsafe {
        standard(0, &raw mut (*body).stdio[0], &mut ends[0]);
        standard(1, &raw mut (*body).stdio[1], &mut ends[1]);
        standard(2, &raw mut (*body).stdio[2], &mut ends[2]);
        if is_conversation(body, &ends) && level::is_recorded(current()) {
            terminal::join(&ends);
        }
    }
}

/// Fills what stands behind a descriptor, and `end` where that is a pipe or a socket.
///
/// # Safety
///
/// `stdio` must be writable and zero, in a way that the verifier sees.
#[inline(never)]
unsafe fn standard(fd: i32, stdio: *mut Stdio, end: &mut End) {
    let address = descriptor::file(fd);
    if address == 0 {
        return;
    }
    let Some(file) = File::load(address) else {
        return;
    };
    let mode = file.mode();
    let sock = file.sock();
    if sock != 0 || mode & TYPE_MASK == TYPE_FIFO {
        end.inode = file.inode_at;
        end.number = file.inode.at(offset!(inode_ino));
        end.mode = file.file.at(offset!(file_mode));
    }
    // SAFETY: by this function's own contract.
    unsafe {
        (*stdio).mode = mode;
        if sock == 0 {
            return;
        }
        let family = socket::family(sock);
        (*stdio).family = family;
        if socket::is_internet(family) {
            ((*stdio).local_port, (*stdio).remote_port) = socket::ports(sock);
            socket::addresses(
                sock,
                family,
                (&raw mut (*stdio).local_addr).cast(),
                (&raw mut (*stdio).remote_addr).cast(),
            );
        }
    }
}

/// `sched_process_fork(struct task_struct *parent, struct task_struct *child)`, since Linux 2.6.24
#[raw_tracepoint(tracepoint = "sched_process_fork")]
pub fn sched_process_fork(ctx: RawTracePointContext) -> u32 {
    let child: u64 = ctx.arg(1);
    let pid: u32 = read(child + offset!(task_pid));
    if pid != read::<u32>(child + offset!(task_tgid)) {
        if level::is_recorded(current()) {
            Fixed::new(Kind::Thread, Thread { tid: pid, pad: 0 }).send(Kind::Thread);
        }
        return 0;
    }
    let credentials: u64 = read(child + offset!(task_cred));
    let fork = Fork {
        child: image_of(child),
        child_cgroup_id: cgroup_of(child),
        child_namespaces: credentials::namespaces(child),
        child_uid: read(credentials + offset!(cred_uid)),
        pad: 0,
    };
    Fixed::new(Kind::Fork, fork).send(Kind::Fork);
    0
}

/// `sched_process_exit(struct task_struct *p)`, with `bool group_dead` since Linux 6.16
#[raw_tracepoint(tracepoint = "sched_process_exit")]
pub fn sched_process_exit(_: RawTracePointContext) -> u32 {
    let task = current().address();
    let signal: u64 = read(task + offset!(task_signal));
    if read::<u32>(signal + offset!(signal_live)) != 0 {
        return 0;
    }
    let mut record = Fixed::new(Kind::Exit, Exit::default());
    if EXITED.insert(&record.header.image, &0, u64::from(BPF_NOEXIST)) == Err(EXISTS) {
        return 0;
    }
    record.body.status = if read::<u32>(signal + offset!(signal_flags)) & SIGNAL_GROUP_EXIT != 0 {
        read(signal + offset!(signal_group_exit_code))
    } else {
        read(task + offset!(task_exit_code))
    };
    record.send(Kind::Exit);
    0
}
