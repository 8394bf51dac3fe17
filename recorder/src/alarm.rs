//! Alarms from outside: another program, the container runtime or a signal pulls the cord.
//!
//! ```text
//! alarm (this file)   what becomes of alarms
//! raised              an alarm, and whom it means
//! form                what programs send -> alarms: Alertmanager, Falco, a plain form
//! listen              where they send it, and the token that they show
//! door                HTTP, bounded in every way a client could make it wait or grow
//! rate                how often
//! docker              containers that died, ran out of memory, or are unhealthy
//! ```
//!
//! An alarm is taken like a rule's match: it becomes a finding with source `alarm`, joins the incident that is open in its
//! container or opens one, and rests after that. Whom it means is worked out by the recording thread, which alone knows
//! the containers.

mod docker;
mod door;
mod form;
mod listen;
mod raised;
mod rate;
#[cfg(test)]
mod tests;

pub use docker::DockerAlarm;
pub(crate) use docker::watch as watch_docker;
pub(crate) use door::{Door, serve};
pub use listen::{AlarmError, Listen};
pub use raised::{About, Alarm};

use serde::Serialize;
use std::path::PathBuf;

/// What became of an alarm in one container.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Taken {
    /// The container, or what the alarm called it.
    pub container: String,
    /// What became of it.
    pub outcome: Became,
    /// Where the evidence is, or will be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bundle: Option<PathBuf>,
    /// Why there is none, or no new one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// What an alarm led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Became {
    /// An incident.
    Opened,
    /// It is part of one that was open.
    Joined,
    /// It is in the history, and nothing is sealed: the same alarm had just been.
    HeldBack,
    /// It is in the history, and nothing is sealed.
    Refused,
    /// Nothing: no container is called so.
    Unknown,
}
