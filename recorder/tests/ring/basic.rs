//! Does it keep what it is given?

use crate::support::{Rig, container, event, files, image, number_of, read, roomy};
use std::sync::Arc;
use taffrail_recorder::ring::{Known, OnDisk, histories, read_segments};
use taffrail_trace::event::Class;
use taffrail_trace::ids::{ContainerKey, ExecId};

#[test]
fn what_was_appended_is_on_disk_in_order_once_it_is_flushed() {
    let mut rig = Rig::new(roomy());
    let key = rig.add(1);
    for number in 0..100 {
        rig.put(key, if number % 3 == 0 { Class::Vital } else { Class::Bulk }, number);
    }
    assert!(rig.on_disk(key, Class::Vital).is_empty() && rig.on_disk(key, Class::Bulk).is_empty());
    rig.flush();
    assert_eq!(rig.on_disk(key, Class::Vital), (0..100).filter(|number| number % 3 == 0).collect::<Vec<_>>());
    assert_eq!(rig.on_disk(key, Class::Bulk), (0..100).filter(|number| number % 3 != 0).collect::<Vec<_>>());
}

#[test]
fn an_event_is_written_down_when_it_waited_for_the_flush_age_and_not_before() {
    let mut rig = Rig::new(roomy());
    let key = rig.add(1);
    rig.put(key, Class::Vital, 1);
    let mut now = rig.now();
    rig.ring.flush(now, 1_000_000).expect("flushed");
    assert_eq!(rig.reach(key, Class::Vital).events, 0);
    now.boot_ns += 1_000_000;
    rig.ring.flush(now, 1_000_000).expect("flushed");
    assert_eq!(rig.reach(key, Class::Vital).events, 1);
    assert_eq!(rig.on_disk(key, Class::Vital), [1]);
}

#[test]
fn events_that_come_one_by_one_are_one_segment_after_a_minute() {
    let mut rig = Rig::new(roomy());
    let key = rig.add(1);
    let start = rig.now().boot_ns;
    for second in 0..=60 {
        rig.at(start + second * 1_000_000_000);
        rig.put(key, Class::Vital, second);
        rig.settle();
        assert_eq!(rig.on_disk(key, Class::Vital), (0..=second).collect::<Vec<_>>(), "second {second}");
    }
    let [file] = &only(&rig).files[..] else { panic!("one file") };
    let mut segments = 0;
    read_segments(file, &mut |_| {
        segments += 1;
        Ok(())
    })
    .expect("read");
    assert_eq!((segments, only(&rig).waiting.len()), (1, 0));
}

#[test]
fn what_waits_for_its_segment_is_there_when_the_recorder_was_killed_and_becomes_one() {
    let mut rig = Rig::new(roomy());
    let key = rig.add(1);
    let actor = Known::new(image(10), None, key);
    for number in 0..3 {
        let now = rig.now();
        rig.ring.append(key, event(Class::Bulk, number, now.boot_ns), Some(&actor), now).expect("appended");
        rig.settle();
    }
    rig.put(key, Class::Bulk, 99);
    let dir = rig.killed();
    assert_eq!(read(dir.path(), key, Class::Bulk), [0, 1, 2], "salvaged without a recorder");
    let mut rig = Rig::open(dir, roomy());
    assert_eq!(rig.on_disk(key, Class::Bulk), [0, 1, 2]);
    assert!(only(&rig).waiting.is_empty(), "a segment by now");
    rig.put(key, Class::Bulk, 3);
    rig.settle();
    let rig = Rig::open(rig.killed(), roomy());
    let history = only(&rig);
    assert_eq!((rig.on_disk(key, Class::Bulk), history.gaps.len()), (vec![0, 1, 2, 3], 0));
    let mut named = 0;
    for file in &history.files {
        read_segments(file, &mut |whole| {
            named += whole.content()?.live.len();
            Ok(())
        })
        .expect("read");
    }
    assert_eq!(named, 1, "with who did it");
}

#[test]
fn a_tail_that_is_told_by_a_segment_is_not_told_again() {
    let mut rig = Rig::new(roomy());
    let key = rig.add(1);
    rig.put(key, Class::Bulk, 0);
    rig.settle();
    let tail = files(&rig.place(key)).into_iter().find(|path| path.extension().is_some_and(|it| it == "tail"));
    let tail = tail.expect("a tail");
    let bytes = std::fs::read(&tail).expect("read");
    rig.flush();
    rig.ring.sync_all();
    assert!(!tail.exists());
    // The recorder was killed between the two.
    std::fs::write(&tail, bytes).expect("written");
    assert_eq!(rig.on_disk(key, Class::Bulk), [0]);
    let mut rig = Rig::open(rig.killed(), roomy());
    rig.ring.sync_all();
    assert!(!tail.exists());
    assert_eq!((rig.on_disk(key, Class::Bulk), rig.reach(key, Class::Bulk).events), (vec![0], 1));
}

#[test]
fn a_batch_that_is_full_is_written_at_once() {
    let mut rig = Rig::new(roomy());
    let key = rig.add(1);
    for number in 0..10_000 {
        rig.put(key, Class::Bulk, number);
    }
    let written = rig.reach(key, Class::Bulk).events;
    assert!((5_000..10_000).contains(&written), "{written} of 10000 are written without being asked");
    assert_eq!(rig.on_disk(key, Class::Bulk).len() as u64, written);
}

