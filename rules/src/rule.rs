//! A rule that can be asked about events.

use crate::expr::Expr;
use crate::output::Template;
use crate::problem::Place;
use crate::sequence::Sequence;
use crate::threshold::Threshold;
use serde::{Deserialize, Serialize};
use taffrail_trace::event::{Finding, FindingSource, Severity};

/// A rule.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Its name, which no other rule has.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// Where it is defined.
    pub place: Place,
    /// When it matches.
    pub when: When,
    /// What it then says.
    pub output: Template,
    /// How serious that is.
    pub priority: Priority,
    /// Its tags: `container`, `mitre_execution`, `T1059`.
    pub tags: Vec<String>,
    /// What is done to the container, where the recorder is allowed to.
    pub response: Option<Response>,
    /// What somebody who relies on it should know.
    pub notes: Vec<String>,
}

/// What a match has done to its container.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Response {
    /// Its processes stand still until somebody thaws them.
    Freeze,
    /// Its processes are killed.
    Kill,
}

impl Response {
    /// Every one.
    pub const ALL: [Self; 2] = [Self::Freeze, Self::Kill];

    /// Its word in rules.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Freeze => "freeze",
            Self::Kill => "kill",
        }
    }
}

impl Rule {
    /// What is said of matches of it, and of no event yet.
    pub fn finding(&self, message: String) -> Finding {
        Finding {
            priority: Some(self.priority.as_str().to_ascii_lowercase()),
            tags: self.tags.clone(),
            techniques: self.techniques().collect(),
            ..Finding::new(&self.name, FindingSource::Rule, self.priority.severity(), message)
        }
    }

    /// The ATT&CK techniques among its tags: `T1059`, or `attack.t1059.004` as Sigma writes them.
    pub fn techniques(&self) -> impl Iterator<Item = String> {
        self.tags.iter().filter_map(|tag| {
            let digits = tag.strip_prefix('T').or_else(|| tag.strip_prefix("attack.t"))?;
            let is_one = digits.len() >= 4 && digits.chars().all(|ch| ch.is_ascii_digit() || ch == '.');
            is_one.then(|| format!("T{digits}"))
        })
    }
}

/// When a rule matches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum When {
    /// An event meets this.
    Event(Expr),
    /// So many events do, or with so many values.
    Threshold(Threshold),
    /// Events do one thing after the other.
    Sequence(Sequence),
}

impl When {
    /// What it asks of single events; see [`Part`](crate::sequence::Part) for those of a sequence.
    pub fn conditions(&self) -> impl Iterator<Item = &Expr> {
        let (one, counted, steps) = match self {
            Self::Event(condition) => (Some(condition), None, None),
            Self::Threshold(threshold) => (None, Some(threshold.counted.iter().map(|sort| &sort.condition)), None),
            Self::Sequence(sequence) => (None, None, Some(sequence.conditions())),
        };
        one.into_iter().chain(counted.into_iter().flatten()).chain(steps.into_iter().flatten())
    }
}

/// How serious a match is, in the words of syslog.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Priority {
    /// `DEBUG`.
    Debug,
    /// `INFORMATIONAL`, also `INFO`.
    Informational,
    /// `NOTICE`.
    Notice,
    /// `WARNING`.
    Warning,
    /// `ERROR`.
    Error,
    /// `CRITICAL`.
    Critical,
    /// `ALERT`.
    Alert,
    /// `EMERGENCY`.
    Emergency,
}

impl Priority {
    /// Every one.
    pub const ALL: [Self; 8] = [
        Self::Debug,
        Self::Informational,
        Self::Notice,
        Self::Warning,
        Self::Error,
        Self::Critical,
        Self::Alert,
        Self::Emergency,
    ];

    /// Its word in rules.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Debug => "DEBUG",
            Self::Informational => "INFORMATIONAL",
            Self::Notice => "NOTICE",
            Self::Warning => "WARNING",
            Self::Error => "ERROR",
            Self::Critical => "CRITICAL",
            Self::Alert => "ALERT",
            Self::Emergency => "EMERGENCY",
        }
    }

    /// The priority that a word means, in either case.
    pub fn named(word: &str) -> Option<Self> {
        let word = word.to_ascii_uppercase();
        match word.as_str() {
            "INFO" => Some(Self::Informational),
            word => Self::ALL.into_iter().find(|priority| priority.as_str() == word),
        }
    }

    /// The same in the words of findings.
    pub fn severity(self) -> Severity {
        match self {
            Self::Debug | Self::Informational | Self::Notice => Severity::Info,
            Self::Warning => Severity::Warning,
            Self::Error | Self::Critical | Self::Alert | Self::Emergency => Severity::Critical,
        }
    }
}
