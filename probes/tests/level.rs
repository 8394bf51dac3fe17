//! How much is recorded of a cgroup, changed while it runs.

mod support;

use std::fs::File;
use std::io::Write;
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::process::Command;
use std::time::{Duration, Instant};

use support::{Group, Recorded, What, call, in_child, place, record_live, record_with};
use taffrail_probes::abi::{
    Class, Kind,
    call::nr,
    counters::Cause,
    header_flags,
    level::{Level, SLOTS},
    syscall::Syscall,
};

/// A child in a cgroup that does what is recorded of everybody.
fn busy_child(group: &Group, path: &std::path::Path) -> u32 {
    in_child(|| {
        group.enter();
        let mut file = File::create(path).expect("a file");
        file.write_all(b"bytes").expect("a write");
        drop(file);
        std::fs::remove_file(path).expect("unlink");
        let listener = TcpListener::bind("127.0.0.1:0").expect("a listener");
        drop(TcpStream::connect(listener.local_addr().expect("an address")).expect("a connection"));
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
        socket.send_to(b"packet", socket.local_addr().expect("an address")).expect("a packet");
        assert!(Command::new("true").status().expect("true").success());
    })
}

/// Kinds of records by actors of one cgroup.
fn kinds(recorded: &Recorded, group: &Group) -> Vec<Kind> {
    let events = recorded.events.iter().filter(|event| event.header.cgroup_id == group.id());
    events.map(|event| event.kind).collect()
}

#[test]
fn of_a_cgroup_that_is_off_only_processes_are_known() {
    let (_directory, place) = place();
    let (quiet, loud) = (Group::make("taffrail-off"), Group::make("taffrail-on"));
    let recorded = record_live(|probes| {
        probes.set_level(quiet.id(), Level::Off).expect("level off");
        assert_eq!((probes.level(quiet.id()), probes.level(loud.id())), (Level::Off, Level::Standard));
        busy_child(&quiet, &place.join("quiet"));
        busy_child(&loud, &place.join("loud"));
    });
    let mut of_quiet = kinds(&recorded, &quiet);
    of_quiet.retain(|kind| *kind != Kind::CgroupAttach);
    assert_eq!(of_quiet, [Kind::Fork, Kind::Exec, Kind::Exit, Kind::Exit]);
    let of_loud = kinds(&recorded, &loud);
    for kind in
        [Kind::Open, Kind::File, Kind::Totals, Kind::Listen, Kind::Connect, Kind::FlowEnd, Kind::Exec, Kind::Exit]
    {
        assert!(of_loud.contains(&kind), "{kind:?} of {of_loud:?}");
    }
}

#[test]
fn of_a_cgroup_at_level_vital_rare_events_are_told_and_frequent_ones_counted() {
    const OPENS: u64 = 1000;
    let (_directory, place) = place();
    let group = Group::make("taffrail-vital");
    let recorded = record_with(&support::options(), |probes| {
        probes.set_level(group.id(), Level::Vital).expect("level vital");
        in_child(|| {
            group.enter();
            let path = place.join("file");
            File::create(&path).expect("a file");
            for _ in 0..OPENS {
                drop(File::open(&path).expect("an open"));
            }
            std::fs::remove_file(path).expect("unlink");
        });
    });
    let told = kinds(&recorded, &group);
    assert!(told.contains(&Kind::File) && told.contains(&Kind::Exit), "{told:?}");
    assert!(told.iter().all(|kind| kind.class() == Class::Vital), "{told:?}");
    let mut of_group = recorded.losses.by_cgroup.iter().filter(|lost| lost.cgroup_id == group.id());
    let refused = of_group.next().expect("what was refused");
    assert_eq!((refused.class, refused.cause, of_group.next()), (Class::Bulk, Cause::Refused, None));
    println!("{OPENS} opens, {} bulk records refused", refused.count);
    assert!((OPENS + 1..OPENS + 20).contains(&refused.count), "{}", refused.count);
}

#[test]
fn a_cgroup_whose_first_place_in_the_table_is_taken_has_its_level_all_the_same() {
    let (_directory, place) = place();
    let group = Group::make("taffrail-crowded");
    let neighbour = group.id() + u64::from(SLOTS);
    let mut pids = (0, 0);
    let recorded = record_live(|probes| {
        probes.set_level(neighbour, Level::Full).expect("a neighbour takes the first place");
        probes.set_level(group.id(), Level::Off).expect("the second place");
        assert_eq!((probes.level(neighbour), probes.level(group.id())), (Level::Full, Level::Off));
        pids.0 = busy_child(&group, &place.join("off"));
        probes.set_level(neighbour, Level::Standard).expect("the first place is free");
        probes.set_level(group.id(), Level::Standard).expect("and the second");
        pids.1 = busy_child(&group, &place.join("standard"));
    });
    let opens =
        |pid| recorded.of(pid).filter(|event| event.header.cgroup_id == group.id() && event.kind == Kind::Open).count();
    assert_eq!(opens(pids.0), 0);
    assert!(opens(pids.1) > 0);
}

