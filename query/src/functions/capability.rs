//! Names of capabilities.

/// By bit, as `capabilities(7)` and `linux/capability.h` have them.
const NAMES: [&str; 41] = [
    "cap_chown",
    "cap_dac_override",
    "cap_dac_read_search",
    "cap_fowner",
    "cap_fsetid",
    "cap_kill",
    "cap_setgid",
    "cap_setuid",
    "cap_setpcap",
    "cap_linux_immutable",
    "cap_net_bind_service",
    "cap_net_broadcast",
    "cap_net_admin",
    "cap_net_raw",
    "cap_ipc_lock",
    "cap_ipc_owner",
    "cap_sys_module",
    "cap_sys_rawio",
    "cap_sys_chroot",
    "cap_sys_ptrace",
    "cap_sys_pacct",
    "cap_sys_admin",
    "cap_sys_boot",
    "cap_sys_nice",
    "cap_sys_resource",
    "cap_sys_time",
    "cap_sys_tty_config",
    "cap_mknod",
    "cap_lease",
    "cap_audit_write",
    "cap_audit_control",
    "cap_setfcap",
    "cap_mac_override",
    "cap_mac_admin",
    "cap_syslog",
    "cap_wake_alarm",
    "cap_block_suspend",
    "cap_audit_read",
    "cap_perfmon",
    "cap_bpf",
    "cap_checkpoint_restore",
];
/// All that have a name.
const ALL: u64 = (1 << NAMES.len()) - 1;

/// `cap_chown,cap_kill`: the names in a set; `all` for all of them, and a bit without a name as `cap_41`.
pub fn names(set: u64) -> String {
    let mut parts: Vec<String> = Vec::new();
    let all = set & ALL == ALL;
    if all {
        parts.push("all".to_owned());
    }
    for bit in (0..64).filter(|bit| set >> bit & 1 == 1) {
        match NAMES.get(bit) {
            Some(_) if all => {}
            Some(name) => parts.push((*name).to_owned()),
            None => parts.push(format!("cap_{bit}")),
        }
    }
    parts.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn capabilities_have_names() {
        assert_eq!(names(0), "");
        assert_eq!(names(1 << 21 | 1), "cap_chown,cap_sys_admin");
        assert_eq!(names(0x1ff_ffff_ffff), "all");
        assert_eq!(names(1 << 40), "cap_checkpoint_restore");
    }

    #[test]
    fn a_capability_that_is_newer_than_this_list_stays_visible() {
        assert_eq!(names(1 << 41), "cap_41");
        assert_eq!(names(u64::MAX >> 22), "all,cap_41");
    }
}
