//! TCP flows over loopback: who, with whom, how much, how it ended.

mod support;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::Command;

use support::{Recorded, comm, own, record};
use taffrail_probes::abi::{Kind, network::Flow};

/// The flow event of this process with these ports; it must be the only one.
fn one(recorded: &Recorded, kind: Kind, is: impl Fn(&Flow) -> bool) -> Flow {
    let found: Vec<Flow> = recorded.flows(own(), kind).into_iter().map(|(_, flow)| *flow).filter(is).collect();
    assert_eq!(found.len(), 1, "{kind:?}: {found:?}");
    found[0]
}

/// Sends `there` bytes from client to server and `back` bytes back, and gives the client's address. The side that
/// closes first is the client or the server.
fn exchange(listener: &TcpListener, there: usize, back: usize, client_first: bool) -> SocketAddr {
    let server = listener.local_addr().expect("an address");
    std::thread::scope(|scope| {
        let client = scope.spawn(move || {
            let mut stream = TcpStream::connect(server).expect("a connection");
            let address = stream.local_addr().expect("an address");
            stream.write_all(&vec![1; there]).expect("bytes there");
            let mut got = vec![0; back];
            stream.read_exact(&mut got).expect("bytes back");
            if !client_first {
                assert_eq!(stream.read(&mut [0]).expect("the end"), 0);
            }
            address
        });
        let (mut stream, _) = listener.accept().expect("a client");
        let mut got = vec![0; there];
        stream.read_exact(&mut got).expect("bytes there");
        stream.write_all(&vec![2; back]).expect("bytes back");
        if client_first {
            assert_eq!(stream.read(&mut [0]).expect("the end"), 0);
        }
        drop(stream);
        client.join().expect("the client")
    })
}

fn check_exchange(bind: &str, family: u16, there: usize, back: usize, client_first: bool) {
    let (mut client, mut server) = (0, 0);
    let recorded = record(|| {
        let listener = TcpListener::bind(bind).expect("a listener");
        server = listener.local_addr().expect("an address").port();
        client = exchange(&listener, there, back, client_first).port();
    });
    let from_client = |flow: &Flow| flow.local_port == client && flow.remote_port == server;
    let from_server = |flow: &Flow| flow.local_port == server && flow.remote_port == client;
    let listen = one(&recorded, Kind::Listen, |flow| flow.local_port == server);
    let connect = one(&recorded, Kind::Connect, |flow| flow.remote_port == server);
    let established = one(&recorded, Kind::Established, from_client);
    let accept = one(&recorded, Kind::Accept, from_server);
    let client_end = one(&recorded, Kind::FlowEnd, from_client);
    let server_end = one(&recorded, Kind::FlowEnd, from_server);
    let listen_end =
        one(&recorded, Kind::FlowEnd, |flow| flow.begun_as == Kind::Listen as u16 && flow.local_port == server);

    assert_eq!(connect.flow_id, established.flow_id);
    assert_eq!(connect.flow_id, client_end.flow_id);
    assert_eq!(accept.flow_id, server_end.flow_id);
    assert_eq!(listen.flow_id, listen_end.flow_id);
    assert_ne!(connect.flow_id, accept.flow_id);
    assert_eq!(client_end.start_ns, connect.start_ns);
    assert_eq!((client_end.begun_as, server_end.begun_as), (Kind::Connect as u16, Kind::Accept as u16));
    let (there, back) = (there as u64, back as u64);
    assert_eq!((client_end.bytes_sent, client_end.bytes_received), (there, back), "the client's bytes");
    assert_eq!((server_end.bytes_sent, server_end.bytes_received), (back, there), "the server's bytes");
    assert_eq!((client_end.error, server_end.error), (0, 0));
    for flow in [connect, established, accept, client_end, server_end] {
        assert_eq!(flow.family, family);
        let expected: &[u8] =
            if family == 2 { &[127, 0, 0, 1] } else { &[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1] };
        assert_eq!(&flow.local_addr[..expected.len()], expected);
        assert_eq!(&flow.remote_addr[..expected.len()], expected);
    }
}

