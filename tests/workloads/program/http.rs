//! As much of HTTP as the acts need: one request, and all that comes back.

use crate::act::{Act, Args, Told};
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::time::Duration;

pub const ACTS: &[Act] = &[("post", post), ("load", load), ("docker", docker)];

/// How long an answer may take.
const ANSWER: Duration = Duration::from_secs(30);
/// Where Docker's API is.
const DOCKER: &str = "/var/run/docker.sock";

/// Sends a request and gives the answer's body. The answer ends with the connection.
fn request(mut stream: impl Read + Write, method: &str, path: &str, body: &[u8]) -> io::Result<Vec<u8>> {
    let head = format!(
        "{method} {path} HTTP/1.0\r\nHost: docker\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(&[head.as_bytes(), body].concat())?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let after = |end: &[u8]| answer.windows(end.len()).position(|found| found == end).map(|at| at + end.len());
    // A script that answers ends its lines as its shell does.
    let body = after(b"\r\n\r\n").or_else(|| after(b"\n\n"));
    let body = body.ok_or_else(|| io::Error::other("an answer without an end of its head"))?;
    let status = answer.split(|byte| *byte == b' ').nth(1).unwrap_or_default();
    if !status.starts_with(b"2") && status != b"304" {
        return Err(io::Error::other(format!("{method} {path}: {}", String::from_utf8_lossy(&answer))));
    }
    Ok(answer.split_off(body))
}

fn connect(to: &str) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(to)?;
    stream.set_read_timeout(Some(ANSWER))?;
    Ok(stream)
}

/// What is at `http://ADDR:PORT/PATH`.
pub fn get(url: &str) -> io::Result<Vec<u8>> {
    let rest = url.strip_prefix("http://").ok_or_else(|| io::Error::other("only http is spoken here"))?;
    let (server, path) = rest.split_once('/').unwrap_or((rest, ""));
    let server = if server.contains(':') { server.to_owned() } else { format!("{server}:80") };
    request(connect(&server)?, "GET", &format!("/{path}"), b"")
}

/// `post ADDR:PORT PATH`: sends its standard input and prints the answer.
fn post(args: &Args) -> Told {
    let mut body = Vec::new();
    io::stdin().read_to_end(&mut body)?;
    let answer = request(connect(args.text(0)?)?, "POST", args.text(1)?, &body)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

/// `load ADDR:PORT PATH N`: as many requests, four at a time.
fn load(args: &Args) -> Told {
    let (server, path, count) = (args.text(0)?, args.text(1)?, args.number(2)?);
    let ask = || (0..count / 4).try_for_each(|_| request(connect(server)?, "GET", path, b"").map(drop));
    std::thread::scope(|scope| {
        let clients: Vec<_> = (0..4).map(|_| scope.spawn(ask)).collect();
        clients.into_iter().try_for_each(|client| client.join().map_err(|_| io::Error::other("a client failed"))?)
    })?;
    Ok(format!("requests={}", count / 4 * 4))
}

/// `docker NAME IMAGE DIR SCRIPT`: through Docker's socket it makes a container that has the host's root as `/host`, lets
/// it run SCRIPT with DIR as `$1`, waits for its end, and removes it. The image's name is its label.
fn docker(args: &Args) -> Told {
    let ask = |method: &str, path: &str, body: &str| -> io::Result<String> {
        let stream = UnixStream::connect(DOCKER)?;
        stream.set_read_timeout(Some(ANSWER))?;
        request(stream, method, path, body.as_bytes()).map(|body| String::from_utf8_lossy(&body).into_owned())
    };
    let (name, image, dir, script) = (args.text(0)?, args.text(1)?, args.text(2)?, args.text(3)?);
    ask("GET", "/containers/json", "")?;
    let wanted = format!(
        "{{\"Image\":\"{image}\",\"Labels\":{{\"{image}\":\"\"}},\"Cmd\":[\"/bin/sh\",\"-c\",{script:?},\"sh\",{dir:?}],\"NetworkDisabled\":true,\
         \"HostConfig\":{{\"Binds\":[\"/:/host\"],\"CapAdd\":[\"SYS_ADMIN\"],\"PidMode\":\"host\"}}}}"
    );
    let made = ask("POST", &format!("/containers/create?name={name}"), &wanted)?;
    let id = made.split('"').nth(3).ok_or_else(|| io::Error::other("no id"))?;
    let done = ask("POST", &format!("/containers/{id}/start"), "")
        .and_then(|_| ask("POST", &format!("/containers/{id}/wait"), ""));
    ask("DELETE", &format!("/containers/{id}?force=1"), "")?;
    done.map(|code| format!("id={id} ended={}", code.trim()))
}
