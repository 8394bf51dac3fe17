//! Cgroup family: groups of the unified hierarchy made and removed. A container is a cgroup before it is anything else.

/// Body of `CgroupMake` and `CgroupRemove`, from the `cgroup_mkdir` and `cgroup_rmdir` tracepoints (since Linux 4.13).
/// One string: the path below the hierarchy's root, as the kernel gives it to the tracepoint.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct Cgroup {
    /// The group's id: inode number of its directory.
    pub id: u64,
    /// Depth below the root.
    pub level: u32,
    /// Bytes of the path string.
    pub path_len: u16,
    /// Zero.
    pub pad: u16,
}

/// Body of `CgroupAttach`, from `cgroup_attach_task` (since Linux 3.16). The actor of the header is who moved it.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct Attach {
    /// The process that was moved.
    pub moved: crate::ImageKey,
    /// Id of the group it is in now.
    pub to: u64,
}

/// The most bytes kept of a cgroup's path.
pub const PATH_MAX_BYTES: usize = 1024;

const _: () = assert!(size_of::<Cgroup>() == 16);
