//! System calls that change who a process is and what it may do.

mod support;

use std::fs::File;

use support::{Recorded, call, in_child, record};
use taffrail_probes::abi::{Kind, call::nr};

const PR_SET_NAME: u32 = 15;
const PR_GET_NAME: u32 = 16;
const PR_SET_NO_NEW_PRIVS: u32 = 38;
const CLONE_NEWUTS: u32 = 0x0400_0000;
const CAP_NET_RAW: u64 = 1 << 13;

/// Records a child that does this.
fn record_child(action: impl FnOnce()) -> (Recorded, u32) {
    let mut pid = 0;
    let recorded = record(|| pid = in_child(action));
    (recorded, pid)
}

#[test]
fn a_new_name_and_no_new_privileges_are_told_and_questions_are_not() {
    let (recorded, pid) = record_child(|| {
        assert_eq!(call(nr::PRCTL, &[&PR_SET_NAME, &c"kworker/0:1"]), 0);
        assert_eq!(call(nr::PRCTL, &[&PR_GET_NAME, &&mut [0_u8; 16][..]]), 0);
        assert_eq!(call(nr::PRCTL, &[&PR_SET_NO_NEW_PRIVS, &1, &0, &0, &0]), 0);
    });
    let told = recorded.calls_of(pid, nr::PRCTL);
    assert_eq!(told.len(), 2, "{told:?}");
    assert_eq!((told[0].kind, told[0].call.args[0], &told[0].data[..]), (Kind::Privilege, 15, &b"kworker/0:1"[..]));
    assert_eq!((&told[1].call.args[..2], &told[1].data[..]), (&[38, 1][..], &b""[..]));
    assert_eq!(support::comm(&told[1].header), "kworker/0:1");
}

#[test]
fn new_ids_are_told_as_they_are_after_the_call() {
    let (recorded, pid) = record_child(|| {
        assert_eq!(call(nr::SETGROUPS, &[&1, &&[1010_u32][..]]), 0);
        assert_eq!(call(nr::SETRESGID, &[&1000, &1001, &1002]), 0);
        assert_eq!(call(nr::SETRESUID, &[&2000, &2001, &2002]), 0);
        assert_eq!(call(nr::SETUID, &[&0]), -1);
    });
    let groups = recorded.only(pid, nr::SETRESGID).credentials.expect("credentials");
    assert_eq!((groups.gid, groups.egid, groups.sgid, groups.fsgid), (1000, 1001, 1002, 1001));
    let call = recorded.only(pid, nr::SETRESUID);
    let users = call.credentials.expect("credentials");
    assert_eq!((users.uid, users.euid, users.suid, users.fsuid), (2000, 2001, 2002, 2001));
    assert_eq!(users.effective, 0, "who is root no more has no capability in force");
    assert_eq!(call.call.args[..3], [2000, 2001, 2002]);
    assert_eq!(recorded.only(pid, nr::SETUID).call.result, -1, "a failure is told as well");
    assert_eq!(recorded.calls_of(pid, nr::SETGROUPS).len(), 1);
}

#[test]
fn a_capability_given_up_is_missing_afterwards() {
    /// `capget`
    const CAPGET: u16 = 125;
    let mut before = 0;
    let mut pid = 0;
    // struct __user_cap_header_struct of version 3 for this process, and two of __user_cap_data_struct
    let header = [0x2008_0522_u32, 0];
    let mut sets = [0_u8; 24];
    assert_eq!(call(CAPGET, &[&&header[..], &&mut sets[..]]), 0);
    let recorded = record(|| {
        before = u64::from(u32::from_ne_bytes(sets[..4].try_into().expect("a word")));
        pid = in_child(|| {
            let mut less = sets;
            less[1] &= !(CAP_NET_RAW >> 8) as u8;
            assert_eq!(call(nr::CAPSET, &[&&header[..], &less]), 0);
        });
    });
    let after = recorded.only(pid, nr::CAPSET).credentials.expect("credentials");
    assert_ne!(before & CAP_NET_RAW, 0, "this test needs CAP_NET_RAW");
    assert_eq!(after.effective & 0xFFFF_FFFF, before & !CAP_NET_RAW);
    assert_ne!(after.permitted & CAP_NET_RAW, 0);
}

#[test]
fn namespaces_left_and_entered_are_told() {
    let namespace = File::open("/proc/self/ns/uts").expect("this namespace");
    let (recorded, pid) = record_child(|| {
        assert_eq!(call(nr::UNSHARE, &[&CLONE_NEWUTS]), 0);
        assert_eq!(call(nr::SETHOSTNAME, &[&c"elsewhere", &9]), 0);
        assert_eq!(call(nr::SETNS, &[&namespace, &CLONE_NEWUTS]), 0);
        assert_eq!(call(nr::SETNS, &[&9999, &0]), -9);
    });
    assert_eq!(recorded.only(pid, nr::UNSHARE).call.args[0], CLONE_NEWUTS.into());
    let entered: Vec<i64> = recorded.calls_of(pid, nr::SETNS).iter().map(|it| it.call.result).collect();
    assert_eq!(entered, [0, -9]);
    let name = recorded.only(pid, nr::SETHOSTNAME);
    assert_eq!((name.kind, &name.data[..9]), (Kind::Kernel, &b"elsewhere"[..]));
}

#[test]
fn seccomp_keys_and_roots_are_told() {
    const SECCOMP_SET_MODE_STRICT: u32 = 0;
    const KEYCTL_GET_KEYRING_ID: u32 = 0;
    const SESSION_KEYRING: i32 = -3;
    let (_directory, place) = support::place();
    let (recorded, pid) = record_child(|| {
        call(nr::KEYCTL, &[&KEYCTL_GET_KEYRING_ID, &SESSION_KEYRING, &1]);
        call(nr::ADD_KEY, &[&c"user", &c"taffrail:key", b"secret", &6, &SESSION_KEYRING]);
        assert_eq!(call(nr::CHROOT, &[&support::c_path(&place)]), 0);
        assert_eq!(call(nr::SECCOMP, &[&SECCOMP_SET_MODE_STRICT, &1, &0]), -22, "a flag that is none");
    });
    assert_eq!(recorded.only(pid, nr::KEYCTL).call.args[1] as u32, SESSION_KEYRING.cast_unsigned());
    assert_eq!(recorded.only(pid, nr::ADD_KEY).data, b"taffrail:key");
    assert_eq!(recorded.only(pid, nr::CHROOT).told(), ("", support::text(&place).as_str(), 0));
    assert_eq!(recorded.only(pid, nr::SECCOMP).call.result, -22);
    for it in recorded.calls(pid).iter().filter(|it| it.kind == Kind::Privilege) {
        assert!(it.credentials.is_some(), "{it:?}");
    }
}
