//! Arguments that another thread rewrites while the kernel reads them. Each act finds out for itself what the kernel
//! really did, by its effects.

use crate::act::{Act, Args, Told, c};
use crate::file::made;
use crate::network::{sockaddr, tcp_socket};
use crate::sys::{self, nr, o};
use std::io::{self, Read as _};
use std::net::{Ipv4Addr, TcpListener};
use std::os::fd::FromRawFd as _;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU16, AtomicU32, Ordering};

pub const ACTS: &[Act] = &[
    ("rewrite-open", rewrite_open),
    ("rewrite-unlink", rewrite_unlink),
    ("rewrite-link", rewrite_link),
    ("rewrite-connect", rewrite_connect),
];

/// A name in memory that two threads share, of which one byte is written again and again: never a mixture.
struct Flipping {
    bytes: Vec<AtomicU8>,
    at: usize,
    one: u8,
    other: u8,
}

impl Flipping {
    /// Two names that differ in one byte.
    fn new(one: &str, other: &str) -> io::Result<Self> {
        let places: Vec<usize> =
            one.bytes().zip(other.bytes()).enumerate().filter(|(_, (a, b))| a != b).map(|(at, _)| at).collect();
        let ([at], true) = (places.as_slice(), one.len() == other.len()) else {
            return Err(io::Error::other("the names must be equally long and differ in one byte"));
        };
        let bytes = one.bytes().chain([0]).map(AtomicU8::new).collect();
        Ok(Self { bytes, at: *at, one: one.as_bytes()[*at], other: other.as_bytes()[*at] })
    }

    fn address(&self) -> usize {
        self.bytes.as_ptr() as usize
    }

    /// Runs a call with the name while another thread turns it from the one to the other, once, a little earlier or
    /// later in each round.
    fn turned(&self, round: u64, call: impl FnOnce(usize) -> isize) -> isize {
        // 1: the other thread is there; 2: the call is about to begin.
        let stage = AtomicU32::new(0);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                stage.store(1, Ordering::SeqCst);
                while stage.load(Ordering::SeqCst) != 2 {
                    std::hint::spin_loop();
                }
                for _ in 0..round % 100 * 8 {
                    std::hint::spin_loop();
                }
                self.set(true);
            });
            while stage.load(Ordering::SeqCst) != 1 {
                std::thread::yield_now();
            }
            stage.store(2, Ordering::SeqCst);
            for _ in 0..100 {
                std::hint::spin_loop();
            }
            call(self.address())
        })
    }

    fn set(&self, other: bool) {
        self.bytes[self.at].store(if other { self.other } else { self.one }, Ordering::Relaxed);
    }
}

/// `rewrite-open A B [ROUNDS]`: opens A or B, while the name in memory flips as fast as it can. What was opened says
/// so itself.
fn rewrite_open(args: &Args) -> Told {
    let (one, other, rounds) = (args.text(0)?, args.text(1)?, args.number_or(2, 2000)?);
    for path in [one, other] {
        made(Path::new(path))?;
        std::fs::write(path, path)?;
    }
    let name = Flipping::new(one, other)?;
    let over = AtomicBool::new(false);
    let mut counts = [0u64; 2];
    let opened = std::thread::scope(|scope| -> io::Result<()> {
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                name.set(true);
                name.set(false);
            }
        });
        let done = (0..rounds).try_for_each(|_| {
            // SAFETY: the name ends with a NUL whatever the other thread writes, and outlives the scope.
            let fd = unsafe { sys::call(nr::OPENAT, [sys::CWD, name.address(), o::RDONLY | o::CLOEXEC, 0]) };
            let fd = sys::need("open", fd)?;
            // SAFETY: the descriptor was just opened and is nobody else's.
            let mut file = unsafe { std::fs::File::from_raw_fd(fd as i32) };
            let mut content = vec![0; one.len()];
            file.read_exact(&mut content)?;
            counts[usize::from(content == other.as_bytes())] += 1;
            Ok(())
        });
        over.store(true, Ordering::Relaxed);
        done
    });
    opened?;
    Ok(format!("a={} b={} rounds={rounds}", counts[0], counts[1]))
}

