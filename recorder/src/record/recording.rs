//! The recording thread: drain, flush, count, answer; never wait.
//!
//! ```text
//! recording (this file)  its turns        losses   what the kernel could not deliver -> gaps
//! levels                 how much is recorded of whom: asked for, and left by the cost caps
//! alarms                 what other programs say is wrong
//! answer                 how things are           responses  what rules have done to containers
//! ```

mod alarms;
mod answer;
mod levels;
mod losses;
mod responses;

use super::Command;
use super::governor::{Caps, Governor};
use super::incidents::Incidents;
use super::sealer::Sealer;
use crate::config::Config;
use crate::control::TriggerRequest;
use crate::enrich::accounts::{self, Clerk};
use crate::enrich::containers::Change;
use crate::enrich::naming::Question;
use crate::host;
use crate::pipeline::{Match, Pipeline, report};
use crate::seal::Proof;
use crate::trigger::Order;
use levels::Levels;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use responses::Responses;
use std::collections::HashMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};
use taffrail_probes::{HookState, Losses, Probes};
use taffrail_trace::clock::{Anchor, BootNs};
use taffrail_trace::container::Container;
use taffrail_trace::event::{Finding, FindingSource, Severity};
use taffrail_trace::ids::{BootId, ContainerKey};
use taffrail_trace::manifest::{Hook, Host, Trigger};
use tokio::sync::{mpsc, oneshot};

/// How long the thread waits between two turns. The kernel's buffers hold many times what comes meanwhile, and waking
/// for every record would cost more than the records.
const SLEEP: Duration = Duration::from_millis(10);
/// How often losses are read, costs looked at and budgets kept.
const HOUSEKEEPING: Duration = Duration::from_secs(1);

/// How often what goes through open files and flows is told.
const STOCK: Duration = Duration::from_secs(5);
/// How often it is looked whether containers have other users and groups.
const ACCOUNTS: Duration = Duration::from_secs(3);

/// Everything the recording thread owns.
pub struct Recording {
    probes: Option<Probes>,
    pipeline: Pipeline,
    config: Config,
    incidents: Incidents,
    inbox: mpsc::Receiver<Command>,
    questions: mpsc::Sender<Question>,
    clerk: Clerk,
    accounts_asked: Option<Instant>,
    started: Anchor,
    hooks: Vec<Hook>,
    known_losses: Losses,
    losses_read: Anchor,
    housekept: Instant,
    stock_taken: Instant,
    turned_ns: BootNs,
    levels: Levels,
    responses: Responses,
    governor: Governor,
    synced: Instant,
    unreadable: bool,
    cost_unknown: bool,
}

/// What a recording works with.
pub struct Begun {
    /// The kernel's side.
    pub probes: Probes,
    /// The way of an event.
    pub pipeline: Pipeline,
    /// Who seals.
    pub sealer: Sealer,
    /// What binds bundles to this recorder.
    pub proof: Proof,
    /// What it is asked.
    pub inbox: mpsc::Receiver<Command>,
    /// What it asks.
    pub questions: mpsc::Sender<Question>,
    /// Who reads the names of users and groups.
    pub clerk: Clerk,
}

impl Recording {
    /// A recording that has everything it needs and has not begun.
    pub fn new(begun: Begun, config: Config, host: Host, started: Anchor) -> Self {
        let Begun { probes, pipeline, sealer, proof, inbox, questions, clerk } = begun;
        let hooks = describe_hooks(&probes);
        let responses = Responses::new(&config.response_protect, BootId(host.boot_id.clone()));
        let caps = Caps { cpu_percent: config.cpu_percent, memory_bytes: config.memory_bytes };
        Self {
            incidents: Incidents::new(host, hooks.clone(), &config, proof, started, sealer),
            hooks,
            probes: Some(probes),
            pipeline,
            config,
            inbox,
            questions,
            clerk,
            accounts_asked: None,
            started,
            known_losses: Losses::default(),
            losses_read: started,
            housekept: Instant::now(),
            stock_taken: Instant::now(),
            turned_ns: started.boot_ns,
            levels: Levels::default(),
            responses,
            governor: Governor::new(caps),
            synced: Instant::now(),
            unreadable: false,
            cost_unknown: false,
        }
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
        if self.synced.elapsed() >= self.config.sync_age() {
            self.synced = Instant::now();
            self.pipeline.ring.sync();
        }
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
            self.tell_lowered();
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
        self.tell_lowered();
        self.pipeline.tick(host::anchor());
        self.pipeline.tell_all_storms();
        report(self.pipeline.ring.write_all(host::anchor()));
        self.pipeline.ring.sync_all();
        self.incidents.finish_all(&mut self.pipeline, host::anchor());
        if let Some(models) = &mut self.pipeline.watch.models {
            models.close(host::anchor());
        }
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
        let changes = self.pipeline.changes();
        self.name(&changes);
        for (cgroup, container) in self.pipeline.new_cgroups() {
            self.level_of_new(cgroup, container);
        }
        for cgroup in self.pipeline.gone_cgroups() {
            self.level_of_gone(cgroup);
        }
        // Before anything of the incidents, which takes its time.
        self.respond();
        for found in self.pipeline.matches() {
            self.matched(found);
        }
        // What is only counted opens nothing, and what is open goes on with it.
        for (key, counted) in self.pipeline.watch.counted() {
            if counted.severity >= self.config.seal_from {
                self.incidents.grow(key, counted.last_ns.saturating_add(self.after_ns()));
            }
        }
    }

