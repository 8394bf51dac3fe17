//! Numbers of the kernel's interface by name, from its `include/uapi/linux` headers.

/// `CLONE_*` of namespaces (`sched.h`).
pub const CLONE: &[(u64, &str)] = &[
    (0x0000_0080, "CLONE_NEWTIME"),
    (0x0002_0000, "CLONE_NEWNS"),
    (0x0200_0000, "CLONE_NEWCGROUP"),
    (0x0400_0000, "CLONE_NEWUTS"),
    (0x0800_0000, "CLONE_NEWIPC"),
    (0x1000_0000, "CLONE_NEWUSER"),
    (0x2000_0000, "CLONE_NEWPID"),
    (0x4000_0000, "CLONE_NEWNET"),
];
/// `MS_*` (`mount.h`).
pub const MOUNT: &[(u64, &str)] = &[
    (1, "MS_RDONLY"),
    (2, "MS_NOSUID"),
    (4, "MS_NODEV"),
    (8, "MS_NOEXEC"),
    (16, "MS_SYNCHRONOUS"),
    (32, "MS_REMOUNT"),
    (4096, "MS_BIND"),
    (8192, "MS_MOVE"),
    (16384, "MS_REC"),
    (32768, "MS_SILENT"),
    (1 << 17, "MS_UNBINDABLE"),
    (1 << 18, "MS_PRIVATE"),
    (1 << 19, "MS_SLAVE"),
    (1 << 20, "MS_SHARED"),
    (1 << 21, "MS_RELATIME"),
];
/// `MNT_*` and `UMOUNT_*`.
pub const UMOUNT: &[(u64, &str)] = &[(1, "MNT_FORCE"), (2, "MNT_DETACH"), (4, "MNT_EXPIRE"), (8, "UMOUNT_NOFOLLOW")];
/// `OPEN_TREE_*` and `AT_*` (`mount.h`, `fcntl.h`).
pub const OPEN_TREE: &[(u64, &str)] =
    &[(1, "OPEN_TREE_CLONE"), (0x8000, "AT_RECURSIVE"), (0x8_0000, "OPEN_TREE_CLOEXEC")];
/// `PROT_*` (`mman-common.h`).
pub const PROTECTION: &[(u64, &str)] = &[(1, "PROT_READ"), (2, "PROT_WRITE"), (4, "PROT_EXEC")];
/// Options of `prctl` (`prctl.h`).
pub const PRCTL: &[(u64, &str)] = &[
    (4, "SET_DUMPABLE"),
    (8, "SET_KEEPCAPS"),
    (15, "SET_NAME"),
    (22, "SET_SECCOMP"),
    (24, "CAPBSET_DROP"),
    (28, "SET_SECUREBITS"),
    (35, "SET_MM"),
    (38, "SET_NO_NEW_PRIVS"),
    (47, "CAP_AMBIENT"),
    (0x5961_6d61, "SET_PTRACER"),
];
/// Operations of `keyctl` (`keyctl.h`).
pub const KEYCTL: &[(u64, &str)] = &[
    (0, "GET_KEYRING_ID"),
    (1, "JOIN_SESSION_KEYRING"),
    (2, "UPDATE"),
    (3, "REVOKE"),
    (4, "CHOWN"),
    (5, "SETPERM"),
    (6, "DESCRIBE"),
    (7, "CLEAR"),
    (8, "LINK"),
    (9, "UNLINK"),
    (10, "SEARCH"),
    (11, "READ"),
    (12, "INSTANTIATE"),
    (21, "INVALIDATE"),
    (30, "MOVE"),
];
/// Operations of `seccomp` (`seccomp.h`).
pub const SECCOMP: &[(u64, &str)] =
    &[(0, "SET_MODE_STRICT"), (1, "SET_MODE_FILTER"), (2, "GET_ACTION_AVAIL"), (3, "GET_NOTIF_SIZES")];
