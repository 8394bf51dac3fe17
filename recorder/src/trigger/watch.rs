//! Every event on its way to the ring, asked about by rules and models.

use super::storm::{Say, Storm};
use crate::enrich::containers::Containers;
use crate::enrich::files::Files;
use crate::enrich::processes::Known;
use crate::models::{self, Models};
use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::sync::Arc;
use taffrail_rules::judge::{Judge, Missed};
use taffrail_rules::matcher::RuleSet;
use taffrail_rules::names::Names;
use taffrail_rules::rule::Response;
use taffrail_rules::scene::{Descriptor, Scene};
use taffrail_trace::clock::{Anchor, BootNs, Clock, UtcNs};
use taffrail_trace::container::Container;
use taffrail_trace::event::{Body, Event, Finding, Image, Severity};
use taffrail_trace::ids::ContainerKey;

/// What matches of one turn ask for beyond this, later ones ask for again.
const ASKED_MAX: usize = 4096;

/// The rules, and what they need to know of what was before.
#[derive(Debug)]
pub struct Watch {
    judge: Judge,
    /// What is normal for images; `None` where models are off.
    pub models: Option<Models>,
    names: HashMap<ContainerKey, Names>,
    storm: Storm,
    /// The newest of what was only counted since somebody asked.
    counted: HashMap<ContainerKey, Counted>,
    /// What the judges before this one missed.
    missed_before: Missed,
    clock: Clock,
    hostname: String,
    asked: Vec<Asked>,
}

/// A match asks for something to be done to its container.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Whose.
    pub container: ContainerKey,
    /// What.
    pub response: Response,
    /// By which rule.
    pub rule: String,
    /// When the event happened.
    pub time_ns: BootNs,
}

/// What was found in an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// What is to be said of it.
    pub finding: Finding,
    /// What it goes by when it comes again: its rule, or what deviated from a model.
    pub cause: String,
}

/// Something was found in a container, and it is not told one by one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counted {
    /// The most severe of them.
    pub severity: Severity,
    /// When the last of them was.
    pub last_ns: BootNs,
}

/// What surrounds an event that is on its way.
#[derive(Clone, Copy, Debug)]
pub struct Surroundings<'a> {
    /// The directory of containers.
    pub containers: &'a Containers,
    /// The open files.
    pub files: &'a Files,
    /// Who did it.
    pub actor: Option<&'a Arc<Known>>,
}

impl Watch {
    /// Asks these rules and models.
    pub fn new(rules: Arc<RuleSet>, models: Option<Models>, now: Anchor, hostname: String) -> Self {
        Self {
            judge: Judge::new(rules),
            models,
            names: HashMap::new(),
            storm: Storm::default(),
            counted: HashMap::new(),
            missed_before: Missed::default(),
            clock: Clock::new(vec![now]),
            hostname,
            asked: Vec::new(),
        }
    }

    /// Asks other rules from now on. What the old ones remembered goes.
    pub fn ask(&mut self, rules: Arc<RuleSet>) {
        self.missed_before = self.missed();
        self.judge = Judge::new(rules);
    }

    /// The rules that it asks.
    pub fn rules(&self) -> &Arc<RuleSet> {
        self.judge.rules()
    }

    /// The clocks as they are now.
    pub fn tick(&mut self, now: Anchor) {
        self.clock = Clock::new(vec![now]);
    }

    /// What is to be said of an event in `key`; each finding goes into the ring, and pulls the cord where it is told to.
    pub fn see(&mut self, key: ContainerKey, event: &Event, around: Surroundings<'_>) -> Vec<Found> {
        if let Body::Dns(message) = &event.body {
            self.names.entry(key).or_default().heard(message);
        }
        let is_wanted = self.judge.rules().wants(event);
        if !is_wanted && self.models.is_none() {
            return Vec::new();
        }
        let Some(container) = around.containers.get(key) else { return Vec::new() };
        let Self { judge, models, names, storm, counted, clock, hostname, asked, .. } = self;
        let scene = Live { event, around, container, clock, names: names.get(&key), hostname };
        let mut count = |severity| {
            let one = Counted { severity, last_ns: event.time_ns };
            counted.entry(key).and_modify(|known| known.take_in(one)).or_insert(one);
        };
        let models::Judged { mut found, is_counted } =
            models.as_mut().map(|models| models.see(&scene)).unwrap_or_default();
        if is_counted {
            count(models::SEVERITY);
        }
        for matched in is_wanted.then(|| judge.see(&scene)).into_iter().flatten() {
            let rule = matched.rule;
            // Also where it matches too often to be told one by one.
            if let Some(response) = rule.response.filter(|_| asked.len() < ASKED_MAX) {
                asked.push(Asked { container: key, response, rule: rule.name.clone(), time_ns: event.time_ns });
            }
            // The number is as serious as each match, and of none of their events.
            match storm.matched(key, &rule.name, event.time_ns, || rule.finding(String::new())) {
                Say::It => found.push(Found { finding: matched.finding(&scene), cause: rule.name.clone() }),
                Say::ItsNumber => count(rule.priority.severity()),
            }
        }
        found
    }

