//! How much is recorded of each container: what was asked for, and what the cost caps leave of it.

use super::Recording;
use crate::control::{Level, LevelRequest};
use crate::enrich::digest;
use crate::host;
use crate::pipeline::report;
use crate::record::governor::{Cap, Load, Step};
use std::collections::HashMap;
use taffrail_probes::abi::level::Level as RawLevel;
use taffrail_trace::clock::BootNs;
use taffrail_trace::event::{Actor, Body, Class, Event, Gap, GapCause, Lifecycle, LifecycleOp};
use taffrail_trace::ids::ContainerKey;

/// A container with fewer events a second is not what costs.
const LOUD: u64 = 100;

/// Levels that are not standard.
#[derive(Debug, Default)]
pub struct Levels {
    asked: HashMap<ContainerKey, RawLevel>,
    /// Steps down that the caps made, the last one last. A container may be there twice.
    lowered: Vec<Lowering>,
    /// Events of each container when they were last looked at.
    seen: HashMap<ContainerKey, u64>,
}

/// One step down.
#[derive(Clone, Copy, Debug)]
pub struct Lowering {
    /// Which container.
    pub key: ContainerKey,
    /// To which level.
    pub to: RawLevel,
    /// Since when.
    pub since_ns: BootNs,
    /// For which cap.
    pub cap: Cap,
    /// Until when its history says what is missing.
    told_ns: BootNs,
}

impl Levels {
    /// What is recorded of a container.
    pub fn of(&self, key: ContainerKey) -> RawLevel {
        let asked = self.asked.get(&key).copied().unwrap_or(RawLevel::Standard);
        self.lowered.iter().filter(|step| step.key == key).map(|step| step.to).fold(asked, RawLevel::min)
    }

    /// What the caps lowered.
    pub fn lowered(&self) -> &[Lowering] {
        &self.lowered
    }

    /// Forgets a container.
    pub fn forget(&mut self, key: ContainerKey) {
        self.asked.remove(&key);
        self.seen.remove(&key);
        self.lowered.retain(|step| step.key != key);
    }

    /// The container to be lowered next, with the level it gets: those at full come before those at standard, and the
    /// one with most events since the last call first.
    fn loudest(&mut self, events: &HashMap<ContainerKey, u64>) -> Option<(ContainerKey, RawLevel)> {
        let since = |(key, count): (&ContainerKey, &u64)| {
            (self.of(*key), count.saturating_sub(self.seen.get(key).copied().unwrap_or(0)), *key)
        };
        let loud = events.iter().map(since).filter(|(level, count, _)| *level > RawLevel::Vital && *count >= LOUD);
        let (level, _, key) = loud.max_by_key(|(level, count, key)| (*level, *count, key.0))?;
        Some((key, if level == RawLevel::Full { RawLevel::Standard } else { RawLevel::Vital }))
    }
}

impl Recording {
    /// Records more or less of a container from now on, because somebody asked for it, and says so in its history.
    pub(super) fn level(&mut self, request: &LevelRequest) -> Result<(), String> {
        let key = self.find(&request.container)?;
        let raw = raw(request.level);
        let before = self.levels.asked.insert(key, raw);
        if let Err(refused) = self.set_level_of(key) {
            self.levels.asked.remove(&key);
            self.levels.asked.extend(before.map(|before| (key, before)));
            return Err(refused);
        }
        if raw == RawLevel::Standard {
            self.levels.asked.remove(&key);
        }
        let left = self.levels.of(key);
        let detail =
            if left == raw { word(raw).to_owned() } else { format!("{}, {} for its cost", word(raw), word(left)) };
        self.tell_level(key, detail);
        Ok(())
    }

    /// Gives a cgroup that is new the level of its container.
    pub(super) fn level_of_new(&mut self, cgroup: u64, container: ContainerKey) {
        let level = self.levels.of(container);
        if level != RawLevel::Standard {
            report_refused(self.set_level(&[cgroup], level));
        }
    }

    /// A level that nobody can set back would be looked up for ever, and at full every call of the host with it.
    pub(super) fn level_of_gone(&mut self, cgroup: u64) {
        report_refused(self.set_level(&[cgroup], RawLevel::Standard));
    }

    /// Holds recording below its caps.
    pub(super) fn govern(&mut self) {
        let load = host::cpu_ns(&[digest::THREAD])
            .and_then(|cpu_ns| Ok(Load { now_ns: host::boot_now(), cpu_ns, memory_bytes: host::memory_bytes()? }));
        let step = match load {
            Ok(load) => self.governor.look(load),
            Err(error) => {
                if !std::mem::replace(&mut self.cost_unknown, true) {
                    tracing::warn!(%error, "what recording costs cannot be read, so that its caps are not kept");
                }
                Step::Stay
            }
        };
        match step {
            Step::Lower(cap) => self.lower(cap),
            Step::Raise => self.raise(),
            Step::Stay => {}
        }
        self.levels.seen.clone_from(&self.pipeline.counters.events);
    }

