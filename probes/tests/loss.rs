//! "0 lost" is a claim that these tests can break.

mod support;

use std::fs::File;

use support::{Group, load, record_with};
use taffrail_probes::{
    Options,
    abi::{Class, Kind, counters::Cause},
};

#[test]
fn what_a_full_ring_refuses_is_counted_to_the_last_record() {
    const OPENS: u64 = 5_000;
    let group = Group::make("taffrail-loss");
    let id = group.id();
    let options = Options { vital_bytes: 1 << 20, bulk_bytes: 4096, ignore_pid: None };
    let recorded = record_with(&options, || {
        group.enter();
        for _ in 0..OPENS {
            drop(File::open("/dev/null").expect("the null device"));
        }
        group.leave();
    });
    let received =
        recorded.events.iter().filter(|event| event.kind == Kind::Open && event.header.cgroup_id == id).count() as u64;
    let lost: u64 = recorded
        .losses
        .by_cgroup
        .iter()
        .filter(|lost| lost.cgroup_id == id && lost.class == Class::Bulk && lost.cause == Cause::RingFull)
        .map(|lost| lost.count)
        .sum();
    assert!(lost > OPENS / 2, "a page is soon full, lost {lost}");
    assert_eq!(received + lost, OPENS + 1, "each open, and the one that leaves the group");
    let bulk = Class::Bulk as usize;
    let total: u64 =
        recorded.losses.by_cgroup.iter().filter(|lost| lost.class == Class::Bulk).map(|lost| lost.count).sum();
    assert_eq!(recorded.losses.lost[bulk], total, "the total is the sum of its parts");
    let delivered = recorded.events.iter().filter(|event| event.kind == Kind::Open).count() as u64;
    assert_eq!(recorded.losses.sent[bulk], delivered, "what was sent arrived");
    assert_eq!(recorded.losses.lost[Class::Vital as usize], 0, "a flood of opens takes nothing from vital records");
    let missed = &recorded.losses.recursion_misses;
    assert_eq!(missed.len(), 7, "each hook tells what it missed: {missed:?}");
    assert!(missed.iter().all(|(hook, count)| *count == 0 || *hook == "raw_tp/inet_sock_set_state"), "{missed:?}");
}

#[test]
fn a_ring_that_is_drained_while_it_fills_loses_nothing() {
    const OPENS: u64 = 50_000;
    let mut probes = load(&Options { vital_bytes: 1 << 20, bulk_bytes: 8 << 20, ignore_pid: None });
    let (mut seen, mut newest) = (0, 0);
    let own = std::process::id();
    let mut each = |record: taffrail_probes::Record<'_>| {
        assert!(record.header.time_ns >= newest, "order of time holds from drain to drain");
        newest = record.header.time_ns;
        let null = matches!(record.body, taffrail_probes::Body::File { base, .. } if base == b"null\0dev\0");
        seen += u64::from(record.kind == Kind::Open && record.header.image.pid == own && null);
    };
    std::thread::scope(|scope| {
        let opener = scope.spawn(|| {
            for _ in 0..OPENS {
                drop(File::open("/dev/null").expect("the null device"));
            }
        });
        while !opener.is_finished() {
            probes.drain(&mut each).expect("a drain");
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
    });
    probes.finish(&mut each).expect("the last drain");
    assert_eq!(probes.losses().expect("the counters").lost, [0, 0]);
    assert_eq!(seen, OPENS);
}

#[test]
fn the_recorders_own_system_calls_are_not_recorded() {
    let own = std::process::id();
    let options = Options { vital_bytes: 1 << 20, bulk_bytes: 1 << 20, ignore_pid: Some(own) };
    let recorded = record_with(&options, || {
        drop(File::open("/dev/null").expect("the null device"));
    });
    assert_eq!(recorded.of(own).filter(|event| event.kind == Kind::Open).count(), 0);
}

#[test]
fn a_vital_record_wakes_whoever_waits_for_it() {
    use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
    let mut probes = load(&Options { vital_bytes: 1 << 20, bulk_bytes: 1 << 20, ignore_pid: None });
    let mut child = std::process::Command::new("true").spawn().expect("a child");
    let [vital, _bulk] = probes.poll_fds();
    let ready = poll(&mut [PollFd::new(vital, PollFlags::POLLIN)], PollTimeout::from(5_000_u16)).expect("a poll");
    assert_eq!(ready, 1);
    child.wait().expect("its end");
    let mut kinds = Vec::new();
    probes
        .finish(&mut |record| {
            if record.header.image.pid == child.id() {
                kinds.push(record.kind);
            }
        })
        .expect("the last drain");
    kinds.retain(|kind| matches!(kind, Kind::Exec | Kind::Exit));
    assert_eq!(kinds, [Kind::Exec, Kind::Exit]);
}
