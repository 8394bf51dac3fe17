//! The other end of a connection, as a fact says it: `tcp 198.51.100.0/24 443`, `udp loopback ephemeral`,
//! `unix /run/docker.sock`.
//!
//! A person may write wider ones into a file: `tcp any 443`, `tcp 10.0.0.0/8 any`.

use super::general;
use std::fmt::Write as _;
use std::net::IpAddr;
use taffrail_trace::event::{Endpoint, Protocol};

/// Writes the fact of a connection to `remote`.
pub fn write(protocol: Protocol, remote: Endpoint, out: &mut String) {
    out.clear();
    out.push_str(protocol.as_str());
    match general::network(remote.addr) {
        Some((net, bits)) => {
            // Writing into a String cannot fail.
            let _ = write!(out, " {net}/{bits} ");
        }
        None => out.push_str(" loopback "),
    }
    general::port(remote.port, out);
}

/// Writes the fact of a connection to a unix socket; an abstract one begins with `@`.
pub fn write_unix(path: &str, out: &mut String, scratch: &mut String) {
    out.clear();
    out.push_str("unix ");
    if path.starts_with('@') {
        general::path(path, scratch);
        out.push_str(scratch.strip_prefix('/').unwrap_or(scratch));
    } else {
        general::path(path, scratch);
        out.push_str(scratch);
    }
}

/// A fact taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer<'a> {
    protocol: &'a str,
    net: Net,
    port: &'a str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Net {
    Any,
    Loopback,
    Of(IpAddr, u8),
}

impl<'a> Peer<'a> {
    /// Takes a fact of a network connection apart. `None` where it is none, or is badly written.
    pub fn parse(text: &'a str) -> Option<Self> {
        let mut words = text.split(' ');
        let (protocol, net, port) = (words.next()?, words.next()?, words.next()?);
        if words.next().is_some() || !matches!(protocol, "tcp" | "udp" | "raw" | "other") {
            return None;
        }
        let port_fits = matches!(port, "any" | "ephemeral") || is_port(port);
        Some(Self { protocol, net: Net::parse(net)?, port }).filter(|_| port_fits)
    }

    /// Whether it stands for more than events make of an address and a port.
    pub fn is_wide(&self) -> bool {
        let net_is_wide = match self.net {
            Net::Any => true,
            Net::Loopback => false,
            Net::Of(addr, bits) => bits < finest(addr),
        };
        net_is_wide || self.port == "any"
    }

    /// Whether `other` is a part of it.
    pub fn covers(&self, other: &Peer<'_>) -> bool {
        let net = match (self.net, other.net) {
            (Net::Any, _) | (Net::Loopback, Net::Loopback) => true,
            (Net::Of(wide, bits), Net::Of(addr, own_bits)) => own_bits >= bits && is_in(addr, wide, bits),
            _ => false,
        };
        net && self.protocol == other.protocol && (self.port == "any" || self.port == other.port)
    }

    /// The fact as events make it: no finer network than theirs, and no number for a port that the kernel gave out.
    pub fn generalised(&self) -> String {
        let mut out = format!("{} ", self.protocol);
        let _ = match self.net {
            Net::Any => write!(out, "any"),
            Net::Loopback => write!(out, "loopback"),
            Net::Of(addr, bits) => {
                let bits = bits.min(finest(addr));
                write!(out, "{}/{bits}", masked(addr, bits))
            }
        };
        out.push(' ');
        match self.port.parse() {
            Ok(port) => general::port(port, &mut out),
            Err(_) => out.push_str(self.port),
        }
        out
    }
}

