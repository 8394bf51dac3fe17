//! The main promise, on containers that are not ours: what happened before the trigger is in the evidence, in order,
//! with the right process, and nothing of a neighbour is.

use crate::support::container::Container;
use crate::support::{Recorder, ask, number, run};
use serde_json::Value;

/// Waits for the sign, acts, and stays. Paths, since busybox's shell runs its own commands without an exec otherwise. The
/// listener's input stays open: at its end it would hang up, and who connects ends with nothing sent where that is quicker.
const ACTS: &str = "while [ ! -e /go ]; do sleep 0.05; done; \
    sh -c 'echo evidence > /tmp/first'; \
    /bin/chmod 700 /tmp/first; \
    /bin/mv /tmp/first /tmp/second; \
    mkfifo /tmp/open; exec 9<> /tmp/open; \
    /bin/nc -l -p 9000 <&9 > /tmp/received & \
    sleep 0.5; echo 'twelve bytes' | /bin/nc 127.0.0.1 9000; wait; \
    /bin/rm /tmp/second; \
    (exit 7); \
    touch /done; sleep 600";

const NEIGHBOUR: &str =
    "while true; do echo x > /tmp/neighbours-secret; cat /tmp/neighbours-secret > /dev/null; sleep 0.02; done";

fn text(row: &Value, column: &str) -> String {
    row[column].as_str().unwrap_or_else(|| panic!("{column} of {row}")).to_owned()
}

#[test]
fn acts_before_the_trigger_are_found_in_order_with_their_lineage_and_nothing_of_a_neighbour() {
    let recorder = Recorder::start("");
    let neighbour = Container::run("neighbour", NEIGHBOUR);
    let web = Container::run("web", ACTS);
    recorder.wait_for(&web.name);
    recorder.wait_for(&neighbour.name);
    web.exec(&["touch", "/go"]);
    web.wait_for("/done");
    // Everything has happened. Only now does anybody ask.
    let bundle = recorder.trigger(&web.name, "60s", "0s");
    let (code, said, _) = run(&["verify", &bundle.to_string_lossy()]);
    assert_eq!(code, 0, "{said}");
    assert!(bundle.file_name().expect("a name").to_string_lossy().starts_with(&web.name));

    let acts = ask(
        &bundle,
        "SELECT kind, op, summary FROM timeline WHERE \
         (kind = 'process' AND op = 'exec' AND summary LIKE '%echo evidence%' AND summary NOT LIKE '%while%') \
         OR (kind = 'file' AND op IN ('create', 'chmod', 'rename', 'unlink') AND (summary LIKE '%/tmp/first%' OR summary LIKE '%/tmp/second%')) \
         OR (kind = 'network' AND op IN ('listen', 'connect')) OR (kind = 'finding') ORDER BY time",
    );
    let order: Vec<String> = acts.iter().map(|row| text(row, "op")).collect();
    let expected = ["exec", "create", "chmod", "rename", "listen", "connect", "unlink", "manual"];
    assert_eq!(order, expected, "{acts:#?}");

    assert_eq!(
        number(
            &bundle,
            "SELECT count(*) AS n FROM file WHERE op = 'rename' AND path = '/tmp/first' AND new_path = '/tmp/second' AND result = 0 AND comm = 'mv'"
        ),
        1
    );
    assert_eq!(
        number(
            &bundle,
            "SELECT count(*) AS n FROM file WHERE op = 'create' AND path = '/tmp/first' AND path_source = 'kernel' AND flags LIKE '%O_CREAT%'"
        ),
        1
    );
    assert_eq!(
        number(
            &bundle,
            "SELECT count(*) AS n FROM network WHERE op = 'connect' AND remote_addr = '127.0.0.1' AND remote_port = 9000 AND local_port > 0 AND bytes_sent = 13 AND result = 0 AND end_time > time AND comm = 'nc'"
        ),
        1,
        "{:#?}",
        ask(&bundle, "SELECT * FROM network")
    );
    assert_eq!(
        number(
            &bundle,
            "SELECT count(*) AS n FROM network WHERE op = 'accept' AND local_port = 9000 AND bytes_received = 13 AND direction = 'inbound'"
        ),
        1
    );
    assert_eq!(number(&bundle, "SELECT count(*) AS n FROM process WHERE exit_code = 7 AND origin = 'fork'"), 1);
    assert_eq!(
        number(
            &bundle,
            "SELECT count(*) AS n FROM process WHERE args[1] = '/bin/chmod' AND args[2] = '700' AND exit_code = 0 AND cwd = '/'"
        ),
        1
    );
    lineage_reaches_init(&bundle, &web);
    names_are_dockers(&bundle, &web);

    for table in ["process", "file", "network", "lifecycle", "finding", "gap"] {
        let foreign = format!(
            "SELECT count(*) AS n FROM {table} WHERE container_id NOT IN ('{}', 'host') OR container_name = '{}'",
            web.id, neighbour.name
        );
        assert_eq!(number(&bundle, &foreign), 0, "{table} has rows of another container");
    }
    assert_eq!(number(&bundle, "SELECT count(*) AS n FROM file WHERE container_id = 'host'"), 0);
    let bytes = std::fs::read(&bundle).expect("bundle");
    assert!(!bytes.windows(17).any(|window| window == b"neighbours-secret"));
    assert_eq!(number(&bundle, "SELECT coalesce(sum(lost), 0) AS n FROM gap WHERE cause = 'ring_full'"), 0);
}

