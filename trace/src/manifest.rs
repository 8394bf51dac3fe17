//! `manifest.json`: who, what, when, why, and how complete. The first member of a bundle and the first thing read.

use crate::clock::{BootNs, Clock, UtcNs};
use crate::container::Container;
use crate::event::{Class, GapCause, Namespaces, Severity};
use serde::{Deserialize, Serialize};

/// The manifest. Unknown fields are passed over, so that an older reader opens what a newer writer added to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// [`crate::FORMAT_VERSION`] of the writer.
    pub format_version: u32,
    /// Name and version of the program that sealed it.
    pub tool: String,
    /// Short id of this bundle, also in its file name: 8 hex digits.
    pub id: String,
    /// When it was sealed, UTC nanoseconds.
    pub sealed_utc_ns: UtcNs,
    /// Whose history this is.
    pub container: Container,
    /// Why it was sealed.
    pub trigger: Trigger,
    /// The most severe of the findings that joined it while its window ran, where that is more severe than the trigger.
    #[serde(default)]
    pub most_severe: Option<Joined>,
    /// Which stretch of time it holds.
    pub window: Window,
    /// Where it was recorded.
    pub host: Host,
    /// How boot time becomes UTC.
    pub clock: Clock,
    /// Which kernel hooks were at work.
    pub hooks: Vec<Hook>,
    /// What is missing, summed over the window; the `gap` table has the intervals.
    pub losses: Vec<Loss>,
    /// Which segments it was made of, oldest first.
    pub segments: Vec<SegmentRef>,
    /// The tables, with their rows.
    pub tables: Vec<TableRef>,
    /// The state of the container at the trigger, as a whole; the tables `state_*` have it. Empty before format 3.
    #[serde(default)]
    pub state: State,
    /// How far each class's chain of segments had come when it was sealed. The recorder writes the same to its
    /// `chain.log`, which can be kept where nobody can change it.
    #[serde(default)]
    pub chain_heads: Vec<ChainHead>,
    /// SHA-256 of the configuration that was recorded with, as `taffrail config print` prints it; in hex.
    #[serde(default)]
    pub config_sha256: Option<String>,
    /// What the signature in it is for, [`crate::signature::NAMESPACE`]; nothing where it is not signed.
    #[serde(default)]
    pub signature_namespace: Option<String>,
    /// What was taken out on purpose, where something was.
    #[serde(default)]
    pub redaction: Option<Redaction>,
}

/// Why a bundle was sealed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trigger {
    /// The rule's name; `manual` where a person asked.
    pub rule: String,
    /// How serious.
    pub severity: Severity,
    /// One sentence for a person.
    pub reason: String,
    /// The moment, on the boot clock.
    pub time_ns: BootNs,
}

/// A finding that joined an open incident. The table `finding` has the whole of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Joined {
    /// Its rule's name.
    pub rule: String,
    /// How serious it is.
    pub severity: Severity,
    /// When it was, on the boot clock.
    pub time_ns: BootNs,
}

/// The stretch of time that a bundle holds, on the boot clock, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// Its beginning.
    pub from_ns: BootNs,
    /// Its end.
    pub to_ns: BootNs,
}

/// The machine that recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Host {
    /// Its name.
    pub hostname: String,
    /// `uname -r`.
    pub kernel: String,
    /// `uname -m`.
    pub arch: String,
    /// `/proc/sys/kernel/random/boot_id`.
    pub boot_id: String,
}

/// One kernel hook and what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hook {
    /// As in `raw_tp/sched_process_exec`.
    pub name: String,
    /// `attached`, `refused` or `unsupported`.
    pub state: String,
    /// Why, where it is not attached.
    pub reason: Option<String>,
}

/// A sum over the `gap` table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Loss {
    /// Which class.
    pub class: Class,
    /// Why.
    pub cause: GapCause,
    /// How many; gaps whose size cannot be known are not in it.
    pub lost: u64,
    /// Whether the events were surely this container's.
    pub own: bool,
}

/// One segment of the ring that the bundle was made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SegmentRef {
    /// Which class.
    pub class: Class,
    /// Its number in the class's chain.
    pub seq: u64,
    /// Events in it.
    pub events: u32,
    /// SHA-256 of its frame, in hex; the next segment of the class names it.
    pub sha256: String,
    /// What it names itself: the SHA-256 of the segment before it, zeros where it was the first. Nothing in bundles of
    /// formats 1 and 2.
    #[serde(default)]
    pub previous: Option<String>,
}

/// The newest segment of a class when the bundle was sealed. It can be newer than the window.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChainHead {
    /// Which class.
    pub class: Class,
    /// Its number in the class's chain.
    pub seq: u64,
    /// SHA-256 of its frame, in hex.
    pub sha256: String,
}

/// What was taken out of a bundle to make this one. A bundle that was redacted twice names the one in the middle, whose
/// own redaction is in `custody.log`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Redaction {
    /// The original's id.
    pub original_id: String,
    /// SHA-256 of the original's SHA256SUMS, in hex: of everything in it.
    pub original_sums_sha256: String,
    /// Name and version of the program that did it.
    pub tool: String,
    /// When, UTC nanoseconds.
    pub redacted_utc_ns: UtcNs,
    /// What was taken out, in the order in which it was.
    pub removed: Vec<Removed>,
}

/// One thing that was taken out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Removed {
    /// `member`, `table`, `column`, `path`, `arguments`, `terminal` or `size`.
    pub what: String,
    /// The member, table, column (`table.column`) or prefix; the table for `size`.
    pub name: String,
    /// How many rows went, or lost what was in them; nothing for a member.
    pub rows: Option<u64>,
    /// Why it had to be so, where something else was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// The state of the container at the trigger, as a whole.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// When it was looked at, from the beginning of the look to its end; `None` where it was not.
    pub looked: Option<Window>,
    /// Why there is none.
    pub missing: Option<String>,
    /// What is not in the tables, and why.
    #[serde(default)]
    pub left_out: Vec<LeftOut>,
    /// The process that began the container, as the kernel has it.
    pub init: Option<Init>,
}

/// Rows that a table of the state lacks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    /// The table.
    pub table: String,
    /// How many rows; `None` where that is not known.
    pub rows: Option<u64>,
    /// Why.
    pub reason: String,
}

/// The process that began a container, or the oldest that is left of it: what the kernel made of the container's setup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Init {
    /// Its pid on the host.
    pub pid: u32,
    /// Its executable.
    pub exe: Option<String>,
    /// Its arguments.
    pub command: Vec<String>,
    /// Real user id in the initial user namespace.
    pub uid: Option<u32>,
    /// Real group id, likewise.
    pub gid: Option<u32>,
    /// Capabilities that it can ever have, as 16 hex digits, a bit each as `capabilities(7)` numbers them.
    pub capabilities_bounding: Option<String>,
    /// Capabilities in force, likewise.
    pub capabilities_effective: Option<String>,
    /// Whether it cannot gain privileges.
    pub no_new_privs: Option<bool>,
    /// System call filter: `disabled`, `strict` or `filter`.
    pub seccomp: Option<String>,
    /// The security module's label: AppArmor profile, SELinux context.
    pub security_label: Option<String>,
    /// Inode numbers of its namespaces, 0 for each that could not be read.
    pub namespaces: Namespaces,
    /// Those of them that are the host's: `mount`, `pid`, `network`, `user`, `uts`, `ipc`, `cgroup`.
    pub shares_with_host: Vec<String>,
}

/// One table of the bundle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableRef {
    /// Its name in SQL.
    pub name: String,
    /// Its rows.
    pub rows: u64,
}
