//! Open incidents, from trigger to sealed bundle.
//!
//! What rules and models find in a container joins the incident that is open there, if its window can grow so far; else
//! it opens one, unless its cause did that a moment ago or evidence has no room. Nothing of that is silent: it is in the
//! ring, and counted.

mod untold;

use super::chain::{ChainLog, Head};
use super::evidence::Promised;
use super::sealer::{Reply, Sealer};
use crate::config::Config;
use crate::enrich::processes::Known;
use crate::pipeline::{Pipeline, report};
use crate::ring::RingFile;
use crate::seal::{self, Job, Proof};
use crate::state::{Looks, Pending, Wanted};
use crate::trigger::{Incident, Order, Pauses};
use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::{Arc, Weak};
use taffrail_trace::clock::{Anchor, BootNs};
use taffrail_trace::container::{Container, Runtime};
use taffrail_trace::event::{Class, Image};
use taffrail_trace::ids::{BootId, ContainerKey, bundle_id};
use taffrail_trace::manifest::{Hook, Host, Window};

/// After the window's end this passes before the bundle is sealed, so that what the drain holds back is in.
const SETTLE_NS: u64 = 100_000_000;
/// How many windows can run at once: each holds what its container's history lets go meanwhile.
const OPEN_MAX: usize = 64;
/// However often rules match, an incident's window ends so long after the end that it had first at the latest.
const GROWS_MAX_NS: u64 = 300_000_000_000;

/// Findings that opened no incident of their own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Storms {
    /// They are part of one that was open.
    pub joined: u64,
    /// Their cause had opened or joined one a moment before; they are in the ring.
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
    /// What evidence may take on the disk before rules seal no more.
    evidence_total_bytes: u64,
    pauses: Pauses,
    storms: Storms,
    sealer: Sealer,
    looks: Looks,
    /// Files of bundles that are being sealed or wait for that.
    sealing: Vec<Weak<RingFile>>,
    count: u32,
}

