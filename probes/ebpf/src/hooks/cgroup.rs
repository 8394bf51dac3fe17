//! Cgroups of the unified hierarchy made and removed.

use aya_ebpf::{macros::map, macros::raw_tracepoint, maps::PerCpuArray, programs::RawTracePointContext};
use taffrail_probes_abi::{
    Kind,
    cgroup::{Attach, Cgroup, PATH_MAX_BYTES},
    header_flags,
};

use crate::{
    globals::offset,
    header::image_of,
    kernel::read,
    output::Fixed,
    record::{Memory, Record, Scratch},
};

#[map]
static CGROUP_SCRATCH: PerCpuArray<Scratch> = PerCpuArray::with_max_entries(1, 0);

/// `cgroup_mkdir(struct cgroup *cgrp, const char *path)`, with the path since Linux 4.19
#[raw_tracepoint(tracepoint = "cgroup_mkdir")]
pub fn cgroup_mkdir(ctx: RawTracePointContext) -> u32 {
    report(Kind::CgroupMake, ctx.arg(0), ctx.arg(1));
    0
}

/// `cgroup_rmdir(struct cgroup *cgrp, const char *path)`, with the path since Linux 4.19
#[raw_tracepoint(tracepoint = "cgroup_rmdir")]
pub fn cgroup_rmdir(ctx: RawTracePointContext) -> u32 {
    report(Kind::CgroupRemove, ctx.arg(0), ctx.arg(1));
    0
}

/// `cgroup_attach_task(struct cgroup *dst_cgrp, const char *path, struct task_struct *task, bool threadgroup)`, with the
/// path since Linux 4.19
#[raw_tracepoint(tracepoint = "cgroup_attach_task")]
pub fn cgroup_attach_task(ctx: RawTracePointContext) -> u32 {
    let group: u64 = ctx.arg(0);
    let task: u64 = ctx.arg(2);
    let root: u64 = read(group + offset!(cgroup_root));
    if read::<u32>(root + offset!(cgroup_root_hierarchy_id)) != 0 {
        return 0;
    }
    let node: u64 = read(group + offset!(cgroup_kn));
    let attach = Attach { moved: image_of(task), to: read(node + offset!(kernfs_node_id)) };
    Fixed::new(Kind::CgroupAttach, attach).send(Kind::CgroupAttach);
    0
}

#[inline(always)]
fn report(kind: Kind, cgroup: u64, path: u64) -> Option<()> {
    let root: u64 = read(cgroup + offset!(cgroup_root));
    // The unified hierarchy is the first that the kernel makes.
    if read::<u32>(root + offset!(cgroup_root_hierarchy_id)) != 0 {
        return None;
    }
    let record = Record::<Cgroup>::begin(CGROUP_SCRATCH.get_ptr_mut(0), kind)?;
    let node: u64 = read(cgroup + offset!(cgroup_kn));
    let (bytes, cut) =
        record.strings().push_string::<{ PATH_MAX_BYTES + 1 }>(path, Memory::Kernel).unwrap_or((0, false));
    if cut {
        record.strings().flag(header_flags::STRING_CUT);
    }
    // SAFETY: the body is in the record's memory.
    unsafe {
        let body = record.body();
        (*body).id = read(node + offset!(kernfs_node_id));
        (*body).level = read(cgroup + offset!(cgroup_level));
        (*body).path_len = bytes as u16;
    }
    record.send(kind);
    Some(())
}
