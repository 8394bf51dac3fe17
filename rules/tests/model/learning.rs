//! What is learned of which scene.

use super::stage::{self, changed, file};
use super::world::{
    Named, OWN, ask, by, connect, hello, learned, listen, nginx, raw_socket, run, run_with, said, unix, write,
};
use taffrail_rules::model::{Habits, Kind, OUTSIDE, Profile, Reader};
use taffrail_trace::container::HOST;
use taffrail_trace::event::{Body, Credentials, FileOp, FlowOp, FlowPhase, KernelOp, Origin, PrivilegeOp, Protocol};

const NGINX: &str = "/usr/sbin/nginx";

fn facts<'a>(profile: &'a Profile, program: &str, kind: Kind) -> Vec<&'a str> {
    profile
        .program(program)
        .map(|habits: &Habits| habits.of(kind).iter().map(String::as_str).collect())
        .unwrap_or_default()
}

#[test]
fn every_kind_is_learned_from_its_events() {
    let profile = learned(&[
        run(NGINX, "/usr/bin/python3.11"),
        nginx(listen(80)),
        nginx(stage::flow(Protocol::Tcp, FlowOp::Accept, stage::end([203, 0, 113, 9], 50_000))),
        nginx(connect([198, 51, 100, 7], 443)),
        nginx(connect([127, 0, 0, 1], 9000)),
        nginx(unix("/run/php/php8.2-fpm.sock")),
        nginx(ask("Deb.Debian.org.")),
        nginx(hello("example.org")),
        nginx(write("/var/cache/nginx/4711/x")),
        nginx(raw_socket()),
        nginx(stage::privilege(PrivilegeOp::Setns, "setns", "CLONE_NEWNS of fd 7")),
        nginx(stage::privilege(PrivilegeOp::Prctl, "prctl", "PR_CAPBSET_DROP CAP_SYS_ADMIN")),
        nginx(stage::kernel(KernelOp::Ptrace, "ptrace", "PTRACE_ATTACH")),
        nginx(stage::kernel(KernelOp::Mount, "mount", "type tmpfs")),
    ]);
    assert_eq!(facts(&profile, NGINX, Kind::Runs), ["/usr/bin/python*"]);
    assert_eq!(facts(&profile, NGINX, Kind::Listens), ["tcp 80", "tcp ephemeral"]);
    let peers = ["tcp 198.51.100.0/24 443", "tcp loopback 9000", "unix /run/php/php*-fpm.sock"];
    assert_eq!(facts(&profile, NGINX, Kind::Connects), peers);
    assert_eq!(facts(&profile, NGINX, Kind::Names), ["deb.debian.org", "example.org"]);
    assert_eq!(facts(&profile, NGINX, Kind::Writes), ["/var/cache/nginx/*"]);
    let used =
        ["mount", "prctl PR_CAPBSET_DROP CAP_SYS_ADMIN", "ptrace PTRACE_ATTACH", "raw socket", "setns CLONE_NEWNS"];
    assert_eq!(facts(&profile, NGINX, Kind::Privileges), used);
    assert!(profile.program("/usr/bin/python*").is_some(), "what was run is known, whatever it does");
}

#[test]
fn what_changes_nothing_is_no_fact() {
    let reading = nginx(file(FileOp::Open, "/etc/passwd"));
    let failed = nginx(changed(file(FileOp::Create, "/etc/x"), |file| file.result = Some(-13)));
    let naming = nginx(stage::privilege(PrivilegeOp::Prctl, "prctl", "PR_SET_NAME worker"));
    let mut ending = nginx(listen(80));
    if let Body::Flow(flow) = &mut ending.event.body {
        flow.phase = FlowPhase::End;
    }
    let late = nginx(stage::flow(Protocol::Udp, FlowOp::Accept, stage::end([10, 0, 0, 1], 53)));
    let forked = run_with(NGINX, NGINX, |image| image.origin = Origin::Fork);
    let profile = learned(&[reading, failed, naming, ending, late, forked]);
    assert!(profile.is_empty(), "{profile:?}");
}

#[test]
fn opening_for_writing_and_both_names_of_a_rename_are_writes() {
    let opened = nginx(changed(file(FileOp::Open, "/srv/a/x"), |file| file.flags = 2));
    let moved = nginx(changed(file(FileOp::Rename, "/srv/b/x"), |file| file.new_path = Some("/srv/c/x".to_owned())));
    let crooked = nginx(file(FileOp::Unlink, "/srv/d/../../etc/x"));
    let profile = learned(&[opened, moved, crooked]);
    assert_eq!(facts(&profile, NGINX, Kind::Writes), ["/etc", "/srv/a", "/srv/b", "/srv/c"]);
}

