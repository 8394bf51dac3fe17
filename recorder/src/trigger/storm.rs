//! What keeps rules that match all the time from filling the history with their findings.
//!
//! Of each rule in each container the first matches of a minute are told one by one. The others of that minute are
//! counted, and told as one finding with their number when it is over: nothing is dropped in silence.

use std::collections::HashMap;
use taffrail_trace::clock::BootNs;
use taffrail_trace::event::{Finding, FindingSource, Severity};
use taffrail_trace::ids::ContainerKey;

/// The minute.
const SPAN_NS: BootNs = 60_000_000_000;
/// Matches of it that are told one by one.
const SINGLE_MAX: u64 = 10;

/// Matches of each rule in each container.
#[derive(Debug, Default)]
pub struct Storm {
    spans: HashMap<ContainerKey, HashMap<String, Span>>,
    matched: u64,
    counted: u64,
}

/// One minute of one rule in one container.
#[derive(Debug)]
struct Span {
    since_ns: BootNs,
    matched: u64,
    last_ns: BootNs,
}

/// Whether a match is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Say {
    /// By itself.
    It,
    /// As one of many.
    ItsNumber,
}

impl Storm {
    /// A rule matched.
    pub fn matched(&mut self, key: ContainerKey, rule: &str, time_ns: BootNs) -> Say {
        self.matched += 1;
        let rules = self.spans.entry(key).or_default();
        if !rules.contains_key(rule) {
            rules.insert(rule.to_owned(), Span { since_ns: time_ns, matched: 0, last_ns: time_ns });
        }
        let Some(span) = rules.get_mut(rule) else { return Say::It };
        span.matched += 1;
        span.last_ns = span.last_ns.max(time_ns);
        if span.matched <= SINGLE_MAX {
            return Say::It;
        }
        self.counted += 1;
        Say::ItsNumber
    }

    /// The minutes that are over, and what they have to say beside what was told.
    pub fn overdue(&mut self, now_ns: BootNs) -> Vec<(ContainerKey, BootNs, Finding)> {
        let mut told = Vec::new();
        self.spans.retain(|key, rules| {
            rules.retain(|rule, span| {
                if now_ns.saturating_sub(span.since_ns) < SPAN_NS {
                    return true;
                }
                told.extend(span.rest(rule).map(|finding| (*key, span.last_ns, finding)));
                false
            });
            !rules.is_empty()
        });
        told
    }

    /// Forgets a container.
    pub fn forget(&mut self, key: ContainerKey) {
        self.spans.remove(&key);
    }

    /// How often rules matched, and how many of these are told only as a number.
    pub fn counts(&self) -> (u64, u64) {
        (self.matched, self.counted)
    }
}

impl Span {
    fn rest(&self, rule: &str) -> Option<Finding> {
        let more = self.matched.checked_sub(SINGLE_MAX).filter(|more| *more > 0)?;
        let seconds = self.last_ns.saturating_sub(self.since_ns).div_ceil(1_000_000_000);
        let message = format!("it matched {more} times more within {seconds} s; these are not told one by one");
        Some(Finding::new(rule, FindingSource::Rule, Severity::Info, message))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: ContainerKey = ContainerKey(1);

    #[test]
    fn of_ten_thousand_matches_ten_are_told_and_the_others_counted_exactly() {
        let mut storm = Storm::default();
        let said = (0..10_000).filter(|number| storm.matched(KEY, "r", number * 1000) == Say::It).count();
        assert_eq!(said, 10);
        assert!(storm.overdue(SPAN_NS - 1).is_empty());
        let told = storm.overdue(SPAN_NS);
        assert_eq!(told.len(), 1);
        assert!(told[0].2.message.contains("9990 times more"), "{}", told[0].2.message);
        assert_eq!(storm.counts(), (10_000, 9_990));
        assert!(storm.overdue(SPAN_NS * 2).is_empty());
        assert_eq!(storm.matched(KEY, "r", SPAN_NS * 3), Say::It, "the next minute begins anew");
    }

    #[test]
    fn rules_and_containers_are_counted_apart() {
        let mut storm = Storm::default();
        for number in 0..10 {
            storm.matched(KEY, "a", number);
        }
        assert_eq!(storm.matched(KEY, "a", 10), Say::ItsNumber);
        assert_eq!(storm.matched(KEY, "b", 10), Say::It);
        assert_eq!(storm.matched(ContainerKey(2), "a", 10), Say::It);
    }
}
