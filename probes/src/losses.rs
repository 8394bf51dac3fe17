//! What the kernel side could not deliver, read from its counters.

use std::collections::BTreeMap;

use aya::maps::{MapData, MapError, PerCpuArray, PerCpuHashMap};
use taffrail_probes_abi::{CLASSES, Class, counters::Cause};

use crate::load::Probes;

/// Counts since load. They only grow.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Losses {
    /// By cgroup, class and cause. Complete, except where the kernel's table was full or an interrupt came between:
    /// what [`Losses::lost`] has beyond these sums is lost with an owner unknown.
    pub by_cgroup: Vec<Lost>,
    /// Records refused, by [`Class`]; exact.
    pub lost: [u64; CLASSES],
    /// Records delivered into the rings, by [`Class`]; exact.
    pub sent: [u64; CLASSES],
    /// Passages at which the kernel did not run a program because the same program was already running on that CPU,
    /// by hook. Each is an event of which nothing is known. Kernels before 5.12 do not count them.
    pub recursion_misses: Vec<(&'static str, u64)>,
}

/// Losses of one cgroup.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lost {
    /// Cgroup of the actor.
    pub cgroup_id: u64,
    /// Class of the records.
    pub class: Class,
    /// Why they were lost.
    pub cause: Cause,
    /// How many.
    pub count: u64,
}

/// Why the counters could not be read.
#[derive(Debug, thiserror::Error)]
pub enum LossesError {
    /// A map could not be read.
    #[error("cannot read the counters of lost records: {0}")]
    Map(#[from] MapError),
    /// The kernel's description of a program could not be read.
    #[error("cannot read {path}: {source}")]
    Program {
        /// The file.
        path: String,
        /// The cause.
        source: std::io::Error,
    },
}

/// The maps of counters.
pub(crate) struct Counters {
    /// Key: a [`taffrail_probes_abi::counters::LostKey`] as two words, the cgroup and then class and cause.
    pub lost: PerCpuHashMap<MapData, [u64; 2], u64>,
    pub lost_total: PerCpuArray<MapData, u64>,
    pub sent: PerCpuArray<MapData, u64>,
}

impl Probes {
    /// Reads the counters.
    ///
    /// # Errors
    ///
    /// When the kernel refuses to tell.
    pub fn losses(&self) -> Result<Losses, LossesError> {
        let mut by_cgroup = BTreeMap::<[u64; 2], u64>::new();
        for entry in &self.counters.lost {
            let (key, counts) = entry?;
            by_cgroup.insert(key, counts.iter().sum());
        }
        Ok(Losses {
            by_cgroup: by_cgroup.into_iter().filter_map(|(key, count)| lost(key, count)).collect(),
            lost: totals(&self.counters.lost_total)?,
            sent: totals(&self.counters.sent)?,
            recursion_misses: self.recursion_misses()?,
        })
    }
}

fn lost([cgroup_id, class_and_cause]: [u64; 2], count: u64) -> Option<Lost> {
    let class = match class_and_cause & 0xFFFF_FFFF {
        0 => Class::Vital,
        1 => Class::Bulk,
        _ => return None,
    };
    let cause = match class_and_cause >> 32 {
        0 => Cause::RingFull,
        1 => Cause::FlowTableFull,
        2 => Cause::DescriptorTableFull,
        3 => Cause::Refused,
        _ => return None,
    };
    (count > 0).then_some(Lost { cgroup_id, class, cause, count })
}

fn totals(map: &PerCpuArray<MapData, u64>) -> Result<[u64; CLASSES], MapError> {
    let mut totals = [0; CLASSES];
    for (class, total) in (0_u32..).zip(&mut totals) {
        *total = map.get(&class, 0)?.iter().sum();
    }
    Ok(totals)
}
