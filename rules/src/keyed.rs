//! What is remembered for each container and key, bounded.
//!
//! No container takes another one's room: each has a number of keys of its own. Where a key or a container is one too
//! many, the one that was longest untouched goes, and is counted if it could still have come to something.

use std::collections::HashMap;
use taffrail_trace::clock::BootNs;
use taffrail_trace::ids::ContainerKey;

/// How many containers are remembered: more than a host runs.
const CONTAINERS_MAX: usize = 1024;

/// Something for each container and key.
#[derive(Debug)]
pub struct Keyed<T> {
    containers: HashMap<ContainerKey, Shelf<T>>,
    keys_max: usize,
    within_ns: u64,
    /// What had to go although its window was open.
    pub forgotten: u64,
}

/// What is remembered for one container.
#[derive(Debug)]
struct Shelf<T> {
    touched: BootNs,
    keys: HashMap<Box<str>, (BootNs, T)>,
}

impl<T: Default> Keyed<T> {
    /// For `keys_max` keys a container, each of no use `within_ns` after it was last touched.
    pub fn new(keys_max: usize, within_ns: u64) -> Self {
        Self { containers: HashMap::new(), keys_max, within_ns, forgotten: 0 }
    }

    /// What there is for a key.
    pub fn get(&mut self, container: ContainerKey, key: &str) -> Option<&mut T> {
        Some(&mut self.containers.get_mut(&container)?.keys.get_mut(key)?.1)
    }

    /// What there is for a key, made if need be.
    pub fn touch(&mut self, container: ContainerKey, key: &str, now: BootNs) -> &mut T {
        if !self.containers.contains_key(&container) && self.containers.len() >= CONTAINERS_MAX {
            let oldest = self.containers.iter().map(|(key, shelf)| (shelf.touched, *key)).min();
            if let Some(shelf) = oldest.and_then(|(_, key)| self.containers.remove(&key)) {
                let begin = now.saturating_sub(self.within_ns);
                self.forgotten += shelf.keys.values().filter(|(touched, _)| *touched >= begin).count() as u64;
            }
        }
        let own = self.containers.entry(container).or_insert_with(|| Shelf { touched: now, keys: HashMap::new() });
        own.touched = own.touched.max(now);
        if !own.keys.contains_key(key) && own.keys.len() >= self.keys_max {
            self.forgotten += own.make_room(now.saturating_sub(self.within_ns));
        }
        let (touched, state) = own.keys.entry(Box::from(key)).or_insert_with(|| (now, T::default()));
        *touched = (*touched).max(now);
        state
    }

    /// Forgets a key.
    pub fn remove(&mut self, container: ContainerKey, key: &str) {
        if let Some(shelf) = self.containers.get_mut(&container) {
            shelf.keys.remove(key);
        }
    }

    /// Forgets a container.
    pub fn forget(&mut self, container: ContainerKey) {
        self.containers.remove(&container);
    }
}

impl<T> Shelf<T> {
    /// Lets go what is of no use any more, or else the key that was longest untouched. Says how many were of use.
    fn make_room(&mut self, begin: BootNs) -> u64 {
        let before = self.keys.len();
        self.keys.retain(|_, (touched, _)| *touched >= begin);
        if self.keys.len() < before {
            return 0;
        }
        let oldest = self.keys.iter().map(|(key, (touched, _))| (*touched, key)).min().map(|(_, key)| key.clone());
        oldest.map_or(0, |key| u64::from(self.keys.remove(&key).is_some()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_container_with_too_many_keys_loses_its_oldest_and_no_other_container_any() {
        let mut keyed: Keyed<u32> = Keyed::new(3, 100);
        let (one, other) = (ContainerKey(1), ContainerKey(2));
        *keyed.touch(other, "quiet", 0) = 7;
        for (time, key) in [(1, "a"), (2, "b"), (3, "c"), (4, "a"), (5, "d")] {
            *keyed.touch(one, key, time) += 1;
        }
        assert_eq!(keyed.get(one, "b"), None);
        assert_eq!((keyed.forgotten, keyed.get(one, "a")), (1, Some(&mut 2)));
        // What is of no use any more is not missed.
        keyed.touch(one, "e", 500);
        assert_eq!((keyed.forgotten, keyed.get(one, "a")), (1, None));
        assert_eq!(keyed.get(other, "quiet"), Some(&mut 7));
    }

    #[test]
    fn of_more_containers_than_are_remembered_the_one_longest_untouched_goes() {
        let mut keyed: Keyed<u32> = Keyed::new(3, 10_000);
        for at in 0..=CONTAINERS_MAX as u64 {
            keyed.touch(ContainerKey(at), "a", at);
        }
        assert_eq!((keyed.forgotten, keyed.get(ContainerKey(0), "a")), (1, None));
        assert!(keyed.get(ContainerKey(1), "a").is_some());
    }
}
