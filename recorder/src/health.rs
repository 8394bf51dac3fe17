//! Counters, and the status made of them.

use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use taffrail_trace::event::Gap;
use taffrail_trace::ids::ContainerKey;
use taffrail_trace::manifest::Hook;

/// What a running recorder says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// The program's version.
    pub version: String,
    /// The recorder's pid.
    pub pid: u32,
    /// When it began, RFC 3339.
    pub since: String,
    /// Events taken into rings since then.
    pub events: u64,
    /// Events lost that could have been any container's.
    pub lost_anywhere: u64,
    /// Bundles sealed since the start.
    pub sealed: u64,
    /// Seals that failed since the start.
    pub seals_failed: u64,
    /// Bundles that are being sealed or wait for that.
    pub seals_waiting: u64,
    /// Incidents whose after-window is running.
    pub incidents_open: u64,
    /// Seconds since the disk was last found full; `None` where it never was.
    pub disk_full_seconds: Option<u64>,
    /// What recording costs.
    pub cost: Cost,
    /// The rules, and what they found.
    pub rules: Rules,
    /// The models; `None` where they are off.
    pub models: Option<Models>,
    /// The hooks.
    pub hooks: Vec<Hook>,
    /// The containers, by name.
    pub containers: Vec<ContainerStatus>,
}

/// The rules that are asked, and what became of their matches since the start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rules {
    /// How many rules there are.
    pub loaded: u64,
    /// How often one of them matched.
    pub matched: u64,
    /// Matches that came too fast to be told one by one; their number is in the findings.
    pub counted: u64,
    /// Findings that are part of an incident that another one had opened.
    pub joined: u64,
    /// Findings whose cause had opened or joined an incident a moment before; they are in the ring.
    pub held_back: u64,
    /// Findings for whose evidence there was no room; they are in the ring.
    pub refused: u64,
    /// Events that a threshold's condition fits and that came later than its window.
    pub late: u64,
    /// Events that a threshold's condition fits and that came while it rested after a finding.
    pub resting: u64,
    /// Keys of thresholds and sequences that went for want of room while their windows were open: a finding may be
    /// missing for each.
    pub forgotten: u64,
}

/// The models.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Models {
    /// How many there are.
    pub kept: u64,
    /// How many there can be.
    pub most: u64,
    /// Containers that have none for want of room.
    pub without: u64,
}

/// What recording costs, and what was lowered to keep it below its caps. Sealing and hashing, which take only what
/// nobody else wants, are not in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cost {
    /// Hundredths of a percent of one CPU, in the last ten seconds.
    pub cpu_centipercent: u64,
    /// Its cap in percent, 0 for none.
    pub cpu_cap_percent: u64,
    /// Memory that is neither file nor kernel buffer.
    pub memory_bytes: u64,
    /// Its cap, 0 for none.
    pub memory_cap_bytes: u64,
    /// What was lowered, the last step last.
    pub lowered: Vec<Lowered>,
}

/// A container of which less is recorded than was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lowered {
    /// Its name.
    pub container: String,
    /// The level it was lowered to.
    pub level: String,
    /// The cap that was exceeded.
    pub cap: String,
    /// For how long.
    pub seconds: u64,
}

/// What a running recorder says of one container.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContainerStatus {
    /// Its name.
    pub name: String,
    /// Its id.
    pub id: String,
    /// Its runtime.
    pub runtime: String,
    /// Whether its cgroup is still there.
    pub running: bool,
    /// How much is recorded of it: `off`, `vital`, `standard` or `full`.
    pub level: String,
    /// Whether its processes stand still, by a response or by somebody else.
    #[serde(default)]
    pub frozen: bool,
    /// Events taken into its ring since the recorder started.
    pub events: u64,
    /// Time of the oldest event in its ring, RFC 3339.
    pub oldest: Option<String>,
    /// How far back that is, in seconds.
    pub oldest_age_seconds: Option<u64>,
    /// Bytes of its ring on disk.
    pub ring_bytes: u64,
    /// Those of them that hold vital events.
    pub ring_vital_bytes: u64,
    /// What its ring may take now.
    pub ring_budget_bytes: u64,
    /// Its events that the kernel could not deliver since the recorder started.
    pub lost: u64,
    /// Its events that a budget or the disk refused since the recorder started.
    pub refused: u64,
    /// Its events that the ring aged out since the recorder started.
    pub evicted: u64,
}

/// Counters of the recording.
#[derive(Debug, Default)]
pub struct Counters {
    /// Events taken, by container.
    pub events: HashMap<ContainerKey, u64>,
    /// Own losses, by container.
    pub lost: HashMap<ContainerKey, u64>,
    /// Losses that could have been anybody's.
    pub lost_anywhere: u64,
    /// Records of calls that this build gives no meaning to: a fault of this program.
    pub undecoded: u64,
}

impl Counters {
    /// Counts an event.
    pub fn event(&mut self, key: ContainerKey) {
        *self.events.entry(key).or_default() += 1;
    }

    /// Counts a gap that is this container's own.
    pub fn own_gap(&mut self, key: ContainerKey, gap: &Gap) {
        *self.lost.entry(key).or_default() += gap.lost.unwrap_or(0);
    }

    /// Forgets a container.
    pub fn forget(&mut self, key: ContainerKey) {
        self.events.remove(&key);
        self.lost.remove(&key);
    }
}
