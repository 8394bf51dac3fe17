//! `/proc/PID/net`: the sockets of a network namespace.

use crate::proc::parsed;
use std::collections::{HashMap, HashSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use taffrail_trace::event::Endpoint;
use taffrail_trace::state::{FileKind, Process, Socket};
use taffrail_trace::text;

/// The kernel's files and what their sockets speak.
pub const FILES: [(&str, &str); 11] = [
    ("tcp", "tcp"),
    ("tcp6", "tcp"),
    ("udp", "udp"),
    ("udp6", "udp"),
    ("udplite", "udp"),
    ("icmp", "icmp"),
    ("icmp6", "icmp"),
    ("raw", "raw"),
    ("raw6", "raw"),
    ("packet", "packet"),
    ("unix", "unix"),
];
/// A TCP socket that listens, and one that nobody connected; as the kernel numbers them.
const LISTEN: u8 = 10;
const ESTABLISHED: u8 = 1;
/// `__SO_ACCEPTCON`: a unix socket listens.
const ACCEPTS: u32 = 1 << 16;

/// Who has a socket open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Owner {
    /// Position of the process with the lowest pid.
    process: u32,
    /// Its lowest descriptor.
    fd: u32,
    /// How many processes.
    count: u32,
}

/// The owners of every socket that a descriptor was seen of, by inode. Processes come by pid.
pub fn owners<'a>(processes: impl Iterator<Item = &'a Process>) -> HashMap<u64, Owner> {
    let mut owners: HashMap<u64, Owner> = HashMap::new();
    for (at, process) in (0..).zip(processes) {
        let mut counted = HashSet::new();
        for file in process.files.iter().filter(|file| file.kind == FileKind::Socket) {
            let Some(inode) = file.inode.filter(|inode| counted.insert(*inode)) else { continue };
            let owner = owners.entry(inode).or_insert(Owner { process: at, fd: file.fd, count: 0 });
            owner.count += 1;
        }
    }
    owners
}

/// Says of a socket who has it.
pub fn own(socket: &mut Socket, owners: &HashMap<u64, Owner>) {
    if let Some(owner) = owners.get(&socket.inode) {
        (socket.owner, socket.fd, socket.owners) = (Some(owner.process), Some(owner.fd), owner.count);
    }
}

/// The sockets in one of the kernel's files.
pub fn sockets(protocol: &str, bytes: &[u8]) -> Vec<Socket> {
    match protocol {
        "unix" => unix(bytes),
        "packet" => bytes.split(|byte| *byte == b'\n').filter_map(packet).collect(),
        _ => bytes.split(|byte| *byte == b'\n').filter_map(|line| internet(protocol, line)).collect(),
    }
}

fn words(line: &[u8]) -> Vec<&[u8]> {
    line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()).take(10).collect()
}

/// `sl local remote st tx:rx tr:when retrnsmt uid timeout inode ...`; the first line has names in their places.
fn internet(protocol: &str, line: &[u8]) -> Option<Socket> {
    let words = words(line);
    let [_, local, remote, state, queues, _, _, uid, _, inode] = words[..] else { return None };
    let (mut local, remote) = (end(local)?, end(remote)?);
    let state = hex(state).and_then(|state| u8::try_from(state).ok())?;
    let at = queues.iter().position(|byte| *byte == b':')?;
    let (sent, received) = (hex(&queues[..at])?, hex(&queues[at + 1..])?);
    let listens = protocol == "tcp" && state == LISTEN;
    let is_raw = protocol == "raw";
    // The place of a raw socket's port has its protocol, that of an ICMP socket an identifier of echoes.
    let number = is_raw.then_some(local.port);
    if is_raw {
        local.port = 0;
    }
    Some(Socket {
        protocol: protocol.to_owned(),
        socket_type: Some(
            if protocol == "tcp" {
                "stream"
            } else if is_raw {
                "raw"
            } else {
                "dgram"
            }
            .to_owned(),
        ),
        state: word(protocol, state).to_owned(),
        local: Some(local),
        remote: Some(remote).filter(|end| !end.addr.is_unspecified() || end.port != 0),
        protocol_number: number,
        uid: parsed(uid),
        receive_queue: (!listens).then_some(received),
        send_queue: (!listens).then_some(sent),
        backlog: listens.then(|| u32::try_from(received).unwrap_or(u32::MAX)),
        inode: parsed(inode)?,
        ..Socket::default()
    })
}

