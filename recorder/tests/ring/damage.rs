//! What does damage cost? Itself, and it is told.

use crate::support::{Rig, files, pinned, read, roomy};
use std::fs;
use std::os::unix::fs::FileExt as _;
use taffrail_recorder::ring::{OnDisk, RingFile, histories, read_segments};
use taffrail_trace::event::{Class, GapCause};
use taffrail_trace::ids::ContainerKey;

/// A ring with `segments` segments of one event each.
fn rig(segments: u64) -> (Rig, ContainerKey) {
    let mut rig = Rig::new(roomy());
    let key = rig.add(1);
    for number in 0..segments {
        rig.put(key, Class::Bulk, number);
        rig.flush();
    }
    (rig, key)
}

fn only(rig: &Rig) -> OnDisk {
    histories(rig.dir.path()).expect("histories").pop().expect("one").expect("readable")
}

/// Where each segment of a file begins, and where the last one ends.
fn places(file: &RingFile) -> Vec<u64> {
    let mut places = vec![0];
    read_segments(file, &mut |whole| {
        places.push(places[places.len() - 1] + whole.head.frame_bytes() as u64);
        Ok(())
    })
    .expect("read");
    places
}

#[test]
fn every_byte_of_a_segment_that_is_flipped_is_detected_and_costs_that_segment_alone() {
    let (rig, key) = rig(3);
    let path = files(rig.dir.path()).pop().expect("a file");
    let places = places(&only(&rig).files[0]);
    let file = fs::OpenOptions::new().read(true).write(true).open(path).expect("open");
    let (from, to) = (places[1], places[2]);
    for at in from..to {
        let mut byte = [0];
        file.read_exact_at(&mut byte, at).expect("read");
        file.write_all_at(&[!byte[0]], at).expect("write");
        let history = only(&rig);
        assert_eq!((history.events, history.damaged), (2, 1), "byte {at}");
        assert!(history.gaps.iter().any(|gap| gap.cause == GapCause::Damaged), "byte {at}");
        assert_eq!(rig.on_disk(key, Class::Bulk), [0, 2], "byte {at}");
        file.write_all_at(&byte, at).expect("write");
    }
    println!("{} bytes of a segment flipped one by one, each detected", to - from);
    assert_eq!(rig.on_disk(key, Class::Bulk), [0, 1, 2]);
}

#[test]
fn a_file_cut_anywhere_keeps_its_whole_segments_and_the_ring_goes_on() {
    let (mut rig, key) = rig(3);
    let path = files(rig.dir.path()).pop().expect("a file");
    let places = places(&only(&rig).files[0]);
    for len in (0..=*places.last().expect("an end")).rev().step_by(7) {
        fs::OpenOptions::new().write(true).open(&path).expect("open").set_len(len).expect("cut");
        let whole = places.iter().filter(|place| **place <= len).count() as u64 - 1;
        rig = Rig::open(rig.killed(), roomy());
        assert_eq!(rig.reach(key, Class::Bulk).events, whole, "{len} bytes");
        assert_eq!(rig.on_disk(key, Class::Bulk), (0..whole).collect::<Vec<_>>(), "{len} bytes");
    }
    rig.put(key, Class::Bulk, 9);
    rig.flush();
    assert_eq!(rig.on_disk(key, Class::Bulk), [9]);
}

#[test]
fn of_a_directory_half_deleted_the_other_half_is_there_and_the_holes_are_told() {
    let (mut rig, key) = rig(2);
    // A ring that was opened again writes into a file of its own.
    for round in 1..6 {
        rig = Rig::open(rig.killed(), roomy());
        for number in 0..2 {
            rig.put(key, Class::Bulk, round * 2 + number);
            rig.flush();
        }
    }
    let all = files(rig.dir.path());
    assert_eq!(all.len(), 6);
    for path in all.iter().skip(1).step_by(2) {
        fs::remove_file(path).expect("removed");
    }
    fs::remove_file(rig.place(key).join("recorded-by.json")).ok();
    fs::remove_file(rig.place(key).join("container.json")).expect("removed");
    let mut rig = Rig::open(rig.killed(), roomy());
    assert_eq!(rig.on_disk(key, Class::Bulk), [0, 1, 4, 5, 8, 9]);
    let history = only(&rig);
    assert_eq!(history.container.key, key, "its directory still says whose it is");
    assert_eq!(history.gaps.iter().filter(|gap| gap.cause == GapCause::Damaged).count(), 2, "{:?}", history.gaps);
    rig.put(key, Class::Bulk, 12);
    rig.flush();
    assert_eq!(rig.on_disk(key, Class::Bulk), [0, 1, 4, 5, 8, 9, 12]);
}

