//! Execs, forks and exits of real processes.

mod support;

use std::net::{TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{MetadataExt, symlink};
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};

use support::{Event, Recorded, What, comm, own, record};
use taffrail_probes::abi::{Kind, process::exec_flags};

/// The exec of a process; it must be the only one.
fn exec(recorded: &Recorded, pid: u32) -> &Event {
    let mut execs = recorded.of(pid).filter(|event| event.kind == Kind::Exec);
    let first = execs.next().expect("the exec was recorded");
    assert!(execs.next().is_none(), "one exec");
    first
}

#[test]
fn an_exec_tells_program_arguments_directory_and_lineage() {
    let directory = tempfile::tempdir().expect("a directory");
    let place = directory.path().canonicalize().expect("its path");
    let mut pid = 0;
    let recorded = record(|| {
        let mut child = Command::new("/bin/sh")
            .args(["-c", "exit 0", "", "two words"])
            .current_dir(&place)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a shell");
        pid = child.id();
        child.wait().expect("its end");
    });
    let event = exec(&recorded, pid);
    let What::Exec { exec, exe, cwd, args, .. } = &event.what else { panic!("{event:?}") };
    let program = std::fs::canonicalize("/bin/sh").expect("the shell's path");
    let file = std::fs::metadata(&program).expect("the shell's inode");
    assert_eq!(exe, &program.to_string_lossy());
    assert_eq!(cwd, &place.to_string_lossy());
    assert_eq!(args, &["/bin/sh", "-c", "exit 0", "", "two words"]);
    assert_eq!(exec.exe_inode, file.ino());
    assert_eq!(u32::from(exec.exe_mode), file.mode());
    assert_eq!(exec.flags & exec_flags::EXE_DELETED, 0);
    assert_eq!(exec.parent.pid, own());
    assert_eq!(exec.stdio[0].mode & 0o170_000, 0o020_000, "fd 0 is a character device");
    assert_eq!(exec.stdio[1].mode & 0o170_000, 0o010_000, "fd 1 is a pipe");
    assert_eq!(comm(&event.header), "sh");
    assert_eq!(event.header.uid, 0);

    let fork = recorded.of(own()).find_map(|event| match &event.what {
        What::Fork(fork) if fork.child.pid == pid => Some((event, fork)),
        _ => None,
    });
    let (by, fork) = fork.expect("the fork was recorded");
    assert_eq!(by.header.image, exec.parent, "parent and forker are one image");
    assert_eq!(fork.child.start_boottime_ns, event.header.image.start_boottime_ns);
    assert_eq!(fork.child.exec_seq + 1, event.header.image.exec_seq, "an exec counts");
    assert_eq!(fork.child_cgroup_id, event.header.cgroup_id);
    assert!(by.header.time_ns <= event.header.time_ns);
}

#[test]
fn a_process_that_ends_tells_its_exit_code_or_signal() {
    let (mut left, mut killed, mut status) = (0, 0, 0);
    let recorded = record(|| {
        let mut child = Command::new("sh").args(["-c", "exit 7"]).spawn().expect("a shell");
        left = child.id();
        child.wait().expect("its end");
        let mut child = Command::new("sleep").arg("1000").spawn().expect("a sleeper");
        killed = child.id();
        child.kill().expect("a signal");
        status = child.wait().expect("its end").into_raw();
    });
    let exit = |pid| {
        let exits: Vec<u32> = recorded
            .of(pid)
            .filter_map(|event| match &event.what {
                What::Exit(exit) => Some(exit.status),
                _ => None,
            })
            .collect();
        assert_eq!(exits.len(), 1, "a process ends once");
        exits[0]
    };
    assert_eq!(exit(left), 7 << 8);
    assert_eq!(exit(killed), 9);
    assert_eq!(status, 9);
}

