//! "0 lost" is a claim that these tests can break.

mod support;

use std::fs::File;
use std::io::Write;
use std::time::{Duration, Instant};

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
    let options = Options { vital_bytes: 1 << 20, bulk_bytes: 4096, ignore_pid: None, ..Options::default() };
    let recorded = record_with(&options, |_| {
        group.enter();
        open_null(OPENS);
        group.leave();
    });
    let received = recorded
        .events
        .iter()
        .filter(|event| event.kind.class() == Class::Bulk && event.header.cgroup_id == group.id())
        .count() as u64;
    let lost: u64 = recorded
        .losses
        .by_cgroup
        .iter()
        .filter(|lost| lost.cgroup_id == id && lost.class == Class::Bulk)
        .inspect(|lost| assert!(matches!(lost.cause, Cause::RingFull | Cause::Refused), "{lost:?}"))
        .map(|lost| lost.count)
        .sum();
    assert!(lost > OPENS / 2, "a page is soon full, lost {lost}");
    assert_eq!(
        received + lost,
        OPENS + 2,
        "each open, what was written to enter the group, and the open that leaves it"
    );
    let bulk = Class::Bulk as usize;
    let total: u64 =
        recorded.losses.by_cgroup.iter().filter(|lost| lost.class == Class::Bulk).map(|lost| lost.count).sum();
    assert_eq!(recorded.losses.lost[bulk], total, "the total is the sum of its parts");
    let delivered = recorded.events.iter().filter(|event| event.kind.class() == Class::Bulk).count() as u64;
    assert_eq!(recorded.losses.sent[bulk], delivered, "what was sent arrived");
    assert_eq!(recorded.losses.lost[Class::Vital as usize], 0, "a flood of opens takes nothing from vital records");
    let missed = &recorded.losses.recursion_misses;
    assert!(missed.len() >= 14, "each hook tells what it missed: {missed:?}");
    assert!(missed.iter().all(|(hook, count)| *count == 0 || *hook == "raw_tp/inet_sock_set_state"), "{missed:?}");
}

#[test]
fn a_ring_that_is_drained_while_it_fills_loses_nothing() {
    const OPENS: u64 = 50_000;
    let mut probes =
        load(&Options { vital_bytes: 1 << 20, bulk_bytes: 8 << 20, ignore_pid: None, ..Options::default() });
    let (mut seen, mut newest) = (0, 0);
    let own = std::process::id();
    let mut each = |record: taffrail_probes::Record<'_>| {
        assert!(record.header.time_ns >= newest, "order of time holds from drain to drain");
        newest = record.header.time_ns;
        let null = matches!(record.body, taffrail_probes::Body::Call { names, .. } if names.base == b"null\0dev\0");
        seen += u64::from(record.kind == Kind::Open && record.header.image.pid == own && null);
    };
    std::thread::scope(|scope| {
        let opener = scope.spawn(|| open_null(OPENS));
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
    let options = Options { vital_bytes: 1 << 20, bulk_bytes: 1 << 20, ignore_pid: Some(own), ..Options::default() };
    let recorded = record_with(&options, |_| {
        drop(File::open("/dev/null").expect("the null device"));
    });
    assert_eq!(recorded.of(own).filter(|event| event.kind == Kind::Open).count(), 0);
}

#[test]
fn a_vital_record_wakes_whoever_waits_for_it() {
    use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
    let mut probes =
        load(&Options { vital_bytes: 1 << 20, bulk_bytes: 1 << 20, ignore_pid: None, ..Options::default() });
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

#[test]
fn a_file_whose_open_was_lost_is_named_by_its_first_use() {
    let (_directory, place) = support::place();
    let path = place.join("file");
    let options = Options { bulk_bytes: 4096, ..support::options() };
    let recorded = record_with(&options, |probes| {
        open_null(100);
        let mut file = File::create(&path).expect("a file");
        // The ring is still full: neither is the use told, nor are these bytes counted.
        file.write_all(b"lost").expect("a write");
        probes.drain(&mut |_| ()).expect("a drain");
        std::thread::sleep(Duration::from_millis(120));
        probes.drain(&mut |_| ()).expect("a drain");
        file.write_all(b"told").expect("a write");
        drop(file);
    });
    assert!(recorded.losses.lost[Class::Bulk as usize] > 0);
    assert!(recorded.own(Kind::Open).iter().all(|it| it.base != support::text(&path)));
    assert_eq!(recorded.totals_of(support::own(), &path), [(0, 4)]);
}

/// Opens the null device so many times.
fn open_null(times: u64) {
    for _ in 0..times {
        drop(File::open("/dev/null").expect("the null device"));
    }
}

/// Bulk records that were delivered and lost of one cgroup.
fn sums(recorded: &support::Recorded, group: &Group) -> (u64, u64) {
    let is_ours = |event: &&support::Event| event.header.cgroup_id == group.id() && event.kind.class() == Class::Bulk;
    let delivered = recorded.events.iter().filter(is_ours).count() as u64;
    let lost =
        recorded.losses.by_cgroup.iter().filter(|lost| lost.cgroup_id == group.id() && lost.class == Class::Bulk);
    (delivered, lost.map(|lost| lost.count).sum())
}

#[test]
fn a_flood_in_one_cgroup_loses_its_own_records_and_not_its_neighbours() {
    const FLOOD: u64 = 8_000;
    const QUIET: u64 = 10;
    // Nobody takes anything out, so the shares themselves fill the ring in a quarter of a second: on a machine that is
    // too busy to be faster this says nothing.
    for _ in 0..20 {
        let (flooded, quiet) = (Group::make("taffrail-flood"), Group::make("taffrail-quiet"));
        let options = Options { bulk_bytes: 1 << 20, ..support::options() };
        let mut took = Duration::ZERO;
        let recorded = record_with(&options, |_| {
            let start = Instant::now();
            support::in_child(|| {
                quiet.enter();
                for _ in 0..QUIET {
                    support::in_child(|| {
                        flooded.enter();
                        open_null(FLOOD / QUIET);
                    });
                    open_null(1);
                }
            });
            took = start.elapsed();
        });
        if took > Duration::from_millis(150) {
            continue;
        }
        let (delivered, lost) = sums(&recorded, &flooded);
        // Entering a cgroup is an open before it and bytes written in it.
        assert_eq!(delivered + lost, FLOOD + QUIET);
        assert!(lost > 0, "a flood of {FLOOD} fits into no megabyte");
        assert_eq!(sums(&recorded, &quiet), (QUIET + QUIET + 1, 0));
        let mut causes = recorded.losses.by_cgroup.iter().filter(|lost| lost.cgroup_id == flooded.id());
        assert!(causes.all(|lost| lost.cause == Cause::Refused));
        return;
    }
    panic!("no round was fast enough");
}
