//! What the kernel could not deliver, as gaps in the histories of those who lost it.

use super::Recording;
use crate::host;
use crate::pipeline::class_of;
use std::collections::HashMap;
use taffrail_probes::Losses;
use taffrail_probes::abi::counters::Cause;
use taffrail_trace::event::{Class, Gap, GapCause};
use taffrail_trace::ids::ContainerKey;

impl Recording {
    /// Turns what the kernel could not deliver since the last look into gaps.
    pub(super) fn losses(&mut self) {
        let Some(probes) = &self.probes else { return };
        let losses = match probes.losses() {
            Ok(losses) => losses,
            Err(error) => {
                if !std::mem::replace(&mut self.unreadable, true) {
                    tracing::error!(%error, "losses cannot be read from the kernel");
                }
                return;
            }
        };
        let now = host::anchor();
        let (from_ns, to_ns) = (self.losses_read.boot_ns, now.boot_ns);
        let gap = |class, cause, lost, own| Gap { class, cause, lost: Some(lost), from_ns, to_ns, own };

        let mut own: HashMap<(ContainerKey, Class, GapCause), u64> = HashMap::new();
        let mut changes = Vec::new();
        let mut attributed = [0_u64; 2];
        for lost in &losses.by_cgroup {
            let same = |old: &&taffrail_probes::Lost| {
                (old.cgroup_id, old.class, old.cause) == (lost.cgroup_id, lost.class, lost.cause)
            };
            let before = self.known_losses.by_cgroup.iter().find(same).map_or(0, |old| old.count);
            let cause = match lost.cause {
                Cause::RingFull => GapCause::RingFull,
                Cause::FlowTableFull => GapCause::FlowTableFull,
                Cause::DescriptorTableFull => GapCause::DescriptorTableFull,
                Cause::Refused => GapCause::Refused,
            };
            attributed[lost.class as usize] += lost.count;
            if lost.count > before {
                let key = self.pipeline.containers.of(lost.cgroup_id, &mut changes);
                *own.entry((key, class_of(lost.class), cause)).or_default() += lost.count - before;
            }
        }
        self.pipeline.admit(&changes);
        for ((key, class, cause), lost) in own {
            self.pipeline.gap(key, gap(class, cause, lost, true));
        }

        for (class, raw) in Class::ALL.into_iter().zip([0, 1]) {
            let anywhere = losses.lost[raw].saturating_sub(attributed[raw]);
            self.anywhere(anywhere.saturating_sub(self.anywhere_known(raw)), |lost| {
                gap(class, GapCause::RingFull, lost, false)
            });
        }
        let nested = |losses: &Losses| losses.recursion_misses.iter().map(|(_, count)| count).sum::<u64>();
        let missed = nested(&losses).saturating_sub(nested(&self.known_losses));
        self.anywhere(missed, |lost| gap(Class::Vital, GapCause::Nested, lost, false));
        self.known_losses = losses;
        self.losses_read = now;
    }

    /// Losses of unknown owner that were known at the last look.
    fn anywhere_known(&self, class: usize) -> u64 {
        let of_class = |lost: &&taffrail_probes::Lost| lost.class as usize == class;
        let attributed: u64 = self.known_losses.by_cgroup.iter().filter(of_class).map(|lost| lost.count).sum();
        self.known_losses.lost[class].saturating_sub(attributed)
    }

    pub(super) fn malformed(&mut self, records: u64) {
        let (from_ns, to_ns) = (self.losses_read.boot_ns, host::boot_now());
        self.anywhere(records, |lost| Gap {
            class: Class::Vital,
            cause: GapCause::Malformed,
            lost: Some(lost),
            from_ns,
            to_ns,
            own: false,
        });
    }

    /// Puts a gap that could be anybody's into everybody's history.
    fn anywhere(&mut self, lost: u64, gap: impl Fn(u64) -> Gap) {
        if lost == 0 {
            return;
        }
        self.pipeline.counters.lost_anywhere += lost;
        let keys: Vec<ContainerKey> = self.pipeline.containers.iter().map(|container| container.key).collect();
        for key in keys {
            if !self.pipeline.containers.is_removed(key) {
                self.pipeline.gap(key, gap(lost));
            }
        }
    }
}
