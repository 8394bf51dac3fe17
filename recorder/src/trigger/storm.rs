//! What keeps rules that match all the time from filling the history with their findings.
//!
//! Of each rule in each container the first matches of a minute are told one by one. The others of that minute are
//! counted, and told as one finding with their number when it is over or the container's history is sealed: nothing is
//! dropped in silence.

use std::collections::HashMap;
use taffrail_trace::clock::BootNs;
use taffrail_trace::event::Finding;
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
    untold: Option<Untold>,
}

/// Matches that were counted since the last number was told.
#[derive(Debug)]
struct Untold {
    /// The finding that tells their number, which it does not have yet.
    sum: Finding,
    matches: u64,
    first_ns: BootNs,
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
    /// A rule matched. `sum` makes the finding that stands for all that are only counted, without its message.
    pub fn matched(&mut self, key: ContainerKey, rule: &str, time_ns: BootNs, sum: impl FnOnce() -> Finding) -> Say {
        self.matched += 1;
        let rules = self.spans.entry(key).or_default();
        if !rules.contains_key(rule) {
            rules.insert(rule.to_owned(), Span { since_ns: time_ns, matched: 0, untold: None });
        }
        let Some(span) = rules.get_mut(rule) else { return Say::It };
        span.matched += 1;
        if span.matched <= SINGLE_MAX {
            return Say::It;
        }
        self.counted += 1;
        let none = || Untold { sum: sum(), matches: 0, first_ns: time_ns, last_ns: time_ns };
        let untold = span.untold.get_or_insert_with(none);
        untold.matches += 1;
        untold.last_ns = untold.last_ns.max(time_ns);
        Say::ItsNumber
    }

    /// The minutes that are over, and what they have to say beside what was told.
    pub fn overdue(&mut self, now_ns: BootNs) -> Vec<(ContainerKey, BootNs, Finding)> {
        let mut told = Vec::new();
        self.spans.retain(|key, rules| {
            rules.retain(|_, span| {
                if now_ns.saturating_sub(span.since_ns) < SPAN_NS {
                    return true;
                }
                told.extend(span.number().map(|(time_ns, finding)| (*key, time_ns, finding)));
                false
            });
            !rules.is_empty()
        });
        told
    }

    /// What a container's minutes have to say although they are not over.
    pub fn so_far(&mut self, key: ContainerKey) -> Vec<(BootNs, Finding)> {
        self.spans.get_mut(&key).into_iter().flat_map(HashMap::values_mut).filter_map(Span::number).collect()
    }

    /// The containers in which rules matched lately.
    pub fn containers(&self) -> impl Iterator<Item = ContainerKey> {
        self.spans.keys().copied()
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
    /// The number of what was not told, as a finding at the time of the last of them.
    fn number(&mut self) -> Option<(BootNs, Finding)> {
        let Untold { sum, matches, first_ns, last_ns } = self.untold.take()?;
        let seconds = last_ns.saturating_sub(first_ns).div_ceil(1_000_000_000);
        let message = format!("it matched {matches} times more within {seconds} s; these are not told one by one");
        Some((last_ns, Finding { message, ..sum }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use taffrail_trace::event::{FindingSource, Severity};

    const KEY: ContainerKey = ContainerKey(1);

    fn sum() -> Finding {
        let tags = vec!["shell".to_owned()];
        Finding { tags, ..Finding::new("r", FindingSource::Rule, Severity::Critical, String::new()) }
    }

    fn matched(storm: &mut Storm, key: ContainerKey, rule: &str, time_ns: BootNs) -> Say {
        storm.matched(key, rule, time_ns, sum)
    }

    #[test]
    fn of_ten_thousand_matches_ten_are_told_and_the_others_counted_exactly() {
        let mut storm = Storm::default();
        let said = (0..10_000).filter(|number| matched(&mut storm, KEY, "r", number * 1000) == Say::It).count();
        assert_eq!(said, 10);
        assert!(storm.overdue(SPAN_NS - 1).is_empty());
        let told = storm.overdue(SPAN_NS);
        assert_eq!(told.len(), 1);
        assert!(told[0].2.message.contains("9990 times more"), "{}", told[0].2.message);
        assert_eq!(storm.counts(), (10_000, 9_990));
        assert!(storm.overdue(SPAN_NS * 2).is_empty());
        assert_eq!(matched(&mut storm, KEY, "r", SPAN_NS * 3), Say::It, "the next minute begins anew");
    }

    #[test]
    fn a_seal_in_the_middle_of_a_minute_has_the_number_so_far_and_the_next_one_the_rest() {
        let mut storm = Storm::default();
        let matches = |storm: &mut Storm, times: std::ops::Range<u64>| {
            times.filter(|number| matched(storm, KEY, "r", number * 1000) == Say::It).count()
        };
        assert_eq!(matches(&mut storm, 0..110), 10);
        assert!(storm.so_far(ContainerKey(2)).is_empty(), "a neighbour has none");
        let told = storm.so_far(KEY);
        assert_eq!(told.len(), 1);
        assert_eq!(told[0].0, 109_000, "at the last of them");
        assert!(told[0].1.message.contains("100 times more"), "{}", told[0].1.message);
        assert!(storm.so_far(KEY).is_empty(), "nothing is told twice");
        assert_eq!(matches(&mut storm, 110..115), 0, "the minute is not over");
        let rest = storm.overdue(SPAN_NS);
        assert!(rest[0].2.message.contains("it matched 5 times more"), "{}", rest[0].2.message);
        assert_eq!(storm.counts(), (115, 105));
    }

    #[test]
    fn the_number_is_as_serious_as_the_rule_and_names_no_event() {
        let mut storm = Storm::default();
        for number in 0..11 {
            matched(&mut storm, KEY, "r", number);
        }
        let (_, number) = storm.so_far(KEY).pop().expect("a number");
        assert_eq!((number.severity, number.tags), (Severity::Critical, vec!["shell".to_owned()]));
        assert!(number.events.is_empty());
    }

    #[test]
    fn rules_and_containers_are_counted_apart() {
        let mut storm = Storm::default();
        for number in 0..10 {
            matched(&mut storm, KEY, "a", number);
        }
        assert_eq!(matched(&mut storm, KEY, "a", 10), Say::ItsNumber);
        assert_eq!(matched(&mut storm, KEY, "b", 10), Say::It);
        assert_eq!(matched(&mut storm, ContainerKey(2), "a", 10), Say::It);
        assert_eq!(storm.containers().count(), 2);
    }
}
