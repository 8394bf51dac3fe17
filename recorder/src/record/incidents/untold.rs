//! Gaps that no segment tells.

use super::Incidents;
use crate::pipeline::Pipeline;
use crate::trigger::Incident;
use taffrail_trace::clock::{Anchor, BootNs};
use taffrail_trace::event::{Class, Gap, GapCause};
use taffrail_trace::manifest::Window;

impl Incidents {
    /// Gaps of the window that no segment tells: what the ring had let go when it was held, what it could not write, and
    /// the time before anybody recorded.
    pub(super) fn untold(&self, pipeline: &Pipeline, incident: &Incident, window: Window, now: Anchor) -> Vec<Gap> {
        let key = incident.order.container;
        let (Some(history), Some(container)) = (pipeline.ring.history(key), pipeline.containers.get(key)) else {
            return Vec::new();
        };
        let mut gaps = Vec::new();
        let reaches = Class::ALL.map(|class| history.reach(class));
        // An earlier recorder may have left history, and says itself when it was over.
        let oldest_ns = reaches.iter().filter_map(|reach| reach.oldest_ns).min().unwrap_or(BootNs::MAX);
        let first_known_ns = oldest_ns.min(self.started.boot_ns);
        let is_older = container.created_ns.is_none_or(|created| created < first_known_ns);
        for (class, reach) in Class::ALL.into_iter().zip(reaches) {
            let gap = |cause, lost, from_ns, to_ns| Gap { class, cause, lost, from_ns, to_ns, own: true };
            let evicted_until_ns = incident.evicted_until_ns[class as usize];
            if let Some(until_ns) = evicted_until_ns.filter(|until_ns| *until_ns >= window.from_ns) {
                gaps.push(gap(GapCause::Evicted, None, window.from_ns, until_ns.min(window.to_ns)));
            } else if evicted_until_ns.is_none() && is_older && window.from_ns < first_known_ns {
                let to_ns = first_known_ns.min(window.to_ns);
                gaps.push(gap(GapCause::RecorderDown, None, window.from_ns, to_ns));
            }
            if let Some((from_ns, to_ns)) =
                reach.refused_ns.filter(|(from, to)| *from <= window.to_ns && *to >= window.from_ns)
            {
                gaps.push(gap(GapCause::Refused, Some(reach.refused), from_ns, to_ns));
            }
            // It was to be written before this, and could not be.
            let waiting = history.waiting(class) as u64;
            if waiting > 0 {
                gaps.push(gap(
                    GapCause::Refused,
                    Some(waiting),
                    reach.newest_ns.unwrap_or(window.from_ns),
                    now.boot_ns,
                ));
            }
        }
        gaps
    }
}