#[test]
fn a_ring_that_is_opened_again_goes_on_where_it_ended() {
    let mut rig = Rig::new(roomy());
    let key = rig.add(1);
    for number in 0..50 {
        rig.put(key, Class::Vital, number);
        rig.flush();
    }
    rig.put(key, Class::Vital, 1000);
    let mut rig = Rig::open(rig.killed(), roomy());
    assert_eq!(rig.reach(key, Class::Vital).events, 50, "what waited in memory is gone, what was written is there");
    rig.put(key, Class::Vital, 50);
    rig.flush();
    assert_eq!(rig.on_disk(key, Class::Vital), (0..=50).collect::<Vec<_>>());
    let history = only(&rig);
    assert!(history.gaps.is_empty(), "{:?}", history.gaps);
    assert_eq!(history.damaged, 0);
}

#[test]
fn every_segment_names_the_one_before_it_also_over_a_restart() {
    let mut rig = Rig::new(roomy());
    let key = rig.add(1);
    for number in 0..5 {
        rig.put(key, Class::Bulk, number);
        rig.flush();
    }
    let mut rig = Rig::open(rig.killed(), roomy());
    rig.put(key, Class::Bulk, 5);
    rig.flush();
    let (mut previous, mut seen) = ([0; 32], 0);
    for file in only(&rig).files {
        read_segments(&file, &mut |whole| {
            assert_eq!((whole.head.seq, whole.head.previous), (seen, previous));
            (previous, seen) = (whole.sha256(), seen + 1);
            Ok(())
        })
        .expect("read");
    }
    assert_eq!(seen, 6);
}

#[test]
fn a_segment_names_every_actor_in_it_and_where_it_came_from() {
    let mut rig = Rig::new(roomy());
    let key = rig.add(1);
    let images = [image(10), image(20), image(30)];
    // Each made by the one before it.
    let chain = images.iter().fold(None, |parent, image| Some(Known::new(image.clone(), parent, key)));
    let actor: Arc<Known> = chain.expect("a chain");
    for number in 0..2 {
        let now = rig.now();
        rig.ring.append(key, event(Class::Bulk, number, now.boot_ns), Some(&actor), now).expect("appended");
        rig.flush();
    }
    let expected: std::collections::BTreeSet<ExecId> = images.iter().map(|image| image.exec_id).collect();
    let mut segments = 0;
    for file in only(&rig).files {
        read_segments(&file, &mut |whole| {
            let content = whole.content()?;
            let named = content.live.iter().map(|image| image.exec_id).collect();
            assert_eq!(expected, named, "in segment {}", whole.head.seq);
            assert_eq!(content.events.first().and_then(number_of), Some(whole.head.seq));
            segments += 1;
            Ok(())
        })
        .expect("read");
    }
    assert_eq!(segments, 2);
}

#[test]
fn what_is_known_of_a_container_is_written_down_beside_its_history() {
    let mut rig = Rig::new(roomy());
    rig.add(7);
    let mut named = container(7);
    named.name = "web".to_owned();
    rig.ring.describe(&named).expect("described");
    assert_eq!(only(&rig).container, named);
    assert!(rig.ring.history(ContainerKey(8)).is_none());
}

fn only(rig: &Rig) -> OnDisk {
    histories(rig.dir.path()).expect("histories").pop().expect("one").expect("readable")
}

#[test]
fn a_tail_goes_when_what_tells_of_it_is_durable_and_not_before() {
    let mut rig = Rig::new(roomy());
    let key = rig.add(1);
    rig.put(key, Class::Bulk, 0);
    rig.settle();
    rig.flush();
    let tails = |rig: &Rig| {
        files(&rig.place(key)).iter().filter(|path| path.extension().is_some_and(|it| it == "tail")).count()
    };
    assert_eq!((tails(&rig), rig.on_disk(key, Class::Bulk)), (1, vec![0]), "told once all the same");
    rig.ring.sync_all();
    assert_eq!((tails(&rig), rig.on_disk(key, Class::Bulk)), (0, vec![0]));
}

#[test]
fn a_batch_that_is_cut_in_two_by_a_kill_is_whole_all_the_same() {
    let mut rig = Rig::new(roomy());
    let key = rig.add(1);
    rig.at(5_000);
    for number in 0..10 {
        rig.put(key, Class::Bulk, number);
    }
    rig.settle();
    let dir = rig.killed();
    // The recorder had written the first half as the segment of that number, and no more.
    let mut half = Rig::new(roomy());
    half.add(1);
    half.at(5_000);
    for number in 0..5 {
        half.put(key, Class::Bulk, number);
    }
    half.flush();
    for path in files(&half.place(key)) {
        let name = path.file_name().expect("a name");
        std::fs::copy(&path, dir.path().join("ring").join(key.to_string()).join(name)).expect("copied");
    }
    assert_eq!(read(dir.path(), key, Class::Bulk), (0..10).collect::<Vec<_>>());
    let rig = Rig::open(dir, roomy());
    assert_eq!(rig.on_disk(key, Class::Bulk), (0..10).collect::<Vec<_>>());
    assert!(only(&rig).gaps.is_empty());
}
