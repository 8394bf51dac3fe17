//! Network family: TCP flows from `inet_sock_set_state` (since Linux 4.16) and from the exit of `accept`.

use crate::{COMM_BYTES, ImageKey};

/// Body of `Connect`, `Accept`, `Listen`, `Established` and `FlowEnd`. No strings.
///
/// `Connect`, `Accept` and `Listen` are written in the owner's context. `Established` and `FlowEnd` may come from an
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
    /// TCP state before this event, the kernel's numbering.
    pub old_state: u32,
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

const _: () = {
    assert!(size_of::<Flow>() == 32 + 32 + 16);
    assert!(size_of::<FlowOwner>() == 80);
};
