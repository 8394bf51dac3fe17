//! UDP flows, DNS messages, and the first words of TLS.

mod support;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};

use support::{Group, Recorded, What, own, record, record_live};
use taffrail_probes::{
    Probes,
    abi::{
        Header, Kind, header_flags,
        network::{Dns, Flow, UdpFlow, UdpKey},
    },
};

fn port(socket: &UdpSocket) -> u16 {
    socket.local_addr().expect("an address").port()
}

/// Sends `there` bytes from one socket to the other and `back` bytes back.
fn exchange(a: &UdpSocket, b: &UdpSocket, there: usize, back: usize) {
    let mut buffer = vec![0; 65_536];
    a.send_to(&vec![1; there], b.local_addr().expect("an address")).expect("a packet");
    let (bytes, from) = b.recv_from(&mut buffer).expect("a packet");
    assert_eq!(bytes, there);
    b.send_to(&vec![2; back], from).expect("an answer");
    assert_eq!(a.recv(&mut buffer).expect("an answer"), back);
}

fn counted(probes: &Probes, local: u16, remote: u16) -> (UdpKey, UdpFlow) {
    let flows = probes.udp_flows();
    let mut found = flows.into_iter().filter(|(key, _)| (key.local_port, key.remote_port) == (local, remote));
    let first = found.next().expect("the flow");
    assert!(found.next().is_none(), "one flow");
    first
}

/// The flow that began between these ports.
fn begun(recorded: &Recorded, kind: Kind, local: u16, remote: u16) -> (Header, Flow) {
    let events = recorded.events.iter().filter(|event| event.kind == kind).filter_map(|event| match event.what {
        What::Flow(flow) if (flow.local_port, flow.remote_port) == (local, remote) => Some((event.header, flow)),
        _ => None,
    });
    let found: Vec<_> = events.collect();
    assert_eq!(found.len(), 1, "{kind:?}: {found:?}");
    found[0]
}

fn check_exchange(bind: &str, family: u16) {
    let (mut ports, mut flows) = ((0, 0), None);
    let recorded = record_live(|probes| {
        let (a, b) = (UdpSocket::bind(bind).expect("a socket"), UdpSocket::bind(bind).expect("a socket"));
        ports = (port(&a), port(&b));
        for _ in 0..3 {
            exchange(&a, &b, 100, 1300);
        }
        let sender = counted(probes, ports.0, ports.1);
        flows = Some((sender.1, counted(probes, ports.1, ports.0).1));
        assert_eq!(probes.take_udp_flow(sender.0).map(|flow| flow.flow_id), Some(sender.1.flow_id));
        assert!(probes.take_udp_flow(sender.0).is_none(), "what was taken is gone");
    });
    let (sender, receiver) = flows.expect("both flows");
    assert_eq!((sender.bytes_sent, sender.bytes_received), (300, 3900));
    assert_eq!((receiver.bytes_sent, receiver.bytes_received), (3900, 300));
    let (by, connect) = begun(&recorded, Kind::Connect, ports.0, ports.1);
    let (_, accept) = begun(&recorded, Kind::Accept, ports.1, ports.0);
    assert_eq!((connect.flow_id, accept.flow_id), (sender.flow_id, receiver.flow_id));
    assert_eq!((connect.protocol, connect.family, connect.begun_as), (17, family, Kind::Connect as u16));
    assert_eq!((by.image.pid, by.flags), (own(), 0));
    let address: &[u8] = if family == 2 { &[127, 0, 0, 1] } else { &[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1] };
    assert_eq!((&connect.local_addr[..address.len()], &connect.remote_addr[..address.len()]), (address, address));
}

#[test]
fn a_udp_flow_has_its_bytes_both_ways() {
    check_exchange("127.0.0.1:0", 2);
}

#[test]
fn a_udp_flow_over_ipv6_has_its_addresses() {
    check_exchange("[::1]:0", 10);
}

