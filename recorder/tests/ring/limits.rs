//! Where are its limits?

use crate::support::{KIB, Rig, open_files, pinned, ring_bytes, roomy, tight};
use std::time::{Duration, Instant};
use taffrail_recorder::ring::Budget;
use taffrail_trace::event::Class;

#[test]
fn ten_incidents_on_one_container_cost_one_history_and_freeze_in_milliseconds() {
    let mut rig = Rig::new(roomy());
    let key = rig.add(1);
    for number in 0..200_000 {
        rig.put(key, Class::Bulk, number);
    }
    rig.flush();
    rig.ring.sync_all();
    let (bytes, names) = (ring_bytes(rig.dir.path()), crate::support::files(rig.dir.path()).len());
    let since = Instant::now();
    let pins: Vec<_> = (0..10).map(|_| rig.ring.pin(key).expect("a pin")).collect();
    let each = since.elapsed() / 10;
    println!(
        "{names} files, {} KiB: frozen in {each:?}, {} open for ten pins",
        bytes / KIB,
        open_files(rig.dir.path())
    );
    assert!(each < Duration::from_millis(5), "{each:?}");
    assert_eq!(ring_bytes(rig.dir.path()), bytes, "nothing was copied");
    assert!(open_files(rig.dir.path()) <= names, "each file is open once, however many hold it");
    for pin in &pins {
        assert_eq!(pinned(pin, Class::Bulk).len(), 200_000);
    }
    drop(pins);
    assert!(open_files(rig.dir.path()) <= 2, "and closed when nobody does");
}

#[test]
fn a_pin_keeps_what_the_ring_lets_go_and_takes_in_what_comes_until_it_is_full() {
    let mut rig = Rig::new(tight(256 * KIB));
    let key = rig.add(1);
    let budget = rig.ring.history(key).expect("a history").budget();
    for number in 0..500 {
        rig.put(key, Class::Bulk, number);
    }
    rig.flush();
    let pin = rig.ring.pin(key).expect("a pin");
    let mut number = 500;
    while !pin.is_full() {
        rig.put(key, Class::Bulk, number);
        number += 1;
        assert!(number < 1_000_000, "it is full some time");
    }
    let held: u64 = pin.files().iter().map(|file| file.len()).sum();
    println!("a pin on a budget of {} KiB is full with {} KiB", budget / KIB, held / KIB);
    assert!(held >= 2 * budget && held < 3 * budget);
    let events = pinned(&pin, Class::Bulk);
    assert_eq!(events, (0..events.len() as u64).collect::<Vec<_>>(), "from before the trigger on, without a hole");
    assert!(rig.reach(key, Class::Bulk).evicted > 500, "the ring itself went on");
}

#[test]
fn a_host_of_five_hundred_containers_has_two_files_open_for_each_that_runs_and_none_for_others() {
    let mut rig = Rig::new(Budget { total_bytes: 256 << 20, ..roomy() });
    let keys: Vec<_> = (0..500).map(|key| rig.add(key)).collect();
    for number in 0..20 {
        for key in &keys {
            rig.put(*key, Class::Bulk, number);
            rig.put(*key, Class::Vital, number);
        }
        rig.flush();
    }
    rig.ring.sync_all();
    let running = open_files(rig.dir.path());
    keys.iter().for_each(|key| rig.ring.stopped(*key));
    assert!(rig.ring.missing().is_empty());
    let stopped = open_files(rig.dir.path());
    println!("500 containers: {running} files open while they run, {stopped} when they stopped");
    assert!(running <= 1000, "{running}");
    assert_eq!(stopped, 0);
    assert_eq!(rig.on_disk(keys[499], Class::Vital), (0..20).collect::<Vec<_>>());
}

#[test]
fn a_stopped_containers_history_goes_when_its_time_is_over_and_a_running_ones_never() {
    let mut rig = Rig::new(Budget { keep: Duration::ZERO, ..roomy() });
    let (running, stopped, held) = (rig.add(1), rig.add(2), rig.add(3));
    let pin = rig.ring.pin(held).expect("a pin");
    rig.ring.stopped(stopped);
    rig.ring.stopped(held);
    assert_eq!(rig.ring.make_room(), [stopped]);
    assert!(rig.place(running).exists() && !rig.place(stopped).exists());
    assert!(rig.place(held).exists(), "not while an incident holds it");
    drop(pin);
    assert_eq!(rig.ring.make_room(), [held]);
}

#[test]
fn stopped_containers_make_way_longest_stopped_first_when_running_ones_need_the_room() {
    let mut rig = Rig::new(tight(512 * KIB));
    let stopped: Vec<_> = (1..=4).map(|key| rig.add(key)).collect();
    for key in &stopped {
        for number in 0..2_500 {
            rig.put(*key, Class::Bulk, number);
        }
    }
    rig.flush();
    stopped.iter().rev().for_each(|key| rig.ring.stopped(*key));
    let removed = rig.ring.make_room();
    println!("{} of 4 histories make way", removed.len());
    assert!(!removed.is_empty() && removed.len() < 4);
    let expected: Vec<_> = stopped.iter().rev().copied().take(removed.len()).collect();
    assert_eq!(removed, expected);
    assert!(ring_bytes(rig.dir.path()) <= 256 * KIB, "half of the total at most");
}

#[test]
fn whoever_comes_when_there_is_no_room_takes_nothing_from_those_before() {
    let mut rig = Rig::new(tight(512 * KIB));
    let first = rig.add(1);
    for number in 0..40 {
        rig.put(first, Class::Vital, number);
    }
    rig.flush();
    for key in 2..200 {
        let key = rig.add(key);
        // The last of them have room for nothing.
        let _ = rig.try_put(key, Class::Vital, 1);
    }
    assert_eq!(rig.on_disk(first, Class::Vital), (0..40).collect::<Vec<_>>());
    let together: u64 =
        (1..200).map(|key| rig.ring.history(taffrail_trace::ids::ContainerKey(key)).expect("one").budget()).sum();
    assert!(together <= 512 * KIB, "{together}");
}

#[test]
fn one_event_that_no_budget_can_hold_is_refused_and_takes_no_other_with_it() {
    let mut rig = Rig::new(Budget { floor_bytes: 1, vital_percent: 50, ..tight(16 * KIB) });
    let key = rig.add(1);
    for number in 0..3 {
        if number == 1 {
            let now = rig.now();
            let mut huge = crate::support::event(Class::Vital, 99, now.boot_ns);
            if let taffrail_trace::event::Body::Lifecycle(it) = &mut huge.body {
                it.cgroup_path =
                    (0..2_000_u64).map(|at| format!("{:x}", at.wrapping_mul(0x9E37_79B9_7F4A_7C15))).collect();
            }
            let _ = rig.ring.append(key, huge, None, now);
        }
        rig.put(key, Class::Vital, number);
    }
    rig.flush();
    let reach = rig.reach(key, Class::Vital);
    println!("budget {}, {reach:?}", rig.ring.history(key).expect("a history").budget());
    assert_eq!((reach.events, reach.refused), (3, 1));
    assert_eq!(rig.on_disk(key, Class::Vital), [0, 1, 2]);
}