#[test]
fn a_directory_removed_while_it_is_written_is_noticed_and_recording_goes_on() {
    let (mut rig, key) = rig(5);
    let pin = rig.ring.pin(key).expect("a pin");
    assert!(rig.ring.missing().is_empty());
    fs::remove_dir_all(rig.place(key)).expect("removed");
    let missing = rig.ring.missing();
    let [(found, gaps)] = &missing[..] else { panic!("{missing:?}") };
    assert_eq!((*found, gaps.len()), (key, 1));
    assert_eq!((gaps[0].class, gaps[0].cause, gaps[0].lost), (Class::Bulk, GapCause::Damaged, Some(5)));
    rig.ring.describe(&crate::support::container(1)).expect("described again");
    rig.put(key, Class::Bulk, 5);
    rig.flush();
    assert_eq!(rig.on_disk(key, Class::Bulk), [5]);
    let reach = rig.reach(key, Class::Bulk);
    assert_eq!((reach.events, reach.damaged, reach.evicted), (1, 5, 0));
    assert_eq!(pinned(&pin, Class::Bulk), (0..=5).collect::<Vec<_>>(), "a trigger that came before has it all");
    assert!(rig.ring.missing().is_empty());
}

#[test]
fn files_that_are_no_rings_are_left_alone() {
    let (rig, key) = rig(3);
    for name in ["notes.txt", "bulk-00000009.ring", "bulk-99999999999999999999-0.ring", "vital-0-zz.ring", ".ring"] {
        fs::write(rig.place(key).join(name), "x").expect("written");
    }
    fs::create_dir(rig.dir.path().join("ring/lost+found")).expect("a directory");
    fs::write(rig.dir.path().join("ring/README"), "x").expect("written");
    let rig = Rig::open(rig.killed(), roomy());
    assert_eq!(read(rig.dir.path(), key, Class::Bulk), [0, 1, 2]);
    assert!(rig.place(key).join("notes.txt").exists() && rig.dir.path().join("ring/README").exists());
}

/// The tail of a class.
fn tail(rig: &Rig, key: ContainerKey) -> std::path::PathBuf {
    let tails = files(&rig.place(key)).into_iter().filter(|path| path.extension().is_some_and(|it| it == "tail"));
    tails.last().expect("a tail")
}

#[test]
fn every_byte_of_a_tail_that_is_flipped_is_told_and_costs_its_part_alone() {
    let (mut rig, key) = rig(2);
    for number in 2..4 {
        rig.put(key, Class::Bulk, number);
        rig.settle();
    }
    assert_eq!(rig.on_disk(key, Class::Bulk), [0, 1, 2, 3]);
    let file = fs::OpenOptions::new().read(true).write(true).open(tail(&rig, key)).expect("open");
    let len = file.metadata().expect("metadata").len();
    for at in 0..len {
        let mut byte = [0];
        file.read_exact_at(&mut byte, at).expect("read");
        file.write_all_at(&[!byte[0]], at).expect("write");
        let history = only(&rig);
        let told = rig.on_disk(key, Class::Bulk);
        file.write_all_at(&byte, at).expect("write");
        if history.damaged == 0 {
            // The last part may look as if it was being written.
            assert!(at >= len / 2 && told == [0, 1, 2], "byte {at}: {told:?}");
            continue;
        }
        assert!(told == [0, 1, 2] || told == [0, 1, 3], "byte {at}: {told:?}");
        let gaps = history.waiting.iter().flat_map(|waiting| &waiting.content.events);
        assert!(
            gaps.filter(|event| matches!(event.body, taffrail_trace::event::Body::Gap(_))).count() == 1,
            "byte {at}"
        );
        file.write_all_at(&byte, at).expect("write");
    }
    println!("{len} bytes of a tail flipped one by one, each told");
}

#[test]
fn a_tail_of_which_nothing_is_whole_is_a_gap_after_a_restart_and_goes() {
    let (mut rig, key) = rig(1);
    rig.put(key, Class::Bulk, 1);
    rig.settle();
    let path = tail(&rig, key);
    let file = fs::OpenOptions::new().write(true).open(&path).expect("open");
    file.write_all_at(b"x", 50).expect("write");
    let mut rig = Rig::open(rig.killed(), roomy());
    rig.ring.sync_all();
    assert!(!path.exists());
    let mut gaps = 0;
    for file in only(&rig).files {
        read_segments(&file, &mut |whole| {
            let events = whole.content()?.events;
            gaps += events.iter().filter(|event| matches!(event.body, taffrail_trace::event::Body::Gap(_))).count();
            Ok(())
        })
        .expect("read");
    }
    assert_eq!(gaps, 1);
}
