//! What an exec tells of the one who runs: credentials, namespaces, environment, terminal, and the file that is run.

mod support;

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use nix::sched::{CloneFlags, unshare};
use support::{Group, Recorded, What, call, in_child, own, place, record, text};
use taffrail_probes::abi::{
    call::nr,
    process::{Exec, Namespaces, exec_flags},
};

/// What the last exec of a process told.
struct Told<'a> {
    exec: &'a Exec,
    exe: &'a str,
    name: &'a str,
    args: &'a [String],
    environment: &'a [String],
}

fn exec(recorded: &Recorded, pid: u32) -> Told<'_> {
    let execs = recorded.pick(pid, |what| match what {
        What::Exec { exec, exe, name, args, environment, .. } => Some(Told { exec, exe, name, args, environment }),
        _ => None,
    });
    execs.into_iter().next_back().expect("the exec was recorded")
}

fn run(command: &mut Command) -> u32 {
    let mut child = command.stdin(Stdio::null()).spawn().expect("a program");
    assert!(child.wait().expect("its end").success());
    child.id()
}

/// The namespaces of a process, from its links in /proc.
fn namespaces(process: &str) -> Namespaces {
    let number = |name: &str| {
        let metadata = fs::metadata(format!("/proc/{process}/ns/{name}")).expect("a namespace");
        u32::try_from(metadata.ino()).expect("a small number")
    };
    Namespaces {
        mount: number("mnt"),
        pid: number("pid_for_children"),
        network: number("net"),
        uts: number("uts"),
        ipc: number("ipc"),
        cgroup: number("cgroup"),
        user: number("user"),
        pad: 0,
    }
}

#[test]
fn an_exec_tells_credentials_and_namespaces() {
    let mut pid = 0;
    let recorded = record(|| pid = run(Command::new("true").uid(1234).gid(1235)));
    let told = exec(&recorded, pid);
    let it = told.exec.credentials;
    assert_eq!((it.uid, it.euid, it.suid, it.fsuid), (1234, 1234, 1234, 1234));
    assert_eq!((it.gid, it.egid, it.sgid, it.fsgid), (1235, 1235, 1235, 1235));
    assert_eq!((it.permitted, it.effective, it.ambient), (0, 0, 0));
    let bounding = fs::read_to_string("/proc/self/status").expect("this process");
    let bounding = bounding.lines().find_map(|line| line.strip_prefix("CapBnd:\t")).expect("a bounding set");
    assert_eq!(it.bounding, u64::from_str_radix(bounding, 16).expect("a number"));
    assert_eq!(told.exec.namespaces, namespaces("self"));
    assert_eq!(told.exec.parent_cgroup_id, recorded.of(own()).next().expect("the fork").header.cgroup_id);
}

#[test]
fn a_program_in_namespaces_of_its_own_tells_others() {
    let mut pid = 0;
    let recorded = record(|| {
        pid = in_child(|| {
            unshare(CloneFlags::CLONE_NEWUTS | CloneFlags::CLONE_NEWNET | CloneFlags::CLONE_NEWNS).expect("namespaces");
            panic!("{}", Command::new("true").exec());
        });
    });
    let (ours, theirs) = (namespaces("self"), exec(&recorded, pid).exec.namespaces);
    assert!(theirs.uts != ours.uts && theirs.network != ours.network && theirs.mount != ours.mount);
    assert_eq!((theirs.pid, theirs.ipc, theirs.cgroup, theirs.user), (ours.pid, ours.ipc, ours.cgroup, ours.user));
}

#[test]
fn a_fork_into_a_namespace_tells_it() {
    /// `clone` with `CLONE_NEWUTS` and `SIGCHLD`, otherwise a fork.
    const CLONE: u16 = 56;
    let mut child = 0;
    let recorded = record(|| {
        child = call(CLONE, &[&(0x0400_0000 | 0x11), &0, &0, &0, &0]);
        if child == 0 {
            call(231, &[&0]); // exit_group
        }
        assert!(child > 0, "{child}");
        nix::sys::wait::waitpid(nix::unistd::Pid::from_raw(child as i32), None).expect("its end");
    });
    let forks = recorded.pick(own(), |what| if let What::Fork(fork) = what { Some(*fork) } else { None });
    let fork = forks.iter().find(|fork| i64::from(fork.child.pid) == child).expect("the fork");
    let ours = namespaces("self");
    assert_ne!(fork.child_namespaces.uts, ours.uts);
    assert_eq!(Namespaces { uts: ours.uts, ..fork.child_namespaces }, ours);
}

