//! The asking side of the control socket. Blocking: a command line asks one thing and waits.

use super::{LevelRequest, REPLY_MAX_BYTES, Reply, Request, ThawRequest, TriggerRequest};
use crate::config::Config;
use crate::health::Status;
use crate::models::{ModelAnswer, ModelRequest};
use nix::unistd::{Gid, Group};
use std::fs;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

/// Why a recorder gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Nobody listens there.
    #[error("no recorder answers at {}: {source}; is `taffrail record` running, with this --state-dir?", path.display())]
    NoRecorder {
        /// The socket.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The user may not ask.
    #[error("the recorder at {} answers {}", path.display(), whom(group.as_deref()))]
    Permission {
        /// The socket.
        path: PathBuf,
        /// The group that may ask besides root.
        group: Option<String>,
    },
    /// The recorder went away in the middle.
    #[error("the recorder at {} ended before it answered: {source}", path.display())]
    Lost {
        /// The socket.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The answer is not one: another version, perhaps.
    #[error("the recorder's answer cannot be read: {0}")]
    Answer(String),
    /// The recorder said no.
    #[error("{0}")]
    Refused(String),
}

/// Asks how things are.
///
/// # Errors
/// [`ClientError`].
pub fn status(state_dir: &Path) -> Result<Status, ClientError> {
    match ask(state_dir, &Request::Status, &[])? {
        Reply::Status(status) => Ok(*status),
        other => Err(unexpected(other)),
    }
}

/// Orders a bundle and gives its path.
///
/// # Errors
/// [`ClientError`].
pub fn trigger(state_dir: &Path, request: TriggerRequest) -> Result<PathBuf, ClientError> {
    match ask(state_dir, &Request::Trigger(request), &[])? {
        Reply::Bundle { path } => Ok(path),
        other => Err(unexpected(other)),
    }
}

/// Changes how much is recorded of a container.
///
/// # Errors
/// [`ClientError`].
pub fn level(state_dir: &Path, request: LevelRequest) -> Result<(), ClientError> {
    match ask(state_dir, &Request::Level(request), &[])? {
        Reply::Done => Ok(()),
        other => Err(unexpected(other)),
    }
}

/// Has a frozen container go on.
///
/// # Errors
/// [`ClientError`].
pub fn thaw(state_dir: &Path, request: ThawRequest) -> Result<(), ClientError> {
    match ask(state_dir, &Request::Thaw(request), &[])? {
        Reply::Done => Ok(()),
        other => Err(unexpected(other)),
    }
}

/// Asks about models, or changes them. `file` is the model that is imported, else empty.
///
/// # Errors
/// [`ClientError`].
pub fn model(state_dir: &Path, request: ModelRequest, file: &[u8]) -> Result<ModelAnswer, ClientError> {
    match ask(state_dir, &Request::Model(request), file)? {
        Reply::Model(answer) => Ok(answer),
        other => Err(unexpected(other)),
    }
}

fn unexpected(reply: Reply) -> ClientError {
    match reply {
        Reply::Refused { reason } => ClientError::Refused(reason),
        Reply::Status(_) | Reply::Bundle { .. } | Reply::Model(_) | Reply::Done => {
            ClientError::Answer("it answers another question".to_owned())
        }
    }
}

/// Asks, with what follows the request's line.
fn ask(state_dir: &Path, request: &Request, rest: &[u8]) -> Result<Reply, ClientError> {
    let path = Config::socket_of(state_dir);
    let mut stream = UnixStream::connect(&path).map_err(|source| match source.kind() {
        io::ErrorKind::PermissionDenied => ClientError::Permission { path: path.clone(), group: group_of(state_dir) },
        _ => ClientError::NoRecorder { path: path.clone(), source },
    })?;
    let lost = |source| ClientError::Lost { path: path.clone(), source };
    let mut line = serde_json::to_string(request).map_err(|error| ClientError::Answer(error.to_string()))?;
    line.push('\n');
    let told = stream.write_all(line.as_bytes()).and_then(|()| stream.write_all(rest));
    match told.map_err(|error| (error.kind(), error)) {
        // Who is refused before he could ask has the reason waiting for him.
        Ok(()) | Err((io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset, _)) => {}
        Err((_, error)) => return Err(lost(error)),
    }
    let mut answer = String::new();
    BufReader::new(stream.take(REPLY_MAX_BYTES)).read_line(&mut answer).map_err(lost)?;
    if answer.is_empty() {
        return Err(lost(io::ErrorKind::UnexpectedEof.into()));
    }
    serde_json::from_str(&answer).map_err(|error| ClientError::Answer(error.to_string()))
}

/// The group to which a recorder opened its state directory.
fn group_of(state_dir: &Path) -> Option<String> {
    let metadata = fs::metadata(state_dir).ok().filter(|metadata| metadata.mode() & 0o010 != 0)?;
    Group::from_gid(Gid::from_raw(metadata.gid())).ok().flatten().map(|group| group.name)
}

fn whom(group: Option<&str>) -> String {
    match group {
        Some(group) => format!("root and members of the group {group} only; run this as root, or become one of them"),
        None => "root only; run this as root, or have it let a group in with `control_group`".to_owned(),
    }
}