#[test]
fn a_cgroup_that_is_back_at_standard_is_recorded_again() {
    let (_directory, place) = place();
    let group = Group::make("taffrail-back");
    let recorded = record_live(|probes| {
        for level in [Level::Off, Level::Standard] {
            probes.set_level(group.id(), level).expect("another level");
        }
        busy_child(&group, &place.join("file"));
    });
    assert!(kinds(&recorded, &group).contains(&Kind::Totals));
}

#[test]
fn a_descriptor_closed_while_its_cgroup_was_off_is_not_counted_on() {
    let (_directory, place) = place();
    let group = Group::make("taffrail-stale");
    let (first, second) = (place.join("first"), place.join("second"));
    let recorded = record_live(|probes| {
        group.enter();
        let mut file = File::create(&first).expect("a file");
        file.write_all(&[1; 100]).expect("a write");
        probes.set_level(group.id(), Level::Off).expect("level off");
        drop(file);
        let mut file = File::create(&second).expect("another file, the same number");
        probes.set_level(group.id(), Level::Standard).expect("level standard");
        file.write_all(&[1; 10]).expect("a write");
        drop(file);
        group.leave();
    });
    assert_eq!(recorded.totals_of(support::own(), &second), [(0, 10)]);
}

/// The calls of one process at level full.
fn syscalls(recorded: &Recorded, pid: u32) -> Vec<Syscall> {
    recorded.pick(pid, |what| if let What::Syscall(syscall) = what { Some(*syscall) } else { None })
}

#[test]
fn at_level_full_every_call_is_told_in_order_with_its_duration() {
    /// `nanosleep`, `getppid`, `umask`, `sched_yield`
    const NANOSLEEP: u16 = 35;
    const SEQUENCE: [u16; 6] = [110, 95, NANOSLEEP, 110, 24, 110];
    let group = Group::make("taffrail-full");
    let mut pid = 0;
    let recorded = record_live(|probes| {
        probes.set_level(group.id(), Level::Full).expect("level full");
        pid = in_child(|| {
            group.enter();
            let time = [0_u64, 20_000_000];
            for number in SEQUENCE {
                if number == NANOSLEEP {
                    assert_eq!(call(number, &[&&time[..], &0]), 0);
                } else {
                    call(number, &[&0o22, &7, &6, &5, &4, &3]);
                }
            }
        });
        probes.set_level(group.id(), Level::Standard).expect("level standard");
    });
    let told = syscalls(&recorded, pid);
    let start = told.windows(6).position(|calls| calls.iter().zip(SEQUENCE).all(|(it, nr)| it.nr == u32::from(nr)));
    let told = &told[start.expect("the sequence, whole and in order")..][..6];
    assert_eq!((told[0].args, told[0].result), ([0o22, 7, 6, 5, 4, 3], i64::from(std::process::id())));
    assert!((20_000_000..2_000_000_000).contains(&told[2].duration_ns), "{:?}", told[2]);
    assert!(told[3].duration_ns < 20_000_000);
    // What is reported one by one, and the whole of them, are two things.
    assert!(recorded.calls(pid).iter().all(|it| it.call.nr != 110));
}

#[test]
fn level_full_of_one_cgroup_outlives_that_of_another() {
    let (a, b) = (Group::make("taffrail-full-a"), Group::make("taffrail-full-b"));
    let (mut pids, mut outside) = ((0, 0), 0);
    let recorded = record_live(|probes| {
        for group in [&a, &b, &a] {
            probes.set_level(group.id(), Level::Full).expect("level full");
        }
        probes.set_level(a.id(), Level::Off).expect("level off");
        pids = (in_child(|| a.enter()), in_child(|| b.enter()));
        outside = in_child(|| ());
        probes.set_level(b.id(), Level::Standard).expect("level standard");
        probes.set_level(b.id(), Level::Full).expect("level full, again");
    });
    assert!(syscalls(&recorded, pids.0).is_empty() && syscalls(&recorded, outside).is_empty());
    let told = syscalls(&recorded, pids.1);
    assert!(told.iter().any(|it| it.nr == u32::from(nr::CLOSE)));
}

#[test]
fn a_call_of_another_numbering_is_told_as_such() {
    /// `unlink` with the bit of x32.
    const UNLINK_X32: u32 = 0x4000_0000 | 0x57;
    let recorded = record_live(|_| {
        // Most kernels have no x32; the attempt is told all the same.
        call(UNLINK_X32, &[&c"/no/such/file"]);
    });
    let it = recorded.only(support::own(), nr::UNLINK);
    assert_eq!((it.header.flags, it.path.as_str()), (header_flags::ABI_X32, "/no/such/file"));
    assert!([-2, -38].contains(&it.call.result), "{}", it.call.result);
}

#[test]
fn a_level_changes_at_once_and_cheaply() {
    let group = Group::make("taffrail-switch");
    support::record_live(|probes| {
        let start = Instant::now();
        for _ in 0..100 {
            probes.set_level(group.id(), Level::Off).expect("level off");
            probes.set_level(group.id(), Level::Standard).expect("level standard");
        }
        assert!(start.elapsed() < Duration::from_secs(1));
    });
}
