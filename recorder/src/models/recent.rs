//! What was told lately: a deviation that comes again and again is told once, then counted.
//!
//! Each container has its own room, so that no other one's deviations keep its own from being told. What is not told by
//! itself is counted, and the number is told: with the same deviation when it comes again after its time, else as one
//! finding for all, after a minute, when the container's history is sealed or when it ends.

use std::collections::HashMap;
use taffrail_rules::model::{Deviation, Kind};
use taffrail_trace::clock::BootNs;
use taffrail_trace::ids::ContainerKey;

/// How long a deviation is not told again in the same container.
pub const COOL_DOWN_NS: u64 = 600 * 1_000_000_000;
/// The most deviations of a container that are remembered. While there are more, new ones are counted and not told.
const REMEMBERED: usize = 256;
/// How often what is remembered is looked through for room.
const SWEEP_NS: u64 = 1_000_000_000;
/// How long a number waits to be told by itself.
const SPAN_NS: u64 = 60_000_000_000;

type Key = (Kind, String, Option<String>);

/// Deviations told lately.
#[derive(Debug, Default)]
pub struct Recent {
    containers: HashMap<ContainerKey, Shelf>,
}

/// Those of one container.
#[derive(Debug, Default)]
struct Shelf {
    told: HashMap<Key, Told>,
    swept_ns: BootNs,
    untold: Untold,
    /// It will not deviate any more.
    ended: bool,
}

#[derive(Debug)]
struct Told {
    at_ns: BootNs,
    unsaid: u64,
    last_ns: BootNs,
}

/// Deviations that nothing told will stand for any more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Untold {
    /// How many.
    pub count: u64,
    /// When the first of them was counted here.
    since_ns: BootNs,
    /// When the last of them was.
    pub last_ns: BootNs,
}

impl Recent {
    /// Whether a deviation is to be told: then how often it was seen untold since the last time.
    pub fn tell(&mut self, container: ContainerKey, deviation: &Deviation, now_ns: BootNs) -> Option<u64> {
        let shelf = self.containers.entry(container).or_default();
        let (kind, program, fact) = deviation.key();
        let key = (kind, program.to_owned(), fact.map(str::to_owned));
        if let Some(told) = shelf.told.get_mut(&key) {
            if now_ns.saturating_sub(told.at_ns) < COOL_DOWN_NS {
                told.unsaid += 1;
                told.last_ns = now_ns;
                return None;
            }
            told.at_ns = now_ns;
            return Some(std::mem::take(&mut told.unsaid));
        }
        if shelf.told.len() >= REMEMBERED {
            shelf.forget_old(now_ns);
        }
        if shelf.told.len() >= REMEMBERED {
            shelf.untold.add(1, now_ns, now_ns);
            return None;
        }
        shelf.told.insert(key, Told { at_ns: now_ns, unsaid: 0, last_ns: now_ns });
        Some(0)
    }

    /// Numbers whose time to be told came.
    pub fn overdue(&mut self, now_ns: BootNs) -> Vec<(ContainerKey, Untold)> {
        let mut told = Vec::new();
        self.containers.retain(|key, shelf| {
            if shelf.ended || now_ns.saturating_sub(shelf.untold.since_ns) >= SPAN_NS {
                told.extend(shelf.untold.take().map(|untold| (*key, untold)));
            }
            !shelf.ended
        });
        told
    }

    /// All that a container did and nobody was told until now.
    pub fn untold(&mut self, container: ContainerKey) -> Option<Untold> {
        let shelf = self.containers.get_mut(&container)?;
        shelf.count_all();
        shelf.untold.take()
    }

    /// The containers that deviated lately.
    pub fn containers(&self) -> impl Iterator<Item = ContainerKey> {
        self.containers.keys().copied()
    }

    /// A container ended: nothing of it comes again, so its numbers are due.
    pub fn ended(&mut self, container: ContainerKey) {
        if let Some(shelf) = self.containers.get_mut(&container) {
            shelf.count_all();
            shelf.told = HashMap::new();
            shelf.ended = true;
        }
    }

    /// Forgets a container, numbers and all.
    pub fn forget(&mut self, container: ContainerKey) {
        self.containers.remove(&container);
    }
}

impl Shelf {
    /// Makes room; what was seen again and never told stays counted.
    fn forget_old(&mut self, now_ns: BootNs) {
        if now_ns.saturating_sub(self.swept_ns) < SWEEP_NS {
            return;
        }
        self.swept_ns = now_ns;
        let untold = &mut self.untold;
        self.told.retain(|_, told| {
            let is_new = now_ns.saturating_sub(told.at_ns) < COOL_DOWN_NS;
            if !is_new {
                untold.add(told.unsaid, told.last_ns, now_ns);
            }
            is_new
        });
    }

    /// Takes what each deviation was seen untold into the number for all.
    fn count_all(&mut self) {
        for told in self.told.values_mut() {
            self.untold.add(std::mem::take(&mut told.unsaid), told.last_ns, told.last_ns);
        }
    }
}

impl Untold {
    fn add(&mut self, count: u64, last_ns: BootNs, now_ns: BootNs) {
        if count == 0 {
            return;
        }
        if self.count == 0 {
            self.since_ns = now_ns;
        }
        self.count += count;
        self.last_ns = self.last_ns.max(last_ns);
    }

    fn take(&mut self) -> Option<Self> {
        Some(std::mem::take(self)).filter(|untold| untold.count > 0)
    }
}
