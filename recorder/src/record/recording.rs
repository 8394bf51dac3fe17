//! The recording thread: drain, flush, count, answer; never wait.

use super::Command;
use super::incidents::Incidents;
use crate::config::Config;
use crate::control::access::Access;
use crate::control::{Level, LevelRequest, TriggerRequest};
use crate::enrich::containers::Change;
use crate::enrich::docker::Question;
use crate::health::{ContainerStatus, Status};
use crate::host;
use crate::pipeline::{Match, Pipeline, class_of, report};
use crate::trigger::Order;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::collections::HashMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};
use taffrail_probes::abi::counters::Cause;
use taffrail_probes::abi::level::Level as RawLevel;
use taffrail_probes::{HookState, Losses, Probes};
use taffrail_trace::clock::{Anchor, BootNs, rfc3339};
use taffrail_trace::container::{Container, Runtime};
use taffrail_trace::event::{Actor, Body, Class, Event, Finding, Gap, GapCause, Lifecycle, LifecycleOp, Severity};
use taffrail_trace::ids::ContainerKey;
use taffrail_trace::manifest::{Hook, Host, Trigger};
use tokio::sync::{mpsc, oneshot};

/// How long the thread waits between two turns. The kernel's buffers hold many times what comes meanwhile, and waking
/// for every record would cost more than the records.
const SLEEP: Duration = Duration::from_millis(10);
/// How often losses are read, budgets kept and files synced.
const HOUSEKEEPING: Duration = Duration::from_secs(1);

/// How often what goes through open files and flows is told.
const STOCK: Duration = Duration::from_secs(5);

/// Everything the recording thread owns.
pub struct Recording {
    probes: Option<Probes>,
    pipeline: Pipeline,
    config: Config,
    incidents: Incidents,
    inbox: mpsc::Receiver<Command>,
    questions: mpsc::Sender<Question>,
    started: Anchor,
    hooks: Vec<Hook>,
    known_losses: Losses,
    losses_read: Anchor,
    housekept: Instant,
    stock_taken: Instant,
    turned_ns: BootNs,
    levels: HashMap<ContainerKey, RawLevel>,
    unreadable: bool,
}

impl Recording {
    /// A recording that has everything it needs and has not begun.
    pub fn new(
        probes: Probes,
        pipeline: Pipeline,
        config: Config,
        host: Host,
        started: Anchor,
        inbox: mpsc::Receiver<Command>,
        questions: mpsc::Sender<Question>,
    ) -> Self {
        let hooks = describe_hooks(&probes);
        Self {
            incidents: Incidents::new(host, hooks.clone(), config.host_ancestors, started),
            hooks,
            probes: Some(probes),
            pipeline,
            config,
            inbox,
            questions,
            started,
            known_losses: Losses::default(),
            losses_read: started,
            housekept: Instant::now(),
            stock_taken: Instant::now(),
            turned_ns: started.boot_ns,
            levels: HashMap::new(),
            unreadable: false,
        }
    }

    /// Has sealed evidence be readable for who may ask.
    pub fn share_evidence(&mut self, access: Access) {
        self.incidents.share_with(access);
    }

    /// Records until told to stop.
    pub fn run(mut self) -> Result<(), String> {
        loop {
            self.wait()?;
            self.turn()?;
            loop {
                match self.inbox.try_recv() {
                    Ok(Command::Stop) | Err(mpsc::error::TryRecvError::Disconnected) => return self.end(),
                    Ok(command) => self.obey(command),
                    Err(mpsc::error::TryRecvError::Empty) => break,
                }
            }
        }
    }