    /// What was found and only counted since the last call, by container.
    pub fn counted(&mut self) -> Vec<(ContainerKey, Counted)> {
        self.counted.drain().collect()
    }

    /// What matches asked to have done since the last call.
    pub fn asked(&mut self) -> Vec<Asked> {
        std::mem::take(&mut self.asked)
    }

    /// Findings that stand for many, of which the time to be told came.
    pub fn overdue(&mut self, now_ns: BootNs) -> Vec<(ContainerKey, BootNs, Finding)> {
        let mut told = self.storm.overdue(now_ns);
        told.extend(self.models.iter_mut().flat_map(|models| models.overdue(now_ns)));
        told
    }

    /// Findings that stand for what was found in a container and not told until now.
    pub fn untold(&mut self, key: ContainerKey) -> Vec<(BootNs, Finding)> {
        let mut told = self.storm.so_far(key);
        told.extend(self.models.as_mut().and_then(|models| models.untold(key)));
        told
    }

    /// Containers in which something may have been found that is not told.
    pub fn busy(&self) -> Vec<ContainerKey> {
        let of_models = self.models.iter().flat_map(Models::deviating);
        let all: HashSet<ContainerKey> = self.storm.containers().chain(of_models).collect();
        all.into_iter().collect()
    }

    /// Forgets a container.
    pub fn forget(&mut self, key: ContainerKey) {
        self.judge.forget(key);
        self.names.remove(&key);
        self.storm.forget(key);
        self.counted.remove(&key);
        self.models.iter_mut().for_each(|models| models.forget(key));
    }

    /// How often rules matched since the start, and how many of these matches are told only as a number.
    pub fn counts(&self) -> (u64, u64) {
        self.storm.counts()
    }

    /// What rules could not look at, or forgot, since the start.
    pub fn missed(&self) -> Missed {
        let (before, now) = (self.missed_before, self.judge.missed());
        Missed {
            late: before.late + now.late,
            resting: before.resting + now.resting,
            forgotten: before.forgotten + now.forgotten,
        }
    }
}

impl Counted {
    fn take_in(&mut self, one: Self) {
        self.severity = self.severity.max(one.severity);
        self.last_ns = self.last_ns.max(one.last_ns);
    }
}

struct Live<'a> {
    event: &'a Event,
    around: Surroundings<'a>,
    container: &'a Container,
    clock: &'a Clock,
    names: Option<&'a Names>,
    hostname: &'a str,
}

impl Scene for Live<'_> {
    fn event(&self) -> &Event {
        self.event
    }

    fn image(&self, generation: usize) -> Option<&Image> {
        self.around.actor?.lineage().nth(generation).map(|known| &known.image)
    }

    fn ancestors(&self, eye: &mut dyn FnMut(&Image) -> bool) -> bool {
        self.around.actor.is_some_and(|actor| actor.lineage().skip(1).any(|known| eye(&known.image)))
    }

    fn container(&self) -> &Container {
        self.container
    }

    fn utc(&self, boot_ns: BootNs) -> UtcNs {
        self.clock.utc(boot_ns)
    }

    fn descriptor(&self, fd: i32) -> Option<Descriptor<'_>> {
        let pid = self.event.actor.as_ref()?.pid;
        let path = self.around.files.path(pid, u32::try_from(fd).ok()?)?;
        Some(Descriptor::File { path })
    }

    fn names_of(&self, addr: IpAddr, eye: &mut dyn FnMut(&str) -> bool) -> bool {
        self.names.is_some_and(|names| names.show(addr, eye))
    }

    fn hostname(&self) -> Option<&str> {
        Some(self.hostname)
    }
}
