//! Flows, sockets without flows, and names; both ends are here, on loopback.

use crate::act::{Act, Args, Told};
use crate::sys::{self, nr};
use std::io::{self, Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr as UnixAddr, UnixListener, UnixStream};
use std::time::Duration;

pub const ACTS: &[Act] = &[
    ("tcp-echo", |args| tcp(Ipv4Addr::LOCALHOST.into(), args)),
    ("tcp6", |args| tcp(Ipv6Addr::LOCALHOST.into(), args)),
    ("udp-echo", |args| udp(Ipv4Addr::LOCALHOST.into(), args)),
    ("udp6", |args| udp(Ipv6Addr::LOCALHOST.into(), args)),
    ("connect-refused", connect_refused),
    ("connect-unreachable", connect_unreachable),
    ("unix-connect", unix_connect),
    ("unix-abstract", unix_abstract),
    ("unix-missing", unix_missing),
    ("raw-socket", |_| socket([2, 3, 1])),
    ("packet-socket", |_| socket([17, 3, 0x0300])),
    ("dns", dns),
    ("tls-hello", tls_hello),
];

/// How long any step may take.
const STEP: Duration = Duration::from_secs(10);

/// `tcp-echo N`: N bytes there, N bytes back, both ends closed.
fn tcp(addr: IpAddr, args: &Args) -> Told {
    let count = args.number(0)? as usize;
    let listener = TcpListener::bind((addr, 0))?;
    let server = listener.local_addr()?.port();
    let echo = std::thread::spawn(move || -> io::Result<()> {
        let (mut stream, _) = listener.accept()?;
        let mut bytes = vec![0; count];
        stream.read_exact(&mut bytes)?;
        stream.write_all(&bytes)
    });
    let mut stream = TcpStream::connect((addr, server))?;
    stream.set_read_timeout(Some(STEP))?;
    let client = stream.local_addr()?.port();
    stream.write_all(&vec![b't'; count])?;
    stream.read_exact(&mut vec![0; count])?;
    echo.join().map_err(|_| io::Error::other("the server failed"))??;
    Ok(format!("server={server} client={client} bytes={count}"))
}

/// `udp-echo N`: one datagram of N bytes there, one back, both sockets closed.
fn udp(addr: IpAddr, args: &Args) -> Told {
    let count = args.number(0)? as usize;
    let (server, client) = (UdpSocket::bind((addr, 0))?, UdpSocket::bind((addr, 0))?);
    for socket in [&server, &client] {
        socket.set_read_timeout(Some(STEP))?;
    }
    let mut bytes = vec![b'u'; count];
    client.send_to(&bytes, server.local_addr()?)?;
    let (received, from) = server.recv_from(&mut bytes)?;
    server.send_to(&bytes[..received], from)?;
    let (echoed, _) = client.recv_from(&mut bytes)?;
    let (server, client) = (server.local_addr()?.port(), client.local_addr()?.port());
    if (received, echoed) != (count, count) {
        return Err(io::Error::other("a datagram was cut"));
    }
    Ok(format!("server={server} client={client} bytes={count}"))
}

/// `struct sockaddr_in`.
pub fn sockaddr(addr: Ipv4Addr, port: u16) -> [u8; 16] {
    let mut bytes = [0; 16];
    bytes[..2].copy_from_slice(&2u16.to_ne_bytes());
    bytes[2..4].copy_from_slice(&port.to_be_bytes());
    bytes[4..8].copy_from_slice(&addr.octets());
    bytes
}

/// A TCP socket.
pub fn tcp_socket() -> io::Result<usize> {
    sys::need("socket", sys::plain(nr::SOCKET, [2, 1 | 0o2_000_000, 0]))
}

fn connect(addr: Ipv4Addr, port: u16) -> Told {
    let fd = tcp_socket()?;
    let to = sockaddr(addr, port);
    // SAFETY: the address is as long as is said and outlives the call.
    let result = unsafe { sys::call(nr::CONNECT, [fd, to.as_ptr() as usize, to.len()]) };
    sys::close(fd);
    Ok(format!("addr={addr} port={port} result={result}"))
}

/// To a port that was just given back.
fn connect_refused(_: &Args) -> Told {
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
    connect(Ipv4Addr::LOCALHOST, port)
}

/// To an address that is nobody's (RFC 5737); where there is loopback alone it fails before a packet is sent.
fn connect_unreachable(_: &Args) -> Told {
    connect(Ipv4Addr::new(192, 0, 2, 1), 9)
}

/// `unix-connect PATH`
fn unix_connect(args: &Args) -> Told {
    let path = args.text(0)?;
    let _listener = UnixListener::bind(path)?;
    let mut stream = UnixStream::connect(path)?;
    stream.write_all(b"hello")?;
    Ok(format!("path={path} result=0"))
}

