//! What the recorder itself has to say: the container, findings, gaps.

use super::{Actor, Class};
use crate::clock::BootNs;
use serde::{Deserialize, Serialize};

/// The container's own beginning and end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lifecycle {
    /// `found`, `created` or `removed`.
    pub op: LifecycleOp,
    /// Path of the cgroup below the unified hierarchy's root.
    pub cgroup_path: String,
    /// More about it: the process that entered, the new level.
    pub detail: Option<String>,
}

/// Lifecycle operations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LifecycleOp {
    /// It was there when the recorder started.
    Found,
    /// Its cgroup was made.
    Created,
    /// Its cgroup was removed.
    Removed,
    /// A process from outside was put into it.
    Entered,
    /// How much is recorded of it was changed.
    Level,
}

impl LifecycleOp {
    /// The word used in tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Found => "found",
            Self::Created => "created",
            Self::Removed => "removed",
            Self::Entered => "entered",
            Self::Level => "level",
        }
    }
}

/// A rule matched, or a person asked for the evidence. Its time is the moment of the trigger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// The rule's stable name; `manual` where a person asked.
    pub rule: String,
    /// Who says so.
    pub source: FindingSource,
    /// How serious.
    pub severity: Severity,
    /// The same in the rule's own words: `debug` to `emergency`.
    pub priority: Option<String>,
    /// One sentence for a person, with the values that matched.
    pub message: String,
    /// The rule's tags.
    pub tags: Vec<String>,
    /// Techniques of MITRE ATT&CK: `T1059`, `T1059.004`.
    pub techniques: Vec<String>,
    /// The events that it stands on, oldest first: the last of them, where a rule counts many.
    pub events: Vec<EventRef>,
}

impl Finding {
    /// A finding that stands on no event and has no tags.
    pub fn new(rule: &str, source: FindingSource, severity: Severity, message: String) -> Self {
        let (tags, techniques, events) = (Vec::new(), Vec::new(), Vec::new());
        Self { rule: rule.to_owned(), source, severity, priority: None, message, tags, techniques, events }
    }
}

/// Who made a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FindingSource {
    /// A rule matched.
    Rule,
    /// Something differed from what was learned of the image.
    Model,
    /// A person asked for the evidence.
    Person,
    /// Another program raised an alarm.
    Alarm,
    /// The recorder did something to the container.
    Response,
}

impl FindingSource {
    /// The word used in tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Rule => "rule",
            Self::Model => "model",
            Self::Person => "person",
            Self::Alarm => "alarm",
            Self::Response => "response",
        }
    }
}

/// An event that a finding stands on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventRef {
    /// When it happened.
    pub time_ns: BootNs,
    /// Who did it.
    pub actor: Option<Actor>,
    /// Which step of a sequence it is.
    pub step: Option<String>,
}

/// How serious a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// A person asked; nothing is said about danger.
    Info,
    /// Worth a look.
    Warning,
    /// An attack unless explained.
    Critical,
}

impl Severity {
    /// The word used in tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }
}

/// Events are missing: how many, of what, between when, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    /// Which class is missing.
    pub class: Class,
    /// Why.
    pub cause: GapCause,
    /// How many events; `None` where that cannot be known.
    pub lost: Option<u64>,
    /// Not before this moment.
    pub from_ns: BootNs,
    /// Not after this moment.
    pub to_ns: BootNs,
    /// The events were this container's; `false` where they could have been any container's.
    pub own: bool,
}

/// Why events are missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum GapCause {
    /// The kernel's ring buffer had no room (*lost*).
    RingFull,
    /// The kernel's table of open flows had no room: the ends of flows are missing (*lost*).
    FlowTableFull,
    /// The kernel's table of descriptors had no room: what went through files is missing (*lost*).
    DescriptorTableFull,
    /// The kernel skipped a program that was already running on that CPU (*lost*).
    Nested,
    /// A record from the kernel could not be decoded (*lost*).
    Malformed,
    /// The budget said no (*refused*).
    Refused,
    /// The ring aged it out (*evicted*).
    Evicted,
    /// A segment on disk is damaged.
    Damaged,
    /// The recorder was not running.
    RecorderDown,
    /// Somebody left it out of a smaller bundle (`taffrail redact --max-size`).
    Redacted,
}

impl GapCause {
    /// The word used in tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::RingFull => "ring_full",
            Self::FlowTableFull => "flow_table_full",
            Self::DescriptorTableFull => "descriptor_table_full",
            Self::Nested => "nested",
            Self::Malformed => "malformed",
            Self::Refused => "refused",
            Self::Evicted => "evicted",
            Self::Damaged => "damaged",
            Self::RecorderDown => "recorder_down",
            Self::Redacted => "redacted",
        }
    }
}