#[test]
fn a_thread_is_no_process_and_a_process_of_threads_ends_once() {
    let mut pid = 0;
    let recorded = record(|| {
        std::thread::spawn(|| {}).join().expect("a thread");
        let mut child = Command::new(std::env::current_exe().expect("this test"))
            .args(["--exact", "workload_of_threads", "--ignored"])
            .stdout(Stdio::null())
            .spawn()
            .expect("a child of threads");
        pid = child.id();
        assert!(child.wait().expect("its end").success());
    });
    assert_eq!(recorded.of(own()).filter(|event| event.kind == Kind::Fork).count(), 1);
    assert_eq!(recorded.of(pid).filter(|event| event.kind == Kind::Exit).count(), 1);
    assert_eq!(recorded.of(pid).filter(|event| event.kind == Kind::Fork).count(), 0);
}

/// Run by the test above, in a process of its own.
#[test]
#[ignore = "a workload, not a test"]
fn workload_of_threads() {
    let threads: Vec<_> = (0..8).map(|_| std::thread::spawn(std::thread::yield_now)).collect();
    for thread in threads {
        thread.join().expect("a thread");
    }
}

#[test]
fn long_arguments_are_cut_and_say_so() {
    let mut pid = 0;
    let recorded = record(|| {
        let mut child = Command::new("true").arg("x".repeat(10_000)).spawn().expect("true");
        pid = child.id();
        child.wait().expect("its end");
    });
    let event = exec(&recorded, pid);
    let What::Exec { exec, args, .. } = &event.what else { panic!("{event:?}") };
    assert_ne!(exec.flags & exec_flags::ARGS_CUT, 0);
    assert_eq!(args.len(), 2);
    assert_eq!(args[1].len(), 4095 - "true\0".len());
}

#[test]
fn a_program_whose_file_is_gone_is_known_as_deleted() {
    let directory = tempfile::tempdir().expect("a directory");
    let copy = directory.path().join("gone");
    std::fs::copy("/bin/sleep", &copy).expect("a copy");
    let mut pid = 0;
    let recorded = record(|| {
        let file = std::fs::File::open(&copy).expect("the copy");
        std::fs::remove_file(&copy).expect("its removal");
        let path = format!("/proc/{}/fd/{}", own(), std::os::fd::AsRawFd::as_raw_fd(&file));
        let mut child = Command::new(path).arg("0").spawn().expect("a program without a name");
        pid = child.id();
        child.wait().expect("its end");
    });
    let What::Exec { exec, exe, .. } = &exec(&recorded, pid).what else { panic!("no exec") };
    assert_ne!(exec.flags & exec_flags::EXE_DELETED, 0);
    assert!(exe.ends_with("/gone"), "{exe}");
}

#[test]
fn an_exec_through_a_symlink_names_the_file_itself() {
    let directory = tempfile::tempdir().expect("a directory");
    let link = directory.path().join("innocent");
    symlink("/bin/true", &link).expect("a link");
    let mut pid = 0;
    let recorded = record(|| {
        let mut child = Command::new(&link).spawn().expect("true");
        pid = child.id();
        child.wait().expect("its end");
    });
    let What::Exec { exe, args, .. } = &exec(&recorded, pid).what else { panic!("no exec") };
    assert_eq!(exe, &std::fs::canonicalize("/bin/true").expect("its path").to_string_lossy());
    assert_eq!(args[0], link.to_string_lossy());
}

#[test]
fn a_socket_as_standard_input_shows_its_ends() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a listener");
    let address = listener.local_addr().expect("its address");
    let (mut pid, mut port) = (0, 0);
    let recorded = record(|| {
        let stream = TcpStream::connect(address).expect("a connection");
        port = stream.local_addr().expect("its address").port();
        let mut child = Command::new("true").stdin(Stdio::from(OwnedFd::from(stream))).spawn().expect("true");
        pid = child.id();
        child.wait().expect("its end");
    });
    let What::Exec { exec, .. } = &exec(&recorded, pid).what else { panic!("no exec") };
    let stdin = exec.stdio[0];
    assert_eq!(stdin.mode & 0o170_000, 0o140_000);
    assert_eq!((stdin.family, stdin.local_port, stdin.remote_port), (2, port, address.port()));
    assert_eq!(stdin.remote_addr[..4], [127, 0, 0, 1]);
    assert_eq!(stdin.local_addr[..4], [127, 0, 0, 1]);
}