/// Requests of `ptrace` (`ptrace.h`).
pub const PTRACE: &[(u64, &str)] = &[
    (0, "TRACEME"),
    (4, "POKETEXT"),
    (5, "POKEDATA"),
    (6, "POKEUSER"),
    (13, "SETREGS"),
    (15, "SETFPREGS"),
    (16, "ATTACH"),
    (0x4205, "SETREGSET"),
    (0x4206, "SEIZE"),
];
/// Actions of `syslog` (`kernel/printk`).
pub const SYSLOG: &[(u64, &str)] = &[
    (2, "READ"),
    (3, "READ_ALL"),
    (4, "READ_CLEAR"),
    (5, "CLEAR"),
    (6, "CONSOLE_OFF"),
    (7, "CONSOLE_ON"),
    (8, "CONSOLE_LEVEL"),
    (9, "SIZE_UNREAD"),
    (10, "SIZE_BUFFER"),
];
/// Commands of `bpf` (`bpf.h`, `enum bpf_cmd`).
pub const BPF: &[(u64, &str)] = &[
    (0, "MAP_CREATE"),
    (1, "MAP_LOOKUP_ELEM"),
    (2, "MAP_UPDATE_ELEM"),
    (3, "MAP_DELETE_ELEM"),
    (4, "MAP_GET_NEXT_KEY"),
    (5, "PROG_LOAD"),
    (6, "OBJ_PIN"),
    (7, "OBJ_GET"),
    (8, "PROG_ATTACH"),
    (9, "PROG_DETACH"),
    (10, "PROG_TEST_RUN"),
    (11, "PROG_GET_NEXT_ID"),
    (12, "MAP_GET_NEXT_ID"),
    (13, "PROG_GET_FD_BY_ID"),
    (14, "MAP_GET_FD_BY_ID"),
    (15, "OBJ_GET_INFO_BY_FD"),
    (16, "PROG_QUERY"),
    (17, "RAW_TRACEPOINT_OPEN"),
    (18, "BTF_LOAD"),
    (19, "BTF_GET_FD_BY_ID"),
    (20, "TASK_FD_QUERY"),
    (24, "MAP_LOOKUP_BATCH"),
    (28, "LINK_CREATE"),
    (29, "LINK_UPDATE"),
    (32, "ENABLE_STATS"),
    (33, "ITER_CREATE"),
    (34, "LINK_DETACH"),
    (35, "PROG_BIND_MAP"),
    (36, "TOKEN_CREATE"),
];
/// Capabilities (`capability.h`).
pub const CAPABILITIES: &[(u64, &str)] = &[
    (0, "CHOWN"),
    (1, "DAC_OVERRIDE"),
    (2, "DAC_READ_SEARCH"),
    (3, "FOWNER"),
    (4, "FSETID"),
    (5, "KILL"),
    (6, "SETGID"),
    (7, "SETUID"),
    (8, "SETPCAP"),
    (9, "LINUX_IMMUTABLE"),
    (10, "NET_BIND_SERVICE"),
    (11, "NET_BROADCAST"),
    (12, "NET_ADMIN"),
    (13, "NET_RAW"),
    (14, "IPC_LOCK"),
    (15, "IPC_OWNER"),
    (16, "SYS_MODULE"),
    (17, "SYS_RAWIO"),
    (18, "SYS_CHROOT"),
    (19, "SYS_PTRACE"),
    (20, "SYS_PACCT"),
    (21, "SYS_ADMIN"),
    (22, "SYS_BOOT"),
    (23, "SYS_NICE"),
    (24, "SYS_RESOURCE"),
    (25, "SYS_TIME"),
    (26, "SYS_TTY_CONFIG"),
    (27, "MKNOD"),
    (28, "LEASE"),
    (29, "AUDIT_WRITE"),
    (30, "AUDIT_CONTROL"),
    (31, "SETFCAP"),
    (32, "MAC_OVERRIDE"),
    (33, "MAC_ADMIN"),
    (34, "SYSLOG"),
    (35, "WAKE_ALARM"),
    (36, "BLOCK_SUSPEND"),
    (37, "AUDIT_READ"),
    (38, "PERFMON"),
    (39, "BPF"),
    (40, "CHECKPOINT_RESTORE"),
];

/// A value by name, with a prefix; one without a name as the prefix and the number.
pub fn named(value: u64, names: &[(u64, &str)], prefix: &str) -> String {
    // Arguments of these kinds have 32 bits; the upper half of the register is the program's own affair.
    let value = u64::from(value as u32);
    match names.iter().find(|(number, _)| *number == value) {
        Some((_, name)) => format!("{prefix}{name}"),
        None => format!("{prefix}{value}"),
    }
}

/// Bits by name, `|` between them; those without a name in hex.
pub fn bits(value: u64, names: &[(u64, &str)]) -> String {
    let mut left = u64::from(value as u32);
    let mut parts = Vec::new();
    for (bit, name) in names {
        if left & bit != 0 {
            parts.push((*name).to_owned());
            left &= !bit;
        }
    }
    if left != 0 {
        parts.push(format!("{left:#x}"));
    }
    parts.join("|")
}
