//! What keeps one cause from sealing a container's history again and again.

use std::collections::HashMap;
use taffrail_trace::clock::BootNs;
use taffrail_trace::ids::ContainerKey;

/// While fewer causes than this are remembered of a container, those that are over are not looked for.
const SWEEP_FROM: usize = 256;

/// When each cause last opened or joined an incident of a container. A cause is a rule, or what deviated from a model.
#[derive(Debug)]
pub struct Pauses {
    length_ns: u64,
    since: HashMap<ContainerKey, HashMap<String, BootNs>>,
}

impl Pauses {
    /// Nothing pauses yet; a pause is this long.
    pub fn new(length_ns: u64) -> Self {
        Self { length_ns, since: HashMap::new() }
    }

    /// Whether `cause` opens nothing in a container now.
    pub fn is_on(&self, key: ContainerKey, cause: &str, now_ns: BootNs) -> bool {
        let since = self.since.get(&key).and_then(|causes| causes.get(cause));
        since.is_some_and(|since| now_ns.saturating_sub(*since) < self.length_ns)
    }

    /// `cause` opened or joined an incident.
    pub fn begin(&mut self, key: ContainerKey, cause: String, now_ns: BootNs) {
        let causes = self.since.entry(key).or_default();
        // A full table is about to grow: what is over makes room first.
        if causes.len() >= SWEEP_FROM && causes.len() == causes.capacity() {
            causes.retain(|_, since| now_ns.saturating_sub(*since) < self.length_ns);
        }
        causes.insert(cause, now_ns);
    }

    /// Forgets a container.
    pub fn forget(&mut self, key: ContainerKey) {
        self.since.remove(&key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: ContainerKey = ContainerKey(1);

    #[test]
    fn a_cause_pauses_by_itself_in_its_own_container_and_for_its_time() {
        let mut pauses = Pauses::new(60);
        pauses.begin(KEY, "model runs sh".to_owned(), 100);
        assert!(pauses.is_on(KEY, "model runs sh", 159));
        assert!(!pauses.is_on(KEY, "model runs sh", 160));
        assert!(!pauses.is_on(KEY, "model runs nc", 101), "another deviation");
        assert!(!pauses.is_on(ContainerKey(2), "model runs sh", 101), "another container");
        pauses.forget(KEY);
        assert!(!pauses.is_on(KEY, "model runs sh", 101));
    }

    #[test]
    fn causes_that_are_over_do_not_pile_up() {
        let mut pauses = Pauses::new(60);
        for now_ns in 0..100_000 {
            pauses.begin(KEY, now_ns.to_string(), now_ns);
        }
        assert!(pauses.since[&KEY].len() < 1024, "{}", pauses.since[&KEY].len());
        assert!(pauses.is_on(KEY, "99999", 100_000));
    }
}