/// The state as netstat says it.
fn word(protocol: &str, state: u8) -> &'static str {
    if protocol != "tcp" {
        return if state == ESTABLISHED { "CONNECTED" } else { "UNCONNECTED" };
    }
    match state {
        ESTABLISHED => "ESTABLISHED",
        2 => "SYN_SENT",
        3 | 12 => "SYN_RECV",
        4 => "FIN_WAIT1",
        5 => "FIN_WAIT2",
        6 => "TIME_WAIT",
        7 => "CLOSE",
        8 => "CLOSE_WAIT",
        9 => "LAST_ACK",
        LISTEN => "LISTEN",
        11 => "CLOSING",
        _ => "UNKNOWN",
    }
}

/// `0100007F:1F90`: the address in 32-bit words of the machine's own order, the port as people read it.
fn end(text: &[u8]) -> Option<Endpoint> {
    let at = text.iter().position(|byte| *byte == b':')?;
    let (addr, port) = (&text[..at], u16::try_from(hex(&text[at + 1..])?).ok()?);
    let four = |digits: &[u8]| hex(digits).and_then(|word| u32::try_from(word).ok()).map(u32::to_ne_bytes);
    let addr = match addr.len() {
        8 => IpAddr::from(Ipv4Addr::from(four(addr)?)),
        32 => {
            let mut bytes = [0; 16];
            for (part, digits) in bytes.chunks_exact_mut(4).zip(addr.chunks_exact(8)) {
                part.copy_from_slice(&four(digits)?);
            }
            IpAddr::from(Ipv6Addr::from(bytes)).to_canonical()
        }
        _ => return None,
    };
    Some(Endpoint { addr, port })
}

/// `sk RefCnt Type Proto Iface R Rmem User Inode`.
fn packet(line: &[u8]) -> Option<Socket> {
    let words = words(line);
    let [_, _, kind, protocol, _, _, received, uid, inode] = words[..] else { return None };
    Some(Socket {
        protocol: "packet".to_owned(),
        socket_type: parsed(kind).and_then(socket_type),
        state: "UNCONNECTED".to_owned(),
        protocol_number: hex(protocol).and_then(|number| u16::try_from(number).ok()),
        receive_queue: parsed(received),
        uid: parsed(uid),
        inode: parsed(inode)?,
        ..Socket::default()
    })
}

/// `Num RefCount Protocol Flags Type St Inode Path`. The kernel writes a name as it is, line breaks too: a line that is no
/// socket goes on with the name before. A name can have a whole line in it that looks like another socket; where that
/// has the inode of a real one, both are doubtful.
fn unix(bytes: &[u8]) -> Vec<Socket> {
    let mut found: Vec<(Socket, Option<Vec<u8>>)> = Vec::new();
    let bytes = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    for line in bytes.split(|byte| *byte == b'\n') {
        match (unix_head(line), found.last_mut()) {
            (Some((socket, path)), _) => found.push((socket, path.map(<[u8]>::to_vec))),
            (None, Some((_, Some(path)))) => {
                path.push(b'\n');
                path.extend_from_slice(line);
            }
            // The line with the names of the columns.
            (None, _) => {}
        }
    }
    let mut times: HashMap<u64, u32> = HashMap::new();
    for (socket, _) in found.iter().filter(|(socket, _)| socket.inode != 0) {
        *times.entry(socket.inode).or_default() += 1;
    }
    let named = |(socket, path): (Socket, Option<Vec<u8>>)| Socket {
        path: path.as_deref().map(text::from_bytes),
        doubtful: times.get(&socket.inode).is_some_and(|times| *times > 1),
        ..socket
    };
    found.into_iter().map(named).collect()
}

