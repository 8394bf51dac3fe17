//! The control socket: how `status`, `trigger`, `level`, `thaw` and `model` talk to a running recorder.
//!
//! One request a connection: a line of JSON there, a line of JSON back. A model that is imported follows its line. Root, the recorder's own user and the members of
//! one configured group are answered; modes keep everybody else from connecting at all, and the peer's credentials are
//! checked besides.
//!
//! ```text
//! access     who may ask, and what the file system lets them reach
//! server     one conversation a client, each bounded
//! client     asks and waits
//! ```

pub(crate) mod access;
mod client;
pub(crate) mod server;
#[cfg(test)]
mod tests;

pub use access::AccessError;
pub use client::{ClientError, level, model, status, thaw, trigger};

use crate::health::Status;
use crate::models::{ModelAnswer, ModelRequest};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// The longest request that is read.
pub const REQUEST_MAX_BYTES: u64 = 64 << 10;
/// The longest reply that is read: a status of many thousand containers.
pub const REPLY_MAX_BYTES: u64 = 64 << 20;

/// What can be asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
pub enum Request {
    /// How things are.
    Status,
    /// Seal a container's history.
    Trigger(TriggerRequest),
    /// Record more or less of a container.
    Level(LevelRequest),
    /// Have a frozen container go on.
    Thaw(ThawRequest),
    /// About models of images.
    Model(ModelRequest),
}

/// A container that is to go on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ThawRequest {
    /// Name, id, or the beginning of an id.
    pub container: String,
}

/// How much is to be recorded of a container.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LevelRequest {
    /// Name, id, or the beginning of an id; `host` for what runs in no container.
    pub container: String,
    /// How much.
    pub level: Level,
}

/// How much is recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Its processes are known, nothing else of them is recorded.
    Off,
    /// Rare events; frequent ones, such as opened files, are counted.
    Vital,
    /// Everything but single system calls.
    Standard,
    /// Every system call as well.
    Full,
}

/// An order by hand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TriggerRequest {
    /// Name, id, or the beginning of an id; `host` for what runs in no container.
    pub container: String,
    /// Why, in the asker's words.
    pub reason: String,
    /// History before now, nanoseconds.
    pub before_ns: u64,
    /// And after.
    pub after_ns: u64,
    /// Absolute directory for the bundle, which only root may name; the recorder's own by default.
    pub out_dir: Option<PathBuf>,
    /// Answer when the bundle is sealed, not when it is ordered.
    pub wait: bool,
}

/// What is answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Reply {
    /// How things are.
    Status(Box<Status>),
    /// The bundle's path: sealed where the asker waits, else where it will be.
    Bundle {
        /// The path.
        path: PathBuf,
    },
    /// About models of images.
    Model(ModelAnswer),
    /// It is done.
    Done,
    /// It cannot be done; why, in one line.
    Refused {
        /// Why.
        reason: String,
    },
}
