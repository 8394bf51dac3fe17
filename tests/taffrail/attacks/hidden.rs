//! Programs without a file, with another's name, or with another content than a moment ago.

use crate::support::container::{Container, docker};
use crate::support::stage::{CAPABLE, Evidence, Stage, assert_rows};
use serde_json::{Value, json};

/// The images with this first argument that an exec made.
fn called(evidence: &Evidence, name: &str) -> Vec<Value> {
    evidence.ask(&format!("SELECT * FROM process WHERE args[1] = '{name}' AND origin = 'exec' ORDER BY time"))
}

fn sha256(stage: &Stage, path: &str) -> String {
    let said = stage.container.exec(&["sha256sum", path]);
    said.split(' ').next().expect("a sum").to_owned()
}

#[test]
fn a_program_without_a_file_or_under_a_false_name_is_seen_for_what_it_is() {
    let stage = Stage::new("hidden", &[]);
    stage.act(&["memfd-exec"]);
    stage.act(&["deleted-exec", "/data"]);
    stage.act(&["argv0-spoof"]);
    let own = sha256(&stage, "/bin/workloads");
    let evidence = stage.evidence();

    let memfd = json!({ "exe_memfd": true, "exe_deleted": true, "exe_sha256": own, "args": ["from-memory", "marker"], "exit_code": 0 });
    let images = called(&evidence, "from-memory");
    assert_rows("the image out of memory", &images, &[memfd]);
    assert!(images[0]["exe"].as_str().is_some_and(|exe| exe.contains("memfd:payload")), "{}", images[0]);
    let deleted =
        json!({ "exe_memfd": false, "exe_deleted": true, "exe_upper": true, "exe_sha256": own, "exit_code": 0 });
    let images = called(&evidence, "deleted");
    assert_rows("the removed image", &images, &[deleted]);
    assert!(images[0]["exe"].as_str().is_some_and(|exe| exe.starts_with("/data/deleted")), "{}", images[0]);

    let spoofed =
        json!({ "exe": "/bin/workloads", "exe_upper": false, "args": ["[kworker/0:1]", "spoofed"], "exit_code": 0 });
    assert_rows("the false thread of the kernel", &called(&evidence, "[kworker/0:1]"), &[spoofed]);
    let opened =
        evidence.ask("SELECT exe, path FROM file WHERE comm = 'kworker/0:1' AND op = 'open' AND path LIKE '/bin/%'");
    assert_rows("its open", &opened, &[json!({ "exe": "/bin/workloads", "path": "/bin/workloads" })]);
    let renamed = "SELECT count(*) AS n FROM privilege WHERE op = 'prctl' AND detail LIKE '%PR_SET_NAME%' AND exe = '/bin/workloads'";
    assert_eq!(evidence.number(renamed), 1);
}

#[test]
fn a_program_that_is_written_over_is_another_program_when_it_runs_again() {
    let stage = Stage::new("overwrite", &[]);
    let said = stage.act(&["overwrite-self", "/data"]);
    assert_eq!(said.number("own"), -26, "a running program cannot be written to");
    let (before, after) = (sha256(&stage, "/bin/workloads"), sha256(&stage, "/data/overwritten"));
    assert_ne!(before, after);
    let evidence = stage.evidence();

    let images = called(&evidence, "overwritten");
    let image = |act: &str| json!({ "exe": "/data/overwritten", "exe_upper": true, "args": ["overwritten", act] });
    assert_rows("the copy", &images, &[image("overwriting"), image("marker")]);
    // When the first one's content was to be read, it may have been written over already.
    assert!(images[0]["exe_sha256"].is_null() || images[0]["exe_sha256"] == before.as_str(), "{}", images[0]);
    assert_eq!(images[1]["exe_sha256"], after.as_str());
    let tried = "SELECT count(*) AS n FROM file f JOIN process p ON f.exec_id = p.exec_id \
         WHERE p.args[2] = 'overwriting' AND f.op = 'open' AND f.flags LIKE 'O_WRONLY%' AND f.result = -26";
    assert_eq!(evidence.number(tried), 1);
    let written = "SELECT count(*) AS n FROM file WHERE op = 'io' AND path = '/data/overwritten' AND bytes_written = 8";
    assert_eq!(evidence.number(written), 1);
}

#[test]
fn a_file_reached_through_another_process_root_is_named_as_it_is_seen_there() {
    let options = [CAPABLE, &["--pid=host"]].concat();
    let stage = Stage::new("reaching", &options);
    let victim = Container::workloads("victim", &[], &["sh", "-c", "mkdir /data; sleep 600"]);
    victim.wait_for("/data");
    let pid = docker(&["inspect", "--format", "{{.State.Pid}}", &victim.id]);
    let said = stage.act(&["proc-root-write", &pid, "/data/planted"]);
    let own = stage.container.exec(&["sh", "-c", "ls /data"]);
    assert_eq!(own, "", "nothing was written in its own root");
    victim.exec(&["test", "-e", "/data/planted"]);
    let evidence = stage.evidence();
    let expected = [
        json!({ "op": "create", "path": "/data/planted", "path_source": "kernel", "other_mounts": true, "result": 0 }),
        json!({ "op": "io", "path": "/data/planted", "other_mounts": true, "bytes_written": said.number("bytes") }),
    ];
    evidence.expect("proc-root-write", "file", &expected);
}