    /// Waits for the next turn. An exec is noticed at once, since a program can be over before the turn comes.
    fn wait(&mut self) -> Result<(), String> {
        let until = Instant::now() + SLEEP;
        let Some(probes) = &mut self.probes else { return Ok(()) };
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let timeout = PollTimeout::try_from(left).unwrap_or(PollTimeout::ZERO);
            let [vital, _] = probes.poll_fds();
            let ready = poll(&mut [PollFd::new(vital, PollFlags::POLLIN)], timeout);
            if left.is_zero() || !matches!(ready, Ok(1..)) {
                return Ok(());
            }
            let pipeline = &mut self.pipeline;
            probes.take_in(&mut |header, exec| pipeline.notice(header, exec)).map_err(|error| error.to_string())?;
        }
    }

    fn turn(&mut self) -> Result<(), String> {
        self.pipeline.tick(host::anchor());
        if let Some(probes) = &mut self.probes {
            let pipeline = &mut self.pipeline;
            let drained = probes.drain(&mut |record| pipeline.take(&record)).map_err(|error| error.to_string())?;
            pipeline.collect_ended(probes);
            self.malformed(drained.malformed);
        }
        self.news();
        let now = host::anchor();
        self.pipeline.tick(now);
        let age_ns = u64::try_from(self.config.flush_age().as_nanos()).unwrap_or(u64::MAX);
        report(self.pipeline.ring.flush(now, age_ns));
        if self.housekept.elapsed() >= HOUSEKEEPING {
            self.housekeep();
        }
        // What an incident's window ends with is counted at its end, by a turn of this loop too much at most.
        let window_end = self.incidents.window_end(self.turned_ns, now.boot_ns);
        self.turned_ns = now.boot_ns;
        if window_end.is_some() || self.stock_taken.elapsed() >= STOCK {
            self.take_stock(window_end.unwrap_or(now.boot_ns));
        }
        if self.incidents.are_due(now.boot_ns) {
            self.losses();
            self.incidents.finish_due(&mut self.pipeline, host::anchor());
        }
        Ok(())
    }

    /// Detaches the hooks, takes what is left, writes it and seals what was promised.
    fn end(mut self) -> Result<(), String> {
        if let Some(mut probes) = self.probes.take() {
            self.pipeline.tick(host::anchor());
            let pipeline = &mut self.pipeline;
            let drained = probes.finish(&mut |record| pipeline.take(&record)).map_err(|error| error.to_string())?;
            pipeline.collect_ended(&mut probes);
            self.malformed(drained.malformed);
            self.probes = Some(probes);
            self.take_stock(host::boot_now());
        }
        self.news();
        self.losses();
        self.pipeline.tick(host::anchor());
        report(self.pipeline.ring.flush(host::anchor(), 0));
        for (_, history) in self.pipeline.ring.histories() {
            report(history.sync());
        }
        self.incidents.finish_all(&mut self.pipeline, host::anchor());
        Ok(())
    }

    /// Tells what went through files and flows that are still open.
    fn take_stock(&mut self, time_ns: BootNs) {
        self.stock_taken = Instant::now();
        if let Some(probes) = &mut self.probes {
            self.pipeline.take_stock(probes, time_ns);
        }
    }

    fn news(&mut self) {
        let (changes, matched) = self.pipeline.news();
        self.name(&changes);
        for (cgroup, container) in self.pipeline.new_cgroups() {
            if let Some(level) = self.levels.get(&container).copied() {
                self.set_level(&[cgroup], level);
            }
        }
        for cgroup in self.pipeline.gone_cgroups() {
            // A level that nobody can set back would be looked up for ever, and at full every call of the host with it.
            self.set_level(&[cgroup], RawLevel::Standard);
        }
        for found in matched {
            self.matched(found);
        }
    }

    /// Asks Docker for the names of its containers among `changes`.
    pub fn name(&mut self, changes: &[Change]) {
        for change in changes {
            let Change::New(key) = change else { continue };
            let docker = |container: &&Container| matches!(container.runtime, Runtime::Docker);
            if let Some(container) = self.pipeline.containers.get(*key).filter(docker) {
                let question = Question { key: *key, id: container.id.clone() };
                if self.questions.try_send(question).is_err() {
                    tracing::warn!(
                        container = container.id,
                        "too many new containers at once, this one goes by its id"
                    );
                }
            }
        }
    }

    fn obey(&mut self, command: Command) {
        match command {
            // An asker who went away needs no answer.
            Command::Status(reply) => drop(reply.send(self.status())),
            Command::Trigger(request, reply) => self.ordered(request, reply),
            Command::Bind(key, details) => {
                if let Some(container) = self.pipeline.containers.bind(key, details).cloned() {
                    report(self.pipeline.ring.describe(&container));
                }
            }
            Command::Level(request, reply) => drop(reply.send(self.level(&request))),
            Command::Digest(answer) => self.pipeline.digested(answer),
            Command::Stop => {}
        }
    }

    /// Records more or less of a container from now on, and says so in its history.
    fn level(&mut self, request: &LevelRequest) -> Result<(), String> {
        let key = self.find(&request.container)?;
        let cgroups = self.pipeline.containers.cgroups_of(key);
        let raw = match request.level {
            Level::Off => RawLevel::Off,
            Level::Standard => RawLevel::Standard,
            Level::Full => RawLevel::Full,
        };
        self.set_level(&cgroups, raw).map_or(Ok(()), Err)?;
        if raw == RawLevel::Standard {
            self.levels.remove(&key);
        } else {
            self.levels.insert(key, raw);
        }
        let cgroup_path = self.pipeline.containers.get(key).map(|known| known.cgroup_path.clone()).unwrap_or_default();
        let detail = Some(request.level.as_str().to_owned());
        let body = Body::Lifecycle(Lifecycle { op: LifecycleOp::Level, cgroup_path, detail });
        let event = Event { time_ns: host::boot_now(), actor: None::<Actor>, body };
        self.pipeline.append(key, event, None);
        Ok(())
    }

    /// Sets the level of cgroups; gives the reason where the kernel refuses one.
    fn set_level(&mut self, cgroups: &[u64], level: RawLevel) -> Option<String> {
        let probes = self.probes.as_mut()?;
        let refused = cgroups.iter().find_map(|cgroup| probes.set_level(*cgroup, level).err())?;
        tracing::warn!(error = %refused, "a level could not be set");
        Some(refused.to_string())
    }

    /// The container that a person means, or which there are.
    fn find(&self, text: &str) -> Result<ContainerKey, String> {
        self.pipeline.containers.find(text).ok_or_else(|| {
            let names: Vec<&str> = self.pipeline.containers.iter().map(|container| container.name.as_str()).collect();
            let known = taffrail_trace::text::shown(&names.join(", ")).into_owned();
            format!("no container {text:?} here; known: {known}")
        })
    }

    fn ordered(&mut self, request: TriggerRequest, reply: oneshot::Sender<Result<PathBuf, String>>) {
        let container = match self.find(&request.container) {
            Ok(container) => container,
            Err(reason) => return drop(reply.send(Err(reason))),
        };
        let now = host::anchor();
        let finding = Finding { rule: "manual".to_owned(), severity: Severity::Info, message: request.reason.clone() };
        let body = Body::Finding(Box::new(finding));
        self.pipeline.append(container, Event { time_ns: now.boot_ns, actor: None::<Actor>, body }, None);
        let order = Order {
            container,
            trigger: Trigger {
                rule: "manual".to_owned(),
                severity: Severity::Info,
                reason: request.reason,
                time_ns: now.boot_ns,
            },
            before_ns: request.before_ns,
            after_ns: request.after_ns,
            out_dir: request.out_dir.unwrap_or_else(|| self.config.evidence_dir()),
            reply: None,
        };
        self.incidents.open(order, reply, request.wait, &mut self.pipeline, now);
    }

    fn matched(&mut self, found: Match) {
        let order = Order {
            container: found.container,
            trigger: Trigger {
                rule: found.finding.rule,
                severity: found.finding.severity,
                reason: found.finding.message,
                time_ns: found.time_ns,
            },
            before_ns: self.config.before_seconds * 1_000_000_000,
            after_ns: self.config.after_seconds * 1_000_000_000,
            out_dir: self.config.evidence_dir(),
            reply: None,
        };
        self.incidents.open_by_rule(order, &mut self.pipeline, host::anchor());
    }

    fn housekeep(&mut self) {
        self.housekept = Instant::now();
        self.losses();
        for (_, history) in self.pipeline.ring.histories() {
            report(history.sync());
        }
        let containers = &self.pipeline.containers;
        let removed = self.pipeline.ring.make_room(&|key| containers.is_removed(key));
        for key in removed {
            self.pipeline.forget(key);
            self.levels.remove(&key);
        }
    }

    /// Turns what the kernel could not deliver since the last look into gaps.
    fn losses(&mut self) {
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

    fn malformed(&mut self, records: u64) {
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

    fn status(&mut self) -> Status {
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
                    ring_budget_bytes: self.pipeline.ring.share(),
                    lost: counters.lost.get(&container.key).copied().unwrap_or(0),
                    refused: reach.iter().map(|reach| reach.refused).sum(),
                    evicted: reach.iter().map(|reach| reach.evicted).sum(),
                })
            })
            .collect();
        containers.sort_by(|a, b| a.name.cmp(&b.name).then_with(|| a.id.cmp(&b.id)));
        let (sealed, seals_failed) = self.incidents.outcome();
        Status {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            pid: std::process::id(),
            since: rfc3339(self.started.utc_ns),
            events: counters.events.values().sum(),
            lost_anywhere: counters.lost_anywhere,
            sealed,
            seals_failed,
            incidents_open: self.incidents.open_count(),
            disk_full_seconds: disk_full.map(|ns| now.boot_ns.saturating_sub(ns) / 1_000_000_000),
            hooks: self.hooks.clone(),
            containers,
        }
    }
}

pub(super) fn describe_hooks(probes: &Probes) -> Vec<Hook> {
    let describe = |hook: &taffrail_probes::Hook| {
        let (state, reason) = match &hook.state {
            HookState::Attached => ("attached", None),
            HookState::Refused { reason } => ("refused", Some(reason.clone())),
            HookState::Unsupported { reason } => ("unsupported", Some(reason.clone())),
        };
        Hook { name: hook.name.to_owned(), state: state.to_owned(), reason }
    };
    probes.hooks().iter().map(describe).collect()
}