#[test]
fn applets_of_one_file_and_scripts_are_programs_of_their_own() {
    let applet = |called: &str, args: &[&str]| {
        let (called, args) = (called.to_owned(), args.iter().map(|arg| (*arg).to_owned()).collect());
        run_with("/start.sh", "/bin/busybox", move |image| {
            image.comm = called;
            image.args = args;
        })
    };
    let profile = learned(&[applet("sh", &["sh", "-c", "x"]), applet("busybox", &["busybox", "nc", "-l"])]);
    assert_eq!(facts(&profile, "/start.sh", Kind::Runs), ["/bin/busybox nc", "/bin/busybox sh"]);
}

#[test]
fn a_runtime_on_its_way_to_the_program_is_outside() {
    // runc copies itself into the cgroup, forks there, mounts, and becomes the program.
    let mut copy = by("/usr/bin/runc", "/usr/bin/runc", stage::kernel(KernelOp::Mount, "mount", "type proc"));
    copy.lineage[0].origin = Origin::Fork;
    copy.lineage[1].container_id = HOST.to_owned();
    let mut program = run("/usr/bin/runc", "/usr/bin/app");
    program.lineage[1].origin = Origin::Fork;
    program.lineage.insert(2, copy.lineage[1].clone());
    let profile = learned(&[copy, program]);
    assert_eq!(facts(&profile, OUTSIDE, Kind::Runs), ["/usr/bin/app"]);
    assert_eq!(profile.programs().count(), 2, "{profile:?}");
    assert_eq!(learned(&[run("outside", "/usr/bin/app")]), profile);
    let elsewhere = run_with(NGINX, "/usr/bin/app", |image| image.container_id = "other".to_owned());
    assert_ne!(OWN, "other");
    assert!(learned(&[elsewhere]).is_empty());
}

#[test]
fn being_run_as_root_is_a_privilege() {
    let root = |image: &mut taffrail_trace::event::Image| image.credentials = Some(Credentials::default());
    let profile = learned(&[run_with(NGINX, "/bin/date", root)]);
    assert_eq!(facts(&profile, "/bin/date", Kind::Privileges), ["root"]);
    assert_eq!(said(&profile, &run(NGINX, "/bin/date")), None, "less is no deviation");
    let unprivileged = learned(&[run(NGINX, "/bin/date")]);
    let message = said(&unprivileged, &run_with(NGINX, "/bin/date", root)).expect("root is new");
    assert!(message.starts_with("date has never run as root"), "{message}");
}

#[test]
fn an_address_whose_name_the_program_asks_for_is_no_fact_of_its_own() {
    let (mut profile, mut reader) = (Profile::default(), Reader::default());
    profile.learn(&mut reader, &nginx(ask("cdn.example.org")));
    profile.learn(&mut reader, &Named(nginx(connect([198, 51, 100, 7], 443)), Some("cdn.example.org")));
    assert_eq!(facts(&profile, NGINX, Kind::Connects), [""; 0]);
    assert_eq!(said(&profile, &Named(nginx(connect([203, 0, 113, 7], 443)), Some("cdn.example.org"))), None);
    assert!(said(&profile, &Named(nginx(connect([203, 0, 113, 7], 443)), Some("evil.example"))).is_some());
    assert!(said(&profile, &nginx(connect([203, 0, 113, 7], 443))).is_some());
}

#[test]
fn a_kind_that_is_full_says_so_and_nothing_of_it_deviates() {
    let (mut profile, mut reader) = (Profile::default(), Reader::default());
    let mut left_out = 0;
    for port in 1..=200 {
        left_out += profile.learn(&mut reader, &nginx(listen(port))).left_out;
    }
    assert_eq!(left_out, 200 - Kind::Listens.most());
    assert_eq!(profile.full().collect::<Vec<_>>(), [Kind::Listens]);
    assert_eq!(facts(&profile, NGINX, Kind::Listens).len(), Kind::Listens.most());
    assert_eq!(said(&profile, &nginx(listen(4444))), None);
    assert!(said(&profile, &nginx(write("/etc/x"))).is_some(), "other kinds go on");
    for at in 0..600 {
        let name = format!("/opt/{}{}/x", char::from(b'a' + (at % 26) as u8), "b".repeat(at / 26 + 1));
        profile.learn(&mut reader, &run(NGINX, &name));
    }
    assert!(profile.is_full(Kind::Runs));
    assert_eq!(said(&profile, &run(NGINX, "/bin/sh")), None, "programs are full");
    assert_eq!(said(&profile, &by(NGINX, "/bin/sh", write("/etc/x"))), None, "and so is what unknown ones do");
}
