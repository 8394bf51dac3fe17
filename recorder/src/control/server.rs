//! The answering side of the control socket.
//!
//! Bounded in every way a client could make it wait or grow: how long a request may be and take to come, how many ask at
//! a time, how long a reply may take to be read. An asker who hangs up while a bundle is made gives its place back.

use super::access::{Access, Asker};
use super::{REQUEST_MAX_BYTES, Reply, Request, TriggerRequest};
use crate::health::Status;
use crate::record::Command;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::io;
use std::os::fd::AsFd as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use taffrail_rules::model::DOCUMENT_MAX_BYTES;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio::time::timeout;

/// A client that has not said what it wants by then is let go.
const REQUEST_WAIT: Duration = Duration::from_secs(5);
/// A client that has not taken its whole reply by then is let go.
const REPLY_WAIT: Duration = Duration::from_secs(5);
/// How often it is looked whether an asker still waits.
const HANG_UP_CHECK: Duration = Duration::from_secs(1);
/// How many can ask at a time as root.
const ROOT_MAX: usize = 64;
/// How many can ask at a time as members of the group. They have places of their own, so that they can't take root's.
const GROUP_MAX: usize = 32;
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
pub async fn serve(listener: UnixListener, access: Access, commands: mpsc::Sender<Command>) {
    let places = Places { root: Arc::new(Semaphore::new(ROOT_MAX)), group: Arc::new(Semaphore::new(GROUP_MAX)) };
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                let admitted = admit(&stream, &access, &places);
                let commands = commands.clone();
                tokio::spawn(async move {
                    let result = match admitted {
                        Ok((asker, _place)) => converse(stream, &asker, &commands).await,
                        Err(reason) => say(stream, &Reply::Refused { reason }).await,
                    };
                    if let Err(error) = result {
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

struct Places {
    root: Arc<Semaphore>,
    group: Arc<Semaphore>,
}

/// Who asks, with a place that is free again when it is dropped; or why there is none.
fn admit(stream: &UnixStream, access: &Access, places: &Places) -> Result<(Asker, OwnedSemaphorePermit), String> {
    let peer = stream.peer_cred().map_err(|error| format!("the system does not say who asks: {error}"))?;
    let asker = access.asker(&peer)?;
    let places = if asker.is_root { &places.root } else { &places.group };
    match Arc::clone(places).try_acquire_owned() {
        Ok(place) => Ok((asker, place)),
        Err(_) => Err("too many ask at once; ask again in some seconds".to_owned()),
    }
}

async fn converse(mut stream: UnixStream, asker: &Asker, commands: &mpsc::Sender<Command>) -> io::Result<()> {
    let reply = match timeout(REQUEST_WAIT, listen(&mut stream, asker)).await {
        Err(_) => refused("no request came"),
        Ok(heard) => match heard? {
            Ok((request, file)) => tokio::select! {
                reply = answer(request, file, asker, commands) => reply,
                () = hung_up(&stream) => return Ok(()),
            },
            Err(reason) => Reply::Refused { reason },
        },
    };
    say(stream, &reply).await
}

/// Reads the request and the model that may follow it, or gives what is wrong with it.
async fn listen(stream: &mut UnixStream, asker: &Asker) -> io::Result<Result<(Request, String), String>> {
    let mut line = Vec::new();
    let mut reader = BufReader::new(stream.take(REQUEST_MAX_BYTES));
    reader.read_until(b'\n', &mut line).await?;
    if line.len() as u64 == REQUEST_MAX_BYTES && !line.ends_with(b"\n") {
        return Ok(Err(format!("a request is a line of at most {REQUEST_MAX_BYTES} bytes")));
    }
    let request: Request = match serde_json::from_slice(&line) {
        Ok(request) => request,
        Err(error) => return Ok(Err(format!("the request cannot be read: {error}"))),
    };
    let Request::Model(model) = &request else { return Ok(Ok((request, String::new()))) };
    if model.changes() && !asker.is_root {
        return Ok(Err("only root changes models: they decide what is told".to_owned()));
    }
    let bytes = model.bytes_that_follow();
    if bytes > DOCUMENT_MAX_BYTES {
        return Ok(Err(format!("a model is at most {DOCUMENT_MAX_BYTES} bytes, this has {bytes}")));
    }
    let mut file = vec![0; bytes];
    reader.get_mut().set_limit(bytes as u64);
    reader.read_exact(&mut file).await?;
    Ok(match String::from_utf8(file) {
        Ok(file) => Ok((request, file)),
        Err(_) => Err("a model is text in UTF-8".to_owned()),
    })
}

async fn say(mut stream: UnixStream, reply: &Reply) -> io::Result<()> {
    let mut text = serde_json::to_vec(reply)?;
    text.push(b'\n');
    timeout(REPLY_WAIT, async {
        stream.write_all(&text).await?;
        stream.shutdown().await
    })
    .await
    .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}

/// Waits until nobody is at the other end. The end of what it sends does not tell that: it may listen all the same.
async fn hung_up(stream: &UnixStream) {
    loop {
        tokio::time::sleep(HANG_UP_CHECK).await;
        let mut hang_up_only = [PollFd::new(stream.as_fd(), PollFlags::empty())];
        if poll(&mut hang_up_only, PollTimeout::ZERO).is_ok_and(|told| told > 0) {
            return;
        }
    }
}

async fn answer(request: Request, file: String, asker: &Asker, commands: &mpsc::Sender<Command>) -> Reply {
    match request {
        Request::Status => match ask(commands, Command::Status).await {
            Some(status) => Reply::Status(Box::<Status>::new(status)),
            None => refused("the recorder is ending"),
        },
        Request::Level(request) => {
            tracing::info!(
                uid = asker.uid,
                container = request.container,
                level = ?request.level,
                "level asked for"
            );
            match ask(commands, |reply| Command::Level(request, reply)).await {
                Some(Ok(())) => Reply::Done,
                Some(Err(reason)) => Reply::Refused { reason },
                None => refused("the recorder is ending"),
            }
        }
        Request::Thaw(request) => {
            tracing::info!(uid = asker.uid, container = request.container, "thaw asked for");
            match ask(commands, |reply| Command::Thaw(request.container, reply)).await {
                Some(Ok(())) => Reply::Done,
                Some(Err(reason)) => Reply::Refused { reason },
                None => refused("the recorder is ending"),
            }
        }
        Request::Model(request) => {
            if request.changes() {
                tracing::info!(uid = asker.uid, request = ?request, "a change of models asked for");
            }
            match ask(commands, |reply| Command::Model(request, file, reply)).await {
                Some(Ok(answer)) => Reply::Model(answer),
                Some(Err(reason)) => Reply::Refused { reason },
                None => refused("the recorder is ending"),
            }
        }
        Request::Trigger(order) => {
            if let Some(reason) = unfit(&order, asker) {
                return refused(reason);
            }
            tracing::info!(uid = asker.uid, container = order.container, reason = order.reason, "bundle asked for");
            match ask(commands, |reply| Command::Trigger(order, reply)).await {
                Some(Ok(path)) => Reply::Bundle { path },
                Some(Err(reason)) => Reply::Refused { reason },
                None => refused("the recorder ended before the bundle was sealed"),
            }
        }
    }
}

/// Asks the recording thread; `None` where it is ending.
pub(crate) async fn ask<T>(
    commands: &mpsc::Sender<Command>,
    make: impl FnOnce(oneshot::Sender<T>) -> Command,
) -> Option<T> {
    let (reply, answer) = oneshot::channel();
    commands.send(make(reply)).await.ok()?;
    answer.await.ok()
}

fn unfit(order: &TriggerRequest, asker: &Asker) -> Option<&'static str> {
    if order.before_ns > WINDOW_MAX_NS || order.after_ns > WINDOW_MAX_NS {
        return Some("a window reaches a year at most, each way");
    }
    if order.reason.trim().is_empty() || order.reason.len() > REASON_MAX_BYTES {
        return Some("a reason is 1 to 4096 bytes long");
    }
    if order.out_dir.is_some() && !asker.is_root {
        return Some(
            "the recorder writes as root, so only root says where to; leave --out away and copy the bundle from the path that is printed",
        );
    }
    if order.out_dir.as_ref().is_some_and(|dir| !dir.is_absolute()) {
        return Some("the output directory is not absolute");
    }
    None
}

fn refused(reason: &str) -> Reply {
    Reply::Refused { reason: reason.to_owned() }
}
