//! Fills the programs' table of kernel field offsets from BTF.

use taffrail_probes_abi::offsets::Offsets;

use crate::btf::{Btf, BtfError};

/// `enum pid_type`: the session is the fourth, the array's elements are pointers.
const PIDTYPE_SID_BYTES: u32 = 3 * 8;

/// A struct literal of [`Offsets`]: `field: "struct" "member";`, with `or_none` where the kernel may lack the member.
macro_rules! offsets {
    ($btf:ident: $($field:ident: $structure:literal $member:literal $($or_none:ident)?;)*) => {
        Offsets { $($field: offsets!(@ $btf $structure $member $($or_none)?),)* ..Offsets::default() }
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
#[expect(clippy::too_many_lines, reason = "one line a field")]
pub(crate) fn from_btf(btf: &Btf) -> Result<Offsets, BtfError> {
    let first = |structure, members: &[&str]| {
        let mut found = members.iter().map(|member| btf.offset_of(structure, member));
        let last = found.next_back();
        found.find_map(Result::ok).map(Ok).or(last).unwrap_or(Ok(u32::MAX))
    };
    let mut offsets = offsets! { btf:
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
        task_comm: "task_struct" "comm";
        task_nsproxy: "task_struct" "nsproxy";
        task_loginuid: "task_struct" "loginuid" or_none;
        cred_gid: "cred" "gid";
        cred_cap_inheritable: "cred" "cap_inheritable";
        cred_user_ns: "cred" "user_ns";
        signal_tty: "signal_struct" "tty";
        tty_name: "tty_struct" "name";
        mm_env_start: "mm_struct" "env_start";
        mm_env_end: "mm_struct" "env_end";
        bprm_filename: "linux_binprm" "filename";
        bprm_interp: "linux_binprm" "interp";
        nsproxy_mnt: "nsproxy" "mnt_ns";
        nsproxy_uts: "nsproxy" "uts_ns";
        nsproxy_ipc: "nsproxy" "ipc_ns";
        nsproxy_pid: "nsproxy" "pid_ns_for_children";
        nsproxy_net: "nsproxy" "net_ns";
        nsproxy_cgroup: "nsproxy" "cgroup_ns" or_none;
        mnt_namespace_ns: "mnt_namespace" "ns";
        uts_namespace_ns: "uts_namespace" "ns";
        ipc_namespace_ns: "ipc_namespace" "ns";
        pid_namespace_ns: "pid_namespace" "ns";
        net_ns: "net" "ns";
        cgroup_namespace_ns: "cgroup_namespace" "ns" or_none;
        user_namespace_ns: "user_namespace" "ns";
        ns_common_inum: "ns_common" "inum";
        dentry_name_len: "dentry" "d_name.len";
        mount_ns: "mount" "mnt_ns";
        inode_rdev: "inode" "i_rdev";
        inode_size: "inode" "i_size";
        super_block_magic: "super_block" "s_magic";
        unix_peer: "unix_sock" "peer";
        unix_path: "unix_sock" "path";
        unix_addr: "unix_sock" "addr";
        unix_address_len: "unix_address" "len";
        unix_address_name: "unix_address" "name";
        regs_bx: "pt_regs" "bx";
        regs_cx: "pt_regs" "cx";
        regs_bp: "pt_regs" "bp";
        regs_r9: "pt_regs" "r9";
        uring_opcode: "io_kiocb" "opcode" or_none;
        uring_file: "io_kiocb" "file" or_none;
        uring_open_dirfd: "io_open" "dfd" or_none;
        uring_open_name: "io_open" "filename" or_none;
        uring_open_flags: "io_open" "how.flags" or_none;
        uring_open_mode: "io_open" "how.mode" or_none;
        uring_unlink_dirfd: "io_unlink" "dfd" or_none;
        uring_unlink_name: "io_unlink" "filename" or_none;
        uring_unlink_flags: "io_unlink" "flags" or_none;
        uring_mkdir_dirfd: "io_mkdir" "dfd" or_none;
        uring_mkdir_name: "io_mkdir" "filename" or_none;
        uring_rename_dirfd: "io_rename" "old_dfd" or_none;
        uring_rename_name: "io_rename" "oldpath" or_none;
        uring_rename_new_dirfd: "io_rename" "new_dfd" or_none;
        uring_rename_new_name: "io_rename" "newpath" or_none;
        uring_rename_flags: "io_rename" "flags" or_none;
        uring_link_dirfd: "io_link" "old_dfd" or_none;
        uring_link_name: "io_link" "oldpath" or_none;
        uring_link_new_dirfd: "io_link" "new_dfd" or_none;
        uring_link_new_name: "io_link" "newpath" or_none;
        filename_name: "filename" "name";
        tty_file_tty: "tty_file_private" "tty";
        pid_number: "pid" "numbers";
        uring_fd: "io_kiocb" "cqe.fd" or_none;
        uring_flags: "io_kiocb" "flags" or_none;
        uring_close_fd: "io_close" "fd" or_none;
        uring_truncate_len: "io_ftrunc" "len" or_none;
        uring_attribute: "io_xattr" "ctx.kname" or_none;
        uring_attribute_name: "io_xattr" "filename" or_none;
        uring_socket: "io_socket" "domain" or_none;
    };
    offsets.signal_session = btf.offset_of("signal_struct", "pids")? + PIDTYPE_SID_BYTES;
    offsets.dentry_inline = first("dentry", &["d_shortname", "d_iname"])?;
    offsets.inode_ctime_sec = first("inode", &["i_ctime_sec", "__i_ctime.tv_sec", "i_ctime.tv_sec"])?;
    offsets.inode_ctime_nsec = first("inode", &["i_ctime_nsec", "__i_ctime.tv_nsec", "i_ctime.tv_nsec"])?;
    offsets.inode_to_upper = to_upper(btf)?;
    Ok(offsets)
}

/// An overlay's inode is followed by the pointer to its upper entry since Linux 4.8; where the file system is a module
/// its types are in another file.
fn to_upper(btf: &Btf) -> Result<u32, BtfError> {
    match (btf.offset_of("ovl_inode", "vfs_inode"), btf.offset_of("ovl_inode", "__upperdentry")) {
        (Ok(inode), Ok(upper)) if upper > inode => Ok(upper - inode),
        _ => btf.size_of("inode"),
    }
}
