//! The way of one event, on one page.
//!
//! ```text
//! record -> cgroup -> container -> image -> event -> rules  -> ring
//!                                                     '-> finding -> ring, order -> incident -> seal
//! ```
//!
//! ```text
//! pipeline (this file)  from a record to an event in the ring
//! judging               what rules and models say of an event
//! directory             containers and processes that are there, come and go
//! arrival               who comes into a container from outside
//! traffic               what is counted while it goes on
//! digests               which executables are hashed
//! ```
//!
//! Everything here runs on the recording thread and waits for nobody: what goes to others goes through bounded
//! channels, and a full one is counted.

mod arrival;
mod digests;
mod directory;
mod judging;
mod traffic;

use crate::enrich::containers::{Change, Containers};
use crate::enrich::convert;
use crate::enrich::digest::Digests;
use crate::enrich::environment::Selection;
use crate::enrich::files::{Count, Files, OpenFile};
use crate::enrich::processes::{Known, Place, Processes, comm};
use crate::health::Counters;
use crate::ring::{Ring, RingError};
use crate::trigger::Watch;
use arrival::Doors;
use std::collections::HashMap;
use std::sync::Arc;
use taffrail_probes::abi::call::call_flags;
use taffrail_probes::abi::io::{Direction, Terminal};
use taffrail_probes::abi::{Class as RawClass, Header, Kind, header_flags};
use taffrail_probes::{Body as RawBody, Record};
use taffrail_trace::clock::{Anchor, BootNs};
use taffrail_trace::event::{
    Actor, Body, Class, Event, FileEvent, Gap, Image, Protocol, ServerName, SyscallEvent, TerminalEvent,
};
use taffrail_trace::ids::ContainerKey;
use taffrail_trace::text;
use traffic::Traffic;

pub use judging::Match;

/// Identities, ring and rule: what an event meets on its way.
#[derive(Debug)]
pub struct Pipeline {
    /// The directory of containers.
    pub containers: Containers,
    /// The process table.
    pub processes: Processes,
    /// The ring.
    pub ring: Ring,
    /// What was counted.
    pub counters: Counters,
    files: Files,
    traffic: Traffic,
    doors: Doors,
    environment: Selection,
    digests: Option<Digests>,
    /// Rules and models.
    pub watch: Watch,
    flows: HashMap<u64, Arc<Known>>,
    changes: Vec<Change>,
    matched: Vec<Match>,
    made: Vec<(u64, ContainerKey)>,
    /// Cgroups that went, to be told.
    gone: Vec<u64>,
    now: Anchor,
}

/// What a pipeline is made of.
#[derive(Debug)]
pub struct Parts {
    /// The directory of containers.
    pub containers: Containers,
    /// The process table.
    pub processes: Processes,
    /// The ring.
    pub ring: Ring,
    /// Which environment variables are kept.
    pub environment: Selection,
    /// The host's mount namespace.
    pub host_mounts: u32,
    /// The rules.
    pub watch: Watch,
}

impl Pipeline {
    /// A pipeline whose parts know what was there at start.
    pub fn new(parts: Parts, now: Anchor) -> Self {
        let Parts { containers, processes, ring, environment, host_mounts, watch } = parts;
        Self {
            files: Files::default(),
            traffic: Traffic::default(),
            doors: Doors::new(host_mounts),
            environment,
            digests: None,
            watch,
            containers,
            processes,
            ring,
            counters: Counters::default(),
            flows: HashMap::new(),
            changes: Vec::new(),
            matched: Vec::new(),
            made: Vec::new(),
            gone: Vec::new(),
            now,
        }
    }

    /// Sets the clocks that batches written from now on are stamped with.
    pub fn tick(&mut self, now: Anchor) {
        self.now = now;
        self.watch.tick(now);
        if let Some(digests) = &mut self.digests {
            digests.tick(now);
        }
    }

    /// Takes one record to the ring.
    pub fn take(&mut self, record: &Record<'_>) {
        let header = &record.header;
        let mut changes = std::mem::take(&mut self.changes);
        if let RawBody::Cgroup { cgroup, path } = &record.body {
            self.cgroup(record, cgroup.id, &text::from_bytes(path), &mut changes);
        } else {
            let key = self.containers.of(header.cgroup_id, &mut changes);
            self.admit(&changes);
            self.act(record, key, &mut changes);
        }
        self.changes = changes;
    }