/// From the connecting nc up to the container's own first process.
fn lineage_reaches_init(bundle: &std::path::Path, web: &Container) {
    let rows = ask(
        bundle,
        "WITH RECURSIVE up AS ( \
           SELECT exec_id, parent_exec_id, cmdline, container_id, CAST(0 AS BIGINT) AS step FROM process \
             WHERE exec_id = (SELECT exec_id FROM network WHERE op = 'connect') \
           UNION ALL SELECT p.exec_id, p.parent_exec_id, p.cmdline, p.container_id, up.step + 1 \
             FROM process p JOIN up ON p.exec_id = up.parent_exec_id WHERE up.step < 32) \
         SELECT cmdline, container_id FROM up ORDER BY step",
    );
    let inside: Vec<&Value> = rows.iter().filter(|row| row["container_id"] == web.id.as_str()).collect();
    assert_eq!(text(inside[0], "cmdline"), "/bin/nc 127.0.0.1 9000", "{rows:#?}");
    // Above the init stands runc's own last step, which entered the container and became it.
    assert!(text(inside[1], "cmdline").starts_with("sh -c 'while"), "the container's init: {rows:#?}");
    assert!(rows.len() > inside.len(), "the lineage goes on into the host: {rows:#?}");
}

fn names_are_dockers(bundle: &std::path::Path, web: &Container) {
    let rows = ask(bundle, "SELECT DISTINCT container_name, container_id FROM process WHERE container_id <> 'host'");
    assert_eq!(rows.len(), 1, "{rows:?}");
    assert_eq!(text(&rows[0], "container_name"), web.name);
    assert_eq!(text(&rows[0], "container_id"), web.id);
    let about = ask(bundle, "SELECT image, runtime FROM bundle");
    assert_eq!(text(&about[0], "image"), "taffrail-test-busybox:latest");
    assert_eq!(text(&about[0], "runtime"), "docker");
}

#[test]
fn a_process_older_than_the_recorder_is_named_with_its_lineage() {
    let old = Container::run("old", "while true; do echo x > /tmp/beat; sleep 0.1; done");
    old.wait_for("/tmp/beat");
    let recorder = Recorder::start("");
    recorder.wait_for(&old.name);
    std::thread::sleep(std::time::Duration::from_secs(1));
    let bundle = recorder.trigger(&old.name, "30s", "0s");
    let rows = ask(
        &bundle,
        "SELECT DISTINCT p.origin, p.cmdline, parent.container_id AS above FROM file f JOIN process p ON f.exec_id = p.exec_id \
         LEFT JOIN process parent ON p.parent_exec_id = parent.exec_id WHERE f.path = '/tmp/beat'",
    );
    assert!(rows.iter().any(|row| row["origin"] == "scan" && row["above"] == "host"), "{rows:#?}");
    assert_eq!(number(&bundle, "SELECT count(*) AS n FROM gap WHERE cause = 'recorder_down'"), 2, "one a class");
}
