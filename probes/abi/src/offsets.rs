//! Where the running kernel keeps the fields that the programs read.

/// Byte offsets of kernel struct fields, found in the kernel's BTF at load and put into the object as a read-only
/// global. Nested members are already added up. `u32::MAX` where the kernel has no such field and the program can
/// do without it.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct Offsets {
    /// `task_struct.pid`
    pub task_pid: u32,
    /// `task_struct.tgid`
    pub task_tgid: u32,
    /// `task_struct.group_leader`
    pub task_group_leader: u32,
    /// `task_struct.real_parent`
    pub task_real_parent: u32,
    /// `task_struct.start_boottime`
    pub task_start_boottime: u32,
    /// `task_struct.self_exec_id`
    pub task_self_exec_id: u32,
    /// `task_struct.exit_code`
    pub task_exit_code: u32,
    /// `task_struct.cred`
    pub task_cred: u32,
    /// `task_struct.mm`
    pub task_mm: u32,
    /// `task_struct.fs`
    pub task_fs: u32,
    /// `task_struct.files`
    pub task_files: u32,
    /// `task_struct.signal`
    pub task_signal: u32,
    /// `task_struct.cgroups`
    pub task_cgroups: u32,
    /// `task_struct.thread_info.status` (x86: the bit `TS_COMPAT` says that a 32-bit system call is running)
    pub task_status: u32,
    /// `css_set.dfl_cgrp`
    pub css_set_dfl_cgrp: u32,
    /// `cgroup.kn`
    pub cgroup_kn: u32,
    /// `cgroup.root`
    pub cgroup_root: u32,
    /// `cgroup.level`
    pub cgroup_level: u32,
    /// `cgroup_root.hierarchy_id`
    pub cgroup_root_hierarchy_id: u32,
    /// `kernfs_node.id`
    pub kernfs_node_id: u32,
    /// `cred.uid`
    pub cred_uid: u32,
    /// `signal_struct.live`
    pub signal_live: u32,
    /// `signal_struct.flags`
    pub signal_flags: u32,
    /// `signal_struct.group_exit_code`
    pub signal_group_exit_code: u32,
    /// `mm_struct.arg_start`
    pub mm_arg_start: u32,
    /// `mm_struct.arg_end`
    pub mm_arg_end: u32,
    /// `mm_struct.exe_file`
    pub mm_exe_file: u32,
    /// `fs_struct.pwd`
    pub fs_pwd: u32,
    /// `files_struct.fdt`
    pub files_fdt: u32,
    /// `fdtable.max_fds`
    pub fdtable_max_fds: u32,
    /// `fdtable.fd`
    pub fdtable_fd: u32,
    /// `file.f_path`
    pub file_path: u32,
    /// `file.f_inode`
    pub file_inode: u32,
    /// `file.f_mode`
    pub file_mode: u32,
    /// `file.private_data`
    pub file_private_data: u32,
    /// `path.mnt`
    pub path_mnt: u32,
    /// `path.dentry`
    pub path_dentry: u32,
    /// `dentry.d_parent`
    pub dentry_parent: u32,
    /// `dentry.d_name.name`
    pub dentry_name: u32,
    /// `dentry.d_sb`
    pub dentry_sb: u32,
    /// `vfsmount.mnt_root`
    pub vfsmount_root: u32,
    /// `mount.mnt`
    pub mount_mnt: u32,
    /// `mount.mnt_parent`
    pub mount_parent: u32,
    /// `mount.mnt_mountpoint`
    pub mount_mountpoint: u32,
    /// `inode.i_mode`
    pub inode_mode: u32,
    /// `inode.i_ino`
    pub inode_ino: u32,
    /// `inode.i_nlink`
    pub inode_nlink: u32,
    /// `inode.i_sb`
    pub inode_sb: u32,
    /// `super_block.s_dev`
    pub super_block_dev: u32,
    /// `super_block.s_type`
    pub super_block_type: u32,
    /// `file_system_type.name`
    pub file_system_type_name: u32,
    /// `socket.sk`
    pub socket_sk: u32,
    /// `sock.__sk_common.skc_family`
    pub sock_family: u32,
    /// `sock.__sk_common.skc_daddr`
    pub sock_daddr: u32,
    /// `sock.__sk_common.skc_rcv_saddr`
    pub sock_rcv_saddr: u32,
    /// `sock.__sk_common.skc_dport` (network byte order)
    pub sock_dport: u32,
    /// `inet_sock.inet_sport` (network byte order)
    pub inet_sport: u32,
    /// `sock.__sk_common.skc_num` (host byte order)
    pub sock_num: u32,
    /// `sock.__sk_common.skc_state`
    pub sock_state: u32,
    /// `sock.__sk_common.skc_v6_daddr`, or `u32::MAX`
    pub sock_v6_daddr: u32,
    /// `sock.__sk_common.skc_v6_rcv_saddr`, or `u32::MAX`
    pub sock_v6_rcv_saddr: u32,
    /// `sock.__sk_common.skc_flags` as `sock.sk_flags`: the bit `SOCK_DONE` says that a FIN was received
    pub sock_flags: u32,
    /// `sock.sk_protocol`
    pub sock_protocol: u32,
    /// `sock.sk_err`
    pub sock_err: u32,
    /// `tcp_sock.bytes_sent`
    pub tcp_bytes_sent: u32,
    /// `tcp_sock.bytes_retrans`
    pub tcp_bytes_retrans: u32,
    /// `tcp_sock.bytes_received`
    pub tcp_bytes_received: u32,
    /// `pt_regs.orig_ax`
    pub regs_orig_ax: u32,
    /// `pt_regs.di`
    pub regs_di: u32,
    /// `pt_regs.si`
    pub regs_si: u32,
    /// `pt_regs.dx`
    pub regs_dx: u32,
    /// `pt_regs.r10`
    pub regs_r10: u32,
    /// `pt_regs.r8`
    pub regs_r8: u32,
    /// `task_struct.comm`
    pub task_comm: u32,
    /// `task_struct.nsproxy`
    pub task_nsproxy: u32,
    /// `task_struct.loginuid`, or `u32::MAX`
    pub task_loginuid: u32,
    /// `cred.gid`
    pub cred_gid: u32,
    /// `cred.cap_inheritable`
    pub cred_cap_inheritable: u32,
    /// `cred.user_ns`
    pub cred_user_ns: u32,
    /// `signal_struct.tty`
    pub signal_tty: u32,
    /// `tty_struct.name`
    pub tty_name: u32,
    /// `mm_struct.env_start`
    pub mm_env_start: u32,
    /// `mm_struct.env_end`
    pub mm_env_end: u32,
    /// `linux_binprm.filename`
    pub bprm_filename: u32,
    /// `linux_binprm.interp`
    pub bprm_interp: u32,
    /// `nsproxy.mnt_ns`
    pub nsproxy_mnt: u32,
    /// `nsproxy.uts_ns`
    pub nsproxy_uts: u32,
    /// `nsproxy.ipc_ns`
    pub nsproxy_ipc: u32,
    /// `nsproxy.pid_ns_for_children`
    pub nsproxy_pid: u32,
    /// `nsproxy.net_ns`
    pub nsproxy_net: u32,
    /// `nsproxy.cgroup_ns`, or `u32::MAX`
    pub nsproxy_cgroup: u32,
    /// `mnt_namespace.ns`
    pub mnt_namespace_ns: u32,
    /// `uts_namespace.ns`
    pub uts_namespace_ns: u32,
    /// `ipc_namespace.ns`
    pub ipc_namespace_ns: u32,
    /// `pid_namespace.ns`
    pub pid_namespace_ns: u32,
    /// `net.ns`
    pub net_ns: u32,
    /// `cgroup_namespace.ns`, or `u32::MAX`
    pub cgroup_namespace_ns: u32,
    /// `user_namespace.ns`
    pub user_namespace_ns: u32,
    /// `ns_common.inum`
    pub ns_common_inum: u32,
    /// `dentry.d_name.len`
    pub dentry_name_len: u32,
    /// `mount.mnt_ns`
    pub mount_ns: u32,
    /// `inode.i_rdev`
    pub inode_rdev: u32,
    /// `inode.i_size`
    pub inode_size: u32,
    /// `super_block.s_magic`
    pub super_block_magic: u32,
    /// `unix_sock.peer`
    pub unix_peer: u32,
    /// `unix_sock.path`
    pub unix_path: u32,
    /// `unix_sock.addr`
    pub unix_addr: u32,
    /// `unix_address.len`
    pub unix_address_len: u32,
    /// `unix_address.name`
    pub unix_address_name: u32,
    /// `pt_regs.bx`
    pub regs_bx: u32,
    /// `pt_regs.cx`
    pub regs_cx: u32,
    /// `pt_regs.bp`
    pub regs_bp: u32,
    /// `pt_regs.r9`
    pub regs_r9: u32,
    /// `io_kiocb.opcode`, or `u32::MAX`
    pub uring_opcode: u32,
    /// `io_kiocb.file`, or `u32::MAX`
    pub uring_file: u32,
    /// `io_open.dfd`, or `u32::MAX`
    pub uring_open_dirfd: u32,
    /// `io_open.filename`, or `u32::MAX`
    pub uring_open_name: u32,
    /// `io_open.how.flags`, or `u32::MAX`
    pub uring_open_flags: u32,
    /// `io_open.how.mode`, or `u32::MAX`
    pub uring_open_mode: u32,
    /// `io_unlink.dfd`, or `u32::MAX`
    pub uring_unlink_dirfd: u32,
    /// `io_unlink.filename`, or `u32::MAX`
    pub uring_unlink_name: u32,
    /// `io_unlink.flags`, or `u32::MAX`
    pub uring_unlink_flags: u32,
    /// `io_mkdir.dfd`, or `u32::MAX`
    pub uring_mkdir_dirfd: u32,
    /// `io_mkdir.filename`, or `u32::MAX`
    pub uring_mkdir_name: u32,
    /// `io_rename.old_dfd`, or `u32::MAX`
    pub uring_rename_dirfd: u32,
    /// `io_rename.oldpath`, or `u32::MAX`
    pub uring_rename_name: u32,
    /// `io_rename.new_dfd`, or `u32::MAX`
    pub uring_rename_new_dirfd: u32,
    /// `io_rename.newpath`, or `u32::MAX`
    pub uring_rename_new_name: u32,
    /// `io_rename.flags`, or `u32::MAX`
    pub uring_rename_flags: u32,
    /// `io_link.old_dfd`, or `u32::MAX`
    pub uring_link_dirfd: u32,
    /// `io_link.oldpath`, or `u32::MAX`
    pub uring_link_name: u32,
    /// `io_link.new_dfd`, or `u32::MAX`
    pub uring_link_new_dirfd: u32,
    /// `io_link.newpath`, or `u32::MAX`
    pub uring_link_new_name: u32,
    /// `filename.name`
    pub filename_name: u32,
    /// `signal_struct.pids[PIDTYPE_SID]`
    pub signal_session: u32,
    /// `dentry.d_shortname`, before Linux 6.14 `d_iname`
    pub dentry_inline: u32,
    /// `inode.i_ctime_sec`, before Linux 6.11 in `__i_ctime` or `i_ctime`
    pub inode_ctime_sec: u32,
    /// `inode.i_ctime_nsec`, likewise
    pub inode_ctime_nsec: u32,
    /// From `ovl_inode.vfs_inode` to `ovl_inode.__upperdentry`
    pub inode_to_upper: u32,
    /// `tty_file_private.tty`
    pub tty_file_tty: u32,
    /// `pid.numbers[0].nr`: the number in the initial pid namespace
    pub pid_number: u32,
    /// `io_kiocb.cqe.fd`: the descriptor, until the request is over; or `u32::MAX`
    pub uring_fd: u32,
    /// `io_kiocb.flags`, or `u32::MAX`
    pub uring_flags: u32,
    /// `io_close.fd`, or `u32::MAX`
    pub uring_close_fd: u32,
    /// `io_ftrunc.len`, or `u32::MAX`
    pub uring_truncate_len: u32,
    /// `io_xattr.ctx.kname`, or `u32::MAX`
    pub uring_attribute: u32,
    /// `io_xattr.filename`, or `u32::MAX`
    pub uring_attribute_name: u32,
    /// `io_socket.domain`, followed by type and protocol, or `u32::MAX`
    pub uring_socket: u32,
}
