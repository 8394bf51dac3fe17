//! Open incidents, from trigger to sealed bundle.

use crate::control::access::Access;
use crate::pipeline::{Pipeline, report};
use crate::seal::{self, Job};
use crate::trigger::{Incident, Order};
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use taffrail_trace::clock::{Anchor, BootNs};
use taffrail_trace::event::{Class, Gap, GapCause, Image};
use taffrail_trace::ids::{BootId, ContainerKey, bundle_id};
use taffrail_trace::manifest::{Hook, Host, Window};
use tokio::sync::oneshot;

/// After the window's end this passes before the bundle is sealed, so that what the drain holds back is in.
const SETTLE_NS: u64 = 100_000_000;
/// A rule that goes on matching in one container seals no more often than this.
const RULE_PAUSE_NS: u64 = 60_000_000_000;

/// The open incidents and the seals at work.
#[derive(Debug)]
pub struct Incidents {
    host: Host,
    hooks: Vec<Hook>,
    host_ancestors: bool,
    started: Anchor,
    open: Vec<(Incident, Vec<Image>)>,
    by_rule: HashMap<(ContainerKey, String), BootNs>,
    seals: Vec<JoinHandle<()>>,
    sealed: Arc<AtomicU64>,
    failed: Arc<AtomicU64>,
    count: u32,
    access: Access,
}

impl Incidents {
    /// No incident yet.
    pub fn new(host: Host, hooks: Vec<Hook>, host_ancestors: bool, started: Anchor) -> Self {
        Self {
            host,
            hooks,
            host_ancestors,
            started,
            open: Vec::new(),
            by_rule: HashMap::new(),
            seals: Vec::new(),
            sealed: Arc::default(),
            failed: Arc::default(),
            count: 0,
            access: Access::default(),
        }
    }

    /// Bundles are readable for these from now on.
    pub fn share_with(&mut self, access: Access) {
        self.access = access;
    }

    /// Opens an incident that a person asked for. Who does not wait is told the path at once.
    pub fn open(
        &mut self,
        order: Order,
        reply: oneshot::Sender<Result<PathBuf, String>>,
        wait: bool,
        pipeline: &mut Pipeline,
        now: Anchor,
    ) {
        let Some((mut incident, live)) = self.incident(order, pipeline, now) else {
            return drop(reply.send(Err("the container has no history any more".to_owned())));
        };
        if wait {
            incident.order.reply = Some(reply);
        } else {
            drop(reply.send(Ok(incident.bundle.clone())));
        }
        self.open.push((incident, live));
    }

    /// Opens an incident that a rule asks for, unless one of the same is open or was just sealed.
    pub fn open_by_rule(&mut self, order: Order, pipeline: &mut Pipeline, now: Anchor) {
        let rule = (order.container, order.trigger.rule.clone());
        let recent = self.by_rule.get(&rule).is_some_and(|at| now.boot_ns.saturating_sub(*at) < RULE_PAUSE_NS);
        if recent || self.open.iter().any(|(open, _)| open.covers(rule.0, &rule.1)) {
            return;
        }
        tracing::info!(rule = rule.1, reason = order.trigger.reason, "rule matched");
        self.by_rule.insert(rule, now.boot_ns);
        if let Some(incident) = self.incident(order, pipeline, now) {
            self.open.push(incident);
        }
    }

    fn incident(&mut self, order: Order, pipeline: &mut Pipeline, now: Anchor) -> Option<(Incident, Vec<Image>)> {
        let container = pipeline.containers.get(order.container)?;
        let pin = pipeline.ring.pin(order.container)?;
        self.count += 1;
        let boot = BootId(self.host.boot_id.clone());
        let id = bundle_id(&boot, order.trigger.time_ns, self.count);
        let bundle = order.out_dir.join(seal::file_name(container, now.utc_ns, &id));
        let live = live_images(pipeline, order.container);
        Some((Incident { order, bundle, id, pin }, live))
    }

    /// The newest end of a window that lies after `since_ns` and not after `now_ns`.
    pub fn window_end(&self, since_ns: BootNs, now_ns: BootNs) -> Option<BootNs> {
        let ends = self.open.iter().map(|(incident, _)| incident.to_ns());
        ends.filter(|end_ns| *end_ns > since_ns && *end_ns <= now_ns).max()
    }

    /// Whether an after-window is over.
    pub fn are_due(&self, now_ns: BootNs) -> bool {
        self.open.iter().any(|(incident, _)| is_due(incident, now_ns))
    }

    /// Hands every incident whose window is over to a sealer.
    pub fn finish_due(&mut self, pipeline: &mut Pipeline, now: Anchor) {
        let (due, open) = std::mem::take(&mut self.open).into_iter().partition(|(i, _)| is_due(i, now.boot_ns));
        self.open = open;
        self.finish(due, pipeline, now);
    }

