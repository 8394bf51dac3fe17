//! Files and connections through io_uring: no system call of their own.

use crate::act::{Act, Args, Told, c};
use crate::file::made;
use crate::network::{sockaddr, tcp_socket};
use crate::sys::{self, CWD, nr, o};
use std::io;
use std::net::{Ipv4Addr, SocketAddrV4, TcpListener};
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};

pub const ACTS: &[Act] = &[
    ("uring-open", |args| open(args, 0)),
    ("uring-sqpoll-open", |args| open(args, SQPOLL)),
    ("uring-unlink", unlink),
    ("uring-connect", connect),
    ("uring-steal", steal),
];

/// `IORING_SETUP_SQPOLL`: a thread of the kernel takes the requests.
const SQPOLL: u32 = 2;
const ENTRIES: u32 = 4;

mod op {
    pub const CONNECT: u8 = 16;
    pub const OPENAT: u8 = 18;
    pub const CLOSE: u8 = 19;
    pub const READ: u8 = 22;
    pub const SEND: u8 = 26;
    pub const UNLINKAT: u8 = 36;
}

/// `struct io_uring_sqe`, as far as these requests use it.
#[repr(C)]
#[derive(Clone, Copy, Default)]
struct Request {
    opcode: u8,
    flags: u8,
    ioprio: u16,
    fd: i32,
    off: u64,
    addr: u64,
    len: u32,
    op_flags: u32,
    user_data: u64,
    rest: [u64; 3],
}

/// A ring with its three mappings, which live as long as the process.
struct Ring {
    fd: usize,
    flags: u32,
    params: [u32; 30],
    submissions: usize,
    completions: usize,
    requests: *mut Request,
}

impl Ring {
    fn new(flags: u32) -> io::Result<Self> {
        let mut params = [0u32; 30];
        params[2] = flags;
        // Milliseconds until the kernel's thread sleeps.
        params[4] = if flags & SQPOLL != 0 { 2000 } else { 0 };
        // SAFETY: the kernel reads and writes `struct io_uring_params`, which has 120 bytes.
        let fd = unsafe { sys::call(nr::IO_URING_SETUP, [ENTRIES as usize, params.as_mut_ptr() as usize]) };
        let fd = sys::need("io_uring_setup", fd)?;
        let map = |bytes: usize, offset: usize| {
            // Shared and populated; at a new address, so that no memory of this program is touched.
            sys::need("mmap", sys::plain(nr::MMAP, [0, bytes, 3, 0x8001, fd, offset]))
        };
        let submissions = map(params[16] as usize + params[0] as usize * 4, 0)?;
        // Behind the offset stand entries of 16 bytes.
        let completions = map(params[25] as usize + params[1] as usize * 16, 0x800_0000)?;
        let requests = map(params[0] as usize * size_of::<Request>(), 0x1000_0000)? as *mut Request;
        Ok(Self { fd, flags, params, submissions, completions, requests })
    }

    /// A counter that is shared with the kernel.
    fn shared(&self, at: usize) -> &AtomicU32 {
        // SAFETY: the offsets that the kernel gave point to aligned 32-bit words inside the mappings, which stay.
        unsafe { &*(at as *const AtomicU32) }
    }

    /// Submits one request, waits for it and gives its result.
    fn run(&self, request: Request) -> io::Result<i32> {
        let (sq, cq) = (
            |at: usize| self.submissions + self.params[at] as usize,
            |at: usize| self.completions + self.params[at] as usize,
        );
        let tail = self.shared(sq(11));
        let slot = tail.load(Ordering::Relaxed) & self.shared(sq(12)).load(Ordering::Relaxed);
        // SAFETY: the slot is below the number of entries that were mapped, and the kernel reads it after the tail
        // has moved on.
        unsafe { self.requests.add(slot as usize).write(request) };
        self.shared(sq(16) + slot as usize * 4).store(slot, Ordering::Relaxed);
        tail.fetch_add(1, Ordering::SeqCst);

        const GETEVENTS: usize = 1;
        const SQ_WAKEUP: usize = 2;
        let asleep = self.flags & SQPOLL != 0 && self.shared(sq(14)).load(Ordering::SeqCst) & 1 != 0;
        let submit = usize::from(self.flags & SQPOLL == 0);
        let flags = GETEVENTS | if asleep { SQ_WAKEUP } else { 0 };
        sys::need("io_uring_enter", sys::plain(nr::IO_URING_ENTER, [self.fd, submit, 1, flags, 0, 0]))?;

        let head = self.shared(cq(20));
        while head.load(Ordering::Relaxed) == self.shared(cq(21)).load(Ordering::Acquire) {
            std::thread::yield_now();
        }
        let slot = head.load(Ordering::Relaxed) & self.shared(cq(22)).load(Ordering::Relaxed);
        // The result stands behind the 64 bits of the request's own data.
        let result = self.shared(cq(25) + slot as usize * 16 + 8).load(Ordering::Relaxed);
        head.fetch_add(1, Ordering::Release);
        Ok(result as i32)
    }
}