#[test]
fn a_connection_is_told_from_both_ends_with_exact_bytes() {
    check_exchange("127.0.0.1:0", 2, 100_000, 55_555, true);
}

#[test]
fn bytes_are_exact_when_the_server_closes_first() {
    check_exchange("127.0.0.1:0", 2, 1, 3_000_000, false);
}

#[test]
fn a_connection_without_bytes_counts_none() {
    check_exchange("127.0.0.1:0", 2, 0, 0, true);
}

#[test]
fn a_connection_over_ipv6_has_its_addresses() {
    check_exchange("[::1]:0", 10, 4321, 1234, true);
}

#[test]
fn a_refused_connection_ends_with_its_error() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    drop(listener);
    let recorded = record(|| drop(TcpStream::connect(address).expect_err("nobody listens")));
    let port = address.port();
    let connect = one(&recorded, Kind::Connect, |flow| flow.remote_port == port);
    let end = one(&recorded, Kind::FlowEnd, |flow| flow.remote_port == port);
    assert_eq!(connect.flow_id, end.flow_id);
    assert_eq!(end.error, 111, "ECONNREFUSED");
    assert_eq!((end.bytes_sent, end.bytes_received), (0, 0));
    assert!(recorded.flows(own(), Kind::Established).iter().all(|(_, flow)| flow.remote_port != port));
}

#[test]
fn a_flow_belongs_to_the_process_that_began_it() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a listener");
    let port = listener.local_addr().expect("an address").port();
    let mut pid = 0;
    let recorded = record(|| {
        let mut child = Command::new("bash")
            .args(["-c", &format!("exec 3<>/dev/tcp/127.0.0.1/{port}; echo hello >&3; read -u 3 line; true")])
            .spawn()
            .expect("bash");
        pid = child.id();
        let (mut stream, _) = listener.accept().expect("the child");
        stream.write_all(b"bye\n").expect("an answer");
        child.wait().expect("its end");
        let mut all = Vec::new();
        stream.read_to_end(&mut all).expect("what it said");
        assert_eq!(all, b"hello\n");
    });
    for kind in [Kind::Connect, Kind::Established, Kind::FlowEnd] {
        let flows = recorded.flows(pid, kind);
        assert_eq!(flows.len(), 1, "{kind:?}");
        let (header, flow) = flows[0];
        assert_eq!(flow.remote_port, port);
        assert_eq!(comm(header), "bash");
        if kind == Kind::FlowEnd {
            assert_eq!((flow.bytes_sent, flow.bytes_received), (6, 4));
        }
    }
    let accepted = one(&recorded, Kind::Accept, |flow| flow.local_port == port);
    let ended = one(&recorded, Kind::FlowEnd, |flow| flow.local_port == port && flow.remote_port != 0);
    assert_eq!((ended.bytes_sent, ended.bytes_received), (4, 6));
    assert_eq!(accepted.flow_id, ended.flow_id);
}

#[test]
fn a_connection_reset_before_its_accept_begins_and_ends() {
    let recorded = record(|| {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a listener");
        let client = TcpStream::connect(listener.local_addr().expect("an address")).expect("a connection");
        let reset = nix::libc::linger { l_onoff: 1, l_linger: 0 };
        #[expect(unsafe_code, reason = "std has no SO_LINGER")]
        // SAFETY: the option's struct and its size.
        let done = unsafe {
            nix::libc::setsockopt(
                std::os::fd::AsRawFd::as_raw_fd(&client),
                nix::libc::SOL_SOCKET,
                nix::libc::SO_LINGER,
                (&raw const reset).cast(),
                size_of_val(&reset) as u32,
            )
        };
        assert_eq!(done, 0);
        drop(client);
        drop(listener.accept());
    });
    let accepts = recorded.flows(own(), Kind::Accept);
    for (_, accept) in &accepts {
        let ends = recorded.flows(own(), Kind::FlowEnd);
        assert_eq!(ends.iter().filter(|(_, end)| end.flow_id == accept.flow_id).count(), 1);
    }
    assert_eq!(accepts.len(), 1);
}
