//! Execs and exits.

use super::super::processes::Ran;
use super::network::addr;
use super::walked;
use taffrail_probes::abi::Header;
use taffrail_probes::abi::process::{
    Credentials as RawCredentials, Exec, Exit as RawExit, Namespaces as RawNamespaces, Stdio as RawStdio, exec_flags,
};
use taffrail_trace::event::{Credentials, Endpoint, ExeFile, Exit, Namespaces, Stdio};
use taffrail_trace::text;

/// The strings of an exec record.
#[derive(Clone, Copy, Debug, Default)]
pub struct Strings<'a> {
    /// Executable, walked.
    pub exe: &'a [u8],
    /// Working directory, walked.
    pub cwd: &'a [u8],
    /// What was asked to be run.
    pub name: &'a [u8],
    /// Arguments, each ended by a NUL.
    pub args: &'a [u8],
    /// Environment, each variable ended by a NUL.
    pub environment: &'a [u8],
}

/// What an exec record says.
pub fn exec(header: &Header, exec: &Exec, strings: &Strings<'_>) -> Ran {
    let tty_end = exec.tty.iter().position(|byte| *byte == 0).unwrap_or(exec.tty.len());
    let has = |flag: u16| exec.flags & flag != 0;
    Ran {
        exe: walked(header, strings.exe),
        exe_file: ExeFile {
            inode: exec.exe_inode,
            dev: exec.exe_dev,
            mode: exec.exe_mode,
            bytes: exec.exe_bytes,
            ctime_ns: exec.exe_ctime_ns,
            deleted: has(exec_flags::EXE_DELETED),
            memfd: has(exec_flags::EXE_MEMFD),
            upper: has(exec_flags::EXE_UPPER),
        },
        script: has(exec_flags::SCRIPT).then(|| text::from_bytes(strings.name)),
        args: list(strings.args),
        args_cut: has(exec_flags::ARGS_CUT),
        environment: list(strings.environment),
        cwd: walked(header, strings.cwd),
        stdio: [stdio(&exec.stdio[0]), stdio(&exec.stdio[1]), stdio(&exec.stdio[2])],
        credentials: credentials(&exec.credentials),
        namespaces: namespaces(&exec.namespaces),
        login_uid: (exec.login_uid != u32::MAX).then_some(exec.login_uid),
        tty: (tty_end > 0).then(|| text::from_bytes(&exec.tty[..tty_end])),
        parent: exec.parent,
    }
}

/// Texts that are each ended by a NUL.
fn list(bytes: &[u8]) -> Vec<String> {
    if bytes.is_empty() {
        return Vec::new();
    }
    bytes.strip_suffix(&[0]).unwrap_or(bytes).split(|byte| *byte == 0).map(text::from_bytes).collect()
}

/// Ids and capabilities.
pub fn credentials(raw: &RawCredentials) -> Credentials {
    Credentials {
        uid: raw.uid,
        gid: raw.gid,
        suid: raw.suid,
        sgid: raw.sgid,
        euid: raw.euid,
        egid: raw.egid,
        fsuid: raw.fsuid,
        fsgid: raw.fsgid,
        permitted: raw.permitted,
        effective: raw.effective,
        bounding: raw.bounding,
    }
}

/// Namespaces.
pub fn namespaces(raw: &RawNamespaces) -> Namespaces {
    Namespaces {
        mount: raw.mount,
        pid: raw.pid,
        network: raw.network,
        uts: raw.uts,
        ipc: raw.ipc,
        cgroup: raw.cgroup,
        user: raw.user,
    }
}

fn stdio(raw: &RawStdio) -> Stdio {
    // The type bits of a mode, as stat(2) has them.
    match raw.mode & 0o170_000 {
        0 => Stdio::Closed,
        0o100_000 => Stdio::File,
        0o040_000 => Stdio::Directory,
        0o020_000 => Stdio::CharDevice,
        0o060_000 => Stdio::BlockDevice,
        0o010_000 => Stdio::Pipe,
        0o140_000 => match (addr(raw.family, raw.local_addr), addr(raw.family, raw.remote_addr)) {
            (Some(local), Some(remote)) => Stdio::Inet {
                local: Endpoint { addr: local, port: raw.local_port },
                remote: Endpoint { addr: remote, port: raw.remote_port },
            },
            _ => Stdio::Socket,
        },
        _ => Stdio::Unknown,
    }
}

/// How a process ended, from the status that `wait` gets.
pub fn exit(raw: &RawExit, threads: u32) -> Exit {
    match raw.status & 0x7f {
        0 => Exit { code: Some((raw.status >> 8 & 0xff) as i32), signal: None, threads },
        signal => Exit { code: None, signal: Some(signal as i32), threads },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_an_exit_code_or_a_signal_and_never_both() {
        assert_eq!(exit(&RawExit { status: 0x0300, pad: 0 }, 2), Exit { code: Some(3), signal: None, threads: 2 });
        assert_eq!(exit(&RawExit { status: 0x008b, pad: 0 }, 0), Exit { code: None, signal: Some(11), threads: 0 });
    }

    #[test]
    fn an_empty_argument_is_an_argument() {
        assert_eq!(list(b"sh\0\0-c\0"), ["sh", "", "-c"]);
        assert_eq!(list(b""), Vec::<String>::new());
        assert_eq!(list(b"\0"), [""]);
    }
}