    /// What is before the trigger in a rule's evidence.
    fn before_ns(&self) -> u64 {
        self.config.before_seconds * 1_000_000_000
    }

    /// What follows the trigger in a rule's evidence.
    fn after_ns(&self) -> u64 {
        self.config.after_seconds * 1_000_000_000
    }

    /// Asks runtimes for the names of their containers among `changes`.
    pub fn name(&mut self, changes: &[Change]) {
        for change in changes {
            let Change::New(key) = change else { continue };
            let is_answered = |container: &&Container| Question::is_answered(container.runtime);
            if let Some(container) = self.pipeline.containers.get(*key).filter(is_answered) {
                let question = Question { key: *key, id: container.id.clone(), runtime: container.runtime };
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
                if let Some(container) = self.pipeline.containers.bind(key, details) {
                    report(self.pipeline.ring.describe(container));
                }
            }
            Command::Level(request, reply) => drop(reply.send(self.level(&request))),
            Command::Alarms(alarms, reply) => {
                let taken = self.alarms(alarms);
                // Nobody waits for what Docker tells, and a sender may have gone.
                let _ = reply.map(|reply| reply.send(taken));
            }
            Command::Signalled => self.signalled(),
            Command::Thaw(container, reply) => self.thaw(&container, reply),
            Command::Rules(rules) => self.pipeline.watch.ask(rules),
            Command::Model(request, file, reply) => drop(reply.send(self.model(&request, &file))),
            Command::Digest(answer) => self.pipeline.digested(answer),
            Command::Accounts(key, accounts) => {
                if let Some(container) = self.pipeline.containers.bind_accounts(key, accounts) {
                    report(self.pipeline.ring.describe(container));
                }
            }
            Command::Stop => {}
        }
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
        let finding = Finding::new("manual", FindingSource::Person, Severity::Info, request.reason.clone());
        self.pipeline.tell(container, now.boot_ns, finding);
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
        if found.finding.severity < self.config.seal_from && !self.responds(&found.finding.rule) {
            return;
        }
        let order = Order {
            container: found.container,
            trigger: Trigger {
                rule: found.finding.rule,
                severity: found.finding.severity,
                reason: found.finding.message,
                time_ns: found.time_ns,
            },
            before_ns: self.before_ns(),
            after_ns: self.after_ns(),
            out_dir: self.config.evidence_dir(),
            reply: None,
        };
        self.incidents.open_by_rule(found.cause, order, &mut self.pipeline, host::anchor());
    }

    /// Has the names of all running containers' users and groups looked at, in the eyes of the oldest process of each.
    fn ask_accounts(&mut self) {
        self.accounts_asked = Some(Instant::now());
        let containers = &self.pipeline.containers;
        let mut oldest: HashMap<ContainerKey, (BootNs, u32)> = HashMap::new();
        for known in self.pipeline.processes.live().filter(|known| known.image.entered.is_none()) {
            let one = (known.image.time_ns, known.image.pid);
            oldest.entry(known.home).and_modify(|least| *least = one.min(*least)).or_insert(one);
        }
        let question = |(key, (_, pid)): (ContainerKey, (BootNs, u32))| {
            let container = containers.get(key).filter(|container| !container.cgroup_path.is_empty())?;
            Some(accounts::Question { key, cgroup_path: container.cgroup_path.clone(), pid })
        };
        self.clerk.ask(oldest.into_iter().filter_map(question).collect());
    }

    fn housekeep(&mut self) {
        self.housekept = Instant::now();
        if self.accounts_asked.is_none_or(|asked| asked.elapsed() >= ACCOUNTS) {
            self.ask_accounts();
        }
        self.losses();
        self.govern();
        self.pipeline.containers.prune();
        self.pipeline.mend();
        self.pipeline.tell_storms();
        if let Some(models) = &mut self.pipeline.watch.models {
            models.tick(host::anchor());
        }
        for key in self.pipeline.ring.make_room() {
            self.pipeline.forget(key);
            self.levels.forget(key);
            self.responses.forget(key);
            self.incidents.forget(key);
        }
        self.incidents.tell_heads(&self.pipeline, host::anchor());
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
