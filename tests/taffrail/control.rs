//! Who may ask a recorder, and how little it costs the recorder when somebody asks badly.

use crate::support::{Recorder, record_refuses, run, told, until};
use std::fs::{self, Permissions};
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// A group that every Debian has and no process here is in.
const GROUP: &str = "games";
const LET_IN: &str = "control_group = \"games\"\n";
/// In the group by its first group, by another one, and not at all.
const FIRST: &[&str] = &["--regid=games", "--clear-groups"];
const OTHER: &[&str] = &["--regid=nogroup", "--groups=games"];
const OUTSIDE: &[&str] = &["--regid=nogroup", "--clear-groups"];
/// As many as are answered at a time, as root and as members of the group.
const ROOT_MAX: usize = 64;
const GROUP_MAX: usize = 32;

/// A recorder whose state directory a user can come near, as in /var/lib, and a program that any user can run.
struct Gate {
    recorder: Recorder,
    program: PathBuf,
}

impl Gate {
    fn new(config: &str) -> Self {
        Self::again(tempfile::tempdir().expect("a directory"), config)
    }

    fn again(dir: TempDir, config: &str) -> Self {
        fs::set_permissions(dir.path(), Permissions::from_mode(0o755)).expect("mode");
        let program = dir.path().join("taffrail");
        fs::copy(env!("CARGO_BIN_EXE_taffrail"), &program).expect("copy");
        Self { recorder: Recorder::start_in(dir, config), program }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.recorder.state_dir().join(name)
    }

    /// Owner's group, and mode.
    fn mode(&self, name: &str) -> (u32, u32) {
        let metadata = fs::metadata(self.path(name)).expect("metadata");
        (metadata.gid(), metadata.mode() & 0o7777)
    }

    /// `taffrail SUBCOMMAND --state-dir DIR ARGS...` as nobody, with these groups.
    fn ask(&self, groups: &[&str], subcommand: &str, args: &[&str]) -> (i32, String, String) {
        let state = self.recorder.state_dir();
        let mut command = nobody(groups, &self.program);
        told(command.arg(subcommand).arg("--state-dir").arg(state).args(args).output().expect("setpriv"))
    }

    fn connect(&self) -> UnixStream {
        let stream = UnixStream::connect(self.path("control.sock")).expect("a connection");
        stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a timeout");
        stream
    }
}

fn nobody(groups: &[&str], program: &Path) -> Command {
    let mut command = Command::new("setpriv");
    command.arg("--reuid=nobody").args(groups).arg(program);
    command
}

fn gid_of(group: &str) -> u32 {
    let groups = fs::read_to_string("/etc/group").expect("groups");
    let line = groups.lines().find(|line| line.starts_with(&format!("{group}:"))).expect("the group");
    line.split(':').nth(2).and_then(|gid| gid.parse().ok()).expect("a gid")
}

fn line_of(stream: UnixStream) -> String {
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).expect("a line");
    line
}

fn one_line_with(err: &str, words: &[&str]) {
    assert!(words.iter().all(|word| err.contains(word)) && err.trim().lines().count() == 1, "{words:?} in {err}");
}

const TRIGGER: &[&str] =
    &["--container", "host", "--reason", "a member asks", "--before", "5s", "--after", "0s", "--wait"];

#[test]
fn a_member_of_the_group_asks_orders_and_reads_what_was_sealed() {
    let gate = Gate::new(LET_IN);
    for groups in [FIRST, OTHER] {
        let (code, out, err) = gate.ask(groups, "status", &["--json"]);
        assert_eq!(code, 0, "{err}");
        let status: serde_json::Value = serde_json::from_str(&out).expect("JSON");
        assert_eq!(status["pid"], gate.recorder.pid());
        let (code, _, err) = gate.ask(groups, "level", &["--container", "host", "standard"]);
        assert_eq!(code, 0, "{err}");
        let (code, out, err) = gate.ask(groups, "trigger", TRIGGER);
        assert_eq!(code, 0, "{err}");
        let bundle = Path::new(out.trim_end());
        let metadata = fs::metadata(bundle).expect("a bundle");
        assert_eq!((metadata.gid(), metadata.mode() & 0o7777), (gid_of(GROUP), 0o640));
        let (code, _, err) = told(nobody(groups, &gate.program).arg("verify").arg(bundle).output().expect("setpriv"));
        assert_eq!(code, 0, "{err}");
        let (code, _, _) = told(nobody(OUTSIDE, &gate.program).arg("verify").arg(bundle).output().expect("setpriv"));
        assert_eq!(code, 2, "who is not in the group reads nothing");
    }
}

#[test]
fn who_is_not_in_the_group_cannot_connect_and_is_told_which_group_it_is() {
    let gate = Gate::new(LET_IN);
    for (subcommand, args) in [("status", &[][..]), ("trigger", TRIGGER), ("level", &["--container", "host", "off"])] {
        let (code, out, err) = gate.ask(OUTSIDE, subcommand, args);
        assert_eq!((code, out.as_str()), (2, ""));
        one_line_with(&err, &["root", "the group games"]);
    }
}

#[test]
fn a_peer_that_got_past_the_modes_is_looked_at_again() {
    let gate = Gate::new(LET_IN);
    fs::set_permissions(gate.recorder.state_dir(), Permissions::from_mode(0o755)).expect("mode");
    fs::set_permissions(gate.path("control.sock"), Permissions::from_mode(0o666)).expect("mode");
    let (code, out, err) = gate.ask(OUTSIDE, "status", &[]);
    assert_eq!((code, out.as_str()), (2, ""));
    one_line_with(&err, &["only root and the group games are answered"]);
    assert_eq!(gate.ask(OTHER, "status", &[]).0, 0);
}

