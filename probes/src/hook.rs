//! The kernel attach points that this build has programs for.

use crate::preflight;

/// One attach point and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hook {
    /// Kind and name, such as `raw_tp/sched_process_exec`.
    pub name: &'static str,
    /// What became of it.
    pub state: HookState,
    /// Whether the same calls are recorded without it, only less surely: what it adds is the kernel's own names of files
    /// that are changed by name. Under lockdown the kernel refuses such hooks.
    pub optional: bool,
}

/// What became of a hook when the programs were loaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HookState {
    /// The program runs at every passage.
    Attached,
    /// The kernel has the attach point and said no.
    Refused {
        /// The kernel's answer.
        reason: String,
    },
    /// The kernel has no such attach point.
    Unsupported {
        /// What was looked for.
        reason: String,
    },
}

/// A program of the object and where it goes.
#[derive(Debug)]
pub(crate) struct Target {
    /// [`Hook::name`].
    pub name: &'static str,
    /// Name of the program in the object.
    pub program: &'static str,
    /// What it is attached to.
    pub point: Point,
}

/// What a program is attached to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Point {
    /// A tracepoint by name.
    Raw(&'static str),
    /// A tracepoint by its name, and the name it had before; its arguments are these since a version of Linux.
    Renamed { name: &'static str, before: &'static str, since: (u32, u32) },
    /// A tracepoint by its type in the kernel's BTF.
    Typed(&'static str),
    /// The beginning of a kernel function.
    Function(&'static str),
    /// Packets that leave the sockets of every cgroup.
    Egress,
    /// Packets that arrive at the sockets of every cgroup.
    Ingress,
    /// Sockets that are made in any cgroup.
    SocketCreate,
}

macro_rules! raw {
    ($tracepoint:literal) => {
        Target { name: concat!("raw_tp/", $tracepoint), program: $tracepoint, point: Point::Raw($tracepoint) }
    };
}

/// Those of io_uring: before Linux 6.0 they do not tell the request.
macro_rules! renamed {
    ($name:literal, $before:literal) => {
        Target {
            name: concat!("raw_tp/", $name),
            program: $name,
            point: Point::Renamed { name: $name, before: $before, since: (6, 0) },
        }
    };
}

macro_rules! typed {
    ($tracepoint:literal) => {
        Target { name: concat!("tp_btf/", $tracepoint), program: $tracepoint, point: Point::Typed($tracepoint) }
    };
}

macro_rules! function {
    ($name:literal) => {
        Target { name: concat!("fentry/", $name), program: $name, point: Point::Function($name) }
    };
}

impl Target {
    /// [`Hook::optional`].
    pub fn is_optional(&self) -> bool {
        matches!(self.point, Point::Function(_))
    }
}

/// What becomes of a hook whose arguments the running kernel has in an older form.
pub(crate) fn too_old(target: &Target) -> Option<HookState> {
    let Point::Renamed { name, since: (major, minor), .. } = target.point else { return None };
    let (_, version) = preflight::kernel_release();
    let is_too_old = version.is_some_and(|version| version < (major, minor));
    is_too_old
        .then(|| HookState::Unsupported { reason: format!("{name} tells too little before Linux {major}.{minor}") })
}

/// Every hook. Cgroups and forks first, so that nothing is seen to act before it is seen to come.
pub(crate) const TARGETS: &[Target] = &[
    raw!("cgroup_mkdir"),
    raw!("cgroup_rmdir"),
    raw!("cgroup_attach_task"),
    raw!("sched_process_fork"),
    raw!("sched_process_exec"),
    raw!("sched_process_exit"),
    raw!("inet_sock_set_state"),
    Target { name: "cgroup/sock_create", program: "sock_create", point: Point::SocketCreate },
    Target { name: "cgroup_skb/egress", program: "udp_egress", point: Point::Egress },
    Target { name: "cgroup_skb/ingress", program: "udp_ingress", point: Point::Ingress },
    renamed!("io_uring_submit_req", "io_uring_submit_sqe"),
    renamed!("io_uring_complete", "io_uring_complete"),
    function!("security_path_unlink"),
    function!("security_path_rmdir"),
    function!("security_path_mkdir"),
    function!("security_path_mknod"),
    function!("security_path_symlink"),
    function!("security_path_link"),
    function!("security_path_rename"),
    function!("security_path_chmod"),
    function!("security_path_chown"),
    function!("security_path_truncate"),
    typed!("sys_enter"),
    typed!("sys_exit"),
];

/// The programs behind `sys_exit`, in the order of [`taffrail_probes_abi::call::Tail`].
pub(crate) const TAILS: [&str; taffrail_probes_abi::call::TAILS_LEN as usize] =
    ["exit_call", "exit_io", "exit_copy", "exit_close", "exit_accept", "exit_connect", "exit_close_range"];
