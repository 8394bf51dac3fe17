//! One thing after the other, in a short time, by the same hand.
//!
//! ```text
//! key       container and the values of `by`, which a step may replace by its own; an event in which one of these is
//!           unset is no step
//! lineage   N: later steps are done by the process that is N generations above the one that did the first, or by its
//!           descendants; 0 is that process itself. Never beyond the container: there the generations end earlier
//! order     steps follow each other in the order in which events are shown, and no step is older than the one before
//! window    from first step to last at most `within`
//! not       between two steps: an event that meets it, between them, ends what waits for the second one
//! last      the last step is a finding, and all that its key had is used up
//! ```
//!
//! An event is one step of a run at most. A finding comes whenever such a row of events is there since the key's last
//! one: of several first steps the newest is kept, since its window is the longest. Of every key there is one run for each
//! number of steps that are done, and a step may be taken again by a later event until the last one is.

use crate::expr::Expr;
use crate::operand::Operand;
use taffrail_trace::clock::BootNs;
use taffrail_trace::event::EventRef;

/// How many steps there can be.
pub const STEPS_MAX: usize = 16;

/// One thing after the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sequence {
    /// The steps, at least two.
    pub steps: Vec<Step>,
    /// How many generations above its process a first step counts for; `None` where processes do not matter.
    pub lineage: Option<usize>,
    /// From first step to last.
    pub within_ns: u64,
}

/// A step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Its name, for the output.
    pub name: String,
    /// What an event has to be.
    pub condition: Expr,
    /// What it has in common with the other steps, beside its container.
    pub by: Vec<Operand>,
    /// What must not happen between the step before and this one.
    pub not: Option<Unless>,
    /// What the output shows of it.
    pub shown: Vec<Operand>,
}

/// What ends a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unless {
    /// What an event has to be.
    pub condition: Expr,
    /// What it has in common with the steps.
    pub by: Vec<Operand>,
}

/// What a condition of a sequence is for, by its place among the sequence's conditions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// It is the step of this number.
    Step(usize),
    /// It ends what waits for the step of this number.
    Unless(usize),
}

impl Part {
    /// The part of this number. Later steps have higher numbers, and what ends a run has a lower one than the step that
    /// the run waits for: taken from the highest down, no event does anything to a step that it was itself.
    pub fn of(number: usize) -> Self {
        if number.is_multiple_of(2) { Self::Unless(number / 2) } else { Self::Step(number / 2) }
    }
}

impl Sequence {
    /// The conditions, by the number of their [`Part`].
    pub fn conditions(&self) -> impl Iterator<Item = &Expr> {
        const NEVER: &Expr = &Expr::Constant(false);
        self.steps.iter().flat_map(|step| {
            let not = step.not.as_ref().map_or(NEVER, |not| &not.condition);
            [not, &step.condition]
        })
    }
}

/// The runs of one key: at `n` the one that has done `n + 1` steps.
#[derive(Debug, Default)]
pub struct Runs(Vec<Option<Run>>);

/// Steps that were done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Run {
    /// The events.
    pub events: Vec<EventRef>,
    /// What is shown of each.
    pub shown: Vec<Vec<Option<Box<str>>>>,
}

impl Run {
    fn began(&self) -> BootNs {
        self.events.first().map_or(0, |event| event.time_ns)
    }

    fn with(&self, event: EventRef, shown: Vec<Option<Box<str>>>) -> Self {
        let mut longer = self.clone();
        longer.events.push(event);
        longer.shown.push(shown);
        longer
    }
}

impl Runs {
    /// Begins a run.
    pub fn begin(&mut self, event: EventRef, shown: Vec<Option<Box<str>>>) {
        self.put(Run::default().with(event, shown));
    }

    /// Takes step `step`, not the first, if a run waits for it. Gives the run if it was the last.
    pub fn advance(
        &mut self,
        sequence: &Sequence,
        step: usize,
        event: EventRef,
        shown: Vec<Option<Box<str>>>,
    ) -> Option<Run> {
        let longer = self.waiting(step, sequence.within_ns, event.time_ns)?.with(event, shown);
        if longer.events.len() == sequence.steps.len() {
            self.0.clear();
            return Some(longer);
        }
        self.put(longer);
        None
    }

    /// The run that waits for `step`, not the first, at `time_ns`: its window is open, and nothing of it came later.
    pub fn waiting(&self, step: usize, within_ns: u64, time_ns: BootNs) -> Option<&Run> {
        let run = self.0.get(step.checked_sub(1)?)?.as_ref()?;
        let last = run.events.last().map_or(0, |event| event.time_ns);
        (last <= time_ns && time_ns - run.began() <= within_ns).then_some(run)
    }

    /// Ends what waits for `step`.
    pub fn end(&mut self, step: usize) {
        if let Some(waiting) = step.checked_sub(1).and_then(|at| self.0.get_mut(at)) {
            *waiting = None;
        }
    }

    /// Puts a run in the place of one that did as many steps, unless that one began later.
    fn put(&mut self, run: Run) {
        let at = run.events.len() - 1;
        if self.0.len() <= at {
            self.0.resize(at + 1, None);
        }
        if self.0[at].as_ref().is_none_or(|known| known.began() <= run.began()) {
            self.0[at] = Some(run);
        }
    }
}
