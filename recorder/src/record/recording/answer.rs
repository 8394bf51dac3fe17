//! How things are, for whoever asks.

use super::Recording;
use super::levels::word;
use crate::health::{ContainerStatus, Cost, Lowered, Models, Rules, Status};
use crate::host;
use crate::models::{ModelAnswer, ModelRequest};
use crate::pipeline::report;
use taffrail_trace::clock::{BootNs, rfc3339};
use taffrail_trace::event::Class;

impl Recording {
    fn lowered(&self, now_ns: BootNs) -> Vec<Lowered> {
        let told = self.levels.lowered().iter().map(|step| Lowered {
            container: self
                .pipeline
                .containers
                .get(step.key)
                .map_or_else(|| step.key.to_string(), |it| it.name.clone()),
            level: word(step.to).to_owned(),
            cap: step.cap.as_str().to_owned(),
            seconds: now_ns.saturating_sub(step.since_ns) / 1_000_000_000,
        });
        told.collect()
    }

    fn rules(&self) -> Rules {
        let watch = &self.pipeline.watch;
        let ((matched, counted), storms, missed) = (watch.counts(), self.incidents.storms(), watch.missed());
        Rules {
            loaded: watch.rules().rules().len() as u64,
            matched,
            counted,
            joined: storms.joined,
            held_back: storms.held_back,
            refused: storms.refused,
            late: missed.late,
            resting: missed.resting,
            forgotten: missed.forgotten,
        }
    }

    fn models(&self) -> Option<Models> {
        let (kept, most, without) = self.pipeline.watch.models.as_ref()?.room();
        Some(Models { kept: kept as u64, most: most as u64, without: without as u64 })
    }

    pub(super) fn model(&mut self, request: &ModelRequest, file: &str) -> Result<ModelAnswer, String> {
        match &mut self.pipeline.watch.models {
            Some(models) => models.answer(request, file, host::anchor()),
            None => Err("models are off: the configuration has `models = false`".to_owned()),
        }
    }

    pub(super) fn status(&mut self) -> Status {
        self.losses();
        let now = host::anchor();
        report(self.pipeline.ring.flush(now, 0));
        let disk_full = self.pipeline.ring.full_ns();
        let counters = &self.pipeline.counters;
        let clock = taffrail_trace::clock::Clock::new(vec![now]);
        let mut containers: Vec<ContainerStatus> = self
            .pipeline
            .containers
            .iter()
            .filter_map(|container| {
                let history = self.pipeline.ring.history(container.key)?;
                let reach = Class::ALL.map(|class| history.reach(class));
                let oldest = reach.iter().filter_map(|reach| reach.oldest_ns).min();
                Some(ContainerStatus {
                    name: container.name.clone(),
                    id: container.id.clone(),
                    runtime: container.runtime.as_str().to_owned(),
                    running: !self.pipeline.containers.is_removed(container.key),
                    events: counters.events.get(&container.key).copied().unwrap_or(0),
                    oldest: oldest.map(|ns| rfc3339(clock.utc(ns))),
                    oldest_age_seconds: oldest.map(|ns| now.boot_ns.saturating_sub(ns) / 1_000_000_000),
                    ring_bytes: reach.iter().map(|reach| reach.bytes).sum(),
                    ring_vital_bytes: reach[Class::Vital as usize].bytes,
                    ring_budget_bytes: history.budget(),
                    level: word(self.levels.of(container.key)).to_owned(),
                    frozen: self.responses.is_frozen(&self.pipeline.containers, container),
                    lost: counters.lost.get(&container.key).copied().unwrap_or(0),
                    refused: reach.iter().map(|reach| reach.refused).sum(),
                    evicted: reach.iter().map(|reach| reach.evicted).sum(),
                })
            })
            .collect();
        containers.sort_by(|a, b| a.name.cmp(&b.name).then_with(|| a.id.cmp(&b.id)));
        let (seals_waiting, sealed, seals_failed) = self.incidents.outcome();
        Status {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            pid: std::process::id(),
            since: rfc3339(self.started.utc_ns),
            events: counters.events.values().sum(),
            lost_anywhere: counters.lost_anywhere,
            sealed,
            seals_failed,
            seals_waiting,
            cost: Cost {
                cpu_centipercent: self.governor.cpu_centipercent(),
                cpu_cap_percent: self.config.cpu_percent,
                memory_bytes: host::memory_bytes().unwrap_or(0),
                memory_cap_bytes: self.config.memory_bytes,
                lowered: self.lowered(now.boot_ns),
            },
            rules: self.rules(),
            models: self.models(),
            incidents_open: self.incidents.open_count(),
            disk_full_seconds: disk_full.map(|ns| now.boot_ns.saturating_sub(ns) / 1_000_000_000),
            hooks: self.hooks.clone(),
            containers,
        }
    }
}
