//! Network family: TCP flows from `inet_sock_set_state` (since Linux 4.16) and from the exit of `accept`; UDP flows and
//! DNS messages from the packets of a cgroup's sockets.

use crate::{COMM_BYTES, ImageKey};

/// Body of `Connect`, `Accept`, `Listen`, `Established` and `FlowEnd`. No strings.
///
/// `Connect`, `Accept` and `Listen` are written in the owner's context; for UDP `Connect` is a first packet sent and
/// `Accept` a first packet received, by the process that made the socket; of a socket that is older than the recorder
/// only the cgroup is known, and the header says [`crate::header_flags::NO_ACTOR`]. `Established` and `FlowEnd` may come from an
/// interrupt: their header's actor and cgroup are the **owner's**, kept by the kernel side since the flow began.
/// Addresses are the socket's own, in network byte order; ports are in host byte order.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct Flow {
    /// Tells this flow from every other since boot: the socket's address mixed with the time it began.
    pub flow_id: u64,
    /// `CLOCK_BOOTTIME` nanoseconds at which the flow began (connect, accept or listen).
    pub start_ns: u64,
    /// Payload bytes sent, retransmissions not counted (`tcp_sock.bytes_sent - bytes_retrans`); at `FlowEnd`.
    pub bytes_sent: u64,
    /// Payload bytes received (`tcp_sock.bytes_received`, less the FIN); at `FlowEnd`.
    pub bytes_received: u64,
    /// Local address.
    pub local_addr: [u8; 16],
    /// Remote address; zero for a listener.
    pub remote_addr: [u8; 16],
    /// Local port; 0 while the kernel has not chosen one.
    pub local_port: u16,
    /// Remote port; 0 for a listener.
    pub remote_port: u16,
    /// `AF_INET` (2) or `AF_INET6` (10).
    pub family: u16,
    /// `Connect`, `Accept` or `Listen`: how the flow began.
    pub begun_as: u16,
    /// 0, or the positive errno in `sock.sk_err` at `FlowEnd`.
    pub error: u32,
    /// TCP state before this event, the kernel's numbering; 0 for UDP.
    pub old_state: u32,
    /// `IPPROTO_TCP` (6) or `IPPROTO_UDP` (17).
    pub protocol: u16,
    /// Zero.
    pub pad: [u16; 3],
}

/// What the kernel side keeps of an open flow: value of the `FLOWS` hash map, keyed by the socket's address.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct FlowOwner {
    /// See [`Flow::flow_id`].
    pub flow_id: u64,
    /// See [`Flow::start_ns`].
    pub start_ns: u64,
    /// The owner's cgroup.
    pub cgroup_id: u64,
    /// The owner's image.
    pub image: ImageKey,
    /// The owner's thread.
    pub tid: u32,
    /// The owner's real user id.
    pub uid: u32,
    /// The owner's real group id.
    pub gid: u32,
    /// See [`Flow::begun_as`].
    pub begun_as: u32,
    /// The owner's comm.
    pub comm: [u8; COMM_BYTES],
}

/// The most flows open at once whose owner is kept; one more is counted as lost.
pub const FLOWS_MAX: u32 = 65_536;

/// Who made a UDP socket: value of the `UDP_OWNERS` hash map, keyed by the socket's cookie.
pub type UdpOwner = FlowOwner;

/// Key of the `UDP_FLOWS` hash map: one socket and one remote end.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct UdpKey {
    /// The socket's cookie (`bpf_get_socket_cookie`).
    pub cookie: u64,
    /// Local address as in the packet; IPv4 in the first four bytes.
    pub local_addr: [u8; 16],
    /// Remote address as in the packet; IPv4 in the first four bytes.
    pub remote_addr: [u8; 16],
    /// Local port, host byte order.
    pub local_port: u16,
    /// Remote port, host byte order.
    pub remote_port: u16,
    /// `AF_INET` or `AF_INET6`.
    pub family: u32,
}

/// Value of the `UDP_FLOWS` hash map.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct UdpFlow {
    /// See [`Flow::flow_id`].
    pub flow_id: u64,
    /// Payload bytes sent.
    pub bytes_sent: u64,
    /// Payload bytes received.
    pub bytes_received: u64,
    /// `CLOCK_BOOTTIME` nanoseconds of the last packet.
    pub last_ns: u64,
}

/// The most UDP flows known at once; the packets of one more are counted as lost.
pub const UDP_FLOWS_MAX: u32 = 32_768;

/// Body of `Dns`: a UDP packet from or to port 53. One string: the payload, as much of it as is kept.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct Dns {
    /// See [`Flow::flow_id`]; 0 where the table of flows was full.
    pub flow_id: u64,
    /// Local address as in the packet.
    pub local_addr: [u8; 16],
    /// Remote address as in the packet.
    pub remote_addr: [u8; 16],
    /// Local port, host byte order.
    pub local_port: u16,
    /// Remote port, host byte order.
    pub remote_port: u16,
    /// `AF_INET` or `AF_INET6`.
    pub family: u16,
    /// 0 where it was sent, 1 where it was received.
    pub received: u16,
    /// Bytes of the whole payload.
    pub bytes: u16,
    /// Bytes of the string.
    pub data_len: u16,
    /// Zero.
    pub pad: [u16; 2],
}

/// The most bytes kept of a DNS message; RFC 6891 recommends this size for UDP.
pub const DNS_MAX_BYTES: usize = 1232;

const _: () = {
    assert!(size_of::<Flow>() == 32 + 32 + 24);
    assert!(size_of::<UdpKey>() == 48);
    assert!(size_of::<Dns>() == 56);
    assert!(size_of::<FlowOwner>() == 80);
};
