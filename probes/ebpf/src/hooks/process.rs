//! Images run, processes made, processes ended.

use aya_ebpf::{
    bindings::BPF_NOEXIST,
    macros::{map, raw_tracepoint},
    maps::{LruHashMap, PerCpuArray},
    programs::RawTracePointContext,
};
use taffrail_probes_abi::{
    Header, ImageKey, Kind, header_flags,
    process::{ARGS_MAX_BYTES, Exec, Exit, Fork, Stdio, exec_flags},
};

use crate::{
    descriptor,
    globals::offset,
    header::{self, image_of},
    kernel::{self, current, read},
    output,
    path::walk,
    record::{Record, Scratch, Strings},
    socket,
};

#[map]
static EXEC_SCRATCH: PerCpuArray<Scratch> = PerCpuArray::with_max_entries(1, 0);

/// Processes whose end was reported: two threads that leave at once both find themselves the last.
#[map]
static EXITED: LruHashMap<ImageKey, u8> = LruHashMap::with_max_entries(4096, 0);

/// `-EEXIST`
const EXISTS: i32 = -17;

/// `signal_struct.flags`: the whole group leaves, with one code.
const SIGNAL_GROUP_EXIT: u32 = 4;

/// `sched_process_exec(struct task_struct *p, pid_t old_pid, struct linux_binprm *bprm)`, since Linux 3.4
#[raw_tracepoint(tracepoint = "sched_process_exec")]
pub fn sched_process_exec(_: RawTracePointContext) -> u32 {
    executed();
    0
}

#[inline(always)]
fn executed() -> Option<()> {
    let record = Record::<Exec>::begin(EXEC_SCRATCH.get_ptr_mut(0), Kind::Exec)?;
    let body = record.body();
    let task = current();
    let memory: u64 = read(task + offset!(task_mm));
    let exe: u64 = read(memory + offset!(mm_exe_file));
    let inode: u64 = read(exe + offset!(file_inode));
    let super_block: u64 = read(inode + offset!(inode_sb));
    // SAFETY: the body is in the record's memory.
    unsafe {
        (*body).parent = image_of(read(task + offset!(task_real_parent)));
        (*body).exe_inode = read(inode + offset!(inode_ino));
        (*body).exe_dev = read(super_block + offset!(super_block_dev));
        (*body).exe_mode = read(inode + offset!(inode_mode));
        if read::<u32>(inode + offset!(inode_nlink)) == 0 {
            (*body).flags |= exec_flags::EXE_DELETED;
        }
        stdio(0, &raw mut (*body).stdio[0]);
        stdio(1, &raw mut (*body).stdio[1]);
        let fs: u64 = read(task + offset!(task_fs));
        (*body).exe_len = walk(record.strings(), exe + offset!(file_path)) as u16;
        (*body).cwd_len = walk(record.strings(), fs + offset!(fs_pwd)) as u16;
        (*body).args_len = args(record.strings(), memory) as u16;
    }
    record.send(Kind::Exec);
    Some(())
}

/// Adds the arguments and gives their bytes.
#[inline(always)]
fn args(strings: Strings, memory: u64) -> u64 {
    let start: u64 = read(memory + offset!(mm_arg_start));
    let end: u64 = read(memory + offset!(mm_arg_end));
    let mut size = end.wrapping_sub(start);
    if size > ARGS_MAX_BYTES as u64 {
        strings.flag(header_flags::STRING_CUT);
        size = ARGS_MAX_BYTES as u64;
    }
    // The mask changes nothing and tells the verifier.
    let size = kernel::below_16_kib(size);
    if size > ARGS_MAX_BYTES as u64 {
        return 0;
    }
    // SAFETY: `end` has room for more than ARGS_MAX_BYTES.
    if unsafe { kernel::copy_user(strings.end(), size as u32, start) } != 0 {
        strings.flag(header_flags::USER_UNREADABLE);
        return 0;
    }
    strings.grow(size);
    size
}

/// Fills what stands behind a descriptor.
///
/// # Safety
///
/// `stdio` must be writable and zero, in a way that the verifier sees.
#[inline(always)]
unsafe fn stdio(fd: i32, stdio: *mut Stdio) {
    let file = descriptor::file(fd);
    if file == 0 {
        return;
    }
    let mode = descriptor::mode(file);
    let sock = descriptor::sock(file, mode);
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

#[repr(C)]
struct ForkRecord {
    header: Header,
    body: Fork,
}

/// `sched_process_fork(struct task_struct *parent, struct task_struct *child)`, since Linux 2.6.24
#[raw_tracepoint(tracepoint = "sched_process_fork")]
pub fn sched_process_fork(ctx: RawTracePointContext) -> u32 {
    let child: u64 = ctx.arg(1);
    let pid: u32 = read(child + offset!(task_pid));
    if pid != read::<u32>(child + offset!(task_tgid)) {
        return 0;
    }
    let mut record = ForkRecord { header: Header::default(), body: Fork::default() };
    let groups: u64 = read(child + offset!(task_cgroups));
    let group: u64 = read(groups + offset!(css_set_dfl_cgrp));
    let node: u64 = read(group + offset!(cgroup_kn));
    let credentials: u64 = read(child + offset!(task_cred));
    // SAFETY: a header on the stack.
    unsafe { header::fill(&raw mut record.header, Kind::Fork, size_of::<ForkRecord>()) };
    record.body.child = image_of(child);
    record.body.child_cgroup_id = read(node + offset!(kernfs_node_id));
    record.body.child_uid = read(credentials + offset!(cred_uid));
    output::send_fixed(Kind::Fork, &record, record.header.cgroup_id);
    0
}

#[repr(C)]
struct ExitRecord {
    header: Header,
    body: Exit,
}

/// `sched_process_exit(struct task_struct *p)`, with `bool group_dead` since Linux 6.16
#[raw_tracepoint(tracepoint = "sched_process_exit")]
pub fn sched_process_exit(_: RawTracePointContext) -> u32 {
    let task = current();
    let signal: u64 = read(task + offset!(task_signal));
    if read::<u32>(signal + offset!(signal_live)) != 0 {
        return 0;
    }
    let mut record = ExitRecord { header: Header::default(), body: Exit::default() };
    // SAFETY: a header on the stack.
    unsafe { header::fill(&raw mut record.header, Kind::Exit, size_of::<ExitRecord>()) };
    if EXITED.insert(&record.header.image, &0, u64::from(BPF_NOEXIST)) == Err(EXISTS) {
        return 0;
    }
    record.body.status = if read::<u32>(signal + offset!(signal_flags)) & SIGNAL_GROUP_EXIT != 0 {
        read(signal + offset!(signal_group_exit_code))
    } else {
        read(task + offset!(task_exit_code))
    };
    output::send_fixed(Kind::Exit, &record, record.header.cgroup_id);
    0
}
