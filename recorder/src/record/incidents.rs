//! Open incidents, from trigger to sealed bundle.

use super::chain::{ChainLog, Head};
use super::sealer::{Reply, Sealer};
use crate::config::Config;
use crate::pipeline::{Pipeline, report};
use crate::ring::RingFile;
use crate::seal::{self, Job, Proof};
use crate::state::{Pending, Wanted, Watch};
use crate::trigger::{Incident, Order};
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Weak};
use taffrail_trace::clock::{Anchor, BootNs};
use taffrail_trace::container::{Container, Runtime};
use taffrail_trace::event::{Class, Gap, GapCause, Image};
use taffrail_trace::ids::{BootId, ContainerKey, bundle_id};
use taffrail_trace::manifest::{Hook, Host, Window};

/// After the window's end this passes before the bundle is sealed, so that what the drain holds back is in.
const SETTLE_NS: u64 = 100_000_000;
/// How many windows can run at once: each holds what its container's history lets go meanwhile.
const OPEN_MAX: usize = 64;
/// However often rules match, an incident's window ends so long after its trigger at the latest.
const GROWS_MAX_NS: u64 = 300_000_000_000;

/// What rules may do.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// A rule that goes on matching in one container seals no more often than this.
    pub rule_pause_ns: u64,
    /// What evidence may take on the disk before rules seal no more.
    pub evidence_total_bytes: u64,
}

/// Findings that opened no incident of their own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Storms {
    /// They are part of one that was open.
    pub joined: u64,
    /// Their rule had sealed a moment before; they are in the ring.
    pub held_back: u64,
    /// There was no room for their evidence; they are in the ring.
    pub refused: u64,
}

/// What became of an order that nobody gave by hand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Followed {
    /// It opened an incident, whose bundle will be this.
    Opened(PathBuf),
    /// It is part of the one that was open, likewise.
    Joined(PathBuf),
    /// The same had been sealed a moment before.
    HeldBack,
    /// Nothing is sealed; why.
    Refused(String),
}

/// The open incidents and the seals at work.
#[derive(Debug)]
pub struct Incidents {
    host: Host,
    hooks: Vec<Hook>,
    host_ancestors: bool,
    proof: Proof,
    chain: ChainLog,
    started: Anchor,
    open: Vec<(Incident, Vec<Image>)>,
    limits: Limits,
    /// When each rule last opened or joined an incident of a container.
    by_rule: HashMap<(ContainerKey, String), BootNs>,
    storms: Storms,
    sealer: Sealer,
    watch: Watch,
    /// Files of bundles that are being sealed or wait for that.
    sealing: Vec<Weak<RingFile>>,
    count: u32,
}

impl Incidents {
    /// No incident yet.
    pub fn new(
        host: Host,
        hooks: Vec<Hook>,
        config: &Config,
        proof: Proof,
        started: Anchor,
        sealer: Sealer,
        limits: Limits,
    ) -> Self {
        Self {
            host,
            hooks,
            host_ancestors: config.host_ancestors,
            proof,
            chain: ChainLog::of(&config.state_dir),
            started,
            open: Vec::new(),
            limits,
            by_rule: HashMap::new(),
            storms: Storms::default(),
            sealer,
            watch: Watch::default(),
            sealing: Vec::new(),
            count: 0,
        }
    }

    /// Opens an incident that a person asked for. Who does not wait is told the path at once.
    pub fn open(&mut self, order: Order, reply: Reply, wait: bool, pipeline: &mut Pipeline, now: Anchor) {
        let (mut incident, live) = match self.incident(order, pipeline, now) {
            Ok(incident) => incident,
            Err(reason) => return drop(reply.send(Err(reason))),
        };
        incident.by_person = true;
        if wait {
            incident.order.reply = Some(reply);
        } else {
            drop(reply.send(Ok(incident.bundle.clone())));
        }
        self.open.push((incident, live));
    }