#[test]
fn threads_are_told_by_whom_they_were_made() {
    let mut tid = 0;
    let recorded = record(|| {
        tid = std::thread::spawn(nix::unistd::gettid).join().expect("a thread").as_raw();
    });
    let threads = recorded.pick(own(), |what| if let What::Thread(thread) = what { Some(thread.tid) } else { None });
    assert!(threads.contains(&tid.unsigned_abs()), "{threads:?}");
}

#[test]
fn a_script_tells_its_own_name_and_its_interpreter() {
    let (_directory, place) = place();
    let path = place.join("script");
    fs::write(&path, "#!/bin/sh\nexit 0\n").expect("a script");
    fs::set_permissions(&path, Permissions::from_mode(0o755)).expect("its mode");
    let mut pids = (0, 0);
    let recorded = record(|| pids = (run(&mut Command::new(&path)), run(&mut Command::new("/bin/true"))));
    let told = exec(&recorded, pids.0);
    assert_ne!(told.exec.flags & exec_flags::SCRIPT, 0);
    assert_eq!((told.name, told.exe), (text(&path).as_str(), text(&fs::canonicalize("/bin/sh").expect("sh")).as_str()));
    assert_eq!(told.args[1], text(&path));
    let plain = exec(&recorded, pids.1);
    assert_eq!((plain.exec.flags & exec_flags::SCRIPT, plain.name), (0, "/bin/true"));
}

#[test]
fn the_environment_comes_with_an_exec_and_is_cut_where_it_is_long() {
    let mut pids = (0, 0);
    let recorded = record(|| {
        pids.0 = run(Command::new("true").env_clear().env("KEY", "a value").env("EMPTY", ""));
        pids.1 = run(Command::new("true").env_clear().env("LONG", "x".repeat(10_000)));
    });
    let told = exec(&recorded, pids.0);
    assert_eq!(told.environment, ["EMPTY=", "KEY=a value"]);
    assert_eq!(told.exec.flags & exec_flags::ENVIRONMENT_CUT, 0);
    let told = exec(&recorded, pids.1);
    assert_ne!(told.exec.flags & exec_flags::ENVIRONMENT_CUT, 0);
    assert_eq!(told.environment[0].len(), 3071);
}

#[test]
fn the_environment_stays_where_it_is_when_it_is_not_wanted() {
    let options = taffrail_probes::Options { environment: false, ..support::options() };
    let mut pid = 0;
    let recorded = support::record_with(&options, |_| pid = run(Command::new("true").env("KEY", "a value")));
    assert!(exec(&recorded, pid).environment.is_empty());
}

#[test]
fn a_program_in_memory_is_known_as_such() {
    let memory = nix::sys::memfd::memfd_create("hidden", nix::sys::memfd::MFdFlags::empty()).expect("a memfd");
    let mut file = fs::File::from(memory);
    std::io::copy(&mut fs::File::open("/bin/true").expect("true"), &mut file).expect("a copy");
    let fd = std::os::fd::AsRawFd::as_raw_fd(&file);
    let mut pid = 0;
    let recorded = record(|| {
        pid = in_child(|| {
            // Read only, or the kernel does not run it.
            let path = format!("/proc/self/fd/{fd}");
            let run = fs::File::open(&path).expect("the memfd");
            drop(file);
            panic!("{}", Command::new(format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&run))).exec());
        });
    });
    let told = exec(&recorded, pid);
    let both = exec_flags::EXE_MEMFD | exec_flags::EXE_DELETED;
    assert_eq!((told.exec.flags & both, told.exe), (both, "/memfd:hidden"));
}

#[test]
fn the_file_that_is_run_is_told_with_what_names_its_content() {
    let (_directory, place) = place();
    let path = place.join("copy");
    fs::copy("/bin/true", &path).expect("a copy");
    let mut pid = 0;
    let recorded = record(|| pid = run(&mut Command::new(&path)));
    let (it, file) = (exec(&recorded, pid).exec, fs::metadata(&path).expect("the copy"));
    assert_eq!((it.exe_bytes, it.exe_inode, u32::from(it.exe_mode)), (file.size(), file.ino(), file.mode()));
    assert_eq!(it.exe_ctime_ns, file.ctime().unsigned_abs() * 1_000_000_000 + file.ctime_nsec().unsigned_abs());
    assert_eq!(it.flags & (exec_flags::EXE_DELETED | exec_flags::EXE_MEMFD | exec_flags::EXE_UPPER), 0);
}