/// `unix-abstract NAME`
fn unix_abstract(args: &Args) -> Told {
    let name = args.text(0)?;
    let addr = UnixAddr::from_abstract_name(name)?;
    let _listener = UnixListener::bind_addr(&addr)?;
    UnixStream::connect_addr(&addr)?;
    Ok(format!("path=@{name} result=0"))
}

/// `unix-missing PATH`: nobody listens there.
fn unix_missing(args: &Args) -> Told {
    let path = args.text(0)?;
    let error = UnixStream::connect(path).err().and_then(|error| error.raw_os_error()).unwrap_or(0);
    Ok(format!("path={path} result={}", -error))
}

fn socket(args: [usize; 3]) -> Told {
    Ok(format!("result={}", sys::plain(nr::SOCKET, args)))
}

/// The name that is asked for.
const NAME: &str = "evil.example.com";
/// What the server answers.
const ANSWERS: [Ipv4Addr; 2] = [Ipv4Addr::new(203, 0, 113, 7), Ipv4Addr::new(203, 0, 113, 8)];

/// A server on port 53 that answers one question, and the client that asks it.
fn dns(_: &Args) -> Told {
    let server = UdpSocket::bind((Ipv4Addr::LOCALHOST, 53))?;
    let client = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    for socket in [&server, &client] {
        socket.set_read_timeout(Some(STEP))?;
    }
    let id = 0x7a11_u16;
    let mut question = Vec::new();
    for label in NAME.split('.') {
        question.push(label.len() as u8);
        question.extend(label.as_bytes());
    }
    // The root, type A, class IN.
    question.extend([0, 0, 1, 0, 1]);
    let message = |flags: u16, answers: u16| {
        let head = [id, flags, 1, answers, 0, 0];
        let mut bytes: Vec<u8> = head.iter().flat_map(|word| word.to_be_bytes()).collect();
        bytes.extend(&question);
        bytes
    };
    client.send_to(&message(0x0100, 0), server.local_addr()?)?;
    let mut buffer = [0; 512];
    let (_, asker) = server.recv_from(&mut buffer)?;
    let mut answer = message(0x8180, ANSWERS.len() as u16);
    for addr in ANSWERS {
        // The name by reference, type A, class IN, a minute, four bytes.
        answer.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4]);
        answer.extend(addr.octets());
    }
    server.send_to(&answer, asker)?;
    let (received, _) = client.recv_from(&mut buffer)?;
    let port = client.local_addr()?.port();
    Ok(format!("name={NAME} id={id} client={port} answers={} bytes={received}", ANSWERS.len()))
}

/// The name in the hello.
const SERVER_NAME: &str = "c2.example.com";

/// `tls-hello [PORT]`: a client that says hello as TLS 1.2 and 1.3 do, to a server that only listens.
fn tls_hello(args: &Args) -> Told {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, args.port(0)?))?;
    let port = listener.local_addr()?.port();
    let mut stream = TcpStream::connect(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))?;
    let hello = client_hello(SERVER_NAME);
    stream.write_all(&hello)?;
    let (mut server, _) = listener.accept()?;
    server.read_exact(&mut vec![0; hello.len()])?;
    Ok(format!("server_name={SERVER_NAME} port={port} client={} bytes={}", stream.local_addr()?.port(), hello.len()))
}

/// A ClientHello (RFC 8446, 4.1.2) with a server name (RFC 6066) and supported versions, in one record.
fn client_hello(name: &str) -> Vec<u8> {
    let prefixed = |bytes: &[u8]| -> Vec<u8> {
        let len = (bytes.len() as u16).to_be_bytes();
        len.iter().chain(bytes).copied().collect()
    };
    let extension =
        |kind: u16, body: &[u8]| -> Vec<u8> { kind.to_be_bytes().into_iter().chain(prefixed(body)).collect() };
    let mut entry = vec![0];
    entry.extend(prefixed(name.as_bytes()));
    // Before the name stands another extension, as most clients send them.
    let mut extensions = extension(0x002b, &[4, 3, 4, 3, 3]);
    extensions.extend(extension(0, &prefixed(&entry)));
    extensions.extend(extension(0x000a, &prefixed(&[0, 0x1d])));

    let mut body = vec![3, 3];
    body.extend([0x5a; 32]);
    body.push(32);
    body.extend([0xa5; 32]);
    body.extend(prefixed(&[0x13, 0x01, 0xc0, 0x2f]));
    body.extend([1, 0]);
    body.extend(prefixed(&extensions));

    let mut handshake = vec![1, 0];
    handshake.extend(prefixed(&body));
    let mut record = vec![22, 3, 1];
    record.extend(prefixed(&handshake));
    record
}