    /// Takes what was found to the incident that is open in its container, which grows by it, or opens one: unless the
    /// rule did that a moment ago, or rules have filled their share of the disk.
    pub fn open_by_rule(&mut self, order: Order, pipeline: &mut Pipeline, now: Anchor) -> Followed {
        let rule = (order.container, order.trigger.rule.clone());
        if let Some((open, _)) = self.open.iter_mut().find(|(open, _)| open.takes_in(order.container)) {
            open.grow(order.trigger.time_ns.saturating_add(order.after_ns), GROWS_MAX_NS);
            self.storms.joined += 1;
            self.by_rule.insert(rule, now.boot_ns);
            return Followed::Joined(open.bundle.clone());
        }
        let pause_ns = self.limits.rule_pause_ns;
        if self.by_rule.get(&rule).is_some_and(|at| now.boot_ns.saturating_sub(*at) < pause_ns) {
            self.storms.held_back += 1;
            return Followed::HeldBack;
        }
        if self.sealer.evidence_bytes() >= self.limits.evidence_total_bytes {
            self.storms.refused += 1;
            tracing::error!(rule = rule.1, "a rule matched and nothing is sealed: evidence_total_bytes is used up");
            return Followed::Refused("evidence_total_bytes is used up".to_owned());
        }
        tracing::info!(rule = rule.1, reason = order.trigger.reason, "rule matched");
        self.by_rule.insert(rule, now.boot_ns);
        match self.incident(order, pipeline, now) {
            Ok(incident) => {
                let bundle = incident.0.bundle.clone();
                self.open.push(incident);
                Followed::Opened(bundle)
            }
            Err(reason) => {
                self.storms.refused += 1;
                tracing::error!(reason, "a rule matched and nothing is sealed; the finding is in the ring");
                Followed::Refused(reason)
            }
        }
    }

    /// Forgets what rules did in a container.
    pub fn forget(&mut self, key: ContainerKey) {
        self.by_rule.retain(|(container, _), _| *container != key);
    }

    /// What became of findings that opened no incident.
    pub fn storms(&self) -> Storms {
        self.storms
    }

    fn incident(
        &mut self,
        order: Order,
        pipeline: &mut Pipeline,
        now: Anchor,
    ) -> Result<(Incident, Vec<Image>), String> {
        if self.open.len() >= OPEN_MAX {
            return Err(format!("{OPEN_MAX} incidents are open already; wait until one of them is sealed"));
        }
        if self.held_bytes() >= pipeline.ring.total_bytes() {
            return Err(
                "incidents hold as much history as the ring itself; wait until one of them is sealed".to_owned()
            );
        }
        let pinned = pipeline.containers.get(order.container).zip(pipeline.ring.pin(order.container));
        let (container, pin) = pinned.ok_or("the container has no history any more")?;
        self.count += 1;
        let boot = BootId(self.host.boot_id.clone());
        let state = match wanted(pipeline, container, boot.clone()) {
            Ok(wanted) => self.watch.begin(wanted),
            Err(reason) => Pending::none(reason),
        };
        let id = bundle_id(&boot, order.trigger.time_ns, self.count);
        let bundle = order.out_dir.join(seal::file_name(container, now.utc_ns, &id));
        let live = live_images(pipeline, order.container);
        let evicted_until_ns = Class::ALL.map(|class| {
            pipeline.ring.history(order.container).and_then(|history| history.reach(class).evicted_until_ns)
        });
        Ok((Incident { order, bundle, id, pin, state, by_person: false, evicted_until_ns }, live))
    }

    /// Bytes on disk that the ring let go and incidents still hold.
    fn held_bytes(&self) -> u64 {
        let open = self.open.iter().flat_map(|(incident, _)| incident.pin.files());
        let held = open.chain(self.sealing.iter().filter_map(Weak::upgrade)).filter(|file| file.is_unlinked());
        held.map(|file| (Arc::as_ptr(&file), file.len())).collect::<HashMap<_, _>>().values().sum()
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
        self.tell_all_heads(pipeline, now);
        self.sealer.finish();
    }