fn below_cwd(opcode: u8, path: &std::ffi::CStr) -> Request {
    Request { opcode, fd: CWD as i32, addr: path.as_ptr() as u64, ..Request::default() }
}

/// `uring-open FILE`: opened for reading and closed.
fn open(args: &Args, flags: u32) -> Told {
    let path = c(args.text(0)?)?;
    let ring = Ring::new(flags)?;
    let fd = ring.run(Request { op_flags: o::CLOEXEC as u32, ..below_cwd(op::OPENAT, &path) })?;
    sys::need("open", fd as isize)?;
    let closed = ring.run(Request { opcode: op::CLOSE, fd, ..Request::default() })?;
    Ok(format!("path={} fd={fd} closed={closed}", args.text(0)?))
}

/// `uring-unlink FILE`: made by an ordinary call, removed by the ring.
fn unlink(args: &Args) -> Told {
    let path = made(Path::new(args.text(0)?))?;
    let ring = Ring::new(0)?;
    let result = ring.run(below_cwd(op::UNLINKAT, &path))?;
    Ok(format!("path={} result={result} gone={}", args.text(0)?, !Path::new(args.text(0)?).exists()))
}

/// `uring-connect [PORT]`: to a listener of its own.
fn connect(args: &Args) -> Told {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, args.port(0)?))?;
    let port = listener.local_addr()?.port();
    let fd = tcp_socket()?;
    let to = sockaddr(Ipv4Addr::LOCALHOST, port);
    let ring = Ring::new(0)?;
    let request =
        Request { opcode: op::CONNECT, fd: fd as i32, addr: to.as_ptr() as u64, off: 16, ..Request::default() };
    let result = ring.run(request)?;
    let (_, from) = listener.accept()?;
    sys::close(fd);
    Ok(format!("port={port} client={} result={result}", from.port()))
}

/// `uring-steal FILE ADDR:PORT`: reads a file and sends it away; but for the socket nothing is a system call.
fn steal(args: &Args) -> Told {
    let path = c(args.text(0)?)?;
    let to: SocketAddrV4 = args.text(1)?.parse().map_err(io::Error::other)?;
    let ring = Ring::new(0)?;
    let file = ring.run(Request { op_flags: o::CLOEXEC as u32, ..below_cwd(op::OPENAT, &path) })?;
    sys::need("open", file as isize)?;
    let mut content = [0u8; 4096];
    let buffer = (content.as_mut_ptr() as u64, content.len() as u32);
    let read = ring.run(Request { opcode: op::READ, fd: file, addr: buffer.0, len: buffer.1, ..Request::default() })?;
    let read = sys::need("read", read as isize)?;
    ring.run(Request { opcode: op::CLOSE, fd: file, ..Request::default() })?;

    let fd = tcp_socket()?;
    let addr = sockaddr(*to.ip(), to.port());
    let there =
        Request { opcode: op::CONNECT, fd: fd as i32, addr: addr.as_ptr() as u64, off: 16, ..Request::default() };
    sys::need("connect", ring.run(there)? as isize)?;
    let send = Request { opcode: op::SEND, fd: fd as i32, addr: buffer.0, len: read as u32, ..Request::default() };
    let sent = ring.run(send)?;
    sys::close(fd);
    Ok(format!("path={} read={read} to={to} sent={sent}", args.text(0)?))
}
