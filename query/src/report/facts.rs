//! What a report says: plain facts, every text of them foreign, every list cut.

use super::foreign::Foreign;
use super::lineage::Lineage;
use super::state::State;
use super::units;
use std::collections::{BTreeMap, HashMap};
use taffrail_trace::event::Severity;
use taffrail_trace::manifest::Manifest;

/// The columns of the drawn timeline.
pub const BINS: u8 = 120;

/// A table cut to a length: what is shown, and how many more there are.
#[derive(Clone, Debug)]
pub struct Cut<T> {
    /// What is shown.
    pub shown: Vec<T>,
    /// How many are not.
    pub more: u64,
}

impl<T> Cut<T> {
    /// Of everything that there is.
    pub fn new(mut all: Vec<T>, most: usize, total: Option<u64>) -> Self {
        let total = total.unwrap_or(0).max(all.len() as u64);
        all.truncate(most);
        Self { more: total - all.len() as u64, shown: all }
    }
}

/// One bundle, as a report tells of it. Times are UTC nanoseconds.
#[derive(Debug)]
pub struct Chapter {
    /// The bundle's file name.
    pub file: Foreign,
    /// Who, what, when and why.
    pub manifest: Manifest,
    /// Whether every member has the digest that it was sealed with; `None` before it is sealed.
    pub intact: Option<bool>,
    /// Whether it is signed, or will be.
    pub signed: bool,
    /// The trigger, and the ends of the window.
    pub trigger_ns: i64,
    /// The window's first moment.
    pub from_ns: i64,
    /// The window's last moment.
    pub to_ns: i64,
    /// Rows by table.
    pub counts: BTreeMap<&'static str, u64>,
    /// What rules found.
    pub findings: Cut<Finding>,
    /// The first of the most severe of that; `None` where nothing is more than information.
    pub worst: Option<Worst>,
    /// From the first to the last event of the window: what the timeline draws.
    pub active: (i64, i64),
    /// Events per class and bin of that stretch.
    pub density: Vec<(&'static str, Vec<u64>)>,
    /// Where events are missing.
    pub gaps: Cut<Gap>,
    /// What was lost, per class.
    pub coverage: Vec<Coverage>,
    /// Who came of whom.
    pub lineage: Lineage,
    /// The images that are told of.
    pub programs: HashMap<u64, Program>,
    /// The process tree, and how many processes are not in it.
    pub tree: Cut<super::lineage::Node>,
    /// Who talked to whom.
    pub talks: Cut<Talk>,
    /// What changed on disk.
    pub changes: Cut<Change>,
    /// What went over terminals.
    pub sessions: Cut<Terminal>,
    /// What was asked of DNS and of TLS servers by name.
    pub names: Cut<Asked>,
    /// Files that the branch read.
    pub reads: Cut<Change>,
    /// What the branch did to privileges and the kernel.
    pub acts: Cut<Act>,
    /// The connection that came in just before the branch began.
    pub way_in: Option<Talk>,
    /// Executables that did not come with the image, or are of the branch.
    pub digests: Vec<(Foreign, Foreign)>,
    /// The container at the trigger.
    pub state: State,
}

/// A rule that matched.
#[derive(Debug)]
pub struct Finding {
    pub time_ns: i64,
    pub rule: Foreign,
    pub message: Foreign,
    /// The rule's own word for how serious it is; empty where there is none.
    pub priority: Foreign,
    /// Tags and techniques, each once.
    pub tags: Vec<Foreign>,
    pub exec_id: Option<u64>,
}

/// A finding that is more than information.
#[derive(Debug)]
pub struct Worst {
    pub rule: Foreign,
    pub severity: Severity,
    pub time_ns: i64,
}

/// A stretch with missing events.
#[derive(Debug)]
pub struct Gap {
    pub from_ns: i64,
    pub to_ns: i64,
    pub class: Foreign,
    pub cause: Foreign,
    pub lost: Option<u64>,
    pub own: bool,
}

/// What is missing of a class.
#[derive(Debug)]
pub struct Coverage {
    pub class: Foreign,
    pub own: u64,
    pub maybe: u64,
    pub unknown: u64,
    pub causes: Foreign,
}

/// A program image that is told of.
#[derive(Debug)]
pub struct Program {
    pub pid: u64,
    pub uid: Option<i64>,
    pub comm: Foreign,
    pub line: Foreign,
    pub stdin: Foreign,
    pub has_tty: bool,
    pub inside: bool,
    /// Why it is not of the image, in words; empty where it is.
    pub brought: &'static str,
    pub exit: String,
}

/// Flows of one program to one other end, together.
#[derive(Clone, Debug)]
pub struct Talk {
    pub time_ns: i64,
    pub comm: Foreign,
    pub exec_id: Option<u64>,
    pub hostile: bool,
    pub inbound: bool,
    pub protocol: Foreign,
    pub remote: Foreign,
    pub address: Foreign,
    pub server_name: Foreign,
    pub flows: u64,
    pub failed: u64,
    pub sent: u64,
    pub received: u64,
}

/// A change to a file, or the reading of one.
#[derive(Debug)]
pub struct Change {
    pub time_ns: i64,
    pub op: &'static str,
    pub path: Foreign,
    pub new_path: Foreign,
    pub bytes: u64,
    pub mode: Option<i64>,
    pub made_executable: bool,
    /// It lies where a container runtime works.
    pub is_setup: bool,
    pub comm: Foreign,
    pub exec_id: Option<u64>,
    pub hostile: bool,
}

/// A name that was asked for.
#[derive(Debug)]
pub struct Asked {
    pub time_ns: i64,
    pub name: Foreign,
    pub kind: Foreign,
    pub answers: Foreign,
    pub exec_id: Option<u64>,
    pub hostile: bool,
}

/// A call that reached for privileges or the kernel.
#[derive(Debug)]
pub struct Act {
    pub time_ns: i64,
    pub words: Foreign,
    pub failure: Foreign,
    pub exec_id: Option<u64>,
}

impl Change {
    /// What was done, for a table.
    pub fn what(&self) -> String {
        match (self.op, self.mode) {
            ("changed the mode of", Some(mode)) => format!("mode {mode:o}"),
            ("changed the owner of", _) => "owner changed".to_owned(),
            ("set an attribute of", _) => "attribute set".to_owned(),
            ("removed an attribute of", _) => "attribute removed".to_owned(),
            (op, _) if self.bytes > 0 => format!("{op} {}", units::bytes(self.bytes)),
            (op, _) => op.to_owned(),
        }
    }
}

/// What went over one terminal.
#[derive(Debug)]
pub struct Terminal {
    pub time_ns: i64,
    pub line: Foreign,
    /// What was typed and printed, in order.
    pub pieces: Vec<Piece>,
    pub cut: bool,
}

/// A stretch of a terminal in one direction.
#[derive(Debug)]
pub struct Piece {
    pub typed: bool,
    pub text: Foreign,
}

/// What was found again and again, told once.
pub struct Folded<'a> {
    /// The first of them.
    pub first: &'a Finding,
    /// How many there are.
    pub times: u64,
    /// When the last was.
    pub last_ns: i64,
}

