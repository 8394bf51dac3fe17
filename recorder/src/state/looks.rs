//! A thread for each look, beside the recording. What is read of `/proc` may hang as long as its process likes, so a look
//! has a thread of its own, there are few at once, and who waits for one does not wait for ever.

use super::look::{Wanted, look};
use super::room::{Room, TIME_MAX};
use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};
use taffrail_trace::ids::ContainerKey;

/// Looks at once, so that together they take little memory. A container has one at most: to keep the others from theirs
/// with looks that hang takes an attacker this many containers.
const LOOKS_MAX: usize = 8;
/// How much longer than its time a look is waited for: it reads to the end what it began.
const GRACE: Duration = Duration::from_millis(500);

/// A state as [`taffrail_trace::state::State::pack`] makes it, or why there is none.
pub type Told = Result<Vec<u8>, String>;

/// What a thread fills and others wait for.
#[derive(Debug)]
struct Slot {
    began: Instant,
    told: Mutex<Option<Told>>,
    filled: Condvar,
}

/// The looks at work.
#[derive(Debug, Default)]
pub struct Looks {
    at_work: HashMap<ContainerKey, Weak<Slot>>,
}

/// A look that may not be over.
#[derive(Clone, Debug)]
pub struct Pending(Result<Arc<Slot>, String>);

impl Looks {
    /// Begins a look, or joins the one that is at work in the same container.
    pub fn begin(&mut self, wanted: Wanted) -> Pending {
        self.at_work.retain(|_, slot| slot.upgrade().is_some_and(|slot| locked(&slot.told).is_none()));
        let key = wanted.container;
        if let Some(slot) = self.at_work.get(&key).and_then(Weak::upgrade) {
            return Pending(Ok(slot));
        }
        if self.at_work.len() >= LOOKS_MAX {
            return Pending::none(format!("{LOOKS_MAX} containers are looked at already"));
        }
        let slot = Arc::new(Slot { began: Instant::now(), told: Mutex::new(None), filled: Condvar::new() });
        let thread = std::thread::Builder::new().name("state".to_owned()).spawn({
            let slot = Arc::clone(&slot);
            move || {
                let state = look(&wanted, &mut Room::default());
                *locked(&slot.told) = Some(state.pack().map_err(|error| error.to_string()));
                slot.filled.notify_all();
            }
        });
        match thread {
            Ok(_) => {
                self.at_work.insert(key, Arc::downgrade(&slot));
                Pending(Ok(slot))
            }
            Err(error) => Pending::none(format!("no thread to look at the container: {error}")),
        }
    }
}

impl Pending {
    /// Nothing to wait for.
    pub fn none(reason: impl Into<String>) -> Self {
        Self(Err(reason.into()))
    }

    /// What was seen, when the look is over; its time and some more is waited for at most.
    pub fn wait(self) -> Told {
        let slot = self.0?;
        let left = (TIME_MAX + GRACE).saturating_sub(slot.began.elapsed());
        let waited = slot.filled.wait_timeout_while(locked(&slot.told), left, |told| told.is_none());
        let (told, _) = waited.unwrap_or_else(PoisonError::into_inner);
        told.clone().unwrap_or_else(|| Err("the look at the container's processes hangs".to_owned()))
    }
}

/// What a panicking thread left is still what it left.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;
    use taffrail_trace::ids::BootId;
    use taffrail_trace::state::State;

    fn nobody(key: u64) -> Wanted {
        Wanted {
            container: ContainerKey(key),
            cgroup_dir: PathBuf::from("/nowhere"),
            cgroup_path: "/nowhere".to_owned(),
            boot: BootId("b".to_owned()),
            known: HashMap::new(),
            foreign: HashMap::new(),
        }
    }

    #[test]
    fn a_look_is_told_to_all_who_wait_for_it() {
        let mut looks = Looks::default();
        let pending = looks.begin(nobody(1));
        let other = pending.clone();
        let told = pending.wait().expect("an empty container");
        assert_eq!(State::unpack(&told).expect("a state").processes, []);
        assert_eq!(other.wait(), Ok(told));
    }

    #[test]
    fn a_look_that_hangs_is_joined_by_its_own_container_and_not_waited_for_for_ever() {
        let hung = Arc::new(Slot {
            began: Instant::now().checked_sub(TIME_MAX).expect("the machine runs longer"),
            told: Mutex::new(None),
            filled: Condvar::new(),
        });
        let mut looks = Looks { at_work: HashMap::from([(ContainerKey(1), Arc::downgrade(&hung))]) };
        let since = Instant::now();
        let told = looks.begin(nobody(1)).wait();
        assert!(told.expect_err("nothing").contains("hangs"));
        assert!(since.elapsed() < Duration::from_secs(1), "{:?}", since.elapsed());
        assert!(looks.begin(nobody(2)).wait().is_ok(), "a neighbour is looked at meanwhile");
    }
}
