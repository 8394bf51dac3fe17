//! What is missing: sums and stretches.

use crate::state::recording::{Gap, Lost, Time};

/// The sum of all gaps.
pub fn add_up(gaps: &[Gap]) -> Lost {
    let mut sum = Lost::default();
    for gap in gaps {
        match (gap.lost, gap.own) {
            (None, _) => sum.unknown = true,
            (Some(lost), true) => sum.own = sum.own.saturating_add(lost),
            (Some(lost), false) => sum.maybe = sum.maybe.saturating_add(lost),
        }
    }
    sum
}

/// The gaps' intervals, brought together where they touch.
pub fn stretches(gaps: &[Gap]) -> Vec<(Time, Time)> {
    let mut all: Vec<(Time, Time)> = gaps.iter().map(|gap| (gap.from, gap.to.max(gap.from))).collect();
    all.sort_unstable();
    all.dedup_by(|next, kept| {
        let touches = next.0 <= kept.1;
        if touches {
            kept.1 = kept.1.max(next.1);
        }
        touches
    });
    all
}
