//! What each edge of the map was after every flow.

use super::{Direction, Edge};
use crate::state::filter::host;
use crate::state::recording::{Body, Event, Flow, ImageIx, ProcessIx, Recording, Sym, Time};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

/// The most addresses whose names are remembered.
const NAMES_MAX: usize = 100_000;

/// All that one edge ever is, so that what it is at a moment takes a few searches and not a look at every flow.
#[derive(Clone, Debug)]
pub struct History {
    edge: Edge,
    /// When each flow began, and whose it was.
    begins: Vec<(Time, Option<ImageIx>)>,
    /// The processes whose flows they were, and when each had its first.
    processes: HashSet<ProcessIx>,
    comers: Vec<Time>,
    /// When those began that did not come to be.
    failures: Vec<Time>,
    /// When a flow ended, with all bytes sent and received until then.
    ends: Vec<(Time, u64, u64)>,
    /// Flows of which no end can come: sockets that make none.
    endless: Vec<Time>,
}

impl History {
    /// The edge as it is at `time`; `None` before its first flow.
    pub fn at(&self, time: Time) -> Option<Edge> {
        let flows = self.begins.partition_point(|(begin, _)| *begin <= time);
        let (last, image) = *self.begins.get(flows.checked_sub(1)?)?;
        let before = |times: &[Time]| times.partition_point(|begin| *begin <= time);
        let (failed, endless) = (before(&self.failures), before(&self.endless));
        let ended = self.ends.partition_point(|(end, ..)| *end <= time);
        let (end, sent, received) =
            ended.checked_sub(1).and_then(|at| self.ends.get(at)).copied().unwrap_or((last, 0, 0));
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        Some(Edge {
            image,
            processes: count(before(&self.comers)),
            flows: count(flows),
            failed: count(failed),
            open: count(flows.saturating_sub(failed + endless + ended)),
            sent,
            received,
            last: last.max(end),
            ..self.edge.clone()
        })
    }
}

/// An edge by where it is told: the number of its address, in the order in which they came up, then port and so on. What
/// is on the screen then stays where it is.
type Key = (usize, String, Direction, Option<Arc<str>>);

/// Brings flows together while events come by.
#[derive(Clone, Debug, Default)]
pub struct Flows {
    by_edge: BTreeMap<Key, History>,
    /// The number of each address.
    order: HashMap<String, usize>,
    /// Addresses to the names that answers gave for them.
    names: HashMap<String, Arc<str>>,
    /// Edges by texts of the recording that events are of now: most flows are of an end and a program that were seen
    /// before, and then no text is looked at.
    places: HashMap<(Sym, Option<Sym>), Key>,
}

impl Flows {
    /// Events of this recording, or of this page, come next.
    pub fn enter(&mut self, recording: &Recording) {
        self.places.clear();
        for message in &recording.messages {
            for answer in recording.text(message.answers).split(", ").filter(|answer| !answer.is_empty()) {
                if self.names.len() < NAMES_MAX {
                    self.names.insert(answer.to_owned(), recording.text(message.name).into());
                }
            }
        }
    }

    /// Takes an event in; they come by time.
    pub fn take(&mut self, recording: &Recording, event: &Event) {
        let Body::FlowBegin(at) = event.body else { return };
        let Some(row) = recording.flows.get(at as usize) else { return };
        let actor = recording.actor(event);
        let direction = match recording.text(row.op) {
            "accept" => Direction::In,
            "listen" => Direction::Listens,
            _ => Direction::Out,
        };
        let place = (row.remote.unwrap_or(row.local), actor.comm);
        if direction == Direction::Out
            && let Some(history) = self.places.get(&place).and_then(|key| self.by_edge.get_mut(key))
        {
            history.take(recording, row, event.time, actor.image);
            return;
        }
        let key = self.key(recording, row, direction, actor.comm);
        let remote = row.remote.map_or("", |remote| recording.text(remote));
        let new = || History::new(recording, row, &key, host(remote));
        self.by_edge.entry(key.clone()).or_insert_with(new).take(recording, row, event.time, actor.image);
        if direction == Direction::Out {
            self.places.insert(place, key);
        }
    }

    fn key(&mut self, recording: &Recording, row: &Flow, direction: Direction, comm: Option<Sym>) -> Key {
        let remote = row.remote.map_or("", |remote| recording.text(remote));
        let service = if direction == Direction::Out { remote } else { recording.text(row.local) };
        let address = host(remote);
        let port = if host(service).len() == service.len() { "" } else { service.rsplit(':').next().unwrap_or("") };
        let next = self.order.len();
        let number = *self.order.entry(address.to_owned()).or_insert(next);
        (number, port.to_owned(), direction, comm.map(|comm| recording.text(comm).into()))
    }

    /// The edges, those of one address together, in the order in which the addresses came up.
    pub fn finish(self) -> Vec<History> {
        let mut all: Vec<History> = self.by_edge.into_values().collect();
        for history in &mut all {
            if history.edge.name.is_none() {
                history.edge.name = self.names.get(&history.edge.host).cloned();
            }
            history.ends.sort_unstable();
            let (mut sent, mut received) = (0_u64, 0_u64);
            for end in &mut history.ends {
                sent = sent.saturating_add(end.1);
                received = received.saturating_add(end.2);
                (end.1, end.2) = (sent, received);
            }
        }
        all
    }
}

impl History {
    fn new(recording: &Recording, row: &Flow, (_, port, direction, who): &Key, address: &str) -> Self {
        let edge = Edge {
            host: address.to_owned(),
            name: None,
            port: port.clone(),
            protocol: recording.text(row.protocol).into(),
            direction: *direction,
            who: who.clone(),
            image: None,
            processes: 0,
            flows: 0,
            open: 0,
            failed: 0,
            sent: 0,
            received: 0,
            last: row.start,
        };
        let (begins, failures, ends, endless) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let (processes, comers) = (HashSet::new(), Vec::new());
        Self { edge, begins, processes, comers, failures, ends, endless }
    }

    /// Takes a flow in; they come by time.
    fn take(&mut self, recording: &Recording, row: &Flow, begin: Time, image: Option<ImageIx>) {
        if self.edge.name.is_none() {
            self.edge.name = row.server_name.map(|name| recording.text(name).into());
        }
        self.begins.push((begin, image));
        let process = image.and_then(|image| Some(recording.image(image)?.process));
        if process.is_some_and(|process| self.processes.insert(process)) {
            self.comers.push(begin);
        }
        if row.result < 0 && row.result != -115 {
            self.failures.push(begin);
        } else if let Some(end) = row.end {
            self.ends.push((end.max(begin), row.sent.unwrap_or(0), row.received.unwrap_or(0)));
        } else if row.flow_id.is_none() {
            self.endless.push(begin);
        }
    }
}
