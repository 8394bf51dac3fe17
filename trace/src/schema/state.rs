//! The state of the container at the trigger.

use super::{Kind, STATE, Table, has, may};

/// `state_process`: the processes alive at the trigger.
pub const STATE_PROCESS: Table = Table {
    name: "state_process",
    doc: "One row per process that was alive in the container at the trigger, as /proc told it then.",
    common: STATE,
    columns: &[
        has("process_id", Kind::U64, "The process; joins `process.process_id`. Unlike a pid it is not reused."),
        may("ppid", Kind::U32, "The kernel's parent, in the host's pid namespace; NULL where it has none."),
        may("ns_pid", Kind::U32, "Its pid in its own pid namespace, as the container sees it."),
        has("start_time", Kind::Time, "When the process began, to a hundredth of a second."),
        has("cmdline", Kind::Text, "The arguments as they stand in its memory now, quoted for a shell where needed."),
        has(
            "args",
            Kind::TextList,
            "The same one by one. The program can overwrite them: `process.args` has what it began with.",
        ),
        has("args_cut", Kind::Bool, "The arguments were longer than what is kept."),
        has("cwd", Kind::Text, "Working directory; empty where it could not be read."),
        has("root", Kind::Text, "Root directory: `/` unless it was changed (chroot)."),
        has(
            "state",
            Kind::Text,
            "Letter of the scheduler's state: R running, S sleeping, D waiting for a disk, T stopped, t traced, Z a zombie, I idle.",
        ),
        may(
            "exe_deleted",
            Kind::Bool,
            "The executable has no name any more, or never had one (memfd); NULL where it could not be read.",
        ),
        may("euid", Kind::U32, "Effective user id in the initial user namespace."),
        may("gid", Kind::U32, "Real group id in the initial user namespace."),
        may("threads", Kind::U32, "Threads, the first included."),
        may("cpu_ns", Kind::U64, "CPU time used so far, nanoseconds, user and system together."),
        may("resident_bytes", Kind::U64, "Memory in use (RSS), bytes; NULL for a zombie."),
        may("virtual_bytes", Kind::U64, "Address space (VSZ), bytes."),
        may(
            "tracer_pid",
            Kind::U32,
            "The process that traces it (ptrace), in the host's pid namespace; NULL where none does.",
        ),
        may("cap_permitted", Kind::U64, "Capabilities that it may use, as `process.cap_permitted`."),
        may("cap_effective", Kind::U64, "Capabilities in force, as `process.cap_effective`."),
        may("cap_bounding", Kind::U64, "Capabilities that it can ever have, as `process.cap_bounding`."),
        may("no_new_privs", Kind::Bool, "No program that it runs can gain privileges."),
        may("seccomp", Kind::Text, "System call filter: `disabled`, `strict` or `filter`."),
        may(
            "security_label",
            Kind::Text,
            "Label of the security module in force (AppArmor profile, SELinux context); NULL where there is none.",
        ),
        may(
            "mount_ns",
            Kind::U32,
            "Inode number of its mount namespace, as /proc/PID/ns shows it; NULL where it could not be read.",
        ),
        may("pid_ns", Kind::U32, "Inode number of its pid namespace."),
        may("network_ns", Kind::U32, "Inode number of its network namespace."),
        may("user_ns", Kind::U32, "Inode number of its user namespace."),
        may("uts_ns", Kind::U32, "Inode number of its host name (UTS) namespace."),
        may("ipc_ns", Kind::U32, "Inode number of its IPC namespace."),
        may("cgroup_ns", Kind::U32, "Inode number of its cgroup namespace."),
        may(
            "descriptors",
            Kind::U32,
            "Open descriptors that were counted; more than its rows in `state_file` where some were left out. NULL where they were not looked at.",
        ),
        may(
            "mappings",
            Kind::U32,
            "Stretches of memory that belong into `state_map`; more than its rows there where some were left out. NULL where they were not looked at.",
        ),
    ],
};

/// `state_map`: mapped files and executable memory.
pub const STATE_MAP: Table = Table {
    name: "state_map",
    doc: "One row per stretch of a process's memory that is a mapped file or is executable: programs, libraries, and code \
          that is in no file.",
    common: STATE,
    columns: &[
        has("start_address", Kind::U64, "Its first address."),
        has("end_address", Kind::U64, "The address behind its last."),
        has("permissions", Kind::Text, "As in `r-xp`: readable, writable, executable, private or shared."),
        may(
            "path",
            Kind::Text,
            "The mapped file as the process sees it, a line break in it as `\\012`; `[heap]`, `[stack]` or `[anon:NAME]` for memory that has such a name; NULL for other memory that is no file.",
        ),
        may("offset_bytes", Kind::U64, "Where in the file it begins; NULL where there is none."),
        may("inode", Kind::U64, "Inode number of the file; NULL where there is none."),
        may("dev", Kind::Text, "Device of that inode as `major:minor`."),
        has(
            "deleted",
            Kind::Bool,
            "The file has no name any more, or never had one (memfd). A file can also be named so that it looks deleted.",
        ),
    ],
};

