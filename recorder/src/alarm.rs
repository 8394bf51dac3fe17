//! Alarms from outside: another program, the container runtime or a signal pulls the cord.
//!
//! ```text
//! alarm (this file)   an alarm, whom it means, what became of it
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
mod rate;
#[cfg(test)]
mod tests;

pub use docker::DockerAlarm;
pub(crate) use docker::watch as watch_docker;
pub(crate) use door::{Door, serve};
pub use listen::{AlarmError, Listen};

use serde::Serialize;
use std::path::PathBuf;
use taffrail_trace::clock::UtcNs;
use taffrail_trace::event::Severity;
use taffrail_trace::text;

/// The longest name of an alarm; the rest of a longer one is cut off.
const RULE_MAX_BYTES: usize = 128;
/// The longest reason, likewise.
const REASON_MAX_BYTES: usize = 4096;

/// Somebody says that something is wrong with a container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alarm {
    /// Its name: Falco's rule, Alertmanager's `alertname`, else what raised it.
    pub rule: String,
    /// How serious its sender takes it.
    pub severity: Severity,
    /// Why, and who says so.
    pub reason: String,
    /// Its sender's tags.
    pub tags: Vec<String>,
    /// Which container.
    pub about: About,
    /// History before it; the configured time where it is not said.
    pub before_ns: Option<u64>,
    /// What follows it, likewise.
    pub after_ns: Option<u64>,
}

/// Which container an alarm means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum About {
    /// The first of these names and ids that one has.
    Named(Vec<String>),
    /// Those of a pod that have its labels.
    Pod {
        /// The pod.
        pod: String,
        /// Its namespace, where it is said.
        namespace: Option<String>,
        /// One container of it, else all.
        container: Option<String>,
    },
    /// Of all runs of the container with this id the last one that had begun by then.
    Run {
        /// The runtime's id.
        id: String,
        /// When.
        at_utc_ns: UtcNs,
    },
}

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

/// Text of at most so many bytes, cut between two characters.
fn cut(text: &str, most: usize) -> String {
    if text.len() <= most {
        return text.to_owned();
    }
    let end = (0..=most.saturating_sub('…'.len_utf8())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    format!("{}…", &text[..end])
}

impl Alarm {
    /// An alarm with its texts cut to what is kept.
    pub fn new(rule: &str, severity: Severity, reason: &str, by: &str, about: About) -> Self {
        let by = format!(" ({})", cut(by, RULE_MAX_BYTES));
        let reason = cut(reason.trim(), REASON_MAX_BYTES - by.len()) + &by;
        let rule = cut(rule.trim(), RULE_MAX_BYTES);
        Self { rule, severity, reason, tags: Vec::new(), about, before_ns: None, after_ns: None }
    }
}

impl About {
    /// In words for whoever asked.
    pub fn said(&self) -> String {
        match self {
            Self::Named(names) => text::shown(&names.join(", ")).into_owned(),
            Self::Pod { pod, container: None, .. } => format!("pod {}", text::shown(pod)),
            Self::Pod { pod, container: Some(container), .. } => {
                format!("{} of pod {}", text::shown(container), text::shown(pod))
            }
            Self::Run { id, .. } => id.clone(),
        }
    }
}
