//! What is typed and printed, on terminals and where a shell talks through pipes.

mod support;

use std::fs::File;
use std::io::{IoSlice, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use nix::{libc, pty::openpty, unistd::setsid};
use support::{Event, Recorded, What, options, own, record, record_with};
use taffrail_probes::{
    Options,
    abi::io::{Direction, Terminal},
};

/// Terminal records of one process, or of this one and all its children.
fn terminal(recorded: &Recorded, pid: Option<u32>) -> Vec<(&Terminal, &[u8])> {
    let who = pid.map_or_else(|| recorded.family(), |pid| [pid].into());
    let events = recorded.events.iter().filter(|event| who.contains(&event.header.image.pid));
    let records = events.filter_map(|event| match &event.what {
        What::Terminal { terminal, bytes } => Some((terminal, bytes.as_slice())),
        _ => None,
    });
    records.collect()
}

/// All bytes of one direction, as text.
fn all(records: &[(&Terminal, &[u8])], direction: Direction) -> String {
    let bytes = records.iter().filter(|(it, _)| it.direction == direction as u16).flat_map(|(_, bytes)| bytes.to_vec());
    String::from_utf8(bytes.collect()).expect("text")
}

/// The one session of these records.
fn session(records: &[(&Terminal, &[u8])]) -> u64 {
    let first = records.first().expect("something on the terminal").0.session_id;
    assert!(records.iter().all(|(it, _)| it.session_id == first), "one session: {records:?}");
    first
}

/// Runs a shell on a new terminal, types a line and waits for its end.
fn on_a_terminal(script: &str, typed: &[u8]) -> u32 {
    let pty = openpty(None, None).expect("a terminal");
    let (mut master, slave) = (File::from(pty.master), pty.slave);
    let end = || Stdio::from(slave.try_clone().expect("the terminal"));
    let mut command = Command::new("sh");
    command.args(["-c", script]).stdin(end()).stdout(end()).stderr(end());
    #[expect(unsafe_code, reason = "std gives no controlling terminal")]
    // SAFETY: two system calls between fork and exec.
    unsafe {
        command.pre_exec(|| {
            setsid()?;
            assert_eq!(libc::ioctl(0, libc::TIOCSCTTY, 0), 0);
            Ok(())
        });
    }
    let mut child = command.spawn().expect("a shell");
    drop((slave, command));
    master.write_all(typed).expect("typing");
    assert!(child.wait().expect("its end").success());
    child.id()
}

#[test]
fn what_is_typed_and_printed_on_a_terminal_is_kept_byte_for_byte() {
    let mut pid = 0;
    let recorded = record(|| {
        pid = on_a_terminal(
            "read line; echo \"got $line\"; printf 'a\\tb\\033[1m'; /bin/echo last >/dev/tty",
            b"hello\n",
        );
    });
    let records = terminal(&recorded, None);
    session(&records);
    assert_eq!(all(&records, Direction::Typed), "hello\n");
    assert_eq!(all(&records, Direction::Printed), "got hello\na\tb\u{1b}[1mlast\n");
    assert!(terminal(&recorded, Some(pid)).len() > 1);
    assert!(terminal(&recorded, Some(own())).is_empty(), "the other end of the terminal is not the terminal");
    assert!(records.iter().all(|(it, bytes)| it.bytes == bytes.len() as u64));
}

#[test]
fn two_logins_on_terminals_are_two_sessions() {
    let mut pids = Vec::new();
    let recorded = record(|| {
        for _ in 0..8 {
            pids.push(on_a_terminal("echo x", b""));
        }
    });
    let mut sessions: Vec<u64> = pids.iter().map(|pid| session(&terminal(&recorded, Some(*pid)))).collect();
    sessions.sort_unstable();
    sessions.dedup();
    assert_eq!(sessions.len(), 8);
}

#[test]
fn a_vector_is_kept_whole_and_a_long_write_says_how_long_it_was() {
    let pty = openpty(None, None).expect("a terminal");
    let mut slave = File::from(pty.slave);
    let mut master = File::from(pty.master);
    let recorded = record(|| {
        assert_eq!(slave.write_vectored(&[IoSlice::new(b"one "), IoSlice::new(b"two")]).expect("a writev"), 7);
        slave.write_all(&[b'x'; 3000]).expect("a long write");
        let mut got = [0; 1000];
        assert!(master.read(&mut got).expect("something") > 0);
    });
    let records = terminal(&recorded, Some(own()));
    session(&records);
    assert_eq!((records[0].0.bytes, records[0].1), (7, &b"one two"[..]));
    let rest: u64 = records[1..].iter().map(|(it, _)| it.bytes).sum();
    assert_eq!(rest, 3000);
    assert!(records[1..].iter().all(|(it, bytes)| bytes.len() as u64 == it.bytes.min(2048)));
}

/// Runs a shell that talks through pipes; gives what it printed.
fn through_pipes(script: &str, typed: &[u8]) -> (u32, String) {
    let mut child =
        Command::new("sh").args(["-c", script]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("a shell");
    child.stdin.take().expect("its input").write_all(typed).expect("typing");
    let mut printed = String::new();
    child.stdout.take().expect("its output").read_to_string(&mut printed).expect("text");
    assert!(child.wait().expect("its end").success());
    (child.id(), printed)
}

#[test]
fn a_shell_on_pipes_is_a_session_that_its_commands_join() {
    let (mut pid, mut printed) = (0, String::new());
    let recorded = record(|| {
        (pid, printed) = through_pipes("echo one; cat; sh -c '/bin/echo two; echo three'", b"typed in\n");
    });
    let records = terminal(&recorded, None);
    session(&records);
    assert_eq!(all(&records, Direction::Typed), "typed in\n");
    assert_eq!(all(&records, Direction::Printed), printed);
    assert_eq!(printed, "one\ntyped in\ntwo\nthree\n");
    assert!(terminal(&recorded, Some(own())).is_empty(), "who holds the other ends says nothing twice");
    assert!(records.len() > terminal(&recorded, Some(pid)).len(), "a command's own words");
}

#[test]
fn bytes_that_no_program_held_are_told_with_who_had_them_moved() {
    let mut file = tempfile::NamedTempFile::new().expect("a file");
    file.write_all(b"abcdefghijklmnopqrstuvwxyz").expect("its text");
    // This cat has the kernel send the file, and never sees it.
    let script = format!("echo before; busybox cat {}; echo after", file.path().display());
    let (mut pid, mut printed) = (0, String::new());
    let recorded = record(|| (pid, printed) = through_pipes(&script, b""));
    assert_eq!(printed, "before\nabcdefghijklmnopqrstuvwxyzafter\n");
    let records = terminal(&recorded, None);
    session(&records);
    let told: Vec<_> = records.iter().map(|(it, bytes)| (it.bytes, bytes.len())).collect();
    assert_eq!(told, [(7, 7), (26, 0), (6, 6)]);
    assert_eq!(terminal(&recorded, Some(pid)).len(), 2, "the shell's own words");
}

#[test]
fn pipes_of_no_shell_are_no_session() {
    let recorded = record(|| {
        let child = Command::new("echo").arg("quiet").stdout(Stdio::piped()).spawn().expect("echo");
        child.wait_with_output().expect("its end");
        let (reader, writer) = std::io::pipe().expect("a pipe");
        let mut ends = (File::from(OwnedFd::from(reader)), File::from(OwnedFd::from(writer)));
        ends.1.write_all(b"quiet").expect("a write");
        ends.0.read_exact(&mut [0; 5]).expect("a read");
    });
    assert!(terminal(&recorded, None).is_empty());
}

#[test]
fn what_is_beyond_the_budget_is_counted_and_not_kept() {
    let options = Options { terminal_bytes: 100, ..options() };
    let (mut kept, mut last) = (Vec::new(), None);
    let _ = record_with(&options, |probes| {
        let (pid, _) =
            through_pipes("for i in 1 2 3 4 5 6; do echo 123456789012345678901234567890123456789; done", b"");
        std::thread::sleep(std::time::Duration::from_millis(20));
        let mut each = |record: taffrail_probes::Record<'_>| {
            let event = Event::of(&record);
            if let What::Terminal { terminal, bytes } = event.what
                && event.header.image.pid == pid
            {
                kept.push((terminal.session_id, terminal.bytes, bytes.len() as u64));
            }
        };
        probes.drain(&mut each).expect("a drain");
        last = probes.session(kept.first().expect("something kept").0);
    });
    let session = last.expect("the session");
    let sum: u64 = kept.iter().map(|(_, _, bytes)| bytes).sum();
    assert_eq!(session.kept_bytes, sum);
    assert_eq!(session.kept_bytes + session.cut_bytes, 6 * 40);
    assert!((100..140).contains(&session.kept_bytes), "{session:?}");
}