    fn finish(&mut self, due: Vec<(Incident, Vec<Image>)>, pipeline: &mut Pipeline, now: Anchor) {
        for (mut incident, mut live) in due {
            let key = incident.order.container;
            report(pipeline.ring.write(key, now));
            live.extend(live_images(pipeline, key));
            let Some(container) = pipeline.containers.get(key).cloned() else { continue };
            let window = Window { from_ns: incident.from_ns(), to_ns: incident.to_ns().min(now.boot_ns) };
            if window.to_ns < incident.to_ns() && incident.pin.is_full() {
                let early = " (sealed early: what followed filled the container's budget)";
                incident.order.trigger.reason.push_str(early);
            }
            let job = Job {
                gaps: self.untold(pipeline, &incident, window, now),
                bundle: incident.bundle,
                id: incident.id,
                container,
                trigger: incident.order.trigger,
                window,
                host: self.host.clone(),
                hooks: self.hooks.clone(),
                files: incident.pin.files(),
                waiting: Vec::new(),
                live,
                host_ancestors: self.host_ancestors,
                anchor: now,
                state: Err("nobody waited for it".to_owned()),
                proof: self.proof.clone(),
            };
            let heads = Class::ALL.into_iter().filter_map(|class| {
                let head = pipeline.ring.history(key)?.head(class)?;
                Some(Head::new(key, &job.container.name, class, head))
            });
            self.chain.tell(heads, false, now.utc_ns);
            self.sealing.retain(|file| file.strong_count() > 0);
            self.sealing.extend(job.files.iter().map(Arc::downgrade));
            self.sealer.seal(job, incident.state, incident.order.reply);
        }
    }

    /// Writes down how far all chains have come, now and then.
    pub fn tell_heads(&mut self, pipeline: &Pipeline, now: Anchor) {
        if self.chain.is_due() {
            self.tell_all_heads(pipeline, now);
        }
    }

    fn tell_all_heads(&mut self, pipeline: &Pipeline, now: Anchor) {
        let name = |key| pipeline.containers.get(key).map_or("", |container| container.name.as_str());
        let heads =
            pipeline.ring.heads().map(|(key, class, seq, sha256)| Head::new(key, name(key), class, (seq, sha256)));
        self.chain.tell(heads, true, now.utc_ns);
    }

    /// Gaps of the window that no segment tells: what the ring had let go when it was held, what it could not write, and
    /// the time before anybody recorded.
    fn untold(&self, pipeline: &Pipeline, incident: &Incident, window: Window, now: Anchor) -> Vec<Gap> {
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

    /// Bundles that wait or are being sealed, bundles sealed, and seals that failed.
    pub fn outcome(&self) -> (u64, u64, u64) {
        self.sealer.outcome()
    }

    /// Incidents whose window is running.
    pub fn open_count(&self) -> u64 {
        self.open.len() as u64
    }
}

fn is_due(incident: &Incident, now_ns: BootNs) -> bool {
    now_ns >= incident.to_ns().saturating_add(SETTLE_NS) || incident.pin.is_full()
}

/// The images alive in a container, with their ancestors.
fn live_images(pipeline: &Pipeline, key: ContainerKey) -> Vec<Image> {
    let Some(container) = pipeline.containers.get(key) else { return Vec::new() };
    let inside = pipeline.processes.live().filter(|known| known.image.container_id == container.id);
    inside.flat_map(|known| known.lineage().map(|ancestor| ancestor.image.clone())).collect()
}

/// Whom to look at for the state of a container; else why there is none to look at.
fn wanted(pipeline: &Pipeline, container: &Container, boot: BootId) -> Result<Wanted, &'static str> {
    if container.runtime == Runtime::Host {
        return Err("the host is no container: its processes are not looked at");
    }
    if container.cgroup_path.is_empty() || pipeline.containers.is_removed(container.key) {
        return Err("the container was gone before the trigger");
    }
    let (own, others): (Vec<_>, Vec<_>) =
        pipeline.processes.live().partition(|known| known.image.container_id == container.id);
    let namespaces = others.into_iter().filter_map(|known| known.image.namespaces);
    Ok(Wanted {
        container: container.key,
        cgroup_dir: pipeline.containers.dir_of(container),
        cgroup_path: container.cgroup_path.clone(),
        boot,
        known: own.into_iter().map(|known| (known.image.pid, known.image.process_id)).collect(),
        foreign: namespaces.flat_map(|theirs| [theirs.network, theirs.mount]).filter(|inode| *inode != 0).collect(),
    })
}