    /// Hands every incident to a sealer, whatever of its window is left, and waits for all of them.
    pub fn finish_all(&mut self, pipeline: &mut Pipeline, now: Anchor) {
        let open = std::mem::take(&mut self.open);
        self.finish(open, pipeline, now);
        for seal in self.seals.drain(..) {
            if seal.join().is_err() {
                tracing::error!("a sealing thread panicked, which is a bug");
            }
        }
    }

    fn finish(&mut self, due: Vec<(Incident, Vec<Image>)>, pipeline: &mut Pipeline, now: Anchor) {
        self.seals.retain(|seal| !seal.is_finished());
        for (incident, mut live) in due {
            let key = incident.order.container;
            report(pipeline.ring.flush_one(key, now, None));
            live.extend(live_images(pipeline, key));
            let Some(container) = pipeline.containers.get(key).cloned() else { continue };
            let window = Window { from_ns: incident.from_ns(), to_ns: incident.to_ns().min(now.boot_ns) };
            let job = Job {
                gaps: self.untold(pipeline, key, window, container.created_ns),
                bundle: incident.bundle,
                id: incident.id,
                container,
                trigger: incident.order.trigger,
                window,
                host: self.host.clone(),
                hooks: self.hooks.clone(),
                files: incident.pin.files(),
                live,
                host_ancestors: self.host_ancestors,
                anchor: now,
            };
            self.spawn(job, incident.order.reply);
        }
    }

    fn spawn(&mut self, job: Job, reply: Option<oneshot::Sender<Result<PathBuf, String>>>) {
        let (sealed, failed) = (Arc::clone(&self.sealed), Arc::clone(&self.failed));
        let access = self.access.clone();
        let work = move || {
            let result = seal::seal(job);
            match &result {
                Ok(path) => {
                    if let Err(error) = access.share(path) {
                        tracing::warn!(%error, "the control group cannot read this bundle");
                    }
                    sealed.fetch_add(1, Ordering::Relaxed);
                    tracing::info!(path = %path.display(), "evidence sealed");
                }
                Err(error) => {
                    failed.fetch_add(1, Ordering::Relaxed);
                    tracing::error!(%error, "evidence could not be sealed; the ring still has it");
                }
            }
            if let Some(reply) = reply {
                // An asker who went away finds the bundle where the log says.
                let _ = reply.send(result.map_err(|error| error.to_string()));
            }
        };
        match std::thread::Builder::new().name("seal".to_owned()).spawn(work) {
            Ok(handle) => self.seals.push(handle),
            Err(error) => {
                self.failed.fetch_add(1, Ordering::Relaxed);
                tracing::error!(%error, "no thread for sealing; the ring still has the history");
            }
        }
    }

    /// Gaps of the window that no segment tells: what the ring let go, and the time before the recorder began.
    fn untold(&self, pipeline: &Pipeline, key: ContainerKey, window: Window, created: Option<BootNs>) -> Vec<Gap> {
        let mut gaps = Vec::new();
        let began = self.started.boot_ns;
        for class in Class::ALL {
            let gap = |cause, lost, to_ns| Gap { class, cause, lost, from_ns: window.from_ns, to_ns, own: true };
            if created.is_none_or(|created| created < began) && window.from_ns < began {
                gaps.push(gap(GapCause::RecorderDown, None, began.min(window.to_ns)));
            }
            let Some(reach) = pipeline.ring.history(key).map(|history| history.reach(class)) else { continue };
            if let Some(until_ns) = reach.evicted_until_ns.filter(|until_ns| *until_ns >= window.from_ns) {
                gaps.push(gap(GapCause::Evicted, None, until_ns.min(window.to_ns)));
            }
            if reach.refused > 0 {
                gaps.push(gap(GapCause::Refused, Some(reach.refused), window.to_ns));
            }
        }
        gaps
    }

    /// Bundles sealed, and seals that failed.
    pub fn outcome(&self) -> (u64, u64) {
        (self.sealed.load(Ordering::Relaxed), self.failed.load(Ordering::Relaxed))
    }

    /// Incidents whose window is running.
    pub fn open_count(&self) -> u64 {
        self.open.len() as u64
    }
}

fn is_due(incident: &Incident, now_ns: BootNs) -> bool {
    now_ns >= incident.to_ns().saturating_add(SETTLE_NS)
}

/// The images alive in a container, with their ancestors.
fn live_images(pipeline: &Pipeline, key: ContainerKey) -> Vec<Image> {
    let Some(container) = pipeline.containers.get(key) else { return Vec::new() };
    let inside = pipeline.processes.live().filter(|known| known.image.container_id == container.id);
    inside.flat_map(|known| known.lineage().map(|ancestor| ancestor.image.clone())).collect()
}
