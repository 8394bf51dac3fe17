//! A process that has something of everything and stays.

use crate::act::{Act, Args, Told, c};
use crate::sys::{self, nr};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream, UdpSocket};
use std::os::unix::net::UnixListener;
use std::time::Duration;

pub const ACTS: &[Act] = &[("hold", hold)];

/// How long it stays.
const STAY: Duration = Duration::from_secs(600);
const PAGE_BYTES: usize = 4096;

/// `hold DIR [COUNT]`: in DIR a file that is open, one that is open and removed, and a unix socket whose name has two lines;
/// a TCP listener, a connection to it that nobody accepts, a UDP socket, a memfd, a page of executable memory, and COUNT
/// descriptors of `/dev/null`. When all is there, DIR/ready has the words.
fn hold(args: &Args) -> Told {
    let open = |path| OpenOptions::new().create(true).append(true).open(path);
    let kept = open(args.below("kept")?)?;
    let removed = open(args.below("removed")?)?;
    fs::remove_file(args.below("removed")?)?;
    let unix = UnixListener::bind(args.below("two\nlines")?)?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let port = listener.local_addr()?.port();
    let mut client = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    client.write_all(b"unread")?;
    let from = client.local_addr()?.port();
    let udp = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
    let udp_port = udp.local_addr()?.port();
    let name = c("held")?;
    // SAFETY: the name ends with a zero byte and outlives the call.
    let memfd = sys::need("memfd_create", unsafe { sys::call(nr::MEMFD_CREATE, [name.as_ptr() as usize, 0]) })?;
    // Readable, writable and executable; private and of no file.
    let page = sys::need("mmap", sys::plain(nr::MMAP, [0, PAGE_BYTES, 7, 0x22, usize::MAX, 0]))?;
    let count = args.number_or(1, 0)?;
    let nulls = (0..count).map(|_| File::open("/dev/null")).collect::<io::Result<Vec<File>>>()?;
    let words = format!(
        "pid={} port={port} from={from} udp={udp_port} memfd={memfd} page={page} nulls={}",
        std::process::id(),
        nulls.len()
    );
    fs::write(args.below("part")?, &words)?;
    fs::rename(args.below("part")?, args.below("ready")?)?;
    std::thread::sleep(STAY);
    drop((kept, removed, unix, listener, client, udp));
    Ok(words)
}