    fn act(&mut self, record: &Record<'_>, cgroup: ContainerKey, changes: &mut Vec<Change>) {
        let header = &record.header;
        if header.flags & header_flags::NO_ACTOR != 0 {
            return self.nobody_acted(record, cgroup);
        }
        let known = self.actor(record, cgroup);
        // Whoever joined a container's namespaces from the host acts there.
        let key = if cgroup == self.containers.host() { known.home } else { cgroup };
        match &record.body {
            RawBody::Exec { exec, exe, cwd, name, args, environment } => {
                let strings = convert::process::Strings { exe, cwd, name, args, environment };
                let mut ran = convert::process::exec(header, exec, &strings);
                ran.environment = self.environment.of_program(&ran.environment);
                let (key, entered) = self.arrival(header, &ran, &known, cgroup);
                let place = place(&self.containers, key);
                let known = self.processes.ran(header, ran, entered, place.within());
                // Who stays behind in a container that is gone keeps the number only as long as he lives.
                if !self.containers.is_removed(key) {
                    self.doors.lives(key, known.image.namespaces);
                }
                self.began(key, &known, header.time_ns);
                self.hash(key, &known, header);
            }
            RawBody::Fork(fork) => {
                let child_cgroup = self.containers.of(fork.child_cgroup_id, changes);
                self.admit(changes);
                let child_key = if child_cgroup == self.containers.host() { key } else { child_cgroup };
                let place = place(&self.containers, child_key);
                let namespaces = convert::process::namespaces(&fork.child_namespaces);
                let child = self.processes.forked(header, fork, &known, namespaces, place.within());
                self.began(child_key, &child, header.time_ns);
            }
            RawBody::Exit(exit) => {
                let exit = convert::process::exit(exit, self.processes.threads(header.image));
                self.put(key, header, &known, Body::Exit(exit));
                self.processes.ended(header.image);
                self.traffic_ended(header.image.pid, header.time_ns);
            }
            RawBody::Thread(_) => self.processes.threaded(header.image),
            RawBody::Call { call, names, credentials } => {
                let body = match record.kind {
                    Kind::Privilege => convert::privilege::privilege(header, call, names, credentials.as_ref())
                        .map(|event| Body::Privilege(Box::new(event))),
                    Kind::Kernel => {
                        convert::kernel::kernel(header, call, names).map(|event| Body::Kernel(Box::new(event)))
                    }
                    Kind::Socket => {
                        convert::network::socket(header, call, names).map(|event| Body::Socket(Box::new(event)))
                    }
                    _ => match convert::file::file(header, call, names) {
                        Some(event) if call.what & call_flags::PENDING != 0 => {
                            self.submitted(key, header, &known, call.args[5], event);
                            return;
                        }
                        Some(event) => {
                            self.opened(key, header, &known, &event);
                            Some(Body::File(Box::new(event)))
                        }
                        None => None,
                    },
                };
                match body {
                    Some(body) => self.put(key, header, &known, body),
                    None => self.counters.undecoded += 1,
                }
            }
            RawBody::Completed { completed, path } => self.completed(header, completed, path),
            RawBody::Flow(flow) => {
                match record.kind {
                    Kind::FlowEnd => self.flows.remove(&flow.flow_id),
                    _ => self.flows.insert(flow.flow_id, Arc::clone(&known)),
                };
                if let Some(flow) = convert::network::flow(record.kind, flow) {
                    if flow.protocol == Protocol::Udp {
                        self.udp_began(key, Some(actor(header, &known)), Some(&known), &flow);
                    }
                    self.put(key, header, &known, Body::Flow(Box::new(flow)));
                }
            }
            RawBody::Dns { dns, payload } => {
                if let Some(event) = convert::dns::dns(dns, payload) {
                    self.put(key, header, &known, Body::Dns(Box::new(event)));
                }
            }
            RawBody::Hello { hello, bytes } => {
                if let Some(name) = convert::tls::server_name(bytes) {
                    let event = ServerName { flow_id: hello.flow_id, name };
                    self.put(key, header, &known, Body::ServerName(Box::new(event)));
                }
            }
            RawBody::Use { used, path } => {
                let path = convert::walked(header, path);
                let mut file = OpenFile::new(header.time_ns, &path, &known, key);
                file.other_mounts = used.what & call_flags::OTHER_MOUNTS != 0;
                file.inode = Some(used.inode);
                self.files.opened(header.image.pid, used.fd, file);
            }
            RawBody::Totals(totals) => {
                let count = Count { read: totals.read_bytes, written: totals.written_bytes };
                let told = self.files.count(header.image.pid, totals.fd, totals.named_ns, count, true);
                self.tell_io(told, header.time_ns);
            }
            RawBody::Terminal { terminal, bytes } => {
                let event = said(terminal, bytes);
                self.terminal(key, &event);
                self.put(key, header, &known, Body::Terminal(Box::new(event)));
            }
            RawBody::Syscall(call) => {
                let event = SyscallEvent {
                    nr: call.nr,
                    abi: convert::abi(header),
                    args: call.args,
                    result: call.result,
                    duration_ns: (call.duration_ns != u64::MAX).then_some(call.duration_ns),
                };
                self.put(key, header, &known, Body::Syscall(Box::new(event)));
            }
            RawBody::Attach(attach) => {
                let to = self.containers.of(attach.to, changes);
                self.admit(changes);
                self.attached(header, &known, attach, to);
            }
            RawBody::Cgroup { .. } => {}
        }
    }

