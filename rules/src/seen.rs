//! An event that a condition holds for, as it is counted or taken as a step.

use crate::judge::Missed;
use crate::keyed::Keyed;
use crate::operand::{Operand, Scratch};
use crate::output::Told;
use crate::scene::View;
use crate::sequence::{Part, Run, Runs, Sequence};
use crate::threshold::{Added, Counts, Entry, Tally, Threshold};
use std::fmt::Write as _;
use taffrail_trace::clock::BootNs;
use taffrail_trace::event::EventRef;
use taffrail_trace::ids::ProcessId;

/// How much of a value is remembered, in bytes.
const VALUE_BYTES_MAX: usize = 256;
/// How far up an image's ancestors are looked at.
const GENERATIONS_MAX: usize = 64;

/// An event that a condition holds for.
pub struct Seen<'a, 's> {
    /// What surrounds it.
    pub view: View<'a>,
    /// Texts that are used again.
    pub scratch: &'s mut Scratch,
    /// The key that is being composed.
    pub key: &'s mut String,
    /// What is not looked at.
    pub missed: &'s mut Missed,
}

/// The events of a rule that matches with this one, and what is told of them.
pub type Reached = Option<(Vec<EventRef>, Told)>;

impl Seen<'_, '_> {
    fn time_ns(&self) -> BootNs {
        self.view.event.time_ns
    }

    /// It, as findings name it.
    pub fn event(&self, step: Option<&str>) -> EventRef {
        let step = step.map(str::to_owned);
        EventRef { time_ns: self.time_ns(), actor: self.view.event.actor.clone(), step }
    }

    /// Counts it.
    pub fn count(&mut self, threshold: &Threshold, part: usize, tallies: &mut Keyed<Tally>) -> Reached {
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

    /// Takes it as a part of a sequence.
    pub fn step(&mut self, sequence: &Sequence, part: Part, runs: &mut Keyed<Runs>) -> Reached {
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

    fn shown(&mut self, operands: &[Operand]) -> Vec<Option<Box<str>>> {
        operands.iter().map(|operand| self.value(operand)).collect()
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
