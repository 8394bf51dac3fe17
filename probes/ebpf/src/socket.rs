//! The two ends of a socket.

use crate::{
    globals::offset,
    kernel::{copy, read},
};

/// Address families (`include/linux/socket.h`).
pub const AF_UNIX: u16 = 1;
pub const AF_INET: u16 = 2;
pub const AF_INET6: u16 = 10;

/// Whether a family has addresses and ports.
#[inline(always)]
pub fn is_internet(family: u16) -> bool {
    family == AF_INET || family == AF_INET6
}

/// `sock_common.skc_family`.
#[inline(always)]
pub fn family(sock: u64) -> u16 {
    read(sock + offset!(sock_family))
}

/// Local and remote port of a socket with an internet family, host byte order.
///
/// A socket that connects has its local port in `skc_num` first, a socket that closes has it in `inet_sport` only.
#[inline(always)]
pub fn ports(sock: u64) -> (u16, u16) {
    let chosen: u16 = read(sock + offset!(sock_num));
    let local = if chosen == 0 { u16::from_be(read(sock + offset!(inet_sport))) } else { chosen };
    (local, u16::from_be(read(sock + offset!(sock_dport))))
}

/// Writes the local and remote address, network byte order; IPv4 takes the first four bytes and leaves the others.
///
/// # Safety
///
/// Both must be writable for 16 bytes, in a way that the verifier sees.
#[inline(always)]
pub unsafe fn addresses(sock: u64, family: u16, local: *mut u8, remote: *mut u8) {
    // SAFETY: by this function's own contract.
    unsafe {
        if family == AF_INET {
            copy::<4>(local, sock + offset!(sock_rcv_saddr));
            copy::<4>(remote, sock + offset!(sock_daddr));
        } else if family == AF_INET6 {
            copy::<16>(local, sock + offset!(sock_v6_rcv_saddr));
            copy::<16>(remote, sock + offset!(sock_v6_daddr));
        }
    }
}