impl Incidents {
    /// No incident yet.
    pub fn new(host: Host, hooks: Vec<Hook>, config: &Config, proof: Proof, started: Anchor, sealer: Sealer) -> Self {
        Self {
            host,
            hooks,
            host_ancestors: config.host_ancestors,
            proof,
            chain: ChainLog::of(&config.state_dir),
            started,
            open: Vec::new(),
            evidence_total_bytes: config.evidence_total_bytes,
            pauses: Pauses::new(config.rule_pause_seconds.saturating_mul(1_000_000_000)),
            storms: Storms::default(),
            sealer,
            looks: Looks::default(),
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

    /// Takes what was found to the incident that is open in its container and grows by it, or opens one: unless its
    /// cause did that a moment ago, or evidence has no room.
    pub fn open_by_rule(&mut self, cause: String, order: Order, pipeline: &mut Pipeline, now: Anchor) -> Followed {
        let key = order.container;
        if let Some((open, _)) = self.open.iter_mut().find(|(open, _)| open.takes_in(&order)) {
            open.join(&order);
            self.storms.joined += 1;
            self.pauses.begin(key, cause, now.boot_ns);
            return Followed::Joined(open.bundle.clone());
        }
        if self.pauses.is_on(key, &cause, now.boot_ns) {
            self.storms.held_back += 1;
            self.grow(key, order.to_ns());
            return Followed::HeldBack;
        }
        let (rule, reason) = (order.trigger.rule.clone(), order.trigger.reason.clone());
        let name = pipeline.containers.get(key).map(seal::name_in_file).unwrap_or_default();
        let room = self.sealer.room(&name, self.promised(pipeline), self.evidence_total_bytes).map_err(str::to_owned);
        match room.and_then(|()| self.incident(order, pipeline, now)) {
            Ok(incident) => {
                tracing::info!(rule, reason, "rule matched");
                let bundle = incident.0.bundle.clone();
                self.open.push(incident);
                self.pauses.begin(key, cause, now.boot_ns);
                Followed::Opened(bundle)
            }
            Err(why) => {
                self.storms.refused += 1;
                tracing::error!(rule, container = name, why, "a rule matched and nothing is sealed; it is in the ring");
                Followed::Refused(why)
            }
        }
    }

    /// Lets what is open in a container go on until `to_ns`, or as long as it may: what was found there goes on.
    pub fn grow(&mut self, key: ContainerKey, to_ns: BootNs) {
        self.open.iter_mut().filter(|(open, _)| open.is_of(key)).for_each(|(open, _)| open.grow(to_ns));
    }

    /// Forgets what was found in a container.
    pub fn forget(&mut self, key: ContainerKey) {
        self.pauses.forget(key);
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
            Ok(wanted) => self.looks.begin(wanted),
            Err(reason) => Pending::none(reason),
        };
        let id = bundle_id(&boot, order.trigger.time_ns, self.count);
        let bundle = order.out_dir.join(seal::file_name(container, now.utc_ns, &id));
        let live = live_images(pipeline, order.container);
        let history = pipeline.ring.history(order.container);
        let within_bytes = history.map_or(0, |history| history.bytes_from(order.from_ns()));
        let evicted_until_ns = Class::ALL.map(|class| history?.reach(class).evicted_until_ns);
        let grows_until_ns = order.to_ns().saturating_add(GROWS_MAX_NS);
        let incident = Incident {
            order,
            bundle,
            id,
            before_bytes: pin.bytes().saturating_sub(within_bytes),
            pin,
            state,
            by_person: false,
            evicted_until_ns,
            grows_until_ns,
            most_severe: None,
        };
        Ok((incident, live))
    }

    /// What will be evidence when its window is over.
    fn promised(&self, pipeline: &Pipeline) -> Vec<Promised> {
        let of_one = |incident: &Incident| {
            let container = pipeline.containers.get(incident.order.container)?;
            Some(Promised { container: seal::name_in_file(container), bytes: incident.bytes() })
        };
        self.open.iter().filter_map(|(incident, _)| of_one(incident)).collect()
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
            let window = Window { from_ns: incident.from_ns(), to_ns: incident.to_ns().min(now.boot_ns) };
            pipeline.tell_storms_of(key, window.to_ns);
            report(pipeline.ring.write(key, now));
            live.extend(live_images(pipeline, key));
            let Some(container) = pipeline.containers.get(key).cloned() else { continue };
            if window.to_ns < incident.to_ns() && incident.pin.is_full() {
                let early = " (sealed early: what followed filled the container's budget)";
                incident.order.trigger.reason.push_str(early);
            }
            let bytes = incident.bytes();
            let job = Job {
                gaps: self.untold(pipeline, &incident, window, now),
                bundle: incident.bundle,
                id: incident.id,
                container,
                trigger: incident.order.trigger,
                most_severe: incident.most_severe,
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
            self.sealer.seal(job, bytes, incident.state, incident.order.reply);
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
    with_ancestors(pipeline.processes.live().filter(|known| known.image.container_id == container.id))
}

/// Images and their ancestors, each once: many processes have the same ones.
fn with_ancestors<'a>(live: impl Iterator<Item = &'a Arc<Known>>) -> Vec<Image> {
    let mut seen = HashSet::new();
    let mut images = Vec::new();
    for known in live {
        // Above one that was seen all were.
        let new = known.lineage().take_while(|ancestor| seen.insert(ancestor.image.exec_id));
        images.extend(new.map(|ancestor| ancestor.image.clone()));
    }
    images
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
    let mut foreign: HashMap<u32, Vec<u32>> = HashMap::new();
    for known in others {
        let theirs = known.image.namespaces.into_iter().flat_map(|theirs| [theirs.network, theirs.mount]);
        theirs.filter(|inode| *inode != 0).for_each(|inode| foreign.entry(inode).or_default().push(known.image.pid));
    }
    Ok(Wanted {
        container: container.key,
        cgroup_dir: pipeline.containers.dir_of(container),
        cgroup_path: container.cgroup_path.clone(),
        boot,
        known: own.into_iter().map(|known| (known.image.pid, known.image.process_id)).collect(),
        foreign,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::enrich::convert::process::{Strings, exec};
    use crate::enrich::processes::{In, Processes};
    use taffrail_probes::abi::process::{Exec, Fork};
    use taffrail_probes::abi::{Header, ImageKey};
    use taffrail_trace::event::Namespaces;

    #[test]
    fn a_thousand_children_of_one_process_are_a_thousand_images_and_one_ancestor() {
        // Pids that no machine has, so that nothing is found in /proc.
        const PID: u32 = 4_000_000;
        let here = In { key: ContainerKey(1), container_id: "c", container_name: "c" };
        let image = |pid, exec_seq| ImageKey { start_boottime_ns: u64::from(pid), exec_seq, pid, pad: 0 };
        let header = Header { image: image(PID, 1), time_ns: 1, ..Header::default() };
        let mut processes = Processes::new(BootId("b".to_owned()));
        let ran = exec(&Header::default(), &Exec::default(), &Strings::default());
        let init = processes.ran(&header, ran, None, here);
        for child in 1..=1000 {
            let fork = Fork { child: image(PID + child, 1), ..Fork::default() };
            processes.forked(&header, &fork, &init, Namespaces::default(), here);
        }
        assert_eq!(with_ancestors(processes.live()).len(), 1001);
    }
}
