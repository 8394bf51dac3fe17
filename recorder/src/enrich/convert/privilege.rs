//! Privileges changed or asked for.

use super::words::{self, named};
use super::{abi, first_name, id, joined, process, rewritten};
use taffrail_probes::Names;
use taffrail_probes::abi::call::{Call, call_flags, nr};
use taffrail_probes::abi::{Header, process::Credentials};
use taffrail_trace::event::{PrivilegeEvent, PrivilegeOp};
use taffrail_trace::text;

/// What a record of this family says; `None` for a call of another one.
pub fn privilege(
    header: &Header,
    call: &Call,
    names: &Names<'_>,
    credentials: Option<&Credentials>,
) -> Option<PrivilegeEvent> {
    use PrivilegeOp as Op;
    let [first, second, third, ..] = call.args;
    let ids = |values: &[(&str, u64)]| -> String {
        let given = values.iter().filter(|(_, value)| id(*value) != u32::MAX);
        given.map(|(name, value)| format!("{name} {}", id(*value))).collect::<Vec<_>>().join(", ")
    };
    let data = || text::from_bytes(names.data);
    let (op, syscall, detail) = match call.nr {
        nr::SETUID => (Op::Setuid, "setuid", ids(&[("uid", first)])),
        nr::SETREUID => (Op::Setuid, "setreuid", ids(&[("ruid", first), ("euid", second)])),
        nr::SETRESUID => (Op::Setuid, "setresuid", ids(&[("ruid", first), ("euid", second), ("suid", third)])),
        nr::SETFSUID => (Op::Setuid, "setfsuid", ids(&[("fsuid", first)])),
        nr::SETGID => (Op::Setgid, "setgid", ids(&[("gid", first)])),
        nr::SETREGID => (Op::Setgid, "setregid", ids(&[("rgid", first), ("egid", second)])),
        nr::SETRESGID => (Op::Setgid, "setresgid", ids(&[("rgid", first), ("egid", second), ("sgid", third)])),
        nr::SETFSGID => (Op::Setgid, "setfsgid", ids(&[("fsgid", first)])),
        nr::SETGROUPS => (Op::Setgroups, "setgroups", format!("{} groups", first as u32)),
        nr::CAPSET => (Op::Capset, "capset", String::new()),
        nr::PRCTL => (Op::Prctl, "prctl", prctl(first, second, &data)),
        nr::SETNS => (Op::Setns, "setns", setns(first, second)),
        nr::UNSHARE => (Op::Unshare, "unshare", words::bits(first, words::CLONE)),
        nr::KEYCTL => (Op::Keyctl, "keyctl", named(first, words::KEYCTL, "KEYCTL_")),
        nr::ADD_KEY => (Op::Keyctl, "add_key", data()),
        nr::REQUEST_KEY => (Op::Keyctl, "request_key", data()),
        nr::SECCOMP => (Op::Seccomp, "seccomp", named(first, words::SECCOMP, "SECCOMP_")),
        nr::CHROOT => (Op::Chroot, "chroot", chroot(header, call, names)),
        _ => return None,
    };
    Some(PrivilegeEvent {
        op,
        syscall: syscall.to_owned(),
        detail,
        result: call.result,
        credentials: credentials.map(process::credentials),
        abi: abi(header),
    })
}

fn prctl(option: u64, value: u64, data: &dyn Fn() -> String) -> String {
    const SET_NAME: u64 = 15;
    const CAPBSET_DROP: u64 = 24;
    let option_name = named(option, words::PRCTL, "PR_");
    match option {
        SET_NAME => format!("{option_name} {}", data()),
        CAPBSET_DROP => format!("{option_name} {}", named(value, words::CAPABILITIES, "CAP_")),
        _ => format!("{option_name} {value}"),
    }
}

/// The kinds of namespace asked for, or "any" where the descriptor decides.
fn setns(fd: u64, flags: u64) -> String {
    let kinds = if flags as u32 == 0 { "any".to_owned() } else { words::bits(flags, words::CLONE) };
    format!("{kinds} of fd {}", fd as i32)
}

/// The new root, and what the program had asked for when the call began, where that was another one.
fn chroot(header: &Header, call: &Call, names: &Names<'_>) -> String {
    let (path, _) = first_name(header, call, names.base, names.path);
    if rewritten(call, call_flags::ENTERED, names.entered, names.path) {
        return format!("{path} ({} when the call began)", joined(header, call, names.base, names.entered));
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    fn detail(nr: u16, args: [u64; 6], data: &[u8]) -> String {
        let call = Call { nr, args, ..Call::default() };
        let names = Names { data, ..Names::default() };
        privilege(&Header::default(), &call, &names, None).expect("a call on privileges").detail
    }

    #[test]
    fn arguments_are_said_in_words() {
        assert_eq!(detail(nr::SETRESUID, [0, u64::MAX, 1000, 0, 0, 0], b""), "ruid 0, suid 1000");
        assert_eq!(detail(nr::UNSHARE, [0x2000_0000 | 0x0002_0000, 0, 0, 0, 0, 0], b""), "CLONE_NEWNS|CLONE_NEWPID");
        assert_eq!(detail(nr::PRCTL, [15, 0x7fff, 0, 0, 0, 0], b"[kworker/0]"), "PR_SET_NAME [kworker/0]");
        assert_eq!(detail(nr::PRCTL, [38, 1, 0, 0, 0, 0], b""), "PR_SET_NO_NEW_PRIVS 1");
        assert_eq!(detail(nr::PRCTL, [24, 21, 0, 0, 0, 0], b""), "PR_CAPBSET_DROP CAP_SYS_ADMIN");
        assert_eq!(detail(nr::SETNS, [5, 0, 0, 0, 0, 0], b""), "any of fd 5");
    }
}