impl Folded<'_> {
    /// ` (5 times until 18:52:29.565)`; empty for one.
    pub fn again(&self) -> String {
        match self.times {
            1 => String::new(),
            times => format!(" ({} times until {})", units::number(times), units::clock(self.last_ns)),
        }
    }

    /// What the message says that the rule's name does not.
    pub fn message(&self) -> Foreign {
        self.first.message.without(&self.first.rule)
    }
}

impl Chapter {
    /// The findings by rule and message, in the order of the first of each.
    pub(super) fn folded(&self) -> Vec<Folded<'_>> {
        let mut folded: Vec<Folded<'_>> = Vec::new();
        for finding in &self.findings.shown {
            let is_same = |known: &&mut Folded<'_>| {
                (&known.first.rule, &known.first.message) == (&finding.rule, &finding.message)
            };
            if let Some(known) = folded.iter_mut().find(is_same) {
                known.times += 1;
                known.last_ns = finding.time_ns;
            } else {
                folded.push(Folded { first: finding, times: 1, last_ns: finding.time_ns });
            }
        }
        folded
    }

    /// The images that anything told of names.
    pub(super) fn actors(&self) -> impl Iterator<Item = u64> {
        let talks = self.talks.shown.iter().chain(&self.way_in).map(|talk| talk.exec_id);
        let changes = self.changes.shown.iter().chain(&self.reads.shown).map(|change| change.exec_id);
        let names = self.names.shown.iter().map(|name| name.exec_id);
        talks.chain(changes).chain(names).chain(self.acts.shown.iter().map(|act| act.exec_id)).flatten()
    }
}