/// `rewrite-unlink DIR [ROUNDS]`: in every round there are `NUMBER-a` and `NUMBER-b`; one of them is removed while
/// another thread turns the name from a to b, once, a little earlier or later each time. The other one is left.
fn rewrite_unlink(args: &Args) -> Told {
    let rounds = args.number_or(1, 200)?;
    let mut counts = [0u64; 2];
    for round in 0..rounds {
        let (one, other) = (args.below(&format!("{round:04}-a"))?, args.below(&format!("{round:04}-b"))?);
        made(&one)?;
        made(&other)?;
        let name = Flipping::new(&one.to_string_lossy(), &other.to_string_lossy())?;
        // SAFETY: as in `rewrite_open`.
        let result = name.turned(round, |name| unsafe { sys::call(nr::UNLINK, [name]) });
        sys::need("unlink", result)?;
        let removed = [&one, &other].map(|path| u64::from(!path.exists()));
        if removed[0] + removed[1] != 1 {
            return Err(io::Error::other("not exactly one of the two was removed"));
        }
        counts[0] += removed[0];
        counts[1] += removed[1];
    }
    Ok(format!("a={} b={} rounds={rounds}", counts[0], counts[1]))
}

/// `rewrite-link DIR [ROUNDS]`: in every round a file gets a second name, `NUMBER-a` or `NUMBER-b`, while another thread
/// turns that name as in `rewrite-unlink`.
fn rewrite_link(args: &Args) -> Told {
    let rounds = args.number_or(1, 200)?;
    let from = args.below("from")?;
    made(&from)?;
    let from = c(&from)?;
    let mut counts = [0u64; 2];
    for round in 0..rounds {
        let (one, other) = (args.below(&format!("{round:04}-a"))?, args.below(&format!("{round:04}-b"))?);
        let name = Flipping::new(&one.to_string_lossy(), &other.to_string_lossy())?;
        // SAFETY: as in `rewrite_open`.
        let result = name.turned(round, |name| unsafe { sys::call(nr::LINK, [from.as_ptr() as usize, name]) });
        sys::need("link", result)?;
        counts[0] += u64::from(one.exists());
        counts[1] += u64::from(other.exists());
    }
    Ok(format!("a={} b={} rounds={rounds}", counts[0], counts[1]))
}

/// `rewrite-connect [ROUNDS]`: connects to one of two ports, while the port in memory flips as fast as it can. The
/// listeners count.
fn rewrite_connect(args: &Args) -> Told {
    let rounds = args.number_or(0, 200)?;
    let listeners = [TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?, TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?];
    let mut ports = [0; 2];
    for (listener, port) in listeners.iter().zip(&mut ports) {
        listener.set_nonblocking(true)?;
        *port = listener.local_addr()?.port();
    }
    let whole = sockaddr(Ipv4Addr::LOCALHOST, ports[0]);
    let to: [AtomicU16; 8] =
        std::array::from_fn(|at| AtomicU16::new(u16::from_ne_bytes([whole[at * 2], whole[at * 2 + 1]])));
    let over = AtomicBool::new(false);
    let mut counts = [0u64; 2];
    std::thread::scope(|scope| -> io::Result<()> {
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                for port in ports {
                    to[1].store(port.to_be(), Ordering::Relaxed);
                }
            }
        });
        let done = (0..rounds).try_for_each(|_| {
            let fd = tcp_socket()?;
            // SAFETY: the address is as long as is said and outlives the scope; both ports in it are valid.
            let result = unsafe { sys::call(nr::CONNECT, [fd, to.as_ptr() as usize, 16]) };
            sys::need("connect", result)?;
            for (listener, count) in listeners.iter().zip(&mut counts) {
                *count += u64::from(listener.accept().is_ok());
            }
            sys::close(fd);
            Ok(())
        });
        over.store(true, Ordering::Relaxed);
        done
    })?;
    if counts[0] + counts[1] != rounds {
        return Err(io::Error::other("a connection was not taken"));
    }
    Ok(format!("port_a={} accepted_a={} port_b={} accepted_b={}", ports[0], counts[0], ports[1], counts[1]))
}
