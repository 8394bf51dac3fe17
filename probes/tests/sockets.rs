//! Sockets that make no flow: unix, raw, packet, and connects that fail before a packet is sent.

mod support;

use std::io::ErrorKind;
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram, UnixListener, UnixStream};

use nix::sched::{CloneFlags, unshare};
use support::{call, in_child, own, place, record, text};
use taffrail_probes::abi::{
    Kind,
    call::{call_flags, nr},
};

#[test]
fn a_unix_connect_is_told_with_the_sockets_real_path() {
    let (_directory, place) = place();
    let (path, alias) = (place.join("socket"), place.join("alias"));
    let listener = UnixListener::bind(&path).expect("a listener");
    std::os::unix::fs::symlink(&path, &alias).expect("a link");
    let recorded = record(|| drop(UnixStream::connect(&alias).expect("a connection")));
    let it = recorded.only(own(), nr::CONNECT);
    assert_eq!(it.kind, Kind::Socket);
    assert!(it.is(call_flags::KERNEL_PATH));
    assert_eq!((it.told(), it.call.args[2] > 2), ((text(&path).as_str(), "", 0), true));
    // struct sockaddr_un as it was bound: the family, then the name
    assert_eq!(it.data[..2], [1, 0]);
    assert_eq!(it.data[2..].strip_suffix(b"\0").unwrap_or(&it.data[2..]), path.as_os_str().as_encoded_bytes());
    drop(listener);
}

#[test]
fn a_unix_connect_to_a_datagram_socket_is_told_too() {
    let (_directory, place) = place();
    let path = place.join("log");
    let _receiver = UnixDatagram::bind(&path).expect("a socket");
    let recorded = record(|| UnixDatagram::unbound().expect("a socket").connect(&path).expect("a connection"));
    assert_eq!(recorded.only(own(), nr::CONNECT).base, text(&path));
}

#[test]
fn an_abstract_name_is_told_as_the_kernel_has_it() {
    let name = format!("taffrail {}", own());
    let address = SocketAddr::from_abstract_name(&name).expect("a name");
    let _listener = UnixListener::bind_addr(&address).expect("a listener");
    let recorded = record(|| drop(UnixStream::connect_addr(&address).expect("a connection")));
    let it = recorded.only(own(), nr::CONNECT);
    assert_eq!((it.base.as_str(), it.path.as_str()), ("", ""));
    assert_eq!(it.data, [b"\x01\0\0", name.as_bytes()].concat());
}

#[test]
fn a_unix_connect_that_fails_tells_what_was_asked() {
    let (_directory, place) = place();
    let path = place.join("nobody");
    let recorded = record(|| drop(UnixStream::connect(&path).expect_err("nobody is there")));
    let it = recorded.only(own(), nr::CONNECT);
    assert_eq!(it.call.result, -2);
    assert!(!it.is(call_flags::KERNEL_PATH));
    assert!(it.data.starts_with(&[1, 0]) && text(&path).as_bytes() == it.data[2..].strip_suffix(b"\0").expect("a NUL"));
}

#[test]
fn a_connect_that_sends_nothing_is_told_by_its_call_and_a_refused_one_by_its_flow() {
    let port = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address").port();
    let (mut nowhere, mut refused) = (0, 0);
    let recorded = record(|| {
        nowhere = in_child(|| {
            unshare(CloneFlags::CLONE_NEWNET).expect("a network without any route");
            let error = TcpStream::connect("192.0.2.1:443").expect_err("no route");
            assert_eq!(error.kind(), ErrorKind::NetworkUnreachable);
            let socket = UdpSocket::bind("0.0.0.0:0").expect("a socket");
            socket.connect("192.0.2.1:53").expect_err("no route");
        });
        refused = in_child(|| {
            TcpStream::connect(("127.0.0.1", port)).expect_err("nobody listens");
        });
    });
    let failed = recorded.calls_of(nowhere, nr::CONNECT);
    assert_eq!(failed.len(), 2, "{failed:?}");
    for (it, port) in failed.iter().zip([443_u16, 53]) {
        assert_eq!((it.kind, it.call.result), (Kind::Socket, -101));
        assert_eq!(it.data[..8], [&[2, 0][..], &port.to_be_bytes(), &[192, 0, 2, 1]].concat());
    }
    assert!(recorded.flows(nowhere, Kind::Connect).is_empty());
    assert_eq!(recorded.calls_of(refused, nr::CONNECT).len(), 0);
    assert_eq!(recorded.flows(refused, Kind::Connect).len(), 1);
    assert_eq!(recorded.flows(refused, Kind::FlowEnd).len(), 1);
}

#[test]
fn a_connect_that_is_not_allowed_is_told() {
    let mut pid = 0;
    let recorded = record(|| {
        pid = in_child(|| {
            let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
            assert_eq!(
                socket.connect("255.255.255.255:9").map_err(|error| error.kind()),
                Err(ErrorKind::PermissionDenied)
            );
        });
    });
    assert_eq!(recorded.only(pid, nr::CONNECT).call.result, -13);
}

#[test]
fn raw_and_packet_sockets_are_told_and_plain_ones_are_not() {
    const CLOEXEC: u32 = 0o2_000_000;
    let sockets: [(u32, u32, u32); 4] = [(2, 3, 1), (10, 3, 58), (17, 3 | CLOEXEC, 0x0300), (17, 2, 0x0300)];
    let recorded = record(|| {
        for (family, kind, protocol) in sockets {
            let fd = call(nr::SOCKET, &[&family, &kind, &protocol]);
            assert!(fd >= 0, "{family} {fd}");
            call(nr::CLOSE, &[&fd]);
        }
        for (family, kind) in [(2, 1), (2, 2), (1, 3), (16, 3)] {
            let fd = call(nr::SOCKET, &[&family, &kind, &0]);
            call(nr::CLOSE, &[&fd]);
        }
    });
    let told: Vec<_> = recorded
        .own(Kind::Socket)
        .iter()
        .map(|it| (it.call.nr, it.call.args[0] as u32, it.call.args[1] as u32, it.call.args[2] as u32))
        .collect();
    assert_eq!(told, sockets.map(|(family, kind, protocol)| (nr::SOCKET, family, kind, protocol)));
}
