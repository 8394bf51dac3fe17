//! Conditions to a program: what is settled by the kind of an event is settled before, and what two rules ask is asked
//! once.
//!
//! * A condition is compiled once for each kind that it can hold for, with its tests of `evt.type` taken out.
//! * Equal parts of all conditions are one node, whose answer is kept while an event is judged.
//! * Tests of one field for constant texts share a [`Lane`]: the field is read once, and one look answers all of them.
//! * In a row of parts the cheap ones come first, and what conditions have in common before what they do not
//!   (see [`branch`](crate::branch)).

use crate::branch::{Branch, grouped};
use crate::call::Calls;
use crate::expr::{Check, Expr, Test};
use crate::kind::{KINDS_MAX, Kind, Kinds};
use crate::lane::{Lane, LaneBuilder, Look};
use crate::operand::Operand;
use std::collections::{BTreeMap, HashMap};

/// The kinds of events that an expression can hold for.
pub fn kinds(expr: &Expr) -> Kinds {
    may(expr, true).and(Kinds::JUDGED)
}

/// The kinds for which an expression can be `wanted`.
fn may(expr: &Expr, wanted: bool) -> Kinds {
    let all = Kinds::NONE.not();
    let both = |parts: &[Expr]| parts.iter().fold(all, |kinds, part| kinds.and(may(part, wanted)));
    let either = |parts: &[Expr]| parts.iter().fold(Kinds::NONE, |kinds, part| kinds.or(may(part, wanted)));
    match expr {
        Expr::Constant(value) if *value == wanted => all,
        Expr::Constant(_) => Kinds::NONE,
        Expr::Calls(calls) if wanted => calls.kinds,
        Expr::Calls(calls) => {
            let undecided: Vec<Kind> = calls.kinds.iter().filter(|kind| calls.decides(*kind).is_none()).collect();
            calls.kinds.not().or(Kinds::of(&undecided))
        }
        Expr::All(parts) if wanted => both(parts),
        Expr::All(parts) => either(parts),
        Expr::Any(parts) if wanted => either(parts),
        Expr::Any(parts) => both(parts),
        Expr::Not(inner) => may(inner, !wanted),
        Expr::Test(_) => all,
    }
}

/// An expression for events of one kind.
fn for_kind(expr: &Expr, kind: Kind) -> Expr {
    match expr {
        Expr::Calls(calls) => calls.decides(kind).map_or_else(|| expr.clone(), Expr::Constant),
        Expr::All(parts) => Expr::all(parts.iter().map(|part| for_kind(part, kind)).collect()),
        Expr::Any(parts) => Expr::any(parts.iter().map(|part| for_kind(part, kind)).collect()),
        Expr::Not(inner) => Expr::negated(for_kind(inner, kind)),
        Expr::Constant(_) | Expr::Test(_) => expr.clone(),
    }
}

/// A node of the program, by its place in it.
pub type NodeId = u32;

/// A step of the program.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Node {
    /// Always so.
    Constant(bool),
    /// The event's own name is among these.
    Calls(Calls),
    /// A bit of a lane.
    Bit {
        /// The lane.
        lane: u32,
        /// The bit.
        bit: u32,
    },
    /// A test by itself.
    Single(u32),
    /// All of these.
    All(Vec<NodeId>),
    /// One of these.
    Any(Vec<NodeId>),
    /// Not this.
    Not(NodeId),
}

/// Conditions, compiled.
#[derive(Debug)]
pub struct Program {
    /// Every node; parts stand before what they are parts of.
    pub nodes: Vec<Node>,
    /// The lanes.
    pub lanes: Vec<Lane>,
    /// Tests that are asked by themselves, and where the texts that they look at are kept.
    pub singles: Vec<(Test, Option<usize>)>,
    /// What is read once an event, and its texts kept: it is dear, and several look at it.
    pub kept: Vec<Operand>,
    /// For each kind of event the conditions that can hold.
    pub roots: Vec<Vec<Branch>>,
}

impl Program {
    /// The program of these conditions.
    pub fn of<'a>(conditions: impl IntoIterator<Item = &'a Expr>) -> Self {
        let mut builder = Builder::default();
        let mut roots = vec![Vec::new(); KINDS_MAX];
        for (number, condition) in conditions.into_iter().enumerate() {
            for kind in kinds(condition).iter() {
                let parts = match for_kind(condition, kind) {
                    Expr::Constant(false) => continue,
                    Expr::All(parts) => parts,
                    other => vec![other],
                };
                let parts = parts.into_iter().map(|part| builder.node(part)).collect();
                roots[kind.index()].push((number, parts));
            }
        }
        let cost = |node: NodeId| builder.costs[node as usize];
        let lane = |node: NodeId| match builder.nodes[node as usize] {
            Node::Bit { lane, .. } => Some(lane),
            _ => None,
        };
        let roots = roots.into_iter().map(|conditions| grouped(conditions, &cost, &lane)).collect();
        let mut lanes: Vec<Lane> = builder.lanes.into_iter().map(LaneBuilder::build).collect();
        let kept = worth_keeping(lanes.iter().map(Lane::operand).chain(builder.singles.iter().filter_map(looks_at)));
        let place = |operand: &Operand| kept.iter().position(|known| known == operand);
        lanes.iter_mut().for_each(|lane| lane.kept = place(lane.operand()));
        let singles = builder.singles.into_iter().map(|test| {
            let at = looks_at(&test).and_then(place);
            (test, at)
        });
        let singles = singles.collect();
        Self { nodes: builder.nodes, lanes, singles, kept, roots }
    }
}

