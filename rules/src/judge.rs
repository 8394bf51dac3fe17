//! Rules asked about a stream of events: what each event says alone, and what no single event shows.
//!
//! The only clock is the events' own, so the same events in the same order give the same findings, live and offline.
//! What is remembered between events is bounded for each rule and container (see [`keyed`](crate::keyed)); where the
//! bounds cost something, [`Judge::missed`] says how much.

use crate::keyed::Keyed;
use crate::matcher::{Matcher, RuleSet};
use crate::operand::{Operand, Scratch};
use crate::output::Told;
use crate::rule::{Rule, When};
use crate::scene::{Scene, View};
use crate::sequence::{Part, Run, Runs, Sequence};
use crate::threshold::{Added, Counts, Entry, Tally, Threshold};
use std::fmt::Write as _;
use std::sync::Arc;
use taffrail_trace::clock::BootNs;
use taffrail_trace::event::{EventRef, Finding, FindingSource};
use taffrail_trace::ids::{ContainerKey, ProcessId};

/// How many events of a container each rule may remember, all keys together.
const EVENTS_MAX: usize = 4096;
/// How many keys a rule may remember of a container, where each has few events.
const KEYS_MAX: usize = 512;
/// How many events a finding names: of more, the first and the last ones.
const NAMED_MAX: usize = 64;
/// How much of a value is remembered, in bytes.
const VALUE_BYTES_MAX: usize = 256;
/// How far up an image's ancestors are looked at.
const GENERATIONS_MAX: usize = 64;

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
    /// The events that it stands on, by time; where there are very many, the first and the last of them.
    pub fn events(&self) -> &[EventRef] {
        &self.found.events
    }

    /// What is to be said of it; `scene` is the one that was just judged.
    pub fn finding(&self, scene: &dyn Scene) -> Finding {
        let rule = self.rule;
        let message = rule.output.render(scene, &self.found.told);
        Finding {
            priority: Some(rule.priority.as_str().to_ascii_lowercase()),
            tags: rule.tags.clone(),
            techniques: rule.techniques().collect(),
            events: self.found.events.clone(),
            ..Finding::new(&rule.name, FindingSource::Rule, rule.priority.severity(), message)
        }
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
                (When::Event(_), _) => Some((vec![seen.event(None)], Told::default())),
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

/// An event that a condition holds for.
struct Seen<'a, 's> {
    view: View<'a>,
    scratch: &'s mut Scratch,
    key: &'s mut String,
    missed: &'s mut Missed,
}

type Reached = Option<(Vec<EventRef>, Told)>;

impl Seen<'_, '_> {
    fn time_ns(&self) -> BootNs {
        self.view.event.time_ns
    }

    fn event(&self, step: Option<&str>) -> EventRef {
        let step = step.map(str::to_owned);
        EventRef { time_ns: self.time_ns(), actor: self.view.event.actor.clone(), step }
    }

    fn count(&mut self, threshold: &Threshold, part: usize, tallies: &mut Keyed<Tally>) -> Reached {
        let counted = threshold.counted.get(part)?;
        self.keep_key(&counted.by)?;
        let (value, step) = match &counted.value {
            Counts::Event => (Box::default(), None),
            Counts::Field(operand) => (self.value(operand)?, None),
            Counts::Name(name) => (Box::from(name.as_str()), Some(name.as_str())),
        };
        let tally = tallies.touch(self.view.container.key, self.key, self.time_ns());
        match tally.add(threshold, Entry { event: self.event(step), value }) {
            Added::Kept => None,
            Added::Late => {
                self.missed.late += 1;
                None
            }
            Added::Resting => {
                self.missed.resting += 1;
                None
            }
            Added::Reached(entries) => {
                let count = entries.len();
                let events = entries.iter().map(|entry| entry.event.clone()).collect();
                let values = threshold.distinct.then(|| entries.into_iter().map(|entry| entry.value).collect());
                Some((events, Told { count: Some(count), values: values.unwrap_or_default(), shown: Vec::new() }))
            }
        }
    }

    fn step(&mut self, sequence: &Sequence, part: Part, runs: &mut Keyed<Runs>) -> Reached {
        let container = self.view.container.key;
        match part {
            Part::Step(0) => {
                let step = sequence.steps.first()?;
                self.keep_key(&step.by)?;
                if let Some(generations) = sequence.lineage {
                    let anchor = *lineage(&self.view, generations).last()?;
                    self.push_anchor(anchor);
                }
                let shown = self.shown(&step.shown);
                runs.touch(container, self.key, self.time_ns()).begin(self.event(Some(&step.name)), shown);
                None
            }
            Part::Step(at) => {
                let step = sequence.steps.get(at)?;
                self.keep_key(&step.by)?;
                let (shown, event) = (self.shown(&step.shown), self.event(Some(&step.name)));
                let Run { events, shown } = self.find(sequence, at, runs)?.advance(sequence, at, event, shown)?;
                Some((events, Told { count: None, values: Vec::new(), shown }))
            }
            Part::Unless(at) => {
                let unless = sequence.steps.get(at)?.not.as_ref()?;
                self.keep_key(&unless.by)?;
                while let Some(run) = self.find(sequence, at, runs) {
                    run.end(at);
                }
                None
            }
        }
    }

    /// The runs of which one waits for step `at`, of the nearest process that has any.
    fn find<'r>(&mut self, sequence: &Sequence, at: usize, runs: &'r mut Keyed<Runs>) -> Option<&'r mut Runs> {
        let (container, time_ns) = (self.view.container.key, self.time_ns());
        let mut waits = |key: &str| {
            let runs = runs.get(container, key);
            runs.is_some_and(|runs| runs.waiting(at, sequence.within_ns, time_ns).is_some())
        };
        if sequence.lineage.is_none() {
            return waits(self.key).then(|| runs.get(container, self.key))?;
        }
        let length = self.key.len();
        let waiting = lineage(&self.view, GENERATIONS_MAX).into_iter().any(|anchor| {
            self.key.truncate(length);
            self.push_anchor(anchor);
            waits(self.key)
        });
        let found = waiting.then(|| runs.get(container, self.key))?;
        self.key.truncate(length);
        found
    }

    /// Composes the key of these fields; `None` where one is unset.
    fn keep_key(&mut self, by: &[Operand]) -> Option<()> {
        self.key.clear();
        by.iter().try_for_each(|operand| {
            let key = &mut *self.key;
            let set = operand.read(&self.view, self.scratch, &mut |value| {
                push_value(key, value);
                key.push('\0');
                true
            });
            set.then_some(())
        })
    }

    fn push_anchor(&mut self, process: ProcessId) {
        // Writing into a String cannot fail.
        let _ = write!(self.key, "{process}");
    }

    /// A field's first value; `None` where it is unset.
    fn value(&mut self, operand: &Operand) -> Option<Box<str>> {
        let mut text = String::new();
        let set = operand.read(&self.view, self.scratch, &mut |value| {
            push_value(&mut text, value);
            true
        });
        set.then(|| text.into_boxed_str())
    }

    fn shown(&mut self, operands: &[Operand]) -> Vec<Box<str>> {
        operands.iter().map(|operand| self.value(operand).unwrap_or_else(|| Box::from(crate::output::UNSET))).collect()
    }
}

/// Writes a value; of a long one its beginning, and a number that tells it from others that begin so.
fn push_value(out: &mut String, value: crate::value::Value<'_>) {
    use std::hash::{DefaultHasher, Hash as _, Hasher as _};
    let begin = out.len();
    // Writing into a String cannot fail.
    let _ = write!(out, "{value}");
    if out.len() - begin > VALUE_BYTES_MAX {
        let mut hasher = DefaultHasher::new();
        out[begin..].hash(&mut hasher);
        let end = (begin..=begin + VALUE_BYTES_MAX).rev().find(|at| out.is_char_boundary(*at)).unwrap_or(begin);
        out.truncate(end);
        let _ = write!(out, "…{:016x}", hasher.finish());
    }
}

/// The actor's process and those above it in its container, `generations` of them at most.
fn lineage(view: &View<'_>, generations: usize) -> Vec<ProcessId> {
    let Some(own) = view.image(0) else { return Vec::new() };
    let mut processes = vec![own.process_id];
    view.scene.ancestors(&mut |image| {
        let inside = processes.len() <= generations && image.container_id == own.container_id;
        if inside {
            processes.push(image.process_id);
        }
        !inside
    });
    processes
}
