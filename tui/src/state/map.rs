//! Who talked to whom, up to the playhead: flows brought together into edges between programs and addresses.

mod history;

use super::recording::{ImageIx, Recording, Sym, Time};
use history::{History, known};
use std::collections::{BTreeSet, HashMap};

/// From this many addresses on neighbours are brought together.
const GROUPED_FROM: usize = 20;

/// All flows of one program with one address and port.
#[derive(Clone, Debug)]
pub struct Edge {
    /// The other end: an address, or the path of a unix socket; empty for a listener.
    pub host: String,
    /// Its name, where one was asked for or told.
    pub name: Option<Sym>,
    /// The service's port: the other end's, or the own one where others called.
    pub port: String,
    /// `tcp`, `udp`, `unix`, ...
    pub protocol: Sym,
    /// Which way.
    pub direction: Direction,
    /// The program's name.
    pub who: Option<Sym>,
    /// Its image, the last one.
    pub image: Option<ImageIx>,
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
        /// `198.51.100.0/24`.
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

/// The map at the playhead.
#[derive(Clone, Debug, Default)]
pub struct Map {
    /// The chosen row.
    pub chosen: usize,
    /// The edges, those of one address together.
    pub edges: Vec<Edge>,
    rows: Vec<MapRow>,
    hosts: usize,
    open: BTreeSet<String>,
    known: Option<Vec<History>>,
    shown_at: Option<Time>,
}

impl Map {
    /// The visible events are others now.
    pub(super) fn forget(&mut self) {
        self.known = None;
        self.shown_at = None;
    }

    /// How many addresses there are.
    pub fn hosts(&self) -> usize {
        self.hosts
    }

    /// The lines.
    pub fn rows(&self) -> &[MapRow] {
        &self.rows
    }

    /// The edge that the chosen row is.
    pub fn current(&self) -> Option<&Edge> {
        match self.rows.get(self.chosen)? {
            MapRow::Edge { edge, .. } => self.edges.get(*edge),
            MapRow::Group { .. } => None,
        }
    }

    /// The address to look at closer; a group is opened instead.
    pub(super) fn enter(&mut self) -> Option<String> {
        if self.toggle() { None } else { self.current().map(|edge| edge.host.clone()).filter(|host| !host.is_empty()) }
    }

    /// Opens or closes the chosen group; false where the row is none.
    pub(super) fn toggle(&mut self) -> bool {
        let Some(MapRow::Group { label, .. }) = self.rows.get(self.chosen) else { return false };
        if !self.open.remove(label) {
            self.open.insert(label.clone());
        }
        self.shown_at = None;
        true
    }

    pub(super) fn toggle_all(&mut self) {
        let groups = self.rows.iter().filter_map(|row| match row {
            MapRow::Group { label, .. } => Some(label.clone()),
            MapRow::Edge { .. } => None,
        });
        self.open = if self.open.is_empty() { groups.collect() } else { BTreeSet::new() };
        self.shown_at = None;
    }

    /// Brings the map to `at`.
    pub(super) fn refresh(&mut self, recording: &Recording, visible: &[u32], at: Time) {
        if self.shown_at == Some(at) {
            return;
        }
        self.shown_at = Some(at);
        let known = self.known.take().unwrap_or_else(|| known(recording, visible));
        self.edges = known.iter().filter_map(|history| history.at(at)).collect();
        self.known = Some(known);
        let hosts = self.edges.iter().map(|edge| edge.host.as_str()).filter(|host| !host.is_empty());
        self.hosts = hosts.collect::<BTreeSet<_>>().len();
        self.lay_out();
        self.chosen = self.chosen.min(self.rows.len().saturating_sub(1));
    }

    fn lay_out(&mut self) {
        self.rows.clear();
        let many = self.hosts > GROUPED_FROM;
        let mut groups: Vec<(String, Vec<usize>)> = Vec::new();
        let mut places: HashMap<String, usize> = HashMap::new();
        for (index, edge) in self.edges.iter().enumerate() {
            let label = if many { neighbourhood(&edge.host) } else { edge.host.clone() };
            let place = *places.entry(label.clone()).or_insert_with(|| {
                groups.push((label, Vec::new()));
                groups.len() - 1
            });
            groups[place].1.push(index);
        }
        for (label, members) in groups {
            let edges = || members.iter().filter_map(|at| self.edges.get(*at));
            let hosts = edges().map(|edge| edge.host.as_str()).collect::<BTreeSet<_>>().len();
            if many && hosts > 1 {
                let folded = !self.open.contains(&label);
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
                self.rows.push(group);
                if folded {
                    continue;
                }
            }
            for (place, edge) in members.iter().enumerate() {
                let same = |other: Option<&usize>| {
                    other.is_some_and(|other| self.edges[*other].host == self.edges[*edge].host)
                };
                let first = !same(place.checked_sub(1).and_then(|before| members.get(before)));
                let last = !same(members.get(place + 1));
                self.rows.push(MapRow::Edge { edge: *edge, first, last });
            }
        }
    }
}

/// The network that an address lies in: 256 neighbours, or a site of IPv6.
fn neighbourhood(host: &str) -> String {
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