/// The part of a line that the kernel makes, digit for digit, and the name behind it.
fn unix_head(line: &[u8]) -> Option<(Socket, Option<&[u8]>)> {
    let at = line.iter().position(|byte| *byte == b':')?;
    if at < 8 || hex(&line[..at]).is_none() {
        return None;
    }
    let mut rest = &line[at + 1..];
    let mut fields = [0; 5];
    for (field, digits) in fields.iter_mut().zip([8, 8, 8, 4, 2]) {
        *field = hex(rest.strip_prefix(b" ")?.get(..digits)?)?;
        rest = &rest[1 + digits..];
    }
    let [_, _, flags, kind, state] = fields;
    rest = rest.strip_prefix(b" ")?.trim_ascii_start();
    let end = rest.iter().position(|byte| *byte == b' ').unwrap_or(rest.len());
    let inode = parsed(&rest[..end])?;
    let path = rest.get(end + 1..);
    let state = match state {
        _ if flags & u64::from(ACCEPTS) != 0 => "LISTEN",
        2 => "CONNECTING",
        3 => "CONNECTED",
        4 => "DISCONNECTING",
        _ => "UNCONNECTED",
    };
    let socket = Socket {
        protocol: "unix".to_owned(),
        socket_type: u32::try_from(kind).ok().and_then(socket_type),
        state: state.to_owned(),
        inode,
        ..Socket::default()
    };
    Some((socket, path))
}

/// `SOCK_STREAM` and so on by number.
fn socket_type(number: u32) -> Option<String> {
    let word = match number {
        1 => "stream",
        2 => "dgram",
        3 => "raw",
        5 => "seqpacket",
        _ => return None,
    };
    Some(word.to_owned())
}

