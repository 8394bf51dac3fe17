//! What runs inside the demo's container: one static program that is, by the name it is called, a web server with a
//! hole, a shell, and the handful of tools that the intruder uses. It harms nothing and talks to loopback only.

use std::env;
use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode, Stdio};

fn main() -> ExitCode {
    let args: Vec<String> = env::args().collect();
    let called = args.first().map_or("", |name| name.rsplit('/').next().unwrap_or(""));
    let rest: Vec<&str> = args.iter().skip(1).map(String::as_str).collect();
    let done = match called {
        "httpd" => httpd(),
        "sh" => shell(&rest),
        // Nobody reads what the web server's children say.
        "ping" => Ok(()),
        "id" => io::stdout().write_all(b"uid=0(root) gid=0(root)\n"),
        "cat" => cat(&rest),
        "chmod" => chmod(&rest),
        "mv" => two(&rest).and_then(|(from, to)| fs::rename(from, to)),
        "nc" => back_connect(&rest),
        "wget" => wget(&rest),
        _ => work(&rest),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "{called}: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Serves until its standard input ends, so that it never outlives who started it. `/ping?host=` is the hole: what
/// follows goes to a shell as it is.
fn httpd() -> io::Result<()> {
    let listener = TcpListener::bind((IpAddr::from([127, 0, 0, 1]), 0))?;
    let mut out = io::stdout();
    writeln!(out, "{}", listener.local_addr()?.port())?;
    out.flush()?;
    std::thread::spawn(|| {
        let _ = io::copy(&mut io::stdin(), &mut io::sink());
        std::process::exit(0);
    });
    for stream in listener.incoming() {
        let mut stream = stream?;
        let mut request = String::new();
        BufReader::new(&stream).take(4096).read_line(&mut request)?;
        let path = request.split(' ').nth(1).unwrap_or("/").replace("%20", " ");
        let body = match path.strip_prefix("/ping?host=") {
            Some(host) => {
                let mut child = Command::new("/bin/sh").args(["-c", &format!("ping {host}")]).stdin(Stdio::piped()).spawn()?;
                // The intruder's shell lives longer than the request.
                std::thread::spawn(move || child.wait());
                "sent".to_owned()
            }
            None => fs::read_to_string("/srv/index.html")?,
        };
        write!(stream, "HTTP/1.0 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len())?;
    }
    Ok(())
}

fn shell(args: &[&str]) -> io::Result<()> {
    if let ["-c", line] = args {
        return run_line(line);
    }
    for line in io::stdin().lock().lines() {
        let line = line?;
        if line == "exit" {
            break;
        }
        if let Err(error) = run_line(&line) {
            println!("sh: {error}");
        }
        println!("$");
    }
    Ok(())
}

/// Runs commands with `;` between them, words with blanks between them: no quoting, no variables.
fn run_line(line: &str) -> io::Result<()> {
    for command in line.split(';') {
        let mut words = command.split_whitespace();
        let Some(name) = words.next() else { continue };
        let path = if name.contains('/') { name.to_owned() } else { format!("/bin/{name}") };
        Command::new(&path).arg0(name).args(words).status()?;
    }
    Ok(())
}

/// `nc HOST PORT -e PROGRAM`: gives PROGRAM the connection as its standard input and output.
fn back_connect(args: &[&str]) -> io::Result<()> {
    let [host, port, "-e", program] = args else { return Err(usage()) };
    let stream = TcpStream::connect(address(host, port)?)?;
    let (input, output) = (OwnedFd::from(stream.try_clone()?), OwnedFd::from(stream));
    let name = program.rsplit('/').next().unwrap_or(program);
    Err(Command::new(program).arg0(name).arg("-i").stdin(input).stdout(output).exec())
}

/// `wget HOST PORT FILE`: what the other end sends, until it closes.
fn wget(args: &[&str]) -> io::Result<()> {
    let [host, port, file] = args else { return Err(usage()) };
    let mut stream = TcpStream::connect(address(host, port)?)?;
    stream.write_all(b"GET /update HTTP/1.0\r\n\r\n")?;
    let mut body = Vec::new();
    stream.read_to_end(&mut body)?;
    fs::write(file, body)
}

/// What the dropped program does: it asks somebody far away (in truth: loopback) for work.
fn work(args: &[&str]) -> io::Result<()> {
    let (host, port) = two(args)?;
    let mut stream = TcpStream::connect(address(host, port)?)?;
    stream.write_all(b"{\"method\":\"login\"}\n")?;
    let mut answer = String::new();
    BufReader::new(stream).take(4096).read_line(&mut answer)?;
    Ok(())
}

fn cat(args: &[&str]) -> io::Result<()> {
    for file in args {
        io::stdout().write_all(&fs::read(file)?)?;
    }
    Ok(())
}

fn chmod(args: &[&str]) -> io::Result<()> {
    let (mode, file) = two(args)?;
    let mode = u32::from_str_radix(mode, 8).map_err(io::Error::other)?;
    fs::set_permissions(file, fs::Permissions::from_mode(mode))
}

fn two<'a>(args: &[&'a str]) -> io::Result<(&'a str, &'a str)> {
    match args {
        [first, second] => Ok((first, second)),
        _ => Err(usage()),
    }
}

/// An address, if it is a loopback one.
fn address(host: &str, port: &str) -> io::Result<SocketAddr> {
    let host: IpAddr = host.parse().map_err(io::Error::other)?;
    let port = port.parse().map_err(io::Error::other)?;
    if host.is_loopback() { Ok(SocketAddr::new(host, port)) } else { Err(io::Error::other("not a loopback address")) }
}

fn usage() -> io::Error {
    io::Error::other("wrong arguments")
}
