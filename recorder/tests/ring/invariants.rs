//! Do the laws at the top of the ring hold?

use crate::support::{KIB, Rig, ring_bytes, roomy, tight};
use taffrail_recorder::ring::Budget;
use taffrail_trace::event::Class;

const FLOOD: u64 = 60_000;

#[test]
fn files_never_take_more_than_the_budget_whatever_comes() {
    let mut rig = Rig::new(tight(512 * KIB));
    let keys = [rig.add(1), rig.add(2)];
    let mut most = 0;
    for number in 0..FLOOD {
        let class = if number % 7 == 0 { Class::Vital } else { Class::Bulk };
        rig.put(keys[(number % 2) as usize], class, number);
        if number % 500 == 0 {
            rig.flush();
            most = most.max(ring_bytes(rig.dir.path()));
            for key in keys {
                let budget = rig.ring.history(key).expect("a history").budget();
                assert!(ring_bytes(&rig.place(key)) <= budget);
            }
        }
    }
    let evicted = rig.reach(keys[0], Class::Bulk).evicted;
    println!("{FLOOD} events: at most {} KiB of 512 on disk, {evicted} evicted of one", most / KIB);
    assert!(most <= 512 * KIB);
    assert!(most > 384 * KIB, "the budget is used");
    assert!(evicted > 0);
}

#[test]
fn bulk_events_evict_no_vital_one_and_vital_events_no_bulk_one() {
    for (rare, flood) in [(Class::Vital, Class::Bulk), (Class::Bulk, Class::Vital)] {
        let mut rig = Rig::new(tight(512 * KIB));
        let key = rig.add(1);
        for number in 0..200 {
            rig.put(key, rare, number);
        }
        for number in 0..FLOOD {
            rig.put(key, flood, number);
        }
        rig.flush();
        assert_eq!(rig.on_disk(key, rare), (0..200).collect::<Vec<_>>());
        let (kept, evicted) = (rig.reach(key, rare), rig.reach(key, flood).evicted);
        println!(
            "{FLOOD} {} events evict {} {} and {evicted} of their own",
            flood.as_str(),
            kept.evicted,
            rare.as_str()
        );
        assert_eq!((kept.events, kept.evicted), (200, 0));
        assert!(evicted > 0);
    }
}

#[test]
fn a_flood_in_one_container_evicts_nothing_from_its_neighbour() {
    let mut rig = Rig::new(tight(512 * KIB));
    let (loud, quiet) = (rig.add(1), rig.add(2));
    for number in 0..300 {
        rig.put(quiet, Class::Bulk, number);
        rig.put(quiet, Class::Vital, number);
    }
    for number in 0..FLOOD {
        rig.put(loud, Class::Bulk, number);
        rig.put(loud, Class::Vital, number);
    }
    rig.flush();
    for class in Class::ALL {
        assert_eq!(rig.on_disk(quiet, class), (0..300).collect::<Vec<_>>());
    }
    let evicted = Class::ALL.map(|class| rig.reach(loud, class).evicted);
    println!("{FLOOD} events of each class: {evicted:?} evicted of the loud one, none of its neighbour");
    assert!(evicted.iter().all(|count| *count > 0));
}

#[test]
fn what_was_appended_is_waiting_on_disk_or_counted_as_evicted() {
    let mut rig = Rig::new(tight(256 * KIB));
    let key = rig.add(1);
    let mut waiting = 0;
    for number in 0..FLOOD {
        let before = rig.reach(key, Class::Bulk);
        rig.put(key, Class::Bulk, number);
        let after = rig.reach(key, Class::Bulk);
        waiting = if before == after { waiting + 1 } else { 0 };
        assert_eq!(after.events + after.evicted + waiting, number + 1);
    }
    assert_eq!(rig.on_disk(key, Class::Bulk).len() as u64, rig.reach(key, Class::Bulk).events);
}

#[test]
fn shares_follow_containers_as_they_come_and_go() {
    let budget = Budget { ceiling_bytes: 400 * KIB, ..tight(1024 * KIB) };
    let mut rig = Rig::new(budget);
    let share = |rig: &Rig, key| rig.ring.history(key).expect("a history").budget() / KIB;
    let first = rig.add(1);
    assert_eq!(share(&rig, first), 400, "no more than the ceiling");
    let second = rig.add(2);
    let third = rig.add(3);
    let fourth = rig.add(4);
    assert_eq!([first, second, third, fourth].map(|key| share(&rig, key)), [256; 4]);
    rig.ring.stopped(second);
    rig.ring.stopped(third);
    assert_eq!([first, fourth].map(|key| share(&rig, key)), [400; 2], "who stopped takes only what it has");
    rig.ring.runs(second);
    assert_eq!([first, second, fourth].map(|key| share(&rig, key)), [341; 3]);
}

#[test]
fn a_stopped_containers_history_stays_as_it_is_when_others_come() {
    let mut rig = Rig::new(tight(1024 * KIB));
    let old = rig.add(1);
    for number in 0..4_000 {
        rig.put(old, Class::Bulk, number);
        rig.put(old, Class::Vital, number);
    }
    rig.flush();
    let before = Class::ALL.map(|class| rig.on_disk(old, class));
    rig.ring.stopped(old);
    for key in 2..10 {
        let key = rig.add(key);
        for number in 0..4_000 {
            rig.put(key, Class::Bulk, number);
        }
    }
    rig.flush();
    assert_eq!(Class::ALL.map(|class| rig.on_disk(old, class)), before);
    let mut rig = Rig::open(rig.killed(), roomy());
    rig.ring.stopped(old);
    rig.flush();
    assert_eq!(Class::ALL.map(|class| rig.on_disk(old, class)), before, "nor after a restart");
}