impl Net {
    fn parse(text: &str) -> Option<Self> {
        match text {
            "any" => Some(Self::Any),
            "loopback" => Some(Self::Loopback),
            text => {
                let (addr, bits) = match text.split_once('/') {
                    Some((addr, bits)) => (addr, Some(bits.parse::<u8>().ok()?)),
                    None => (text, None),
                };
                let addr: IpAddr = addr.parse().ok()?;
                let most = if addr.is_ipv4() { 32 } else { 128 };
                let bits = bits.unwrap_or(most);
                // An IPv4 address in an IPv6 one, or this machine's, has another name here.
                let is_plain = addr.to_canonical() == addr && !addr.is_loopback();
                (bits <= most && is_plain).then_some(Self::Of(addr, bits))
            }
        }
    }
}

/// Whether a word is a port, written as numbers are.
pub fn is_port(text: &str) -> bool {
    text.parse::<u16>().is_ok_and(|port| port.to_string() == text)
}

/// The bits of the networks that events make.
fn finest(addr: IpAddr) -> u8 {
    if addr.is_ipv4() { 24 } else { 64 }
}

fn is_in(addr: IpAddr, wide: IpAddr, bits: u8) -> bool {
    addr.is_ipv4() == wide.is_ipv4() && masked(addr, bits) == masked(wide, bits)
}

fn masked(addr: IpAddr, bits: u8) -> IpAddr {
    match addr {
        IpAddr::V4(addr) => {
            let mask = u32::MAX.checked_shl(32 - u32::from(bits.min(32))).unwrap_or(0);
            IpAddr::V4((addr.to_bits() & mask).into())
        }
        IpAddr::V6(addr) => {
            let mask = u128::MAX.checked_shl(128 - u32::from(bits.min(128))).unwrap_or(0);
            IpAddr::V6((addr.to_bits() & mask).into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_is_its_network_and_its_port() {
        let of = |addr: &str, port| {
            let mut out = String::new();
            write(Protocol::Tcp, Endpoint { addr: addr.parse().expect("an address"), port }, &mut out);
            out
        };
        assert_eq!(of("198.51.100.7", 443), "tcp 198.51.100.0/24 443");
        assert_eq!(of("2001:db8::1", 50_051), "tcp 2001:db8::/64 ephemeral");
        assert_eq!(of("127.0.0.1", 5432), "tcp loopback 5432");
    }

    #[test]
    fn a_wide_network_covers_its_parts_and_nothing_else() {
        let parse = |text| Peer::parse(text).expect("a peer");
        for (wide, part, covers) in [
            ("tcp any 443", "tcp 198.51.100.0/24 443", true),
            ("tcp any any", "tcp loopback 5432", true),
            ("tcp 10.0.0.0/8 any", "tcp 10.9.8.0/24 ephemeral", true),
            ("tcp 0.0.0.0/0 443", "tcp 2001:db8::/64 443", false),
            ("tcp 10.0.0.0/8 any", "tcp 11.9.8.0/24 80", false),
            ("tcp any 443", "udp 198.51.100.0/24 443", false),
            ("tcp any 443", "tcp 198.51.100.0/24 4444", false),
        ] {
            assert!(parse(wide).is_wide() && !parse(part).is_wide());
            assert_eq!(parse(wide).covers(&parse(part)), covers, "{wide} and {part}");
        }
    }

    #[test]
    fn what_a_person_wrote_too_finely_is_widened_to_what_events_say() {
        let of = |text| Peer::parse(text).map(|peer| peer.generalised());
        assert_eq!(of("tcp 198.51.100.7/32 443").as_deref(), Some("tcp 198.51.100.0/24 443"));
        assert_eq!(of("tcp 198.51.100.7 50051").as_deref(), Some("tcp 198.51.100.0/24 ephemeral"));
        assert_eq!(of("tcp 10.1.0.0/16 any").as_deref(), Some("tcp 10.1.0.0/16 any"));
        for bad in ["tcp", "tcp 10.0.0.0/33 1", "tcp x 1", "tcp any 99999", "tcp any 080", "icmp any 1", "tcp any 1 1"]
        {
            assert_eq!(of(bad), None, "{bad}");
        }
    }
}