#[test]
fn packets_of_a_socket_from_before_the_recorder_have_no_actor_but_a_cgroup() {
    let group = Group::make("taffrail-udp");
    group.enter();
    let bind = || UdpSocket::bind("127.0.0.1:0").expect("a socket");
    let (a, b) = (bind(), bind());
    group.leave();
    let recorded = record(|| exchange(&a, &b, 10, 20));
    for (kind, local, remote) in [(Kind::Connect, &a, &b), (Kind::Accept, &b, &a)] {
        let (header, _) = begun(&recorded, kind, port(local), port(remote));
        assert_eq!(header.flags, header_flags::NO_ACTOR);
        assert_eq!((header.image.pid, header.cgroup_id), (0, group.id()));
    }
}

#[test]
fn the_recorders_own_packets_are_not_recorded() {
    let options = taffrail_probes::Options { ignore_pid: Some(own()), ..support::options() };
    let recorded = support::record_with(&options, |probes| {
        let bind = || UdpSocket::bind("127.0.0.1:0").expect("a socket");
        let (a, b) = (bind(), bind());
        exchange(&a, &b, 10, 20);
        assert!(probes.udp_flows().iter().all(|(key, _)| key.local_port != port(&a)));
    });
    assert!(recorded.of(own()).all(|event| !matches!(event.what, What::Flow(_))));
}

#[test]
fn dns_messages_are_kept_in_both_directions() {
    const QUERY: &[u8] = b"\x12\x34\x01\0\0\x01\0\0\0\0\0\0\x07example\x03com\0\0\x01\0\x01";
    let answer = [&[0x12, 0x34, 0x81, 0x80], &QUERY[4..], &[7; 2000][..]].concat();
    let (mut client_port, address) = (0, SocketAddr::from(([127, 0, 0, 77], 53)));
    let recorded = record(|| {
        let server = UdpSocket::bind(address).expect("port 53 of an address that nobody uses");
        let client = UdpSocket::bind("127.0.0.1:0").expect("a socket");
        client_port = port(&client);
        client.send_to(QUERY, address).expect("a query");
        let (_, from) = server.recv_from(&mut [0; 100]).expect("the query");
        server.send_to(&answer, from).expect("an answer");
        client.recv(&mut [0; 3000]).expect("the answer");
    });
    let messages: Vec<(&Dns, &[u8])> = recorded
        .pick(own(), |what| if let What::Dns { dns, payload } = what { Some((dns, &payload[..])) } else { None });
    let told: Vec<_> = messages.iter().map(|(dns, _)| (dns.local_port, dns.remote_port, dns.received)).collect();
    assert_eq!(told, [(client_port, 53, 0), (53, client_port, 1), (53, client_port, 0), (client_port, 53, 1)]);
    for (dns, payload) in &messages[..2] {
        assert_eq!((usize::from(dns.bytes), *payload), (QUERY.len(), QUERY));
    }
    for (dns, payload) in &messages[2..] {
        assert_eq!((usize::from(dns.bytes), *payload), (answer.len(), &answer[..1232]));
    }
    assert_eq!(messages[0].0.flow_id, begun(&recorded, Kind::Connect, client_port, 53).1.flow_id);
    assert_eq!(messages[0].0.remote_addr[..4], [127, 0, 0, 77]);
}

#[test]
fn the_hello_of_a_tls_client_is_kept_once() {
    // A handshake record of TLS 1.0 with a client's hello.
    let hello = [&[22, 3, 1, 0, 200, 1, 0, 0, 196][..], &[9; 196]].concat();
    let recorded = record(|| {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a listener");
        for first in [&hello[..], b"GET / HTTP/1.1\r\n"] {
            let mut client = TcpStream::connect(listener.local_addr().expect("an address")).expect("a connection");
            let (mut server, _) = listener.accept().expect("the client");
            client.write_all(first).expect("the first words");
            client.write_all(&hello).expect("the second words");
            server.write_all(&hello).expect("a server's words");
            client.read_exact(&mut [0; 10]).expect("the server's words");
        }
    });
    let hellos: Vec<_> = recorded.pick(own(), |what| match what {
        What::Hello { flow_id, bytes } => Some((*flow_id, bytes.clone())),
        _ => None,
    });
    let first = recorded.flows(own(), Kind::Connect)[0].1.flow_id;
    assert_eq!(hellos, [(first, hello)]);
}
