//! What many events of one kind come to: one sentence with their number.

use crate::state::{map, words};
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// The most different things of which one sentence knows the number.
const THINGS_MAX: usize = 10_000;
/// How many of them it names.
const NAMED: usize = 6;

/// What the events of a crowd are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Deed {
    /// A connection that did not come to be, with the errno.
    Failed(i32),
    /// A connection to somebody.
    Connected,
    /// A connection of somebody.
    Accepted,
    /// A file that was opened.
    Opened,
    /// A program that was run.
    Ran,
}

/// Events that are told together.
#[derive(Debug)]
pub struct Crowd {
    pub(super) deed: Deed,
    /// What the sentence begins with: the container, where there are several.
    pub(super) place: String,
    who: String,
    /// The own end of what is accepted.
    here: String,
    /// The sentence of the first one alone.
    alone: String,
    times: u64,
    /// Addresses or files.
    things: BTreeSet<String>,
    ports: BTreeSet<u16>,
    bytes: (u64, u64),
}

impl Crowd {
    /// Nobody yet; `alone` is the sentence where it stays with one.
    pub fn new(deed: Deed, who: String, here: &str, alone: String) -> Self {
        let (times, things, ports) = (0, BTreeSet::new(), BTreeSet::new());
        Self { deed, place: String::new(), who, here: here.to_owned(), alone, times, things, ports, bytes: (0, 0) }
    }

    /// One more.
    pub fn add(&mut self, thing: &str, port: Option<u16>, bytes: (u64, u64)) {
        self.times = self.times.saturating_add(1);
        if self.things.len() < THINGS_MAX && !thing.is_empty() && !self.things.contains(thing) {
            self.things.insert(thing.to_owned());
        }
        self.ports.extend(port);
        self.bytes = (self.bytes.0.saturating_add(bytes.0), self.bytes.1.saturating_add(bytes.1));
    }

    /// The sentence.
    pub fn text(&self) -> String {
        let Self { place, who, here, .. } = self;
        if self.times == 1 {
            return format!("{place}{}", self.alone);
        }
        let times = words::count(self.times);
        let mut text = match self.deed {
            Deed::Failed(_) => {
                format!("{who} could not connect {times} times to {}{}", self.hosts(), self.port_list())
            }
            Deed::Connected => format!("{who} connected {times} times to {}{}", self.hosts(), self.port_list()),
            Deed::Accepted => format!("{who} accepted {times} connections at {here} from {}", self.hosts()),
            Deed::Opened if self.things.len() == 1 => format!("{who} opened {} {times} times", self.names()),
            Deed::Opened => format!("{who} opened {} files: {}", self.number(), self.names()),
            Deed::Ran => format!("{} {times} times", self.alone),
        };
        if let Deed::Failed(errno) = self.deed {
            words::push_failure(&mut text, i64::from(errno));
        } else if self.bytes != (0, 0) {
            let (sent, received) = (words::bytes(self.bytes.0), words::bytes(self.bytes.1));
            // Writing into a String cannot fail.
            let _ = write!(text, ", sent {sent} and received {received} in all");
        }
        place.clone() + &text
    }

    fn number(&self) -> String {
        let more = if self.things.len() == THINGS_MAX { "more than " } else { "" };
        format!("{more}{}", words::count(self.things.len() as u64))
    }

    /// `10.20.0.9`, `40 addresses of 10.20.0.0/24`, `7 addresses`.
    fn hosts(&self) -> String {
        let mut networks = self.things.iter().map(|host| map::neighbourhood(host));
        let first = networks.next().unwrap_or_default();
        match self.things.iter().next() {
            Some(only) if self.things.len() == 1 => only.clone(),
            _ if networks.all(|network| network == first) => format!("{} addresses of {first}", self.number()),
            _ => format!("{} addresses", self.number()),
        }
    }

    /// ` (port 22)`, ` (ports 22, 5432)`, ` (12 ports from 20 to 8080)`.
    fn port_list(&self) -> String {
        let all: Vec<String> = self.ports.iter().map(u16::to_string).collect();
        match (all.len(), all.first(), all.last()) {
            (0, ..) => String::new(),
            (1, Some(only), _) => format!(" (port {only})"),
            (count, Some(first), Some(last)) if count > 8 => format!(" ({count} ports from {first} to {last})"),
            _ => format!(" (ports {})", all.join(", ")),
        }
    }

    /// The first of them, and how many there are more.
    fn names(&self) -> String {
        let mut names: Vec<&str> = self.things.iter().take(NAMED).map(String::as_str).collect();
        let more = self.things.len().saturating_sub(names.len());
        let rest = format!("{} more", words::count(more as u64));
        if more > 0 {
            names.push(&rest);
        }
        names.join(", ")
    }
}
