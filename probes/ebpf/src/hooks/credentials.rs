//! `struct cred` and the namespaces of a task.

use taffrail_probes_abi::process::{Credentials, Namespaces};

use crate::{
    globals::offset,
    kernel::{current, read},
    record::{Memory, Strings},
};

/// The running task's credentials.
///
/// # Safety
///
/// `to` must be writable, in a way that the verifier sees.
#[inline(always)]
pub unsafe fn fill(to: *mut Credentials) {
    let Some(cred) = current().follow(offset!(task_cred)) else {
        return;
    };
    // The ids stand together, and so do the sets of capabilities, in this order since Linux 2.6.29 and 4.3.
    let ids: [u32; 8] = read(cred.address() + offset!(cred_uid));
    let sets: [u64; 5] = read(cred.address() + offset!(cred_cap_inheritable));
    // SAFETY: by this function's own contract.
    unsafe {
        (*to).uid = ids[0];
        (*to).gid = ids[1];
        (*to).suid = ids[2];
        (*to).sgid = ids[3];
        (*to).euid = ids[4];
        (*to).egid = ids[5];
        (*to).fsuid = ids[6];
        (*to).fsgid = ids[7];
        (*to).inheritable = sets[0];
        (*to).permitted = sets[1];
        (*to).effective = sets[2];
        (*to).bounding = sets[3];
        (*to).ambient = sets[4];
    }
}

/// Adds the running task's credentials as a string; gives its bytes.
#[inline(always)]
pub fn push(strings: Strings) -> u64 {
    let Some(cred) = current().follow(offset!(task_cred)) else {
        return 0;
    };
    let ids = strings.push_bytes(cred.address() + offset!(cred_uid), 32, Memory::Kernel);
    let sets = strings.push_bytes(cred.address() + offset!(cred_cap_inheritable), 40, Memory::Kernel);
    ids.unwrap_or(0) + sets.unwrap_or(0)
}

/// Inode numbers of a task's namespaces. `task` is the address of any task.
#[inline(always)]
pub fn namespaces(task: u64) -> Namespaces {
    let nsproxy: u64 = read(task + offset!(task_nsproxy));
    let cred: u64 = read(task + offset!(task_cred));
    let user: u64 = read(cred + offset!(cred_user_ns));
    let inum = |namespace: u64, ns: u64| -> u32 {
        if namespace == 0 { 0 } else { read(namespace + ns + offset!(ns_common_inum)) }
    };
    if nsproxy == 0 {
        return Namespaces::default();
    }
    Namespaces {
        mount: inum(read(nsproxy + offset!(nsproxy_mnt)), offset!(mnt_namespace_ns)),
        pid: inum(read(nsproxy + offset!(nsproxy_pid)), offset!(pid_namespace_ns)),
        network: inum(read(nsproxy + offset!(nsproxy_net)), offset!(net_ns)),
        uts: inum(read(nsproxy + offset!(nsproxy_uts)), offset!(uts_namespace_ns)),
        ipc: inum(read(nsproxy + offset!(nsproxy_ipc)), offset!(ipc_namespace_ns)),
        cgroup: inum(read(nsproxy + offset!(nsproxy_cgroup)), offset!(cgroup_namespace_ns)),
        user: inum(user, offset!(user_namespace_ns)),
        pad: 0,
    }
}