#[test]
fn a_program_of_an_overlays_upper_layer_is_marked() {
    let (_directory, place) = place();
    let mut pids = Vec::new();
    let recorded = record(|| {
        pids = ["lower", "upper"]
            .map(|from| {
                in_child(|| {
                    unshare(CloneFlags::CLONE_NEWNS).expect("a mount namespace");
                    let mount =
                        |what: &std::ffi::CStr, at: &std::path::Path, kind: &std::ffi::CStr, options: String| {
                            let options = std::ffi::CString::new(options).expect("options");
                            assert_eq!(call(nr::MOUNT, &[&what, &support::c_path(at), &kind, &0, &options]), 0);
                        };
                    assert_eq!(call(nr::MOUNT, &[&c"none", &c"/", &0, &0x4_4000, &0]), 0);
                    mount(c"none", &place, c"tmpfs", String::new());
                    for name in ["lower", "upper", "work", "merged"] {
                        fs::create_dir(place.join(name)).expect("a directory");
                    }
                    fs::copy("/bin/true", place.join(from).join("program")).expect("a program");
                    let at = |name: &str| text(&place.join(name));
                    let options = format!("lowerdir={},upperdir={},workdir={}", at("lower"), at("upper"), at("work"));
                    mount(c"none", &place.join("merged"), c"overlay", options);
                    panic!("{}", Command::new(place.join("merged/program")).exec());
                })
            })
            .to_vec();
    });
    let upper: Vec<bool> =
        pids.iter().map(|pid| exec(&recorded, *pid).exec.flags & exec_flags::EXE_UPPER != 0).collect();
    assert_eq!(upper, [false, true]);
}

#[test]
fn terminal_and_login_are_told() {
    /// `ioctl`, and its request that makes a terminal the controlling one.
    const IOCTL: u16 = 16;
    const TIOCSCTTY: u32 = 0x540E;
    let pty = nix::pty::openpty(None, None).expect("a terminal");
    let name = nix::unistd::ttyname(&pty.slave).expect("its name");
    let (mut on, mut off) = (0, 0);
    let recorded = record(|| {
        on = in_child(|| {
            nix::unistd::setsid().expect("a session");
            let fd = std::os::fd::AsRawFd::as_raw_fd(&pty.slave);
            assert_eq!(call(IOCTL, &[&fd, &TIOCSCTTY, &0]), 0);
            // Who is root may log anybody in, once.
            let _ = fs::write("/proc/self/loginuid", "4321");
            panic!("{}", Command::new("true").exec());
        });
        off = in_child(|| {
            nix::unistd::setsid().expect("a session");
            panic!("{}", Command::new("true").exec());
        });
    });
    let tty = |pid| String::from_utf8_lossy(&exec(&recorded, pid).exec.tty).trim_end_matches('\0').to_owned();
    assert_eq!(format!("/dev/{}", tty(on).replace("pts", "pts/")), text(&name));
    assert_eq!(tty(off), "");
    let login = fs::read_to_string("/proc/self/loginuid").map(|text| text.trim().parse().expect("a number"));
    assert_eq!(exec(&recorded, off).exec.login_uid, login.unwrap_or(u32::MAX));
    if fs::metadata("/proc/self/loginuid").is_ok() {
        assert_eq!(exec(&recorded, on).exec.login_uid, 4321);
    }
}

#[test]
fn an_exec_names_the_cgroup_of_its_parent() {
    let group = Group::make("taffrail-parent");
    let mut pid = 0;
    let recorded = record(|| {
        pid = in_child(|| {
            group.enter();
            panic!("{}", Command::new("true").exec());
        });
    });
    let event = recorded.of(pid).find(|event| matches!(event.what, What::Exec { .. })).expect("the exec");
    assert_eq!(event.header.cgroup_id, group.id());
    assert_ne!(exec(&recorded, pid).exec.parent_cgroup_id, group.id());
}
