//! What was told lately: a deviation that comes again and again is told once, then counted.

use std::collections::HashMap;
use taffrail_rules::model::{Deviation, Kind};
use taffrail_trace::clock::BootNs;
use taffrail_trace::ids::ContainerKey;

/// How long a deviation is not told again in the same container.
pub const COOL_DOWN_NS: u64 = 600 * 1_000_000_000;
/// The most deviations that are remembered. While there are more, new ones are counted and not told.
const REMEMBERED: usize = 4096;

type Key = (Kind, String, Option<String>);

/// Deviations told lately.
#[derive(Debug, Default)]
pub struct Recent {
    told: HashMap<ContainerKey, HashMap<Key, Told>>,
    count: usize,
}

#[derive(Debug)]
struct Told {
    at_ns: BootNs,
    unsaid: u64,
}

impl Recent {
    /// Whether a deviation is to be told: then how often it was seen untold since the last time.
    pub fn tell(&mut self, container: ContainerKey, deviation: &Deviation, now_ns: BootNs) -> Option<u64> {
        let (kind, program, fact) = deviation.key();
        let key = (kind, program.to_owned(), fact.map(str::to_owned));
        if let Some(told) = self.told.get_mut(&container).and_then(|own| own.get_mut(&key)) {
            if now_ns.saturating_sub(told.at_ns) < COOL_DOWN_NS {
                told.unsaid += 1;
                return None;
            }
            told.at_ns = now_ns;
            return Some(std::mem::take(&mut told.unsaid));
        }
        if self.count >= REMEMBERED {
            self.forget_old(now_ns);
        }
        if self.count >= REMEMBERED {
            return None;
        }
        self.told.entry(container).or_default().insert(key, Told { at_ns: now_ns, unsaid: 0 });
        self.count += 1;
        Some(0)
    }

    /// Forgets a container.
    pub fn forget(&mut self, container: ContainerKey) {
        self.count -= self.told.remove(&container).map_or(0, |own| own.len());
    }

    fn forget_old(&mut self, now_ns: BootNs) {
        self.told.retain(|_, own| {
            own.retain(|_, told| now_ns.saturating_sub(told.at_ns) < COOL_DOWN_NS);
            !own.is_empty()
        });
        self.count = self.told.values().map(HashMap::len).sum();
    }
}