/// What a test looks at by itself, text by text.
fn looks_at(test: &Test) -> Option<&Operand> {
    matches!(test.check, Check::Pattern(_)).then_some(&test.operand)
}

/// Of what is looked at that which is dear, and more than once there.
fn worth_keeping<'a>(all: impl Iterator<Item = &'a Operand>) -> Vec<Operand> {
    let mut counts: BTreeMap<&Operand, usize> = BTreeMap::new();
    for operand in all.filter(|operand| operand.is_worth_keeping()) {
        *counts.entry(operand).or_default() += 1;
    }
    counts.into_iter().filter(|(_, count)| *count > 1).map(|(operand, _)| operand.clone()).collect()
}

#[derive(Default)]
struct Builder {
    nodes: Vec<Node>,
    costs: Vec<u32>,
    known: HashMap<Node, NodeId>,
    lanes: Vec<LaneBuilder>,
    lane_of: HashMap<(Operand, Look), usize>,
    singles: Vec<Test>,
    single_of: HashMap<Test, u32>,
}

impl Builder {
    fn node(&mut self, expr: Expr) -> NodeId {
        match expr {
            Expr::Constant(value) => self.add(Node::Constant(value), 0),
            Expr::Calls(calls) => self.add(Node::Calls(calls), 2),
            Expr::Not(inner) => {
                let inner = self.node(*inner);
                // What must not be is rarely so: it seldom settles anything.
                self.add(Node::Not(inner), self.costs[inner as usize] + 2)
            }
            Expr::All(parts) => {
                let parts = parts.into_iter().map(|part| self.node(part)).collect();
                self.row(parts, Node::All)
            }
            Expr::Any(parts) => {
                let parts = merged(parts).into_iter().map(|part| self.node(part)).collect();
                self.row(parts, Node::Any)
            }
            Expr::Test(test) => self.test(test),
        }
    }

    fn row(&mut self, mut parts: Vec<NodeId>, whole: fn(Vec<NodeId>) -> Node) -> NodeId {
        parts.sort_by_key(|part| (self.costs[*part as usize], *part));
        parts.dedup();
        if let [only] = parts[..] {
            return only;
        }
        let cost = parts.iter().fold(0, |sum: u32, part| sum.saturating_add(self.costs[*part as usize]));
        self.add(whole(parts), cost)
    }

    fn test(&mut self, test: Test) -> NodeId {
        let reading = test.operand.cost();
        if let Some((look, texts)) = Look::of(&test.check) {
            let key = (test.operand.clone(), look);
            let lanes = &mut self.lanes;
            let lane = *self.lane_of.entry(key).or_insert_with(|| {
                lanes.push(LaneBuilder::new(test.operand.clone(), look));
                lanes.len() - 1
            });
            let bit = self.lanes[lane].bit(texts);
            return self.add(Node::Bit { lane: lane as u32, bit }, reading + look.cost());
        }
        let cost = match &test.check {
            Check::Pattern(_) => 40,
            Check::Field(_, other) => 4 + other.cost(),
            _ => 1,
        };
        let single = *self.single_of.entry(test).or_insert_with_key(|test| {
            self.singles.push(test.clone());
            self.singles.len() as u32 - 1
        });
        self.add(Node::Single(single), reading + cost)
    }

    fn add(&mut self, node: Node, cost: u32) -> NodeId {
        let (nodes, costs) = (&mut self.nodes, &mut self.costs);
        *self.known.entry(node).or_insert_with_key(|node| {
            nodes.push(node.clone());
            costs.push(cost);
            nodes.len() as NodeId - 1
        })
    }
}

/// Tests of one field for one of several texts, made one test where they stand side by side.
fn merged(parts: Vec<Expr>) -> Vec<Expr> {
    let mut texts: BTreeMap<(Operand, Look), Vec<String>> = BTreeMap::new();
    let mut others = Vec::new();
    for part in parts {
        match part {
            Expr::Test(test) => match Look::of(&test.check) {
                Some((look, more)) => texts.entry((test.operand, look)).or_default().extend(more.iter().cloned()),
                None => others.push(Expr::Test(test)),
            },
            part => others.push(part),
        }
    }
    let joined = texts.into_iter().map(|((operand, look), mut texts)| {
        texts.sort_unstable();
        texts.dedup();
        Expr::Test(Test { operand, check: look.check(texts) })
    });
    joined.chain(others).collect()
}
