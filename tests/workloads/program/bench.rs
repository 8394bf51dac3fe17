//! Loops that measure themselves: `ns` is nanoseconds an iteration, by the monotonic clock, on the CPU given first.

use crate::act::{Act, Args, Told, c};
use crate::network::{sockaddr, tcp_socket};
use crate::sys::{self, nr, o};
use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener};
use std::os::fd::AsRawFd as _;
use std::time::{Duration, Instant};

pub const ACTS: &[Act] = &[
    ("null-loop", null_loop),
    ("open-close", open_close),
    ("connect-accept", connect_accept),
    ("pipe-rw", pipe_rw),
    ("count-opens", count_opens),
];

/// Runs `step` as often as the second argument says, after a tenth of that to warm up.
fn timed(args: &Args, mut step: impl FnMut() -> io::Result<()>) -> Told {
    sys::pin(args.number(0)?)?;
    let count = args.number(1)?.max(1);
    for _ in 0..count / 10 {
        step()?;
    }
    let start = Instant::now();
    for _ in 0..count {
        step()?;
    }
    let ns = start.elapsed().as_nanos() as f64 / count as f64;
    Ok(format!("ns={ns:.2} iterations={count}"))
}

/// `null-loop CPU N`: the cheapest system call that is not answered without the kernel.
fn null_loop(args: &Args) -> Told {
    timed(args, || sys::need("getppid", sys::plain(nr::GETPPID, [])).map(drop))
}

/// `open-close CPU N FILE`
fn open_close(args: &Args) -> Told {
    let path = c(args.text(2)?)?;
    timed(args, || {
        sys::close(sys::need("open", sys::open(&path, o::RDONLY | o::CLOEXEC, 0))?);
        Ok(())
    })
}

/// `connect-accept CPU N`: a whole connection over loopback, ended by a reset so that no port is kept waiting.
fn connect_accept(args: &Args) -> Told {
    const ACCEPT4: usize = 288;
    const SETSOCKOPT: usize = 54;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let to = sockaddr(Ipv4Addr::LOCALHOST, listener.local_addr()?.port());
    let server = listener.as_raw_fd() as usize;
    // On, for zero seconds.
    let linger = [1i32, 0];
    timed(args, || {
        let client = tcp_socket()?;
        // SAFETY: SO_LINGER takes two ints, which outlive the call.
        let set = unsafe { sys::call(SETSOCKOPT, [client, 1, 13, linger.as_ptr() as usize, 8]) };
        sys::need("setsockopt", set)?;
        // SAFETY: the address is as long as is said and outlives the call.
        sys::need("connect", unsafe { sys::call(nr::CONNECT, [client, to.as_ptr() as usize, to.len()]) })?;
        let taken = sys::need("accept4", sys::plain(ACCEPT4, [server, 0, 0, 0]))?;
        sys::close(client);
        sys::close(taken);
        Ok(())
    })
}

/// `pipe-rw CPU N`: one byte into a pipe and out again.
fn pipe_rw(args: &Args) -> Told {
    let (mut read, mut write) = io::pipe()?;
    let mut byte = [0];
    timed(args, || {
        write.write_all(&byte)?;
        read.read_exact(&mut byte)
    })
}

/// `count-opens CPU SECONDS FILE [RATE]`: opens and closes until the time is over, at most RATE times a second, and says
/// how often. The rate is kept in steps of a millisecond, in between it sleeps.
fn count_opens(args: &Args) -> Told {
    const STEP: Duration = Duration::from_millis(1);
    sys::pin(args.number(0)?)?;
    let length = Duration::from_secs(args.number(1)?);
    let path = c(args.text(2)?)?;
    let rate = args.number_or(3, 0)?;
    let start = Instant::now();
    let mut opens = 0u64;
    loop {
        let gone = start.elapsed();
        if gone >= length {
            break;
        }
        let due = if rate == 0 { opens + 256 } else { (gone.as_secs_f64() * rate as f64) as u64 };
        while opens < due {
            sys::close(sys::need("open", sys::open(&path, o::RDONLY | o::CLOEXEC, 0))?);
            opens += 1;
        }
        if rate != 0 {
            std::thread::sleep(STEP);
        }
    }
    let seconds = start.elapsed().as_secs_f64();
    Ok(format!("opens={opens} per_second={:.0}", opens as f64 / seconds))
}