    fn lower(&mut self, cap: Cap) {
        if cap == Cap::Memory {
            report(self.pipeline.ring.write_all(host::anchor()));
        }
        let Some((key, to)) = self.levels.loudest(&self.pipeline.counters.events) else { return };
        let now_ns = host::boot_now();
        self.levels.lowered.push(Lowering { key, to, since_ns: now_ns, told_ns: now_ns, cap });
        if self.set_level_of(key).is_err() {
            self.levels.lowered.pop();
            return;
        }
        let cap = cap.as_str();
        tracing::warn!(container = %key, level = word(to), cap, "recording costs more than its cap, so less is recorded");
        self.tell_level(key, format!("{}, recording is above its {cap} cap", word(to)));
    }

    fn raise(&mut self) {
        self.tell_lowered();
        let Some(step) = self.levels.lowered.pop() else { return };
        report_refused(self.set_level_of(step.key));
        let level = word(self.levels.of(step.key));
        tracing::info!(container = %step.key, level, "recording costs less again, so more is recorded");
        self.tell_level(step.key, format!("{level}, recording is below its caps again"));
    }

    /// Puts into the histories what the caps kept out of them and nobody counted: calls of containers at level full.
    pub(super) fn tell_lowered(&mut self) {
        let now_ns = host::boot_now();
        for step in &mut self.levels.lowered {
            if step.to == RawLevel::Standard {
                let (class, cause, from_ns) = (Class::Bulk, GapCause::Refused, step.told_ns);
                let gap = Gap { class, cause, lost: None, from_ns, to_ns: now_ns, own: true };
                step.told_ns = now_ns;
                self.pipeline.gap(step.key, gap);
            }
        }
    }

    fn tell_level(&mut self, key: ContainerKey, detail: String) {
        let cgroup_path = self.pipeline.containers.get(key).map(|known| known.cgroup_path.clone()).unwrap_or_default();
        let body = Body::Lifecycle(Lifecycle { op: LifecycleOp::Level, cgroup_path, detail: Some(detail) });
        self.pipeline.append(key, Event { time_ns: host::boot_now(), actor: None::<Actor>, body }, None);
    }

    fn set_level_of(&mut self, key: ContainerKey) -> Result<(), String> {
        let cgroups = self.pipeline.containers.cgroups_of(key);
        self.set_level(&cgroups, self.levels.of(key))
    }

    /// Sets the level of cgroups; gives the reason where the kernel refuses one.
    fn set_level(&mut self, cgroups: &[u64], level: RawLevel) -> Result<(), String> {
        let Some(probes) = &mut self.probes else { return Ok(()) };
        cgroups.iter().try_for_each(|cgroup| probes.set_level(*cgroup, level)).map_err(|error| error.to_string())
    }
}

fn report_refused(result: Result<(), String>) {
    if let Err(error) = result {
        tracing::warn!(error, "a level could not be set");
    }
}

fn raw(level: Level) -> RawLevel {
    match level {
        Level::Off => RawLevel::Off,
        Level::Vital => RawLevel::Vital,
        Level::Standard => RawLevel::Standard,
        Level::Full => RawLevel::Full,
    }
}

/// A level in the words of the command line and the evidence.
pub fn word(level: RawLevel) -> &'static str {
    match level {
        RawLevel::Off => "off",
        RawLevel::Vital => "vital",
        RawLevel::Standard => "standard",
        RawLevel::Full => "full",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn full_is_lowered_before_standard_and_the_loudest_first() {
        let (loud, full, quiet) = (ContainerKey(1), ContainerKey(2), ContainerKey(3));
        let events = HashMap::from([(loud, 9_000), (full, 500), (quiet, LOUD - 1)]);
        let mut levels = Levels { asked: HashMap::from([(full, RawLevel::Full)]), ..Levels::default() };
        let mut order = Vec::new();
        while let Some((key, to)) = levels.loudest(&events) {
            order.push((key, to));
            levels.lowered.push(Lowering { key, to, since_ns: 0, cap: Cap::Cpu, told_ns: 0 });
        }
        assert_eq!(order, [(full, RawLevel::Standard), (loud, RawLevel::Vital), (full, RawLevel::Vital)]);
        assert_eq!(
            [loud, full, quiet].map(|key| levels.of(key)),
            [RawLevel::Vital, RawLevel::Vital, RawLevel::Standard]
        );
        levels.lowered.pop();
        assert_eq!(levels.of(full), RawLevel::Standard);
    }

    #[test]
    fn what_is_off_stays_off() {
        let key = ContainerKey(1);
        let mut levels = Levels { asked: HashMap::from([(key, RawLevel::Off)]), ..Levels::default() };
        assert_eq!(levels.loudest(&HashMap::from([(key, 1_000_000)])), None);
    }
}
