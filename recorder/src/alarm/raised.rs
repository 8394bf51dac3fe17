//! An alarm that was raised, and whom it means.

use taffrail_trace::clock::UtcNs;
use taffrail_trace::event::Severity;
use taffrail_trace::text::{self, cut};

/// The longest name of an alarm; the rest of a longer one is cut off.
pub const RULE_MAX_BYTES: usize = 128;
/// The longest reason, likewise.
pub const REASON_MAX_BYTES: usize = 4096;

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

impl Alarm {
    /// An alarm with its texts cut to what is kept.
    pub fn new(rule: &str, severity: Severity, reason: &str, by: &str, about: About) -> Self {
        let by = format!(" ({})", cut(by, RULE_MAX_BYTES));
        let reason = cut(reason.trim(), REASON_MAX_BYTES - by.len()).into_owned() + &by;
        let rule = cut(rule.trim(), RULE_MAX_BYTES).into_owned();
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
