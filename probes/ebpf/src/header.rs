//! Who and when.

use aya_ebpf::helpers::generated;
use taffrail_probes_abi::{COMM_BYTES, Header, ImageKey, Kind};

use crate::{
    globals::offset,
    kernel::{current, read},
};

/// The image that a task runs.
#[inline(always)]
pub fn image_of(task: u64) -> ImageKey {
    image_with(task, read(task + offset!(task_tgid)))
}

/// The image that a task runs whose `tgid` is `pid`.
#[inline(always)]
fn image_with(task: u64, pid: u32) -> ImageKey {
    let leader: u64 = read(task + offset!(task_group_leader));
    ImageKey {
        start_boottime_ns: read(leader + offset!(task_start_boottime)),
        exec_seq: read(task + offset!(task_self_exec_id)),
        pid,
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

/// Fills the header of a record by the running task. `len` counts the fixed part; strings are added later.
///
/// # Safety
///
/// `header` must be writable, in a way that the verifier sees.
#[inline(always)]
pub unsafe fn fill(header: *mut Header, kind: Kind, len: usize) {
    // SAFETY: the pointer by this function's contract; the helpers take no others.
    unsafe {
        let ids = generated::bpf_get_current_pid_tgid();
        let owner = generated::bpf_get_current_uid_gid();
        (*header).len = len as u32;
        (*header).kind = kind as u16;
        (*header).flags = 0;
        (*header).time_ns = now();
        (*header).cgroup_id = generated::bpf_get_current_cgroup_id();
        (*header).image = image_with(current(), (ids >> 32) as u32);
        (*header).tid = ids as u32;
        (*header).uid = owner as u32;
        (*header).gid = (owner >> 32) as u32;
        (*header).cpu = cpu();
        generated::bpf_get_current_comm((&raw mut (*header).comm).cast(), COMM_BYTES as u32);
    }
}
