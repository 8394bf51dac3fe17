//! Flows, and sockets that make none.

use super::{abi, outcome, walked};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use taffrail_probes::Names;
use taffrail_probes::abi::call::{Call, call_flags, nr};
use taffrail_probes::abi::network::Flow;
use taffrail_probes::abi::{Header, Kind};
use taffrail_trace::event::{Endpoint, FlowEvent, FlowOp, FlowPhase, PathSource, Protocol, SocketEvent, SocketOp};
use taffrail_trace::text;

const AF_UNIX: u16 = 1;
const AF_INET: u16 = 2;
const AF_INET6: u16 = 10;
const AF_PACKET: u64 = 17;
const IPPROTO_UDP: u16 = 17;

/// An address of the kernel's bytes; an IPv4 address in IPv6 clothes is shown as what it is.
pub fn addr(family: u16, bytes: [u8; 16]) -> Option<IpAddr> {
    match family {
        AF_INET => Some(Ipv4Addr::new(bytes[0], bytes[1], bytes[2], bytes[3]).into()),
        AF_INET6 => Some(IpAddr::from(Ipv6Addr::from(bytes)).to_canonical()),
        _ => None,
    }
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
        protocol: if raw.protocol == IPPROTO_UDP { Protocol::Udp } else { Protocol::Tcp },
        op,
        start_ns: raw.start_ns,
        local,
        remote: (op != FlowOp::Listen).then_some(remote),
        bytes_sent: raw.bytes_sent,
        bytes_received: raw.bytes_received,
        result: -i32::try_from(raw.error).unwrap_or(i32::MAX),
    })
}

/// What a record of a socket without a flow says; `None` for a call of another family.
pub fn socket(header: &Header, call: &Call, names: &Names<'_>) -> Option<SocketEvent> {
    let source = if call.what & call_flags::KERNEL_PATH != 0 { PathSource::Kernel } else { PathSource::User };
    let plain = SocketEvent {
        op: SocketOp::Connect,
        protocol: Protocol::Other,
        path: None,
        source,
        remote: None,
        result: outcome(call.result),
        abi: abi(header),
    };
    match call.nr {
        nr::SOCKET => {
            let protocol = if call.args[0] == AF_PACKET { Protocol::Packet } else { Protocol::Raw };
            Some(SocketEvent { op: SocketOp::Socket, protocol, ..plain })
        }
        nr::CONNECT => {
            let family = names.data.first_chunk().map_or(0, |family| u16::from_le_bytes(*family));
            // The socket of a connect that failed may be of any kind; its address says most.
            Some(match family {
                AF_UNIX => {
                    let path =
                        if names.base.is_empty() { unix_name(&names.data[2..]) } else { walked(header, names.base) };
                    SocketEvent { protocol: Protocol::Unix, path: Some(path), ..plain }
                }
                _ if !names.base.is_empty() => {
                    SocketEvent { protocol: Protocol::Unix, path: Some(walked(header, names.base)), ..plain }
                }
                _ => SocketEvent { protocol: protocol(call.args[3]), remote: remote(family, names.data), ..plain },
            })
        }
        _ => None,
    }
}

/// What a socket speaks, by `sock.sk_protocol`, which the kernel side puts behind a connect's own arguments.
fn protocol(number: u64) -> Protocol {
    match number {
        6 => Protocol::Tcp,
        17 => Protocol::Udp,
        1 | 58 | 255 => Protocol::Raw,
        _ => Protocol::Other,
    }
}

/// `sun_path`: a text up to its NUL, or an abstract name, which begins with one.
fn unix_name(bytes: &[u8]) -> String {
    match bytes.split_first() {
        Some((0, name)) => format!("@{}", text::from_bytes(name)),
        _ => text::from_bytes(bytes.split(|byte| *byte == 0).next().unwrap_or_default()),
    }
}

/// `sockaddr_in` and `sockaddr_in6`: family, port and address in network byte order, the flow label between them in
/// the second.
fn remote(family: u16, bytes: &[u8]) -> Option<Endpoint> {
    let port = u16::from_be_bytes(*bytes.get(2..)?.first_chunk()?);
    let mut address = [0; 16];
    match family {
        AF_INET => address[..4].copy_from_slice(bytes.get(4..8)?),
        AF_INET6 => address.copy_from_slice(bytes.get(8..24)?),
        _ => return None,
    }
    Some(Endpoint { addr: addr(family, address)?, port })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connect(data: &[u8], base: &[u8]) -> SocketEvent {
        let call = Call { nr: nr::CONNECT, result: -2, ..Call::default() };
        let names = Names { data, base, ..Names::default() };
        socket(&Header::default(), &call, &names).expect("a connect")
    }

    #[test]
    fn a_unix_socket_is_named_by_its_file_and_else_by_its_address() {
        assert_eq!(connect(b"\x01\x00/run/x.sock\0\0", b"").path.as_deref(), Some("/run/x.sock"));
        assert_eq!(connect(b"\x01\x00\0hidden", b"").path.as_deref(), Some("@hidden"));
        assert_eq!(connect(b"\x01\x00x.sock\0", b"x.sock\0run\0").path.as_deref(), Some("/run/x.sock"));
        assert_eq!(connect(b"\x01\x00", b"").path.as_deref(), Some(""), "a socket without a name");
    }

    #[test]
    fn a_failed_connect_tells_where_it_was_to_go() {
        let event = connect(&[2, 0, 0, 80, 10, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 0], b"");
        assert_eq!(event.remote.map(|end| end.to_string()).as_deref(), Some("10.0.0.7:80"));
        for cut in 0..8 {
            assert_eq!(connect(&[2, 0, 0, 80, 10, 0, 0, 7][..cut], b"").remote, None);
        }
    }
}
