//! Ways into a container from outside, and from one container into another.

use crate::support::container::{Container, docker};
use crate::support::stage::{CAPABLE, Stage, assert_rows};
use serde_json::json;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};

fn pid_of(container: &Container) -> String {
    docker(&["inspect", "--format", "{{.State.Pid}}", &container.id])
}

#[test]
fn who_comes_in_by_nsenter_acts_in_the_container_and_is_marked_with_who_sent_him() {
    let stage = Stage::new("entered", &[]);
    let pid = pid_of(&stage.container);
    let doors = ["--mount", "--uts", "--ipc", "--net", "--pid"];
    let entered = Command::new("nsenter")
        .args(["--target", &pid])
        .args(doors)
        .args(["/bin/sh", "-c", "/bin/touch /data/from-outside; /bin/true"])
        .output()
        .expect("nsenter");
    assert!(entered.status.success(), "{entered:?}");
    let evidence = stage.evidence();

    let programs = "SELECT p.args, p.entered, b.comm AS sender, b.container_id AS sender_in FROM process p \
         LEFT JOIN process b ON p.entered_by = b.exec_id WHERE p.origin = 'exec' AND p.args[2] = '-c' AND p.args[3] LIKE '%from-outside%'";
    let shell = json!({ "entered": "namespaces", "sender": "nsenter", "sender_in": "host" });
    assert_rows("the shell", &evidence.ask(programs), &[shell]);
    let inner = "SELECT entered FROM process WHERE args[1] = '/bin/touch' AND origin = 'exec'";
    assert_rows("what the shell ran", &evidence.ask(inner), &[json!({ "entered": null })]);
    let touched = "SELECT op, path FROM file WHERE path = '/data/from-outside' AND op = 'create'";
    assert_eq!(evidence.ask(touched).len(), 1);
}

#[test]
fn who_joins_another_containers_namespaces_is_seen_in_both() {
    let stage = Stage::new("joining", &[CAPABLE, &["--pid=host"]].concat());
    let other = Container::workloads("joined", &[], &["sh", "-c", "mkdir /data; sleep 600"]);
    other.wait_for("/data");
    let pid = pid_of(&other);
    stage.container.exec(&["nsenter", "-t", &pid, "-m", "/bin/touch", "/data/crossed"]);
    other.exec(&["test", "-e", "/data/crossed"]);
    let evidence = stage.evidence();

    let joined = "SELECT detail, result FROM privilege WHERE op = 'setns' AND comm = 'nsenter' AND result = 0";
    let rows = evidence.ask(joined);
    assert_eq!(rows.len(), 1, "{rows:?}");
    assert!(rows[0]["detail"].as_str().is_some_and(|detail| detail.contains("CLONE_NEWNS")), "{rows:?}");
    let touched = "SELECT f.path, p.mount_ns <> n.mount_ns AS elsewhere FROM file f JOIN process p ON f.exec_id = p.exec_id \
         JOIN process n ON p.process_id = n.process_id AND n.comm = 'nsenter' AND n.origin = 'exec' WHERE f.path = '/data/crossed'";
    assert_rows("the touch", &evidence.ask(touched), &[json!({ "elsewhere": true })]);

    let visited = stage.recorder.trigger(&other.id, "10m", "0s");
    let told = crate::support::ask(
        &visited,
        "SELECT detail FROM lifecycle WHERE op = 'entered' AND detail LIKE '%joined its namespaces%'",
    );
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0]["detail"].as_str().is_some_and(|detail| detail.contains(&stage.container.name)), "{told:?}");
}

#[test]
fn what_a_process_runs_next_did_not_come_in_again() {
    let stage = Stage::new("becoming", &[]);
    stage.container.exec(&["sh", "-c", "/bin/true; exec /bin/cat /dev/null"]);
    let init = Container::workloads("becoming-init", &[], &["sh", "-c", "mkdir /data; exec sleep 600"]);
    init.wait_for("/data");
    let evidence = stage.evidence();

    let programs = "SELECT comm, entered FROM process WHERE origin = 'exec' AND args[1] IN ('sh', '/bin/cat') AND process_id IN \
         (SELECT process_id FROM process WHERE args[1] = '/bin/cat') ORDER BY time";
    let came = json!({ "comm": "sh", "entered": "cgroup" });
    assert_rows(
        "the shell and what it became",
        &evidence.ask(programs),
        &[came, json!({ "comm": "cat", "entered": null })],
    );
    let of_init = crate::support::ask(
        &stage.recorder.trigger(&init.id, "10m", "0s"),
        "SELECT args[1] AS program, entered FROM process WHERE origin = 'exec' AND args[1] IN ('sh', 'sleep') ORDER BY time",
    );
    let own = |program: &str| json!({ "program": program, "entered": null });
    assert_rows("a container's first process", &of_init, &[own("sh"), own("sleep")]);
}

#[test]
fn nobody_enters_a_container_that_is_gone() {
    let stage = Stage::new("after", &[]);
    let gone = Container::workloads("gone", &[], &["sh", "-c", "exit 0"]);
    let id = gone.id.clone();
    drop(gone);
    assert_told_of(&stage, &id, &["removed"]);
}

#[test]
fn who_stays_behind_in_a_container_that_is_gone_leaves_its_namespaces_number_to_the_next() {
    let stage = Stage::new("staying", &[]);
    let gone = Container::workloads("staying-gone", &[], &["sh", "-c", "mkdir /data; sleep 600"]);
    gone.wait_for("/data");
    let mut shell = Command::new("nsenter");
    shell.args(["--target", &pid_of(&gone), "--mount", "/bin/sh", "-c", "echo in; read line; /bin/true; echo ran"]);
    let mut shell = shell.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("nsenter");
    let mut said = BufReader::new(shell.stdout.take().expect("its output")).lines();
    assert_eq!(said.next().expect("a line").expect("text"), "in");
    let id = gone.id.clone();
    drop(gone);
    shell.stdin.take().expect("its input").write_all(b"go\n").expect("a line");
    assert_eq!(said.next().expect("a line").expect("text"), "ran");
    assert!(shell.wait().expect("its end").success());
    // That one came in, and nobody after him.
    assert_told_of(&stage, &id, &["entered", "removed"]);
}

/// Containers that come after the one that is gone are not told as entering it: the kernel gives the numbers of its
/// namespaces to those that come next.
fn assert_told_of(stage: &Stage, gone: &str, ops: &[&str]) {
    for name in ["next", "next-but-one"] {
        let next = Container::workloads(name, &[], &["sh", "-c", "mkdir /data; sleep 600"]);
        next.wait_for("/data");
    }
    let told = crate::support::ask(
        &stage.recorder.trigger(gone, "10m", "0s"),
        "SELECT op FROM lifecycle WHERE op IN ('removed', 'entered') ORDER BY time",
    );
    let expected: Vec<_> = ops.iter().map(|op| json!({ "op": op })).collect();
    assert_rows("of the first", &told, &expected);
}
