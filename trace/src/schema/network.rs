//! Flows, sockets and names.

use super::{COMMON, Kind, Table, has, may};

/// `network`: one row per flow, and per socket that makes none.
pub const NETWORK: Table = Table {
    name: "network",
    doc: "One row per TCP or UDP flow: who began it, both ends, and how it ended; and one per use of a socket that makes \
          no flow: a unix socket connected, a connect that failed before a packet was sent, a raw or packet socket made.",
    common: COMMON,
    columns: &[
        has(
            "op",
            Kind::Text,
            "`connect`, `accept` or `listen`: how the flow began; `connect` of a socket without a flow, or `socket` for a raw or packet socket that was made.",
        ),
        has("protocol", Kind::Text, "`tcp`, `udp`, `unix`, `raw`, `packet` or `other`."),
        may(
            "direction",
            Kind::Text,
            "`outbound` or `inbound`, as the owner sees it; NULL for a listener and for `socket`.",
        ),
        may("local_addr", Kind::Text, "Local address, from the kernel's socket; NULL where there is no flow."),
        may("local_port", Kind::U16, "Local port; NULL where the kernel had not chosen one."),
        may("remote_addr", Kind::Text, "Remote address; NULL for a listener and for a unix socket."),
        may("remote_port", Kind::U16, "Remote port; NULL as `remote_addr`, and for protocols without ports."),
        may("path", Kind::Text, "Path of a unix socket; `@name` for an abstract one."),
        may(
            "server_name",
            Kind::Text,
            "The server that a TLS client asked for (the SNI of its hello), as the program wrote it; NULL where none was seen.",
        ),
        has(
            "source",
            Kind::Text,
            "Where remote end or path was read: `kernel`: from the kernel's socket. `user`: from the program's memory.",
        ),
        may(
            "bytes_sent",
            Kind::U64,
            "Payload bytes sent, retransmissions not counted; NULL while a TCP flow is open, and where there is no flow. Of a UDP flow that is open, what was counted last.",
        ),
        may("bytes_received", Kind::U64, "Payload bytes received; NULL as `bytes_sent`."),
        may(
            "end_time",
            Kind::Time,
            "When the kernel closed the socket, or the last packet of a UDP flow passed that then fell silent; NULL while open at the bundle's end, and where there is no flow.",
        ),
        has(
            "result",
            Kind::I32,
            "0, or a negative errno: -111 (ECONNREFUSED) for a refused connect, -115 (EINPROGRESS) for one not yet answered.",
        ),
        may("flow_id", Kind::U64, "Tells this flow from every other since boot; NULL where there is no flow."),
        may("abi", Kind::Text, "How the call was made: `x86_64`, `i386`, `x32` or `io_uring`; NULL for a flow."),
    ],
};

/// `dns`: one row per message and question.
pub const DNS: Table = Table {
    name: "dns",
    doc: "One row per DNS message that passed the container's network over UDP, read from the packet itself.",
    common: COMMON,
    columns: &[
        has("op", Kind::Text, "`query` or `response`."),
        has("sent", Kind::Bool, "The container sent it; false where it received it."),
        has("name", Kind::Text, "The name asked for."),
        has("qtype", Kind::Text, "The record type asked for: `A`, `AAAA`, `TXT`."),
        has("answers", Kind::TextList, "The answers of a response: addresses, names, texts; empty for a query."),
        may("rcode", Kind::Text, "The response's code: `NOERROR`, `NXDOMAIN`; NULL for a query."),
        has("id", Kind::U16, "The message's id, which a response repeats."),
        has("local_addr", Kind::Text, "Address of the container's end."),
        may("local_port", Kind::U16, "Port of the container's end."),
        has("remote_addr", Kind::Text, "Address of the other end."),
        may("remote_port", Kind::U16, "Port of the other end."),
        has("flow_id", Kind::U64, "The UDP flow that it went through; joins `network.flow_id`."),
    ],
};
