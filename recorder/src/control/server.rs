//! The answering side of the control socket.

use super::{REQUEST_MAX_BYTES, Reply, Request, TriggerRequest};
use crate::health::Status;
use crate::record::Command;
use std::io;
use std::path::Path;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{mpsc, oneshot};

/// A client that says nothing for this long is let go.
const REQUEST_WAIT: Duration = Duration::from_secs(5);
/// The longest window that can be asked for, either way: a year.
const WINDOW_MAX_NS: u64 = 365 * 24 * 3600 * 1_000_000_000;
/// The longest reason.
const REASON_MAX_BYTES: usize = 4096;

/// Listens at `path`, which a recorder that died may have left behind.
pub fn bind(path: &Path) -> io::Result<UnixListener> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => UnixListener::bind(path),
    }
}

/// Answers until it is dropped.
pub async fn serve(listener: UnixListener, commands: mpsc::Sender<Command>) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                let commands = commands.clone();
                tokio::spawn(async move {
                    if let Err(error) = converse(stream, commands).await {
                        tracing::debug!(%error, "control client went away");
                    }
                });
            }
            Err(error) => {
                tracing::warn!(%error, "control socket cannot accept");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

async fn converse(mut stream: UnixStream, commands: mpsc::Sender<Command>) -> io::Result<()> {
    let peer = stream.peer_cred()?.uid();
    let reply = if peer == 0 || peer == nix::unistd::geteuid().as_raw() {
        let (reader, _) = stream.split();
        let mut line = String::new();
        let mut reader = BufReader::new(reader.take(REQUEST_MAX_BYTES));
        match tokio::time::timeout(REQUEST_WAIT, reader.read_line(&mut line)).await {
            Err(_) => refused("no request came"),
            Ok(read) => {
                read?;
                match serde_json::from_str(&line) {
                    Ok(request) => answer(request, &commands).await,
                    Err(error) => refused(&format!("the request cannot be read: {error}")),
                }
            }
        }
    } else {
        refused("only root and the recorder's own user are answered")
    };
    let mut text = serde_json::to_vec(&reply)?;
    text.push(b'\n');
    stream.write_all(&text).await?;
    stream.shutdown().await
}

async fn answer(request: Request, commands: &mpsc::Sender<Command>) -> Reply {
    match request {
        Request::Status => match ask(commands, Command::Status).await {
            Some(status) => Reply::Status(Box::<Status>::new(status)),
            None => refused("the recorder is ending"),
        },
        Request::Level(request) => match ask(commands, |reply| Command::Level(request, reply)).await {
            Some(Ok(())) => Reply::Done,
            Some(Err(reason)) => Reply::Refused { reason },
            None => refused("the recorder is ending"),
        },
        Request::Trigger(order) => {
            if let Some(reason) = unfit(&order) {
                return refused(reason);
            }
            match ask(commands, |reply| Command::Trigger(order, reply)).await {
                Some(Ok(path)) => Reply::Bundle { path },
                Some(Err(reason)) => Reply::Refused { reason },
                None => refused("the recorder ended before the bundle was sealed"),
            }
        }
    }
}

async fn ask<T>(commands: &mpsc::Sender<Command>, make: impl FnOnce(oneshot::Sender<T>) -> Command) -> Option<T> {
    let (reply, answer) = oneshot::channel();
    commands.send(make(reply)).await.ok()?;
    answer.await.ok()
}

fn unfit(order: &TriggerRequest) -> Option<&'static str> {
    if order.before_ns > WINDOW_MAX_NS || order.after_ns > WINDOW_MAX_NS {
        return Some("a window reaches a year at most, each way");
    }
    if order.reason.trim().is_empty() || order.reason.len() > REASON_MAX_BYTES {
        return Some("a reason is 1 to 4096 bytes long");
    }
    if order.out_dir.as_ref().is_some_and(|dir| !dir.is_absolute()) {
        return Some("the output directory is not absolute");
    }
    None
}

fn refused(reason: &str) -> Reply {
    Reply::Refused { reason: reason.to_owned() }
}
