//! Who: program images.

use super::{COMMON, Kind, Table, has, may};

/// `process`: one row per program image.
pub const PROCESS: Table = Table {
    name: "process",
    doc: "One row per program image: run by an exec, copied by a fork, or found running when the recorder started. \
          Ancestors outside the container are included so that every lineage reaches the host's init.",
    common: COMMON,
    columns: &[
        has("origin", Kind::Text, "`exec`, `fork` (has its parent's program) or `scan` (older than the recorder)."),
        has(
            "process_id",
            Kind::U64,
            "The process; several images share it after an exec. Unlike a pid it is not reused.",
        ),
        may(
            "parent_exec_id",
            Kind::U64,
            "The image that made this process; joins `process.exec_id`. It stays when the kernel hands an orphan to another parent (`ppid` follows the kernel).",
        ),
        may("ppid", Kind::U32, "The parent's pid at that moment, in the host's pid namespace."),
        has("cmdline", Kind::Text, "The arguments, quoted for a shell where needed."),
        has("args", Kind::TextList, "The arguments, program name first; the program name is what the caller claims."),
        has("args_cut", Kind::Bool, "The arguments were longer than what is kept."),
        has("cwd", Kind::Text, "Working directory, walked from the kernel's objects."),
        has("gid", Kind::U32, "Real group id in the initial user namespace."),
        has("start_time", Kind::Time, "When this image came to be; for `scan` when its process began."),
        may(
            "end_time",
            Kind::Time,
            "When the process ended or ran another image; NULL while running at the bundle's end.",
        ),
        may("exit_code", Kind::I32, "Exit code 0 to 255; NULL unless this image ended the process by exiting."),
        may("exit_signal", Kind::I32, "The signal that ended the process; NULL unless one did."),
        may("exe_inode", Kind::U64, "Inode number of the executable; NULL where not known."),
        may("exe_dev", Kind::Text, "Device of that inode as `major:minor`."),
        may("exe_mode", Kind::U32, "Mode of the executable when it was run: permission bits and file type."),
        may("exe_deleted", Kind::Bool, "The executable had no name left when it was run: deleted, or a memfd."),
        may("exe_memfd", Kind::Bool, "The executable was an anonymous file in memory (`memfd_create`)."),
        may(
            "exe_upper",
            Kind::Bool,
            "The executable lay in the upper layer of the container's overlay: it is not from the image, or was changed since.",
        ),
        may(
            "exe_sha256",
            Kind::Text,
            "SHA-256 of the executable's content in hex; NULL where it was not or could not be read, or had changed since it was run.",
        ),
        may(
            "script",
            Kind::Text,
            "The file that `execve` was asked to run, where that is a script and `exe` its interpreter.",
        ),
        has(
            "environment",
            Kind::TextList,
            "The environment variables that the recorder is configured to keep, as `NAME=value`, secrets masked.",
        ),
        may("euid", Kind::U32, "Effective user id at exec, in the initial user namespace; NULL for `scan`."),
        may("suid", Kind::U32, "Saved user id, as `euid`."),
        may("fsuid", Kind::U32, "User id for access to files, as `euid`."),
        may("egid", Kind::U32, "Effective group id, as `euid`."),
        may("sgid", Kind::U32, "Saved group id, as `euid`."),
        may("fsgid", Kind::U32, "Group id for access to files, as `euid`."),
        may(
            "cap_permitted",
            Kind::U64,
            "Capabilities that it may use, a bit each as capabilities(7) numbers them: `capabilities(cap_permitted)` names them; NULL for `scan`.",
        ),
        may("cap_effective", Kind::U64, "Capabilities in force, as `cap_permitted`."),
        may("cap_bounding", Kind::U64, "Capabilities that it can ever have, as `cap_permitted`."),
        may(
            "mount_ns",
            Kind::U32,
            "Inode number of its mount namespace, as /proc/PID/ns shows it; NULL where not known.",
        ),
        may("pid_ns", Kind::U32, "Inode number of its pid namespace."),
        may("network_ns", Kind::U32, "Inode number of its network namespace."),
        may("user_ns", Kind::U32, "Inode number of its user namespace."),
        may("uts_ns", Kind::U32, "Inode number of its host name (UTS) namespace."),
        may("ipc_ns", Kind::U32, "Inode number of its IPC namespace."),
        may("cgroup_ns", Kind::U32, "Inode number of its cgroup namespace."),
        may("tty", Kind::Text, "Name of its controlling terminal; NULL where it has none."),
        may("login_uid", Kind::U32, "User id that logged in, through every `su` and `sudo`; NULL where nobody did."),
        may("threads", Kind::U32, "Threads that the process made besides its first; NULL until its end is seen."),
        may(
            "entered",
            Kind::Text,
            "It came into the container from outside: by its `cgroup` (as `docker exec` does) or by its `namespaces` (as `nsenter` does); NULL where it was born inside.",
        ),
        may("entered_by", Kind::U64, "The image outside that sent it; joins `process.exec_id`."),
        has(
            "stdin",
            Kind::Text,
            "What fd 0 led to at exec: closed, file, directory, char device, block device, pipe, socket, `inet LOCAL -> REMOTE`, or unknown (fork, scan).",
        ),
        has("stdout", Kind::Text, "What fd 1 led to at exec, as in `stdin`."),
        has("stderr", Kind::Text, "What fd 2 led to at exec, as in `stdin`."),
    ],
};