/// `state_file`: open descriptors.
pub const STATE_FILE: Table = Table {
    name: "state_file",
    doc: "One row per open file descriptor.",
    common: STATE,
    columns: &[
        has("fd", Kind::I32, "The descriptor."),
        has(
            "kind",
            Kind::Text,
            "`file` (anything with a name: files, directories, devices), `memfd`, `socket`, `pipe`, `anon_inode` (eventfd, epoll, io_uring, eBPF and the like), `namespace` or `other`.",
        ),
        may(
            "path",
            Kind::Text,
            "Its name as the process sees it; which sort for `anon_inode`; NULL for sockets and pipes.",
        ),
        may(
            "flags",
            Kind::Text,
            "The flags that it is open with by name, `|` between them; NULL where they could not be read.",
        ),
        may("offset_bytes", Kind::U64, "Position of the next read or write."),
        may(
            "inode",
            Kind::U64,
            "Inode number; of a socket it joins `state_socket.inode`, of a pipe it is the same at both ends. NULL for files before Linux 5.14.",
        ),
        may("mount_id", Kind::U32, "The mount that the file lies in; joins `state_mount.mount_id`."),
        has(
            "deleted",
            Kind::Bool,
            "The file has no name any more, or never had one (memfd). A file can also be named so that it looks deleted.",
        ),
    ],
};

/// `state_socket`: sockets, listening ones included.
pub const STATE_SOCKET: Table = Table {
    name: "state_socket",
    doc: "One row per socket of the container's network namespaces, listening ones included. Where a namespace is shared \
          with others, as with `--network=host`, only sockets that a process of this container has open. The actor is the \
          process with the lowest pid that has the socket open, NULL where none has: a connection that nobody accepted yet, \
          or one that is closing.",
    common: STATE,
    columns: &[
        has("protocol", Kind::Text, "`tcp`, `udp`, `icmp`, `raw`, `unix` or `packet`."),
        may("socket_type", Kind::Text, "`stream`, `dgram`, `seqpacket` or `raw`; NULL where not told."),
        has(
            "state",
            Kind::Text,
            "As netstat says it: `LISTEN`, `ESTABLISHED`, `TIME_WAIT` and so on for TCP; `LISTEN`, `CONNECTED`, `CONNECTING` or `UNCONNECTED` for others.",
        ),
        may("local_addr", Kind::Text, "Local address; `0.0.0.0` or `::` where it is any."),
        may("local_port", Kind::U16, "Local port; NULL where it has none."),
        may("remote_addr", Kind::Text, "Remote address; NULL where it is not connected."),
        may("remote_port", Kind::U16, "Remote port; NULL as `remote_addr`."),
        may("path", Kind::Text, "Name of a unix socket; `@name` for an abstract one, NULL where it has none."),
        may(
            "protocol_number",
            Kind::U16,
            "IP protocol of a raw socket, Ethernet protocol of a packet socket; else NULL.",
        ),
        may("fd", Kind::I32, "The actor's descriptor of it, the lowest where it has several."),
        has("owners", Kind::U32, "How many processes of the container have it open; `state_file` tells which."),
        may(
            "socket_uid",
            Kind::U32,
            "User id that made the socket, in the initial user namespace; NULL for unix sockets.",
        ),
        may(
            "receive_queue_bytes",
            Kind::U64,
            "Bytes received and not read yet; NULL for listeners and where not told.",
        ),
        may(
            "send_queue_bytes",
            Kind::U64,
            "Bytes sent and not acknowledged yet; NULL for listeners and where not told.",
        ),
        may("backlog", Kind::U32, "Connections that wait to be accepted; NULL but for TCP listeners."),
        may(
            "inode",
            Kind::U64,
            "Inode number of the socket, joins `state_file.inode`; NULL where it has none yet, or none any more.",
        ),
        has("network_ns", Kind::U32, "Inode number of its network namespace."),
        has(
            "doubtful",
            Kind::Bool,
            "/proc/net/unix told of this inode twice: the name of a unix socket has lines in it that look like another socket.",
        ),
    ],
};

/// `state_mount`: the mounts.
pub const STATE_MOUNT: Table = Table {
    name: "state_mount",
    doc: "One row per mount of the container's mount namespaces, as /proc/PID/mountinfo shows it. The actor is the process \
          of which it was read. Namespaces that are the host's or another container's are left out.",
    common: STATE,
    columns: &[
        has("mount_id", Kind::U32, "The mount; unique at one moment."),
        has("parent_mount_id", Kind::U32, "The mount that it is on."),
        has("path", Kind::Text, "Where it is mounted, as the process sees it."),
        has("filesystem", Kind::Text, "Type of the file system, as in `overlay`."),
        has("source", Kind::Text, "What is mounted: a device, or what the file system calls it."),
        has("root", Kind::Text, "Which directory of the file system is mounted: for a bind mount its source there."),
        has("dev", Kind::Text, "Device of the file system as `major:minor`."),
        has("options", Kind::Text, "Options of this mount, as in `ro,nosuid`."),
        has("super_options", Kind::Text, "Options of the file system."),
        has("propagation", Kind::Text, "As in `shared:5` or `master:1`; empty for a private mount."),
        has("mount_ns", Kind::U32, "Inode number of the mount namespace."),
    ],
};
