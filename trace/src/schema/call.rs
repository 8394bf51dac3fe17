//! System calls: privileges, the kernel itself, terminals, and every call at level `full`.

use super::{COMMON, Column, Kind, Table, has, may};

const ABI: Column = has("abi", Kind::Text, "How the call was made: `x86_64`, `i386`, `x32` or `io_uring`.");

/// `privilege`: one row per privileged operation.
pub const PRIVILEGE: Table = Table {
    name: "privilege",
    doc: "One row per system call that changes what a process may do, or asks to, failed ones included.",
    common: COMMON,
    columns: &[
        has(
            "op",
            Kind::Text,
            "The family of the call: `setuid`, `setgid`, `setgroups`, `capset`, `prctl`, `setns`, `unshare`, `keyctl`, `seccomp` or `chroot`.",
        ),
        has("syscall", Kind::Text, "The system call by name: `setresuid`, `add_key`."),
        has("detail", Kind::Text, "Its arguments in words: `uid 0`, `PR_SET_NO_NEW_PRIVS`, `CLONE_NEWNET`."),
        has("result", Kind::I64, "0 or a negative errno, or what the call returned where that is no error."),
        may("euid", Kind::U32, "Effective user id after the call, in the initial user namespace."),
        may(
            "cap_permitted",
            Kind::U64,
            "Capabilities that the thread may use after the call, a bit each: `capabilities(cap_permitted)` names them.",
        ),
        may("cap_effective", Kind::U64, "Capabilities in force after the call, as `cap_permitted`."),
        ABI,
    ],
};

/// `kernel`: one row per request to the kernel itself.
pub const KERNEL: Table = Table {
    name: "kernel",
    doc: "One row per system call that reaches beyond its own process: programs and modules loaded into the kernel, \
          mounts, other processes' memory, memory that is writable and executable, the machine's clock and name.",
    common: COMMON,
    columns: &[
        has(
            "op",
            Kind::Text,
            "`bpf`, `module_load`, `module_unload`, `mount`, `umount`, `pivot_root`, `move_mount`, `open_tree`, `fsopen`, `fsmount`, `mount_setattr`, `ptrace`, `process_vm_readv`, `process_vm_writev`, `pidfd_getfd`, `perf_event_open`, `userfaultfd`, `io_uring_setup`, `kexec`, `ioport`, `personality`, `memfd_create`, `mmap_wx`, `mprotect_wx`, `fanotify_init`, `syslog`, `acct`, `set_time`, `swapon`, `reboot` or `sethostname`.",
        ),
        has("syscall", Kind::Text, "The system call by name: `finit_module`, `umount2`."),
        has("detail", Kind::Text, "Its arguments in words: `BPF_PROG_LOAD`, `PTRACE_ATTACH`, `type overlay`."),
        may("path", Kind::Text, "The first file name, where there is one: what is mounted, the module's file."),
        may("target", Kind::Text, "The second file name: where it is mounted."),
        may(
            "path_source",
            Kind::Text,
            "Where the names were read: `kernel`: walked from the kernel's objects. `user`: from the program's memory.",
        ),
        may(
            "rewritten_from",
            Kind::Text,
            "What the program's memory held as `path` when the call began, where it held something else when it ended; else NULL.",
        ),
        may("target_rewritten_from", Kind::Text, "The same of `target`."),
        may("target_pid", Kind::I32, "The process it was done to, in the pid namespace of the process that did it."),
        has("result", Kind::I64, "0 or a negative errno, or what the call returned where that is no error."),
        ABI,
    ],
};

/// `terminal`: one row per read or write of a terminal.
pub const TERMINAL: Table = Table {
    name: "terminal",
    doc: "One row per stretch of bytes that went over a terminal: what was typed, and what was printed.",
    common: COMMON,
    columns: &[
        has("session_id", Kind::U64, "Tells this terminal session from every other since boot."),
        has("direction", Kind::Text, "`typed` or `printed`."),
        has("fd", Kind::I32, "The descriptor that the bytes went through."),
        has(
            "text",
            Kind::Text,
            "The bytes as text that is safe to show: control characters other than line end and tab are written out (`\\e`, `\\u{7}`), and what is not UTF-8 stands as the replacement character.",
        ),
        has("data", Kind::Binary, "The bytes as they were; they can act on a terminal that shows them."),
        has("bytes", Kind::U64, "Bytes that the call moved; more than `data` holds where it was cut."),
        has(
            "cut",
            Kind::Bool,
            "`data` has not all of them: a budget cut it, or the bytes passed through no program's memory (`sendfile`, `splice`).",
        ),
    ],
};

/// `syscall`: one row per system call at level `full`.
pub const SYSCALL: Table = Table {
    name: "syscall",
    doc: "One row per system call, of containers that were recorded at level `full`.",
    common: COMMON,
    columns: &[
        has("syscall", Kind::Text, "The call by name; `syscall_NNN` where the number has none."),
        has("nr", Kind::U32, "Its number, in the numbering of `abi`."),
        ABI,
        has("arg0", Kind::U64, "First argument as passed."),
        has("arg1", Kind::U64, "Second argument as passed."),
        has("arg2", Kind::U64, "Third argument as passed."),
        has("arg3", Kind::U64, "Fourth argument as passed."),
        has("arg4", Kind::U64, "Fifth argument as passed."),
        has("arg5", Kind::U64, "Sixth argument as passed."),
        has("result", Kind::I64, "What it returned: a negative errno, or what the call defines."),
        may("duration_ns", Kind::U64, "From entry to exit; NULL where the entry was not seen."),
    ],
};
