//! Fills the programs' table of kernel field offsets from BTF.

use taffrail_probes_abi::offsets::Offsets;

use crate::btf::{Btf, BtfError};

/// A struct literal of [`Offsets`]: `field: "struct" "member";`, with `or_none` where the kernel may lack the member.
macro_rules! offsets {
    ($btf:ident: $($field:ident: $structure:literal $member:literal $($or_none:ident)?;)*) => {
        Ok(Offsets { $($field: offsets!(@ $btf $structure $member $($or_none)?)),* })
    };
    (@ $btf:ident $structure:literal $member:literal or_none) => {
        $btf.offset_of($structure, $member).unwrap_or(u32::MAX)
    };
    (@ $btf:ident $structure:literal $member:literal) => {
        $btf.offset_of($structure, $member)?
    };
}

/// Looks up every field.
///
/// # Errors
///
/// Names the first field that the kernel lacks and the programs can't do without.
pub(crate) fn from_btf(btf: &Btf) -> Result<Offsets, BtfError> {
    offsets! { btf:
        task_pid: "task_struct" "pid";
        task_tgid: "task_struct" "tgid";
        task_group_leader: "task_struct" "group_leader";
        task_real_parent: "task_struct" "real_parent";
        task_start_boottime: "task_struct" "start_boottime";
        task_self_exec_id: "task_struct" "self_exec_id";
        task_exit_code: "task_struct" "exit_code";
        task_cred: "task_struct" "cred";
        task_mm: "task_struct" "mm";
        task_fs: "task_struct" "fs";
        task_files: "task_struct" "files";
        task_signal: "task_struct" "signal";
        task_cgroups: "task_struct" "cgroups";
        task_status: "task_struct" "thread_info.status";
        css_set_dfl_cgrp: "css_set" "dfl_cgrp";
        cgroup_kn: "cgroup" "kn";
        cgroup_root: "cgroup" "root";
        cgroup_level: "cgroup" "level";
        cgroup_root_hierarchy_id: "cgroup_root" "hierarchy_id";
        kernfs_node_id: "kernfs_node" "id";
        cred_uid: "cred" "uid";
        signal_live: "signal_struct" "live";
        signal_flags: "signal_struct" "flags";
        signal_group_exit_code: "signal_struct" "group_exit_code";
        mm_arg_start: "mm_struct" "arg_start";
        mm_arg_end: "mm_struct" "arg_end";
        mm_exe_file: "mm_struct" "exe_file";
        fs_pwd: "fs_struct" "pwd";
        files_fdt: "files_struct" "fdt";
        fdtable_max_fds: "fdtable" "max_fds";
        fdtable_fd: "fdtable" "fd";
        file_path: "file" "f_path";
        file_inode: "file" "f_inode";
        file_mode: "file" "f_mode";
        file_private_data: "file" "private_data";
        path_mnt: "path" "mnt";
        path_dentry: "path" "dentry";
        dentry_parent: "dentry" "d_parent";
        dentry_name: "dentry" "d_name.name";
        dentry_sb: "dentry" "d_sb";
        vfsmount_root: "vfsmount" "mnt_root";
        mount_mnt: "mount" "mnt";
        mount_parent: "mount" "mnt_parent";
        mount_mountpoint: "mount" "mnt_mountpoint";
        inode_mode: "inode" "i_mode";
        inode_ino: "inode" "i_ino";
        inode_nlink: "inode" "i_nlink";
        inode_sb: "inode" "i_sb";
        super_block_dev: "super_block" "s_dev";
        super_block_type: "super_block" "s_type";
        file_system_type_name: "file_system_type" "name";
        socket_sk: "socket" "sk";
        sock_family: "sock" "__sk_common.skc_family";
        sock_daddr: "sock" "__sk_common.skc_daddr";
        sock_rcv_saddr: "sock" "__sk_common.skc_rcv_saddr";
        sock_dport: "sock" "__sk_common.skc_dport";
        inet_sport: "inet_sock" "inet_sport";
        sock_num: "sock" "__sk_common.skc_num";
        sock_state: "sock" "__sk_common.skc_state";
        sock_v6_daddr: "sock" "__sk_common.skc_v6_daddr" or_none;
        sock_v6_rcv_saddr: "sock" "__sk_common.skc_v6_rcv_saddr" or_none;
        sock_flags: "sock" "__sk_common.skc_flags";
        sock_protocol: "sock" "sk_protocol";
        sock_err: "sock" "sk_err";
        tcp_bytes_sent: "tcp_sock" "bytes_sent";
        tcp_bytes_retrans: "tcp_sock" "bytes_retrans";
        tcp_bytes_received: "tcp_sock" "bytes_received";
        regs_orig_ax: "pt_regs" "orig_ax";
        regs_di: "pt_regs" "di";
        regs_si: "pt_regs" "si";
        regs_dx: "pt_regs" "dx";
        regs_r10: "pt_regs" "r10";
        regs_r8: "pt_regs" "r8";
    }
}
