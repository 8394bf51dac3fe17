//! What each edge of the map was after every flow.

use super::{Direction, Edge};
use crate::state::filter::host;
use crate::state::recording::{Body, Flow, ImageIx, Recording, Sym, Time};
use std::collections::{BTreeMap, HashMap};

/// All that one edge ever is, so that what it is at a moment takes a few searches and not a look at every flow.
#[derive(Clone, Debug)]
pub struct History {
    edge: Edge,
    /// When each flow began, and whose it was.
    begins: Vec<(Time, Option<ImageIx>)>,
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

/// The edges among the visible events, those of one address together, in the order in which the addresses came up: what
/// is on the screen then stays where it is.
pub fn known(recording: &Recording, visible: &[u32]) -> Vec<History> {
    let mut names = HashMap::new();
    for message in &recording.messages {
        for answer in recording.text(message.answers).split(", ").filter(|answer| !answer.is_empty()) {
            names.insert(answer, message.name);
        }
    }
    let mut places: HashMap<(Sym, Option<Sym>, Direction), usize> = HashMap::new();
    let mut by_edge: BTreeMap<(usize, String, Direction, Option<Sym>), History> = BTreeMap::new();
    let mut keys: Vec<(usize, String, Direction, Option<Sym>)> = Vec::new();
    let mut order: HashMap<String, usize> = HashMap::new();
    for event in visible.iter().filter_map(|at| recording.events.get(*at as usize)) {
        let Body::FlowBegin(at) = event.body else { continue };
        let Some(row) = recording.flows.get(at as usize) else { continue };
        let direction = match recording.text(row.op) {
            "accept" => Direction::In,
            "listen" => Direction::Listens,
            _ => Direction::Out,
        };
        let actor = recording.actor(event);
        // Most flows are of an end and a program that were seen before: then no text is looked at.
        let ends = if direction == Direction::Out { row.remote.unwrap_or(row.local) } else { row.local };
        let known = (direction == Direction::Out).then(|| places.get(&(ends, actor.comm, direction))).flatten();
        let place = match known {
            Some(place) => *place,
            None => {
                let remote = row.remote.map_or("", |remote| recording.text(remote));
                let service = if direction == Direction::Out { remote } else { recording.text(row.local) };
                let address = host(remote).to_owned();
                let port =
                    if host(service).len() == service.len() { "" } else { service.rsplit(':').next().unwrap_or("") };
                let next = order.len();
                let number = *order.entry(address.clone()).or_insert(next);
                let key = (number, port.to_owned(), direction, actor.comm);
                if !by_edge.contains_key(&key) {
                    by_edge.insert(key.clone(), History::new(row, &address, port, direction, &names, actor.comm));
                }
                keys.push(key);
                places.insert((ends, actor.comm, direction), keys.len() - 1);
                keys.len() - 1
            }
        };
        if let Some(history) = keys.get(place).and_then(|key| by_edge.get_mut(key)) {
            history.take(row, event.time, actor.image);
        }
    }
    let mut all: Vec<History> = by_edge.into_values().collect();
    for history in &mut all {
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

impl History {
    fn new(
        row: &Flow,
        address: &str,
        port: &str,
        direction: Direction,
        names: &HashMap<&str, Sym>,
        who: Option<Sym>,
    ) -> Self {
        let edge = Edge {
            host: address.to_owned(),
            name: row.server_name.or_else(|| names.get(address).copied()),
            port: port.to_owned(),
            protocol: row.protocol,
            direction,
            who,
            image: None,
            flows: 0,
            open: 0,
            failed: 0,
            sent: 0,
            received: 0,
            last: row.start,
        };
        Self { edge, begins: Vec::new(), failures: Vec::new(), ends: Vec::new(), endless: Vec::new() }
    }

    /// Takes a flow in; they come by time.
    fn take(&mut self, row: &Flow, begin: Time, image: Option<ImageIx>) {
        self.edge.name = self.edge.name.or(row.server_name);
        self.begins.push((begin, image));
        if row.result < 0 && row.result != -115 {
            self.failures.push(begin);
        } else if let Some(end) = row.end {
            self.ends.push((end.max(begin), row.sent.unwrap_or(0), row.received.unwrap_or(0)));
        } else if row.flow_id.is_none() {
            self.endless.push(begin);
        }
    }
}
