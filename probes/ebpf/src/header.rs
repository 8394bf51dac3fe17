//! Who and when.

use aya_ebpf::helpers::generated;
use taffrail_probes_abi::{COMM_BYTES, Header, ImageKey, Kind};

use crate::{
    globals::offset,
    kernel::{Typed, current, read},
};

/// The image that a task runs, read from memory.
#[inline(always)]
pub fn image_of(task: u64) -> ImageKey {
    let leader: u64 = read(task + offset!(task_group_leader));
    ImageKey {
        start_boottime_ns: read(leader + offset!(task_start_boottime)),
        exec_seq: read(task + offset!(task_self_exec_id)),
        pid: read(task + offset!(task_tgid)),
        pad: 0,
    }
}

/// The image that a typed task runs.
#[inline(always)]
pub fn image(task: Typed) -> ImageKey {
    ImageKey {
        start_boottime_ns: task.beyond(offset!(task_group_leader)).at(offset!(task_start_boottime)),
        exec_seq: task.at(offset!(task_self_exec_id)),
        pid: task.at(offset!(task_tgid)),
        pad: 0,
    }
}

/// Now, on the clock of the records.
#[inline(always)]
pub fn now() -> u64 {
    // SAFETY: no arguments.
    unsafe { generated::bpf_ktime_get_boot_ns() }
}

/// The CPU that runs.
#[inline(always)]
pub fn cpu() -> u32 {
    // SAFETY: no arguments.
    unsafe { generated::bpf_get_smp_processor_id() }
}

/// Id of a task's cgroup in the unified hierarchy, as `bpf_get_current_cgroup_id` finds it, by plain loads.
#[inline(always)]
pub fn cgroup_id(task: Typed) -> u64 {
    match task.follow(offset!(task_cgroups)) {
        Some(set) => set.beyond(offset!(css_set_dfl_cgrp)).beyond(offset!(cgroup_kn)).at(offset!(kernfs_node_id)),
        None => 0,
    }
}

/// Fills the header of a record by the running task. `len` counts the fixed part; strings are added later.
///
/// # Safety
///
/// `header` must be writable, in a way that the verifier sees.
#[inline(always)]
pub unsafe fn fill(header: *mut Header, kind: Kind, len: usize) {
    let task = current();
    // SAFETY: the pointer by this function's contract.
    unsafe {
        (*header).len = len as u32;
        (*header).kind = kind as u16;
        (*header).flags = 0;
        (*header).time_ns = now();
        (*header).cgroup_id = cgroup_id(task);
        (*header).image = image(task);
        (*header).tid = task.at(offset!(task_pid));
        (*header).cpu = cpu();
        let comm: [u64; COMM_BYTES / 8] = [task.at(offset!(task_comm)), task.at(offset!(task_comm) + 8)];
        (*header).comm = core::mem::transmute::<[u64; COMM_BYTES / 8], [u8; COMM_BYTES]>(comm);
        ((*header).uid, (*header).gid) = match task.follow(offset!(task_cred)) {
            Some(credentials) => (credentials.at(offset!(cred_uid)), credentials.at(offset!(cred_gid))),
            None => (0, 0),
        };
    }
}
