//! What rules have done to containers, where the operator allows it, and what came of it.

use super::Recording;
use crate::enrich::containers::Containers;
use crate::host;
use crate::response::cgroup::{Cgroup, freezer_root};
use crate::response::{self, Act, Answer, Deed, Done, Outcome, Protection};
use crate::trigger::Asked;
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::mpsc;
use taffrail_trace::clock::BootNs;
use taffrail_trace::container::{Container, Runtime};
use taffrail_trace::ids::{BootId, ContainerKey};
use tokio::sync::oneshot;

/// How many deeds are at work at once, a thread each.
const AT_WORK_MAX: usize = 64;
/// How long a container may wait to be named, where protected ones are told by their names.
const NAMED_WITHIN_NS: u64 = 5_000_000_000;
/// A container that was left alone is not asked about again for so long, however often its rule matches.
const REFUSED_NS: u64 = 60_000_000_000;
/// A deed that failed is not tried again for so long, and none done again: who acts in a container from a cgroup outside
/// of it goes on, and matches on.
const PAUSE_NS: u64 = 10_000_000_000;

type Reply = oneshot::Sender<Result<(), String>>;

/// Deeds that wait, are at work, or were done.
#[derive(Debug)]
pub struct Responses {
    protection: Protection,
    boot: BootId,
    /// Where the old freezer's hierarchy is mounted, if it is.
    freezer_root: Option<PathBuf>,
    /// Of containers that are not named yet.
    waiting: Vec<(Asked, BootNs)>,
    at_work: HashMap<ContainerKey, Act>,
    /// What was done last to a container that is not what it was, and when.
    held: HashMap<ContainerKey, (Act, BootNs)>,
    resting: HashMap<ContainerKey, BootNs>,
    askers: HashMap<ContainerKey, Reply>,
    tell: mpsc::Sender<Done>,
    told: mpsc::Receiver<Done>,
}

impl Responses {
    /// Nothing is done yet.
    pub fn new(protect: &[String], boot: BootId) -> Self {
        let (tell, told) = mpsc::channel();
        let (waiting, at_work, held) = (Vec::new(), HashMap::new(), HashMap::new());
        let (resting, askers) = (HashMap::new(), HashMap::new());
        let (protection, freezer_root) = (Protection::new(protect), freezer_root());
        Self { protection, boot, freezer_root, waiting, at_work, held, resting, askers, tell, told }
    }

    /// Has it done on a thread of its own.
    fn start(&mut self, act: Act, whom: &Container, dir: PathBuf, rule: String, asked_ns: BootNs) {
        let (container, id, freezer_root) = (whom.key, whom.id.clone(), self.freezer_root.clone());
        self.at_work.insert(container, act);
        response::act(
            Deed { act, container, id, dir, freezer_root, boot: self.boot.clone(), rule, asked_ns },
            &self.tell,
        );
    }

    /// Whether a container's cgroup is to stand still, whoever wrote so.
    pub fn is_frozen(&self, containers: &Containers, container: &Container) -> bool {
        container.runtime != Runtime::Host
            && !container.cgroup_path.is_empty()
            && !containers.is_removed(container.key)
            && Cgroup::open(&containers.dir_of(container), |_| true)
                .is_ok_and(|cgroup| cgroup.with_freezer(self.freezer_root.as_deref(), &container.id).is_frozen())
    }

    /// Forgets a container.
    pub fn forget(&mut self, key: ContainerKey) {
        self.held.remove(&key);
        self.resting.remove(&key);
        self.waiting.retain(|(asked, _)| asked.container != key);
    }

    /// Whether a match asks for more than what is done or at work, and may ask again.
    fn is_news(&self, asked: &Asked, now_ns: BootNs) -> bool {
        let act = Act::from(asked.response);
        let is_at_work = self.at_work.get(&asked.container).is_some_and(|at_work| *at_work >= act);
        // What happens later shows that somebody else thawed it.
        let held = self.held.get(&asked.container);
        let is_held = held.is_some_and(|(done, done_ns)| *done >= act && asked.time_ns <= *done_ns);
        let is_same = |other: &Asked| other.container == asked.container && other.response == asked.response;
        let waits = self.waiting.iter().any(|(other, _)| is_same(other));
        let rests = self.resting.get(&asked.container).is_some_and(|until| now_ns < *until);
        !is_at_work && !is_held && !waits && !rests
    }
}

