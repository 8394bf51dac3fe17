//! The kernel attach points that this build has programs for.

/// One attach point and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hook {
    /// Kind and name, such as `raw_tp/sched_process_exec`.
    pub name: &'static str,
    /// What became of it.
    pub state: HookState,
}

/// What became of a hook when the programs were loaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HookState {
    /// The program runs at every passage.
    Attached,
    /// The program is loaded and will be attached when it is needed: while some cgroup is at level `full`.
    Ready,
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
    /// Attached from the start; else with [`crate::Probes::set_level`].
    pub always: bool,
}

/// What a program is attached to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Point {
    /// A tracepoint by name.
    Raw(&'static str),
    /// A tracepoint by its type in the kernel's BTF.
    Typed(&'static str),
    /// Packets that leave the sockets of every cgroup.
    Egress,
    /// Packets that arrive at the sockets of every cgroup.
    Ingress,
    /// Sockets that are made in any cgroup.
    SocketCreate,
}

macro_rules! raw {
    ($tracepoint:literal) => {
        Target {
            name: concat!("raw_tp/", $tracepoint),
            program: $tracepoint,
            point: Point::Raw($tracepoint),
            always: true,
        }
    };
}

macro_rules! typed {
    ($name:literal, $program:literal, $tracepoint:literal, $always:literal) => {
        Target { name: $name, program: $program, point: Point::Typed($tracepoint), always: $always }
    };
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
    Target { name: "cgroup/sock_create", program: "sock_create", point: Point::SocketCreate, always: true },
    Target { name: "cgroup_skb/egress", program: "udp_egress", point: Point::Egress, always: true },
    Target { name: "cgroup_skb/ingress", program: "udp_ingress", point: Point::Ingress, always: true },
    raw!("io_uring_submit_req"),
    raw!("io_uring_complete"),
    typed!("tp_btf/sys_enter", "sys_enter", "sys_enter", true),
    typed!("tp_btf/sys_exit", "sys_exit", "sys_exit", true),
    typed!("tp_btf/sys_enter (full)", "full_enter", "sys_enter", false),
    typed!("tp_btf/sys_exit (full)", "full_exit", "sys_exit", false),
];

/// The programs behind `sys_exit`, in the order of [`taffrail_probes_abi::call::Tail`].
pub(crate) const TAILS: [&str; taffrail_probes_abi::call::TAILS_LEN as usize] =
    ["exit_call", "exit_io", "exit_copy", "exit_close", "exit_accept", "exit_connect", "exit_close_range"];
