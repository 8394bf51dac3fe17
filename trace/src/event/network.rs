//! Flows, sockets without flows, and names.

use super::{Abi, PathSource, words};
use crate::clock::BootNs;
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// One end of a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoint {
    /// Address.
    pub addr: IpAddr,
    /// Port; 0 where none was chosen yet.
    pub port: u16,
}

impl std::fmt::Display for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::net::SocketAddr::new(self.addr, self.port).fmt(f)
    }
}

words! {
    /// What was done with a socket that makes no flow.
    SocketOp {
        /// A unix socket was connected, or any connect failed before a packet was sent.
        Connect = "connect",
        /// A raw or packet socket was made.
        Socket = "socket",
    }
}

words! {
    /// What a socket speaks.
    Protocol {
        /// TCP.
        Tcp = "tcp",
        /// UDP.
        Udp = "udp",
        /// A socket with a name in the file system, or an abstract one.
        Unix = "unix",
        /// Raw IP.
        Raw = "raw",
        /// Whole frames of a network device.
        Packet = "packet",
        /// Something else.
        Other = "other",
    }
}

/// A socket was used in a way that makes no flow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SocketEvent {
    /// What.
    pub op: SocketOp,
    /// What the socket speaks.
    pub protocol: Protocol,
    /// Path of a unix socket; `@name` for an abstract one.
    pub path: Option<String>,
    /// Where path or address was read.
    pub source: PathSource,
    /// The address that a failed connect was for.
    pub remote: Option<Endpoint>,
    /// 0 or a negative errno.
    pub result: i32,
    /// How it was asked for.
    pub abi: Abi,
}

/// A TLS client named the server it wants (the SNI of its hello), in bytes that the program wrote.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerName {
    /// The flow.
    pub flow_id: u64,
    /// The name.
    pub name: String,
}

/// A DNS message, one question of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DnsEvent {
    /// The UDP flow it went through.
    pub flow_id: u64,
    /// An answer; else a question.
    pub response: bool,
    /// It was sent by the container; else received.
    pub sent: bool,
    /// The message's id, which an answer repeats.
    pub id: u16,
    /// The name asked for.
    pub name: String,
    /// The type asked for: `A`, `AAAA`, `TXT`.
    pub qtype: String,
    /// The answers: addresses, names, texts.
    pub answers: Vec<String>,
    /// The answer's code: `NOERROR`, `NXDOMAIN`; `None` for a question.
    pub rcode: Option<String>,
    /// This host's end, or the end inside the container.
    pub local: Endpoint,
    /// The other end.
    pub remote: Endpoint,
}

/// A moment in the life of a TCP or UDP flow. The table has one row per flow, made of all its moments.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlowEvent {
    /// Tells this flow from every other since boot.
    pub flow_id: u64,
    /// Which moment.
    pub phase: FlowPhase,
    /// What it speaks.
    pub protocol: Protocol,
    /// How the flow began.
    pub op: FlowOp,
    /// When it began, on the boot clock.
    pub start_ns: BootNs,
    /// This host's end, or the end inside the container.
    pub local: Endpoint,
    /// The other end; `None` for a listener.
    pub remote: Option<Endpoint>,
    /// Payload bytes sent, known at the end.
    pub bytes_sent: u64,
    /// Payload bytes received, known at the end.
    pub bytes_received: u64,
    /// 0 or a negative errno, known at the end.
    pub result: i32,
}

/// A moment of a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FlowPhase {
    /// It began.
    Begin,
    /// The other side answered a connect.
    Established,
    /// What went through it so far was counted (UDP).
    Counted,
    /// It is closed.
    End,
}

/// How a flow began.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FlowOp {
    /// The owner called out.
    Connect,
    /// The owner took a call.
    Accept,
    /// The owner waits for calls.
    Listen,
}

impl FlowOp {
    /// The word used in tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Accept => "accept",
            Self::Listen => "listen",
        }
    }

    /// Who called whom, as the owner sees it; `None` for a listener.
    pub fn direction(self) -> Option<&'static str> {
        match self {
            Self::Connect => Some("outbound"),
            Self::Accept => Some("inbound"),
            Self::Listen => None,
        }
    }
}
