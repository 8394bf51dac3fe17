//! Rules asked about a stream of events: what each event says alone, and what no single event shows.
//!
//! The only clock is the events' own, so the same events in the same order give the same findings, live and offline.
//! What is remembered between events is bounded for each rule and container (see [`keyed`](crate::keyed)); where the
//! bounds cost something, [`Judge::missed`] says how much.

use crate::keyed::Keyed;
use crate::matcher::{Matcher, RuleSet};
use crate::operand::Scratch;
use crate::output::Told;
use crate::rule::{Rule, When};
use crate::scene::{Scene, View};
use crate::seen::Seen;
use crate::sequence::{Part, Runs};
use crate::threshold::Tally;
use std::sync::Arc;
use taffrail_trace::event::{EventRef, Finding};
use taffrail_trace::ids::ContainerKey;

/// How many events of a container each rule may remember, all keys together.
const EVENTS_MAX: usize = 4096;
/// How many keys a rule may remember of a container, where each has few events.
const KEYS_MAX: usize = 512;
/// How many events a finding names: of more, the first and the last ones.
const NAMED_MAX: usize = 64;

/// Asks rules about one event after the other, and remembers what they need.
#[derive(Debug)]
pub struct Judge {
    set: Arc<RuleSet>,
    matcher: Matcher,
    memories: Vec<Memory>,
    found: Vec<Found>,
    scratch: Scratch,
    key: String,
    missed: Missed,
}

/// What a rule remembers.
#[derive(Debug)]
enum Memory {
    Nothing,
    Tallies(Keyed<Tally>),
    Runs(Keyed<Runs>),
}

/// What was not looked at, or forgotten.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Missed {
    /// Events that matched a threshold and were older than its window.
    pub late: u64,
    /// Events that matched a threshold while it rested after a finding.
    pub resting: u64,
    /// Keys that had to go although their windows were open: a finding may be missing for each.
    pub forgotten: u64,
}

/// A rule that matched, and the events that it matched.
#[derive(Clone, Copy, Debug)]
pub struct Match<'a> {
    /// The rule.
    pub rule: &'a Rule,
    found: &'a Found,
}

#[derive(Debug)]
struct Found {
    rule: usize,
    events: Vec<EventRef>,
    told: Told,
}

impl Match<'_> {
    /// The events that it stands on, by time; where there are very many, the first and the last of them. None for a rule
    /// about single events: it stands on the one that was just judged, and many matches are only counted.
    pub fn events(&self) -> &[EventRef] {
        &self.found.events
    }

    /// What is to be said of it; `scene` is the one that was just judged.
    pub fn finding(&self, scene: &dyn Scene) -> Finding {
        let rule = self.rule;
        let message = rule.output.render(scene, &self.found.told);
        let mut events = self.found.events.clone();
        if let When::Event(_) = rule.when {
            let event = scene.event();
            events.push(EventRef { time_ns: event.time_ns, actor: event.actor.clone(), step: None });
        }
        Finding { events, ..rule.finding(message) }
    }
}

impl Judge {
    /// Asks these rules. It remembers nothing yet.
    pub fn new(set: Arc<RuleSet>) -> Self {
        let memories = set.rules().iter().map(|rule| match &rule.when {
            When::Event(_) => Memory::Nothing,
            When::Threshold(threshold) => Memory::Tallies(keyed(threshold.count, threshold.within_ns)),
            When::Sequence(sequence) => {
                Memory::Runs(keyed(sequence.steps.len() * sequence.steps.len() / 2, sequence.within_ns))
            }
        });
        Self {
            memories: memories.collect(),
            matcher: Matcher::new(Arc::clone(&set)),
            set,
            found: Vec::new(),
            scratch: Scratch::default(),
            key: String::new(),
            missed: Missed::default(),
        }
    }

    /// The rules that it asks.
    pub fn rules(&self) -> &Arc<RuleSet> {
        &self.set
    }

    /// Takes the next event in, and gives the rules that match with it, in their order.
    pub fn see(&mut self, scene: &dyn Scene) -> impl Iterator<Item = Match<'_>> {
        self.found.clear();
        let Self { set, matcher, memories, found, scratch, key, missed } = self;
        // A later step before an earlier one.
        for number in matcher.matching(scene).iter().rev() {
            let (rule, part) = set.owner(*number);
            let mut seen = Seen { view: View::of(scene), scratch, key, missed };
            let told = match (&set.rules()[rule].when, &mut memories[rule]) {
                (When::Event(_), _) => Some((Vec::new(), Told::default())),
                (When::Threshold(threshold), Memory::Tallies(tallies)) => seen.count(threshold, part, tallies),
                (When::Sequence(sequence), Memory::Runs(runs)) => seen.step(sequence, Part::of(part), runs),
                _ => None,
            };
            found.extend(told.map(|(events, told)| Found { rule, events: named(events), told }));
        }
        self.found.reverse();
        let rules = self.set.rules();
        self.found.iter().map(|found| Match { rule: &rules[found.rule], found })
    }

    /// Forgets what is remembered of a container: it is gone.
    pub fn forget(&mut self, container: ContainerKey) {
        for memory in &mut self.memories {
            match memory {
                Memory::Nothing => {}
                Memory::Tallies(tallies) => tallies.forget(container),
                Memory::Runs(runs) => runs.forget(container),
            }
        }
    }

    /// What was not looked at, or forgotten, since it began.
    pub fn missed(&self) -> Missed {
        let forgotten = self.memories.iter().map(|memory| match memory {
            Memory::Nothing => 0,
            Memory::Tallies(tallies) => tallies.forgotten,
            Memory::Runs(runs) => runs.forgotten,
        });
        Missed { forgotten: forgotten.sum(), ..self.missed }
    }
}

fn keyed<T: Default>(events_each: usize, within_ns: u64) -> Keyed<T> {
    Keyed::new((EVENTS_MAX / events_each.max(1)).clamp(4, KEYS_MAX), within_ns)
}

fn named(mut events: Vec<EventRef>) -> Vec<EventRef> {
    if events.len() > NAMED_MAX {
        events.drain(NAMED_MAX / 2..events.len() - NAMED_MAX / 2);
    }
    events
}