#[test]
fn nothing_but_socket_and_evidence_is_open_to_the_group() {
    let gate = Gate::new(LET_IN);
    let gid = gid_of(GROUP);
    assert_eq!(gate.mode(""), (gid, 0o710));
    assert_eq!(gate.mode("control.sock"), (gid, 0o660));
    assert_eq!(gate.mode("evidence"), (gid, 0o750));
    assert_eq!((gate.mode("ring").1, gate.mode("lock").1), (0o700, 0o600));
    for (program, name) in [("ls", ""), ("ls", "ring"), ("cat", "lock")] {
        let (code, out, _) = told(nobody(OTHER, Path::new(program)).arg(gate.path(name)).output().expect("setpriv"));
        assert!(code != 0 && out.is_empty(), "{program} {name:?}: {out}");
    }
    let live = ["--live", "--sql", "SELECT 1"];
    let (code, _, err) = gate.ask(OTHER, "query", &live);
    assert_eq!(code, 2);
    one_line_with(&err, &["ring", "denied"]);
}

#[test]
fn a_member_names_no_place_that_root_would_write_to() {
    let gate = Gate::new(LET_IN);
    let place = gate.program.with_file_name("place");
    let (code, out, err) = gate.ask(OTHER, "trigger", &[TRIGGER, &["--out", &place.to_string_lossy()]].concat());
    assert_eq!((code, out.as_str()), (2, ""));
    one_line_with(&err, &["only root says where to", "leave --out away"]);
    assert!(!place.exists());
}

#[test]
fn without_a_group_only_root_comes_near_also_where_there_was_one() {
    let gate = Gate::new(LET_IN);
    let (code, dir) = gate.recorder.end("TERM");
    assert_eq!(code, Some(0));
    let gate = Gate::again(dir, "");
    assert_eq!((gate.mode("").1, gate.mode("control.sock").1), (0o700, 0o600));
    for groups in [FIRST, OTHER, OUTSIDE] {
        let (code, out, err) = gate.ask(groups, "status", &[]);
        assert_eq!((code, out.as_str()), (2, ""));
        one_line_with(&err, &["root only", "control_group"]);
    }
    assert_eq!(gate.recorder.status()["pid"], gate.recorder.pid());
}

#[test]
fn a_group_that_this_host_does_not_know_is_refused_before_anything_is_recorded() {
    let err = record_refuses("control_group = \"taffrail-nobody\"\n");
    one_line_with(&err, &["control_group = \"taffrail-nobody\"", "groupadd"]);
}

#[test]
fn a_request_without_end_is_refused_at_64_kib() {
    let gate = Gate::new("");
    let mut stream = gate.connect();
    // Where the recorder has heard enough it hangs up on the rest.
    let _ = stream.write_all(&vec![b' '; 1 << 20]);
    let line = line_of(stream);
    assert!(line.contains("refused") && line.contains("at most 65536 bytes"), "{line}");
    assert_eq!(gate.recorder.status()["pid"], gate.recorder.pid());
}

#[test]
fn silent_clients_are_let_go_and_beyond_64_nobody_waits() {
    let gate = Gate::new("");
    let began = Instant::now();
    let mut silent: Vec<UnixStream> = (0..ROOT_MAX).map(|_| gate.connect()).collect();
    // One that says a byte now and then is no better.
    silent[0].write_all(b"{").expect("a byte");
    for _ in 0..10 {
        assert!(line_of(gate.connect()).contains("too many ask at once"));
    }
    let (code, _, err) = run(&["status", "--state-dir", &gate.recorder.state_dir().to_string_lossy()]);
    assert_eq!(code, 2);
    one_line_with(&err, &["too many ask at once; ask again"]);
    assert!(began.elapsed() < Duration::from_secs(5), "nobody was let go yet");
    for stream in silent {
        assert!(line_of(stream).contains("no request came"));
    }
    println!("{ROOT_MAX} silent clients were let go after {:.1} s", began.elapsed().as_secs_f64());
    assert!(began.elapsed() < Duration::from_secs(10));
    assert_eq!(gate.recorder.status()["pid"], gate.recorder.pid());
}

/// Connects as often as it is told, says after a second how many were refused, and stays until its input ends.
const HOLD: &str = "
import select, socket, sys, time
held = [socket.socket(socket.AF_UNIX) for _ in range(int(sys.argv[2]))]
for one in held: one.connect(sys.argv[1])
time.sleep(1)
print(len(select.select(held, [], [], 0)[0]), flush=True)
sys.stdin.read()
";

#[test]
fn members_who_take_every_place_of_theirs_leave_roots_free() {
    let gate = Gate::new(LET_IN);
    let mut hold = nobody(OTHER, Path::new("/usr/bin/python3"));
    hold.arg("-c").arg(HOLD).arg(gate.path("control.sock")).arg((GROUP_MAX + 8).to_string());
    let mut hold = hold.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("setpriv");
    let mut refused = String::new();
    BufReader::new(hold.stdout.take().expect("stdout")).read_line(&mut refused).expect("a line");
    assert_eq!(refused.trim(), "8");
    let (code, _, err) = gate.ask(OTHER, "status", &[]);
    assert_eq!(code, 2);
    one_line_with(&err, &["too many ask at once"]);
    assert_eq!(gate.recorder.status()["pid"], gate.recorder.pid());
    until("the silent members to be let go", || gate.ask(OTHER, "status", &[]).0 == 0);
    drop(hold.stdin.take());
    assert!(hold.wait().expect("python3").success());
}
