//! Who talked to whom, up to the playhead: flows brought together into edges between programs and addresses.

mod history;

use super::folds::{Foldable, Folds};
use super::recording::{ImageIx, Time};
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

pub use history::{Flows, History};

/// From this many addresses on neighbours are brought together: first those that answered nothing, so that what was
/// sent and fetched is not among them.
const GROUPED_FROM: usize = 20;

/// All flows of one program with one address and port.
#[derive(Clone, Debug)]
pub struct Edge {
    /// The other end: an address, or the path of a unix socket; empty for a listener.
    pub host: String,
    /// Its name, where one was asked for or told.
    pub name: Option<Arc<str>>,
    /// The service's port: the other end's, or the own one where others called.
    pub port: String,
    /// `tcp`, `udp`, `unix`, ...
    pub protocol: Arc<str>,
    /// Which way.
    pub direction: Direction,
    /// The program's name.
    pub who: Option<Arc<str>>,
    /// Its image, the last one.
    pub image: Option<ImageIx>,
    /// How many processes of that name they are of.
    pub processes: u32,
    /// How many flows.
    pub flows: u32,
    /// How many are open at the playhead.
    pub open: u32,
    /// How many did not come to be.
    pub failed: u32,
    /// Bytes sent, as far as they are known at the playhead.
    pub sent: u64,
    /// Bytes received.
    pub received: u64,
    /// When it was used last.
    pub last: Time,
}

impl Edge {
    /// Nobody answered, and nothing went over.
    fn is_refused(&self) -> bool {
        self.failed == self.flows && self.open == 0 && self.sent == 0 && self.received == 0
    }
}

/// Who began it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Direction {
    /// The container.
    Out,
    /// The other end.
    In,
    /// Nobody yet.
    Listens,
}

/// A line of the map.
#[derive(Clone, Debug)]
pub enum MapRow {
    /// Addresses that lie together.
    Group {
        /// `198.51.100.0/24`, or `198.51.100.0/24 refused`.
        label: String,
        /// How many addresses.
        hosts: usize,
        /// How many flows.
        flows: u32,
        /// How many of them are open.
        open: u32,
        /// Bytes sent and received.
        bytes: (u64, u64),
        /// Its addresses are not shown.
        folded: bool,
    },
    /// An edge: its place in [`Map::edges`].
    Edge {
        /// Which.
        edge: usize,
        /// It is the first of its address.
        first: bool,
        /// It is the last of its address.
        last: bool,
    },
}

impl Foldable for MapRow {
    fn label(&self) -> Option<&str> {
        match self {
            Self::Group { label, .. } => Some(label),
            Self::Edge { .. } => None,
        }
    }
}

/// The map at the playhead.
#[derive(Debug, Default)]
pub struct Map {
    /// The lines.
    pub list: Folds<Vec<History>, MapRow>,
    /// The edges, those of one address together.
    pub edges: Vec<Edge>,
    hosts: usize,
}

impl Map {
    /// How many addresses there are.
    pub fn hosts(&self) -> usize {
        self.hosts
    }

    /// The edge that the chosen row is.
    pub fn current(&self) -> Option<&Edge> {
        match self.list.current()? {
            MapRow::Edge { edge, .. } => self.edges.get(*edge),
            MapRow::Group { .. } => None,
        }
    }

    /// The address to look at closer; a group is opened instead.
    pub(super) fn enter(&mut self) -> Option<String> {
        let edge = if self.list.toggle() { None } else { self.current() };
        edge.map(|edge| edge.host.clone()).filter(|host| !host.is_empty())
    }

    /// Brings the map to `at`.
    pub(super) fn refresh(&mut self, at: Time) {
        let Some(known) = self.list.known().cloned().filter(|_| self.list.turns_to(at)) else { return };
        self.edges = known.iter().filter_map(|history| history.at(at)).collect();
        let hosts = self.edges.iter().map(|edge| edge.host.as_str()).filter(|host| !host.is_empty());
        self.hosts = hosts.collect::<BTreeSet<_>>().len();
        self.lay_out();
    }

    fn lay_out(&mut self) {
        let mut rows = Vec::new();
        let answered = self.edges.iter().filter(|edge| !edge.is_refused() && !edge.host.is_empty());
        let answered = answered.map(|edge| edge.host.as_str()).collect::<BTreeSet<_>>().len();
        let many = |edge: &Edge| if edge.is_refused() { self.hosts > GROUPED_FROM } else { answered > GROUPED_FROM };
        let mut groups: Vec<(String, Vec<usize>)> = Vec::new();
        let mut places: HashMap<String, usize> = HashMap::new();
        for (index, edge) in self.edges.iter().enumerate() {
            let label = match (many(edge), edge.is_refused()) {
                (true, true) => format!("{} refused", neighbourhood(&edge.host)),
                (true, false) => neighbourhood(&edge.host),
                (false, _) => edge.host.clone(),
            };
            let place = *places.entry(label.clone()).or_insert_with(|| {
                groups.push((label, Vec::new()));
                groups.len() - 1
            });
            groups[place].1.push(index);
        }
        // What was refused together comes last: it is the least.
        groups.sort_by_key(|(_, members)| {
            members.iter().all(|at| many(&self.edges[*at]) && self.edges[*at].is_refused())
        });
        for (label, mut members) in groups {
            let edges = || members.iter().filter_map(|at| self.edges.get(*at));
            let hosts = edges().map(|edge| edge.host.as_str()).collect::<BTreeSet<_>>().len();
            if hosts > 1 {
                let folded = !self.list.is_turned(&label);
                let sum = |of: fn(&Edge) -> u64| edges().map(of).fold(0, u64::saturating_add);
                let count = |of: fn(&Edge) -> u32| edges().map(of).fold(0, u32::saturating_add);
                let group = MapRow::Group {
                    label,
                    hosts,
                    flows: count(|edge| edge.flows),
                    open: count(|edge| edge.open),
                    bytes: (sum(|edge| edge.sent), sum(|edge| edge.received)),
                    folded,
                };
                rows.push(group);
                if folded {
                    continue;
                }
                members.sort_by_cached_key(|at| by_address(&self.edges[*at].host));
            }
            for (place, edge) in members.iter().enumerate() {
                let same = |other: Option<&usize>| {
                    other.is_some_and(|other| self.edges[*other].host == self.edges[*edge].host)
                };
                let first = !same(place.checked_sub(1).and_then(|before| members.get(before)));
                let last = !same(members.get(place + 1));
                rows.push(MapRow::Edge { edge: *edge, first, last });
            }
        }
        self.list.show(rows);
    }
}

/// Addresses by their numbers, after what is none.
fn by_address(host: &str) -> (Option<std::net::IpAddr>, String) {
    (host.parse().ok(), host.to_owned())
}

/// The network that an address lies in: 256 neighbours, or a site of IPv6.
pub fn neighbourhood(host: &str) -> String {
    match host.parse() {
        Ok(std::net::IpAddr::V4(address)) => {
            let [first, second, third, _] = address.octets();
            format!("{first}.{second}.{third}.0/24")
        }
        Ok(std::net::IpAddr::V6(address)) => {
            let [first, second, third, ..] = address.segments();
            format!("{first:x}:{second:x}:{third:x}::/48")
        }
        Err(_) => host.to_owned(),
    }
}
