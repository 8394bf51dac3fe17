//! Does the ring do what a simple model of it does, whatever is done to it in whatever order?
//!
//! The model is lists of numbers: what waits, and what was written. The ring must have an unbroken end of what was
//! written, have counted the rest as evicted, and keep to its budget.

use crate::support::{KIB, Rig, pinned, read, read_both, ring_bytes, tight};
use proptest::prelude::*;
use taffrail_recorder::ring::Pin;
use taffrail_trace::event::Class;
use taffrail_trace::ids::ContainerKey;

const TOTAL: u64 = 192 * KIB;

/// What is done.
#[derive(Clone, Debug)]
enum Act {
    /// Events come.
    Append { container: usize, class: Class, count: u64 },
    /// What waits becomes a segment.
    Flush,
    /// What waits is written down.
    Settle,
    /// An incident begins.
    Pin { container: usize },
    /// The oldest incident is sealed.
    Unpin,
    /// The recorder is killed and started again.
    Kill,
    /// A container stops, and runs again.
    Rest { container: usize },
}

fn act() -> impl Strategy<Value = Act> {
    let class = prop_oneof![Just(Class::Vital), Just(Class::Bulk)];
    prop_oneof![
        6 => (0..2_usize, class, 1..1500_u64).prop_map(|(container, class, count)| Act::Append { container, class, count }),
        2 => Just(Act::Flush),
        3 => Just(Act::Settle),
        1 => (0..2_usize).prop_map(|container| Act::Pin { container }),
        1 => Just(Act::Unpin),
        1 => Just(Act::Kill),
        1 => (0..2_usize).prop_map(|container| Act::Rest { container }),
    ]
}

/// One class of one container, as the model knows it.
#[derive(Clone, Debug, Default)]
struct Lane {
    next: u64,
    /// The first number that was appended and not yet written.
    unwritten: u64,
    /// Numbers that waited when the recorder was killed.
    died: Vec<u64>,
    evicted_before: u64,
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn the_ring_has_an_unbroken_end_of_what_was_written_and_counts_the_rest(acts in prop::collection::vec(act(), 1..40)) {
        let mut rig = Rig::new(tight(TOTAL));
        let keys = [rig.add(1), rig.add(2)];
        let mut lanes: [[Lane; 2]; 2] = Default::default();
        let mut pins: Vec<(Pin, ContainerKey, [Vec<u64>; 2])> = Vec::new();
        for act in acts {
            match act {
                Act::Append { container, class, count } => {
                    for _ in 0..count {
                        let lane = &mut lanes[container][class as usize];
                        rig.put(keys[container], class, lane.next);
                        lane.next += 1;
                    }
                }
                Act::Flush => rig.flush(),
                Act::Settle => rig.settle(),
                Act::Pin { container } => {
                    let key = keys[container];
                    rig.flush();
                    let pin = rig.ring.pin(key).expect("a pin");
                    let held = Class::ALL.map(|class| rig.on_disk(key, class));
                    pins.push((pin, key, held));
                }
                Act::Unpin => drop(if pins.is_empty() { None } else { Some(pins.remove(0)) }),
                Act::Kill => {
                    pins.clear();
                    for (key, of_container) in keys.iter().zip(&mut lanes) {
                        for class in Class::ALL {
                            let lane = &mut of_container[class as usize];
                            let reach = rig.reach(*key, class);
                            let written = reach.events + reach.evicted + lane.evicted_before;
                            let live = (0..lane.next).filter(|number| !lane.died.contains(number));
                            lane.died.extend(live.skip(written as usize).collect::<Vec<_>>());
                            lane.evicted_before += reach.evicted;
                            lane.unwritten = lane.next;
                        }
                    }
                    rig = Rig::open(rig.killed(), tight(TOTAL));
                    rig.flush();
                }
                Act::Rest { container } => {
                    rig.ring.stopped(keys[container]);
                    rig.flush();
                    rig.ring.runs(keys[container]);
                }
            }
            prop_assert!(ring_bytes(rig.dir.path()) <= TOTAL);
            for (key, of_container) in keys.iter().zip(&lanes) {
                for class in Class::ALL {
                    let lane = &of_container[class as usize];
                    let reach = rig.reach(*key, class);
                    let there = read(rig.dir.path(), *key, class);
                    prop_assert_eq!(there.len() as u64, reach.events);
                    let written = reach.events + reach.evicted + lane.evicted_before;
                    let all: Vec<u64> = (0..lane.next).filter(|number| !lane.died.contains(number)).collect();
                    prop_assert!(written as usize <= all.len());
                    let expected = &all[written as usize - there.len()..written as usize];
                    prop_assert_eq!(&there[..], expected, "the newest of what was written");
                }
            }
            for (pin, key, held) in &pins {
                for class in Class::ALL {
                    let there = pinned(pin, class);
                    let before = &held[class as usize];
                    prop_assert!(there.starts_with(before), "what was there at the trigger");
                    let (since, _) = read_both(rig.dir.path(), *key, class);
                    prop_assert!(there.ends_with(&since), "and what came since");
                }
            }
        }
    }
}
