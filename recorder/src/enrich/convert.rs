//! The fixed parts of kernel records to the bodies of events: no state, no identity.

use super::processes::Ran;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use taffrail_probes::abi::file::{FileOp as Raw, file_flags};
use taffrail_probes::abi::header_flags::{PATH_CUT, STRING_CUT};
use taffrail_probes::abi::network::Flow;
use taffrail_probes::abi::process::{Exec, Exit as RawExit, Stdio as RawStdio, exec_flags};
use taffrail_probes::abi::{Header, Kind};
use taffrail_probes::walked_path;
use taffrail_trace::event::{Endpoint, Exit, FileEvent, FileOp, FlowEvent, FlowOp, FlowPhase, PathSource, Stdio};
use taffrail_trace::text;

const AF_INET: u16 = 2;
const AF_INET6: u16 = 10;
const O_CREAT: u32 = 0o100;

/// What an exec record says.
pub fn exec(header: &Header, exec: &Exec, exe: &[u8], cwd: &[u8], args: &[u8]) -> Ran {
    let cut = header.flags & PATH_CUT != 0;
    let args = match args.strip_suffix(&[0]).unwrap_or(args) {
        _ if args.is_empty() => Vec::new(),
        ended => ended.split(|byte| *byte == 0).map(text::from_bytes).collect(),
    };
    Ran {
        exe: text::from_bytes(&walked_path(exe, cut)),
        exe_inode: exec.exe_inode,
        exe_deleted: exec.flags & exec_flags::EXE_DELETED != 0,
        args,
        args_cut: header.flags & STRING_CUT != 0,
        cwd: text::from_bytes(&walked_path(cwd, cut)),
        stdio: [stdio(&exec.stdio[0]), stdio(&exec.stdio[1])],
        parent: exec.parent,
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

/// An address of the kernel's bytes; an IPv4 address in IPv6 clothes is shown as what it is.
fn addr(family: u16, bytes: [u8; 16]) -> Option<IpAddr> {
    match family {
        AF_INET => Some(Ipv4Addr::new(bytes[0], bytes[1], bytes[2], bytes[3]).into()),
        AF_INET6 => Some(IpAddr::from(Ipv6Addr::from(bytes)).to_canonical()),
        _ => None,
    }
}

/// How a process ended, from the status that `wait` gets.
pub fn exit(raw: &RawExit) -> Exit {
    match raw.status & 0x7f {
        0 => Exit { code: Some((raw.status >> 8 & 0xff) as i32), signal: None },
        signal => Exit { code: None, signal: Some(signal as i32) },
    }
}

/// The strings of a file record, in the record's order.
pub struct Names<'a> {
    /// Walked base, path, walked second base, second path.
    pub parts: [&'a [u8]; 4],
}

/// What a file record says.
pub fn file(header: &Header, kind: Kind, raw: &Raw, names: &Names<'_>) -> FileEvent {
    let cut = header.flags & PATH_CUT != 0;
    let [base, path, new_base, new_path] = names.parts;
    let from_kernel = raw.what & file_flags::KERNEL_PATH != 0;
    let op = match kind {
        Kind::Unlink if raw.what & file_flags::DIRECTORY != 0 => FileOp::Rmdir,
        Kind::Unlink => FileOp::Unlink,
        Kind::Rename => FileOp::Rename,
        Kind::Chmod => FileOp::Chmod,
        _ if raw.what & file_flags::CREATED != 0 => FileOp::Create,
        _ => FileOp::Open,
    };
    let is_open = matches!(op, FileOp::Open | FileOp::Create);
    let has_mode = op == FileOp::Chmod || is_open && raw.flags & O_CREAT != 0;
    let base_unknown = raw.what & file_flags::BASE_UNKNOWN != 0;
    FileEvent {
        op,
        path: if from_kernel {
            text::from_bytes(&walked_path(base, cut))
        } else {
            joined(base, path, cut, base_unknown)
        },
        new_path: (op == FileOp::Rename).then(|| joined(new_base, new_path, cut, base_unknown)),
        path_source: if from_kernel { PathSource::Kernel } else { PathSource::User },
        flags: raw.flags,
        mode: has_mode.then_some(raw.mode & 0o7777),
        result: raw.result.clamp(i64::from(i32::MIN), 0) as i32,
        fd: (is_open && raw.result >= 0).then(|| i32::try_from(raw.result).unwrap_or(i32::MAX)),
        inode: (raw.inode != 0).then_some(raw.inode),
    }
}

/// A name that a program passed, made absolute by the directory it is relative to and otherwise left as passed.
fn joined(base: &[u8], path: &[u8], cut: bool, base_unknown: bool) -> String {
    if path.first() == Some(&b'/') {
        return text::from_bytes(path);
    }
    let mut whole = if base_unknown { b"?".to_vec() } else { walked_path(base, cut) };
    if !path.is_empty() {
        if whole.last() != Some(&b'/') {
            whole.push(b'/');
        }
        whole.extend_from_slice(path);
    }
    text::from_bytes(&whole)
}

/// What a flow record says; `None` for an address family that no record can have.
pub fn flow(kind: Kind, raw: &Flow) -> Option<FlowEvent> {
    let op = match Kind::from_raw(raw.begun_as)? {
        Kind::Connect => FlowOp::Connect,
        Kind::Accept => FlowOp::Accept,
        Kind::Listen => FlowOp::Listen,
        _ => return None,
    };
    let phase = match kind {
        Kind::Established => FlowPhase::Established,
        Kind::FlowEnd => FlowPhase::End,
        _ => FlowPhase::Begin,
    };
    let local = Endpoint { addr: addr(raw.family, raw.local_addr)?, port: raw.local_port };
    let remote = Endpoint { addr: addr(raw.family, raw.remote_addr)?, port: raw.remote_port };
    Some(FlowEvent {
        flow_id: raw.flow_id,
        phase,
        op,
        start_ns: raw.start_ns,
        local,
        remote: (op != FlowOp::Listen).then_some(remote),
        bytes_sent: raw.bytes_sent,
        bytes_received: raw.bytes_received,
        result: -i32::try_from(raw.error).unwrap_or(i32::MAX),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_relative_name_is_joined_to_its_directory_and_an_absolute_one_left_alone() {
        assert_eq!(joined(b"work\0home\0", b"../x", false, false), "/home/work/../x");
        assert_eq!(joined(b"", b"/etc/passwd", false, false), "/etc/passwd");
        assert_eq!(joined(b"", b"x", false, false), "/x");
        assert_eq!(joined(b"", b"x", false, true), "?/x");
    }

    #[test]
    fn a_status_is_an_exit_code_or_a_signal_and_never_both() {
        assert_eq!(exit(&RawExit { status: 0x0300, pad: 0 }), Exit { code: Some(3), signal: None });
        assert_eq!(exit(&RawExit { status: 0x008b, pad: 0 }), Exit { code: None, signal: Some(11) });
    }

    #[test]
    fn an_empty_argument_is_an_argument() {
        let ran = exec(&Header::default(), &Exec::default(), b"", b"", b"sh\0\0-c\0");
        assert_eq!(ran.args, ["sh", "", "-c"]);
        assert_eq!(exec(&Header::default(), &Exec::default(), b"", b"", b"").args, Vec::<String>::new());
        assert_eq!(exec(&Header::default(), &Exec::default(), b"", b"", b"\0").args, [""]);
    }
}
