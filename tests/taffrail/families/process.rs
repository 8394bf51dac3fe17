//! Programs run, processes made, processes ended.

use crate::support::stage::{CAPABLE, Evidence, Stage, assert_rows};
use serde_json::{Value, json};

/// The one image that an act's exec made.
fn image(evidence: &Evidence, act: &str) -> Value {
    let images = evidence.of(act, "process");
    let mut execs = images.into_iter().filter(|image| image["origin"] == "exec");
    let image = execs.next().unwrap_or_else(|| panic!("no image of {act}"));
    assert!(execs.next().is_none(), "{act} was run once");
    image
}

#[test]
fn every_way_to_make_a_process_is_a_row_with_its_parent_and_its_end() {
    let stage = Stage::new("process", CAPABLE);
    assert_eq!(stage.act(&["fork-exit"]).number("code"), 7);
    assert_eq!(stage.act(&["vfork-exec"]).number("code"), 0);
    stage.act(&["threads", "5"]);
    let newns = stage.act(&["newns"]);
    assert_eq!(newns.number("result"), 0);
    stage.act(&["double-fork", "/data/orphan"]);
    stage.act(&["script", "/data"]);
    let evidence = stage.evidence();

    let own = image(&evidence, "fork-exit");
    let expected = json!({ "exit_code": 0, "exe": "/bin/workloads", "exe_upper": false, "exe_deleted": false, "exe_memfd": false, "euid": 0, "threads": 0, "script": null });
    assert_rows("the image", std::slice::from_ref(&own), &[expected]);
    let child = json!({ "exit_code": 7, "exit_signal": null, "parent_exec_id": own["exec_id"], "ppid": own["pid"] });
    assert_rows("its child", &evidence.children_of("fork-exit", "fork"), &[child]);

    let marker = json!({ "args": ["workloads", "marker"], "exit_code": 0, "exe": "/bin/workloads" });
    assert_rows("vfork-exec's child", &evidence.children_of("vfork-exec", "exec"), std::slice::from_ref(&marker));
    assert_eq!(image(&evidence, "threads")["threads"], 5);

    let (own_uts, uts) = (newns.number("own_uts"), newns.number("uts"));
    assert_ne!(own_uts, uts);
    assert_eq!(image(&evidence, "newns")["uts_ns"], own_uts);
    for origin in ["fork", "exec"] {
        assert_rows(origin, &evidence.children_of("newns", origin), &[json!({ "uts_ns": uts })]);
    }

    let script = json!({ "script": "/data/script.sh", "exe": "/bin/workloads", "args": ["/bin/workloads", "marker", "/data/script.sh", "argument"], "exit_code": 0 });
    assert_rows("the script", &evidence.children_of("script", "exec"), &[script]);
    an_orphan_keeps_its_lineage(&evidence);

    // Every act came in through `docker exec`.
    let entered =
        evidence.number("SELECT count(*) AS n FROM process WHERE entered = 'cgroup' AND entered_by IS NOT NULL");
    assert!(entered >= 6, "{entered} processes entered");
    assert!(evidence.number("SELECT count(*) AS n FROM lifecycle WHERE op = 'entered'") >= 6);
}

fn an_orphan_keeps_its_lineage(evidence: &Evidence) {
    let rows = evidence.ask(
        "SELECT o.origin, o.exit_code, middle.origin AS middle, middle.exit_code AS middle_code, first.origin AS first, first.args[2] AS act \
         FROM file f JOIN process o ON f.exec_id = o.exec_id JOIN process middle ON o.parent_exec_id = middle.exec_id \
         JOIN process first ON middle.parent_exec_id = first.exec_id WHERE f.path = '/data/orphan' AND f.op = 'create'",
    );
    let expected = json!({ "origin": "fork", "exit_code": 0, "middle": "fork", "middle_code": 0, "first": "exec", "act": "double-fork" });
    assert_rows("the orphan", &rows, &[expected]);
}

#[test]
fn of_the_environment_only_what_is_asked_for_is_kept_and_no_secret() {
    let stage = Stage::new("environment", &[]);
    stage.act(&["exec-env"]);
    let evidence = stage.evidence();
    let rows = evidence.ask("SELECT environment FROM process WHERE args[3] = 'with-environment' AND origin = 'exec'");
    assert_eq!(rows.len(), 1, "{rows:?}");
    let kept: Vec<&str> = rows[0]["environment"].as_array().expect("a list").iter().filter_map(Value::as_str).collect();
    assert!(kept.contains(&"KUBERNETES_EXEC_AUDIT_ID=0e6c1f6e-1d6e-4f0a-9d57-6d7c3f0a9b11"), "{kept:?}");
    assert!(kept.contains(&"LD_PRELOAD=/tmp/evil.so"), "{kept:?}");
    assert!(!kept.iter().any(|variable| variable.contains("swordfish")), "{kept:?}");
    let everywhere = "SELECT count(*) AS n FROM process WHERE array_to_string(environment, ' ') LIKE '%swordfish%' OR cmdline LIKE '%swordfish%'";
    assert_eq!(evidence.number(everywhere), 0);
}
