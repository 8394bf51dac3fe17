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
pub(crate) struct Target {
    /// [`Hook::name`].
    pub name: &'static str,
    /// Name of the program in the object, and of the tracepoint.
    pub tracepoint: &'static str,
    /// Kind of the program.
    pub kind: TargetKind,
}

/// How a program is attached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TargetKind {
    /// By name.
    Raw,
    /// By the type of the tracepoint in the kernel's BTF.
    Typed,
}

macro_rules! raw {
    ($tracepoint:literal) => {
        Target { name: concat!("raw_tp/", $tracepoint), tracepoint: $tracepoint, kind: TargetKind::Raw }
    };
}

/// Every hook. Cgroups and forks first, so that nothing is seen to act before it is seen to come.
pub(crate) const TARGETS: &[Target] = &[
    raw!("cgroup_mkdir"),
    raw!("cgroup_rmdir"),
    raw!("sched_process_fork"),
    raw!("sched_process_exec"),
    raw!("sched_process_exit"),
    raw!("inet_sock_set_state"),
    Target { name: "tp_btf/sys_exit", tracepoint: "sys_exit", kind: TargetKind::Typed },
];