/// Hexadecimal digits and nothing else.
fn hex(bytes: &[u8]) -> Option<u64> {
    let digits = std::str::from_utf8(bytes).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
    u64::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::net::{TcpListener, TcpStream, UdpSocket};
    use taffrail_trace::state::File;

    const HEAD: &str =
        "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n";

    fn ends(socket: &Socket) -> (Option<String>, Option<String>) {
        (socket.local.map(|end| end.to_string()), socket.remote.map(|end| end.to_string()))
    }

    #[test]
    fn a_listener_and_a_connection_are_read_as_netstat_shows_them() {
        let lines = format!(
            "{HEAD}   0: 00000000:1F90 00000000:0000 0A 00000000:00000003 00:00000000 00000000  1000        0 4711 1 0000 100 0 0 10 0\n   \
             1: 0100007F:8888 0100007F:1F90 01 0000000C:00000005 01:00000014 00000000     0        0 4712 2 0000\n   \
             2: 0100007F:1F90 0100007F:8888 06 00000000:00000000 03:00000F00 00000000     0        0 0 3 0000\n"
        );
        let found = sockets("tcp", lines.as_bytes());
        assert_eq!(found.len(), 3);
        let some = |text: &str| Some(text.to_owned());
        assert_eq!((found[0].state.as_str(), ends(&found[0])), ("LISTEN", (some("0.0.0.0:8080"), None)));
        assert_eq!((found[0].backlog, found[0].receive_queue, found[0].uid), (Some(3), None, Some(1000)));
        assert_eq!(found[1].state, "ESTABLISHED");
        assert_eq!(ends(&found[1]), (some("127.0.0.1:34952"), some("127.0.0.1:8080")));
        assert_eq!((found[1].send_queue, found[1].receive_queue, found[1].backlog), (Some(12), Some(5), None));
        assert_eq!((found[2].state.as_str(), found[2].inode), ("TIME_WAIT", 0));
    }

    #[test]
    fn addresses_of_version_6_are_read_and_those_of_version_4_in_them_shown_as_such() {
        let line =
            |addr: &str| format!("0: {addr}:0050 00000000000000000000000000000000:0000 0A 0:0 00:0 0 0 0 9 1 0\n");
        let addr = |text: &str| ends(&sockets("tcp", line(text).as_bytes())[0]).0.expect("an address");
        assert_eq!(addr("00000000000000000000000000000000"), "[::]:80");
        assert_eq!(addr("00000000000000000000000001000000"), "[::1]:80");
        assert_eq!(addr("B80D0120000000000000000001000000"), "[2001:db8::1]:80");
        assert_eq!(addr("0000000000000000FFFF00000100007F"), "127.0.0.1:80");
    }

    #[test]
    fn datagrams_raw_and_packet_sockets_have_their_own_words() {
        let udp = b"  5: 00000000:0035 00000000:0000 07 00000000:00000100 00:0 0 0 0 77 2 0 0\n";
        let udp = &sockets("udp", udp)[0];
        assert_eq!((udp.state.as_str(), udp.socket_type.as_deref()), ("UNCONNECTED", Some("dgram")));
        assert_eq!(udp.receive_queue, Some(256));
        let raw = &sockets("raw", b"  1: 00000000:0001 00000000:0000 07 00000000:00000000 00:0 0 0 0 78 2 0 0\n")[0];
        assert_eq!((raw.protocol_number, raw.local.map(|end| end.port)), (Some(1), Some(0)));
        let packet = b"sk               RefCnt Type Proto  Iface R Rmem   User   Inode\n0000000012345678 3      3    0003   2     1 64     0      79\n";
        let packet = &sockets("packet", packet)[..];
        assert_eq!(packet.len(), 1);
        assert_eq!(
            (packet[0].protocol_number, packet[0].socket_type.as_deref(), packet[0].inode),
            (Some(3), Some("raw"), 79)
        );
    }

    fn line(flags: u32, kind: u16, state: u8, inode: u64, name: &str) -> String {
        let name = if name.is_empty() { String::new() } else { format!(" {name}") };
        format!("00000000cfaa4d06: 00000002 00000000 {flags:08X} {kind:04X} {state:02X} {inode:5}{name}\n")
    }

    const NAMES: &str = "Num       RefCount Protocol Flags    Type St Inode Path\n";

    #[test]
    fn unix_sockets_have_their_names_whatever_is_in_them() {
        let lines = [
            NAMES,
            &line(0x10000, 1, 1, 12, "/run/docker.sock"),
            &line(0, 2, 1, 13, ""),
            &line(0, 5, 3, 123_456, "@abstract name @"),
            &line(0, 1, 3, 14, "/tmp/two\nlines \n"),
            &line(0, 1, 3, 0, ""),
            &line(0, 1, 1, 15, "\nrelative"),
        ]
        .concat();
        let found = sockets("unix", lines.as_bytes());
        let told: Vec<_> =
            found.iter().map(|it| (it.state.as_str(), it.inode, it.path.as_deref(), it.doubtful)).collect();
        let expected = [
            ("LISTEN", 12, Some("/run/docker.sock"), false),
            ("UNCONNECTED", 13, None, false),
            ("CONNECTED", 123_456, Some("@abstract name @"), false),
            ("CONNECTED", 14, Some("/tmp/two\nlines \n"), false),
            ("CONNECTED", 0, None, false),
            ("UNCONNECTED", 15, Some("\nrelative"), false),
        ];
        assert_eq!(told, expected);
        assert_eq!(found[2].socket_type.as_deref(), Some("seqpacket"));
    }

    #[test]
    fn a_name_that_plays_another_socket_makes_both_doubtful() {
        let forged = line(0x10000, 1, 1, 12, "/run/innocent.sock");
        let lines = [
            NAMES,
            &line(0, 2, 1, 13, &format!("/tmp/x\n{}", forged.trim_end())),
            &line(0x10000, 1, 1, 12, "/tmp/real"),
        ]
        .concat();
        let found = sockets("unix", lines.as_bytes());
        let told: Vec<_> = found.iter().map(|it| (it.path.as_deref(), it.doubtful)).collect();
        assert_eq!(told, [(Some("/tmp/x"), false), (Some("/run/innocent.sock"), true), (Some("/tmp/real"), true)]);
    }

    #[test]
    fn lines_that_are_cut_or_strange_are_passed_over() {
        for line in [
            "",
            "x",
            "0: 1:2 3:4 01",
            "0: 0100007F 00000000:0000 0A 0:0 0:0 0 0 0 9",
            "0: 010000:1 00000000:0000 0A 0:0 0:0 0 0 0 9",
        ] {
            assert_eq!(sockets("tcp", line.as_bytes()), [], "{line}");
            assert_eq!(sockets("packet", line.as_bytes()), [], "{line}");
            assert_eq!(sockets("unix", line.as_bytes()), [], "{line}");
        }
    }

    #[test]
    fn sockets_of_this_process_are_found_in_the_kernels_files() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("its end").port();
        let _client = TcpStream::connect(("127.0.0.1", port)).expect("connected");
        let udp = UdpSocket::bind("[::1]:0").expect("a port");
        let udp_port = udp.local_addr().expect("its end").port();
        let read = |name| std::fs::read(format!("/proc/self/net/{name}")).expect("the kernel's file");
        let found = sockets("tcp", &read("tcp"));
        let of = |state: &str, port| {
            found.iter().filter(|it| it.state == state && it.local.is_some_and(|end| end.port == port)).count()
        };
        assert_eq!((of("LISTEN", port), of("ESTABLISHED", port)), (1, 1), "nobody accepted it yet, and it is there");
        assert!(sockets("udp", &read("udp6")).iter().any(|it| it.local.is_some_and(|end| end.port == udp_port)));
        assert!(!sockets("unix", &read("unix")).is_empty());
    }

    #[test]
    fn a_socket_belongs_to_the_lowest_pid_that_has_it_and_all_are_counted() {
        let process = |pid, fds: &[(u32, u64)]| Process {
            pid,
            files: fds
                .iter()
                .map(|(fd, inode)| File { fd: *fd, kind: FileKind::Socket, inode: Some(*inode), ..File::default() })
                .collect(),
            ..Process::default()
        };
        let owners = owners([process(7, &[(4, 1)]), process(8, &[(3, 1), (5, 1), (6, 2)])].iter());
        let mut socket = Socket { inode: 1, ..Socket::default() };
        own(&mut socket, &owners);
        assert_eq!((socket.owner, socket.fd, socket.owners), (Some(0), Some(4), 2));
        let mut nobodys = Socket { inode: 3, ..Socket::default() };
        own(&mut nobodys, &owners);
        assert_eq!((nobodys.owner, nobodys.owners), (None, 0));
    }

    proptest! {
        #[test]
        fn an_end_comes_out_as_the_kernel_wrote_it(addr: u32, port: u16, six: u128) {
            let four = Ipv4Addr::from(addr.to_ne_bytes());
            prop_assert_eq!(end(format!("{addr:08X}:{port:04X}").as_bytes()), Some(Endpoint { addr: four.into(), port }));
            let bytes = six.to_be_bytes();
            let words = bytes.chunks_exact(4).map(|four| u32::from_ne_bytes([four[0], four[1], four[2], four[3]]));
            let words = words.map(|word| format!("{word:08X}")).collect::<Vec<_>>().concat();
            let expected = Endpoint { addr: IpAddr::from(Ipv6Addr::from(bytes)).to_canonical(), port };
            prop_assert_eq!(end(format!("{words}:{port:04X}").as_bytes()), Some(expected));
        }

        #[test]
        fn a_unix_name_comes_out_as_it_went_in(name in "[/@][^\\x00]{0,40}") {
            let lines = [NAMES, &line(0, 1, 1, 77, &name), &line(0, 1, 1, 78, "/after")].concat();
            let found = sockets("unix", lines.as_bytes());
            prop_assert_eq!(found.len(), 2);
            prop_assert_eq!(found[0].path.as_deref(), Some(name.as_str()));
        }

        #[test]
        fn no_bytes_make_the_parsers_panic(bytes: Vec<u8>) {
            for (_, protocol) in FILES {
                let _ = sockets(protocol, &bytes);
            }
        }
    }
}
