//! Rules asked about events, fast.
//!
//! The kind of an event chooses the rules that can match it at all; most events meet none and cost a table look-up.
//! Then the program of [`compile`](crate::compile) runs, and remembers every answer until the event is judged. Nothing is
//! allocated once the texts and answers that are used again have grown.

use crate::branch::Branch;
use crate::compile::{Node, NodeId, Program};
use crate::kind::Kind;
use crate::operand::{Scratch, Texts};
use crate::rule::Rule;
use crate::scene::{Scene, View};
use crate::value::Value;
use std::sync::Arc;
use taffrail_trace::event::Event;

/// Rules, ready to be asked. They can be shared; each thread that asks has a [`Matcher`] of its own.
#[derive(Debug)]
pub struct RuleSet {
    rules: Vec<Rule>,
    program: Program,
    /// For each condition its rule, and which of the rule's conditions it is.
    owners: Vec<(usize, usize)>,
}

impl RuleSet {
    /// These rules.
    pub fn new(rules: Vec<Rule>) -> Self {
        let program = Program::of(rules.iter().flat_map(|rule| rule.when.conditions()));
        let parts = |(at, rule): (usize, &Rule)| {
            let count = rule.when.conditions().count();
            (0..count).map(move |part| (at, part)).collect::<Vec<_>>()
        };
        let owners = rules.iter().enumerate().flat_map(parts).collect();
        Self { rules, program, owners }
    }

    /// The rules.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// The rule that a condition belongs to, by its place among the rules, and which of its conditions it is.
    pub fn owner(&self, condition: usize) -> (usize, usize) {
        self.owners[condition]
    }

    /// Whether a rule can match an event of its kind: where none can, its scene need not be put together.
    pub fn wants(&self, event: &Event) -> bool {
        !self.program.roots[Kind::of(event).index()].is_empty()
    }
}

/// Asks rules about one event after the other.
#[derive(Debug)]
pub struct Matcher {
    set: Arc<RuleSet>,
    memory: Memory,
    matched: Vec<usize>,
}

/// What was found out about the event that is being judged. An entry counts if it carries the event's stamp.
#[derive(Debug)]
struct Memory {
    stamp: u32,
    /// For each node the stamp, twice, plus 1 where it holds.
    answers: Vec<u32>,
    /// For each lane the stamp, and where its bits begin.
    lanes: Vec<(u32, usize)>,
    bits: Vec<u64>,
    /// For each operand that is kept the stamp, and its texts.
    texts: Vec<(u32, Texts)>,
    scratch: Scratch,
}

/// The last stamp that fits beside an answer.
const STAMP_MAX: u32 = u32::MAX >> 1;

impl Matcher {
    /// Asks these rules.
    pub fn new(set: Arc<RuleSet>) -> Self {
        let mut begin = 0;
        let lanes = set.program.lanes.iter().map(|lane| {
            let own = begin;
            begin += lane.words;
            (0, own)
        });
        let lanes: Vec<(u32, usize)> = lanes.collect();
        let memory = Memory {
            stamp: 0,
            answers: vec![0; set.program.nodes.len()],
            lanes,
            bits: vec![0; begin],
            texts: set.program.kept.iter().map(|_| (0, Texts::default())).collect(),
            scratch: Scratch::default(),
        };
        Self { set, memory, matched: Vec::new() }
    }

    /// The rules that it asks.
    pub fn rules(&self) -> &Arc<RuleSet> {
        &self.set
    }

    /// The numbers of the conditions that hold, in their order.
    pub fn matching(&mut self, scene: &dyn Scene) -> &[usize] {
        self.matched.clear();
        let program = &self.set.program;
        let roots = &program.roots[Kind::of(scene.event()).index()];
        if !roots.is_empty() {
            let view = View::of(scene);
            self.memory.next_event();
            self.memory.walk(program, roots, &view, &mut self.matched);
            self.matched.sort_unstable();
        }
        &self.matched
    }
}

impl Memory {
    fn next_event(&mut self) {
        if self.stamp == STAMP_MAX {
            self.answers.fill(0);
            self.lanes.iter_mut().for_each(|(stamp, _)| *stamp = 0);
            self.texts.iter_mut().for_each(|(stamp, _)| *stamp = 0);
            self.stamp = 0;
        }
        self.stamp += 1;
    }

    /// Notes the numbers of the conditions that hold.
    fn walk(&mut self, program: &Program, branches: &[Branch], view: &View<'_>, matched: &mut Vec<usize>) {
        for branch in branches {
            match branch {
                Branch::Guard { node, inner } => {
                    if self.holds(program, *node, view) {
                        self.walk(program, inner, view, matched);
                    }
                }
                Branch::Touched { lane, inner } => {
                    if self.found(program, *lane as usize, view).iter().any(|word| *word != 0) {
                        self.walk(program, inner, view, matched);
                    }
                }
                Branch::Leaf { number, parts } => {
                    if parts.iter().all(|part| self.holds(program, *part, view)) {
                        matched.push(*number);
                    }
                }
            }
        }
    }

    fn holds(&mut self, program: &Program, id: NodeId, view: &View<'_>) -> bool {
        let node = &program.nodes[id as usize];
        match node {
            // A bit is as quick to ask for as an answer.
            Node::Bit { lane, bit } => return self.bit(program, *lane as usize, *bit, view),
            Node::Not(inner) => return !self.holds(program, *inner, view),
            Node::Constant(value) => return *value,
            _ => {}
        }
        let known = self.answers[id as usize];
        if known >> 1 == self.stamp {
            return known & 1 == 1;
        }
        let holds = match node {
            Node::All(parts) => parts.iter().all(|part| self.holds(program, *part, view)),
            Node::Any(parts) => parts.iter().any(|part| self.holds(program, *part, view)),
            Node::Single(test) => match &program.singles[*test as usize] {
                (test, Some(kept)) => {
                    self.keep(program, *kept, view);
                    self.texts[*kept].1.iter().any(|text| test.check.holds_alone(Value::Text(text)))
                }
                (test, None) => test.holds(view, &mut self.scratch),
            },
            Node::Calls(calls) => calls.has(view.event),
            Node::Bit { .. } | Node::Not(_) | Node::Constant(_) => false,
        };
        self.answers[id as usize] = self.stamp << 1 | u32::from(holds);
        holds
    }

    fn bit(&mut self, program: &Program, lane: usize, bit: u32, view: &View<'_>) -> bool {
        self.found(program, lane, view)[bit as usize / 64] >> (bit % 64) & 1 == 1
    }

    /// What a lane finds.
    fn found(&mut self, program: &Program, lane: usize, view: &View<'_>) -> &[u64] {
        let (stamp, begin) = self.lanes[lane];
        let own = &program.lanes[lane];
        if stamp != self.stamp {
            if let Some(kept) = own.kept {
                self.keep(program, kept, view);
            }
            let bits = &mut self.bits[begin..begin + own.words];
            bits.fill(0);
            match own.kept {
                None => own.look(view, &mut self.scratch, bits),
                Some(kept) => self.texts[kept].1.iter().for_each(|text| own.look_at(text, bits)),
            }
            self.lanes[lane].0 = self.stamp;
        }
        &self.bits[begin..begin + own.words]
    }

    /// Reads what is kept, once an event.
    fn keep(&mut self, program: &Program, kept: usize, view: &View<'_>) {
        let (stamp, texts) = &mut self.texts[kept];
        if *stamp != self.stamp {
            texts.fill(&program.kept[kept], view, &mut self.scratch);
            *stamp = self.stamp;
        }
    }
}
