//! What many conditions have in common, asked first and once.
//!
//! Of a hundred rules about opened files half begin with "opened for writing": where that is not so, the half is passed
//! over in one step.

use crate::compile::NodeId;
use std::collections::BTreeMap;

/// How dear a part may be that conditions are grouped by: what is dear is asked last, however many want to know.
const COST_MAX: u32 = 4;

/// Conditions that have a part in common, or one condition by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Branch {
    /// Nothing of `inner` holds where this does not.
    Guard {
        /// The part in common.
        node: NodeId,
        /// Conditions without it.
        inner: Vec<Branch>,
    },
    /// Nothing of `inner` holds where a lane finds none of its texts.
    Touched {
        /// The lane.
        lane: u32,
        /// Conditions, whole: each wants a bit of it.
        inner: Vec<Branch>,
    },
    /// A condition: all of its parts that are not asked before.
    Leaf {
        /// Its number.
        number: usize,
        /// The parts, cheap ones first.
        parts: Vec<NodeId>,
    },
}

/// Groups conditions, each a number and its parts, by what they have in common; what is left by the lane of the part that is
/// asked first, which `lane` knows where it is a bit of one.
pub fn grouped(
    mut conditions: Vec<(usize, Vec<NodeId>)>,
    cost: &dyn Fn(NodeId) -> u32,
    lane: &dyn Fn(NodeId) -> Option<u32>,
) -> Vec<Branch> {
    let mut branches = Vec::new();
    while let Some(node) = most_common(&conditions, cost) {
        let (with, without): (Vec<_>, Vec<_>) = conditions.into_iter().partition(|(_, parts)| parts.contains(&node));
        let inner = with.into_iter().map(|(number, mut parts)| {
            parts.retain(|part| *part != node);
            (number, parts)
        });
        branches.push(Branch::Guard { node, inner: grouped(inner.collect(), cost, lane) });
        conditions = without;
    }
    let mut by_lane: BTreeMap<Option<u32>, Vec<Branch>> = BTreeMap::new();
    for (number, mut parts) in conditions {
        parts.sort_by_key(|part| (cost(*part), *part));
        let first = parts.first().and_then(|part| lane(*part));
        by_lane.entry(first).or_default().push(Branch::Leaf { number, parts });
    }
    for (lane, leaves) in by_lane {
        match lane {
            Some(lane) if leaves.len() > 1 => branches.push(Branch::Touched { lane, inner: leaves }),
            _ => branches.extend(leaves),
        }
    }
    branches
}

/// The part that most conditions have, the cheapest of several; `None` where no two have one.
fn most_common(conditions: &[(usize, Vec<NodeId>)], cost: &dyn Fn(NodeId) -> u32) -> Option<NodeId> {
    let mut counts: BTreeMap<NodeId, usize> = BTreeMap::new();
    for part in conditions.iter().flat_map(|(_, parts)| parts).filter(|part| cost(**part) <= COST_MAX) {
        *counts.entry(*part).or_default() += 1;
    }
    let shared = counts.into_iter().filter(|(_, count)| *count > 1);
    shared.min_by_key(|(part, count)| (usize::MAX - count, cost(*part), *part)).map(|(part, _)| part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_that_conditions_share_is_asked_before_they_are() {
        let conditions = vec![(0, vec![1, 2]), (1, vec![1, 3]), (2, vec![4]), (3, vec![3, 1, 9]), (4, vec![9])];
        let cost = |node: NodeId| if node == 9 { 50 } else { node };
        let leaf = |number, parts: &[NodeId]| Branch::Leaf { number, parts: parts.to_vec() };
        let third = Branch::Guard { node: 3, inner: vec![leaf(1, &[]), leaf(3, &[9])] };
        assert_eq!(
            grouped(conditions, &cost, &|_| None),
            [Branch::Guard { node: 1, inner: vec![third, leaf(0, &[2])] }, leaf(2, &[4]), leaf(4, &[9])]
        );
    }

    #[test]
    fn conditions_that_begin_with_one_lane_are_passed_over_where_it_finds_nothing() {
        let conditions = vec![(0, vec![10, 1]), (1, vec![11]), (2, vec![20, 3]), (3, vec![12, 5]), (4, vec![6])];
        let lane = |node: NodeId| (node >= 10).then_some(node / 10);
        let leaf = |number, parts: &[NodeId]| Branch::Leaf { number, parts: parts.to_vec() };
        let cost = |node: NodeId| if node >= 10 { 5 } else { 50 };
        let touched = Branch::Touched { lane: 1, inner: vec![leaf(0, &[10, 1]), leaf(1, &[11]), leaf(3, &[12, 5])] };
        assert_eq!(grouped(conditions, &cost, &lane), [leaf(4, &[6]), touched, leaf(2, &[20, 3])]);
    }
}