    /// A packet of a socket whose owner is not known: it is older than the recorder.
    fn nobody_acted(&mut self, record: &Record<'_>, key: ContainerKey) {
        let body = match &record.body {
            RawBody::Flow(flow) => convert::network::flow(record.kind, flow).map(|flow| {
                self.udp_began(key, None, None, &flow);
                Body::Flow(Box::new(flow))
            }),
            RawBody::Dns { dns, payload } => convert::dns::dns(dns, payload).map(|event| Body::Dns(Box::new(event))),
            _ => None,
        };
        match body {
            Some(body) => self.append(key, Event { time_ns: record.header.time_ns, actor: None, body }, None),
            None => self.counters.undecoded += 1,
        }
    }

    /// A file was opened: the bytes that will go through it are its.
    fn opened(&mut self, key: ContainerKey, header: &Header, known: &Arc<Known>, event: &FileEvent) {
        if let Some(fd) = event.fd.and_then(|fd| u32::try_from(fd).ok()) {
            let mut file = OpenFile::new(header.time_ns, &event.path, known, key);
            file.other_mounts = event.other_mounts;
            file.inode = event.inode;
            self.files.opened(header.image.pid, fd, file);
        }
    }

    /// The image that acted. The later moments of a flow are its owner's, who may be dead by then.
    fn actor(&mut self, record: &Record<'_>, key: ContainerKey) -> Arc<Known> {
        if let RawBody::Flow(flow) = &record.body
            && matches!(record.kind, Kind::FlowEnd | Kind::Established)
            && let Some(owner) = self.flows.get(&flow.flow_id)
        {
            return Arc::clone(owner);
        }
        if matches!(record.body, RawBody::Exec { .. })
            && let Some(before) = self.processes.current(record.header.image)
        {
            return before;
        }
        let mut fresh = Vec::new();
        let place = place(&self.containers, key);
        let known = self.processes.of(&record.header, place.within(), &mut fresh);
        for stranger in fresh {
            self.began(key, &stranger, record.header.time_ns);
        }
        known
    }

    /// An image came to be.
    fn began(&mut self, key: ContainerKey, known: &Arc<Known>, time_ns: BootNs) {
        let image = &known.image;
        let actor = own_actor(image);
        self.append(
            key,
            Event { time_ns, actor: Some(actor), body: Body::Image(Box::new(image.clone())) },
            Some(known),
        );
    }

    fn put(&mut self, key: ContainerKey, header: &Header, known: &Arc<Known>, body: Body) {
        let event = Event { time_ns: header.time_ns, actor: Some(actor(header, known)), body };
        self.append(key, event, Some(known));
    }

    /// Puts a gap into a container's history.
    pub fn gap(&mut self, key: ContainerKey, gap: Gap) {
        if gap.own {
            self.counters.own_gap(key, &gap);
        }
        let event = Event { time_ns: gap.to_ns, actor: None, body: Body::Gap(gap) };
        self.append(key, event, None);
    }

    /// Puts an event into a container's history and asks nobody about it.
    fn keep(&mut self, key: ContainerKey, event: Event, named: Option<&Arc<Known>>) {
        self.counters.event(key);
        let appended = self.ring.append(key, event, named, self.now);
        report(appended);
    }
}

/// Says that evidence could not be written. The ring has counted it.
pub fn report(result: Result<(), RingError>) {
    if let Err(error) = result {
        tracing::error!(%error, "events could not be written to the ring");
    }
}

/// A record's class in the words of the evidence.
pub fn class_of(raw: RawClass) -> Class {
    match raw {
        RawClass::Vital => Class::Vital,
        RawClass::Bulk => Class::Bulk,
    }
}

fn place(containers: &Containers, key: ContainerKey) -> Place {
    containers.get(key).map_or_else(
        || Place { key, id: key.to_string(), name: key.to_string() },
        |container| Place { key, id: container.id.clone(), name: container.name.clone() },
    )
}

/// Who did what a record tells.
fn actor(header: &Header, known: &Arc<Known>) -> Actor {
    Actor { exec_id: known.image.exec_id, pid: header.image.pid, tid: header.tid, uid: header.uid, comm: comm(header) }
}

/// An image as the actor of what it did as a whole.
fn own_actor(image: &Image) -> Actor {
    Actor { exec_id: image.exec_id, pid: image.pid, tid: image.pid, uid: image.uid, comm: image.comm.clone() }
}

/// What went over a terminal.
fn said(terminal: &Terminal, bytes: &[u8]) -> TerminalEvent {
    TerminalEvent {
        session_id: terminal.session_id,
        typed: terminal.direction == Direction::Typed as u16,
        fd: i32::try_from(terminal.fd).unwrap_or(-1),
        data: bytes.to_vec(),
        bytes: terminal.bytes,
    }
}