impl Recording {
    /// Has done what rules ask for, as far as it may be, and tells what came of what was asked before.
    pub(super) fn respond(&mut self) {
        let now_ns = host::boot_now();
        for (asked, since_ns) in std::mem::take(&mut self.responses.waiting) {
            self.consider(asked, since_ns);
        }
        for asked in self.pipeline.watch.asked() {
            if self.responses.is_news(&asked, now_ns) {
                self.consider(asked, now_ns);
            }
        }
        while let Ok(done) = self.responses.told.try_recv() {
            self.responded(done);
        }
    }

    /// Whether a rule has something done: then its evidence is sealed however serious it is.
    pub(super) fn responds(&self, rule: &str) -> bool {
        self.pipeline.watch.rules().rules().iter().any(|known| known.response.is_some() && known.name == rule)
    }

    /// Does it, refuses it, or waits for the container's name, which was asked for at `since_ns`.
    fn consider(&mut self, asked: Asked, since_ns: BootNs) {
        let now_ns = host::boot_now();
        let Some(container) = self.pipeline.containers.get(asked.container) else { return };
        let act = Act::from(asked.response);
        let below = format!("{}/", container.cgroup_path);
        let containers = &self.pipeline.containers;
        let is_inside = |other: &&Container| other.cgroup_path.starts_with(&below) && !containers.is_removed(other.key);
        let refused = match self.responses.protection.allows(container, containers.iter().filter(is_inside)) {
            Answer::Yes if self.responses.at_work.len() < AT_WORK_MAX => {
                let dir = containers.dir_of(container);
                return self.responses.start(act, container, dir, asked.rule, asked.time_ns);
            }
            Answer::Yes => "too many responses are at work".to_owned(),
            Answer::NotYet if now_ns.saturating_sub(since_ns) < NAMED_WITHIN_NS => {
                self.responses.waiting.push((asked, since_ns));
                return;
            }
            Answer::NotYet => "nobody told its name, so it may be one of response_protect".to_owned(),
            Answer::No(reason) => reason,
        };
        self.responses.resting.insert(asked.container, now_ns.saturating_add(REFUSED_NS));
        self.tell_response(asked.container, &asked.rule, act, &Outcome::Refused(refused), now_ns);
    }

    fn responded(&mut self, done: Done) {
        let Done { deed: Deed { act, container, rule, .. }, outcome, time_ns } = done;
        self.responses.at_work.remove(&container);
        self.responses.resting.insert(container, time_ns.saturating_add(PAUSE_NS));
        match (&outcome, act) {
            (Outcome::Done(_), Act::Thaw) => {
                self.responses.held.remove(&container);
                self.responses.resting.remove(&container);
            }
            (Outcome::Done(_), _) => _ = self.responses.held.insert(container, (act, time_ns)),
            _ => {}
        }
        self.tell_response(container, &rule, act, &outcome, time_ns);
        if let Some(asker) = self.responses.askers.remove(&container) {
            let told = if matches!(outcome, Outcome::Done(_)) { Ok(()) } else { Err(outcome.to_string()) };
            // An asker who went away needs no answer.
            let _ = asker.send(told);
        }
    }

    /// Has a container go on, because somebody asked for it.
    pub(super) fn thaw(&mut self, container: &str, reply: Reply) {
        let refused = match self.find(container) {
            Err(reason) => reason,
            Ok(key) => match self.pipeline.containers.get(key) {
                Some(known) if self.responses.at_work.contains_key(&key) => {
                    format!("something is being done to {}; ask again", known.name)
                }
                Some(known) if self.responses.is_frozen(&self.pipeline.containers, known) => {
                    let dir = self.pipeline.containers.dir_of(known);
                    self.responses.askers.insert(key, reply);
                    return self.responses.start(Act::Thaw, known, dir, "manual".to_owned(), host::boot_now());
                }
                _ => format!("{container:?} is not frozen"),
            },
        };
        let _ = reply.send(Err(refused));
    }

    fn tell_response(&mut self, key: ContainerKey, rule: &str, act: Act, outcome: &Outcome, time_ns: BootNs) {
        let name = self.pipeline.containers.get(key).map_or("", |container| container.name.as_str());
        tracing::warn!(container = name, rule, act = act.as_str(), outcome = %outcome, "response");
        self.pipeline.tell(key, time_ns, response::finding(rule, act, outcome));
    }
}
