//! Files: every operation by the call that the act is named after.

use crate::support::stage::{Evidence, Stage};
use serde_json::{Value, json};

const ACTS: [&str; 20] = [
    "create",
    "open-read",
    "open-write",
    "open-truncate",
    "open-missing",
    "unlink",
    "rename",
    "link",
    "symlink",
    "mkdir",
    "rmdir",
    "chmod",
    "fchmod",
    "chown",
    "setxattr",
    "removexattr",
    "truncate",
    "ftruncate",
    "at",
    "relative",
];

/// A row about the file that is named after the act.
#[allow(clippy::needless_pass_by_value, reason = "it is written where it is used")]
fn row(act: &str, op: &str, more: Value) -> Value {
    let mut row = json!({ "op": op, "path": format!("/data/{act}"), "result": 0, "rewritten_from": null, "other_mounts": false, "abi": "x86_64" });
    let object = row.as_object_mut().expect("an object");
    object.extend(more.as_object().expect("an object").clone());
    row
}

/// The act's own preparation.
fn made(act: &str) -> Value {
    row(
        act,
        "create",
        json!({ "flags": "O_WRONLY|O_CREAT|O_EXCL", "mode": 0o644, "path_source": "kernel", "made_executable": false }),
    )
}

#[test]
fn every_operation_on_a_file_is_one_row_with_its_names_its_values_and_its_result() {
    let stage = Stage::new("file", &[]);
    let said = ACTS.map(|act| stage.act(&[act, "/data"]));
    stage.act(&["mknod", "/data"]);
    let fd = |act: &str| said[ACTS.iter().position(|known| *known == act).expect("an act")].number("fd");
    let evidence = stage.evidence();

    let create =
        json!({ "flags": "O_WRONLY|O_CREAT|O_EXCL", "mode": 0o640, "fd": fd("create"), "path_source": "kernel" });
    evidence.expect("create", "file", &[row("create", "create", create)]);
    for (act, flags) in [("open-read", "O_RDONLY"), ("open-write", "O_WRONLY"), ("open-truncate", "O_WRONLY|O_TRUNC")] {
        let open = row(act, "open", json!({ "flags": flags, "fd": fd(act), "path_source": "kernel" }));
        evidence.expect(act, "file", &[made(act), open]);
    }
    let missing = json!({ "result": -2, "fd": null, "inode": null, "path_source": "user" });
    evidence.expect("open-missing", "file", &[row("open-missing", "open", missing)]);

    let user = |act: &str, op: &str, mut more: Value| {
        more["path_source"] = json!("user");
        evidence.expect(act, "file", &[made(act), row(act, op, more)]);
    };
    user("unlink", "unlink", json!({}));
    user("rename", "rename", json!({ "new_path": "/data/rename-2" }));
    user("link", "link", json!({ "new_path": "/data/link-2" }));
    user("chmod", "chmod", json!({ "mode": 0o755, "made_executable": true }));
    user("chown", "chown", json!({ "owner_uid": 1000, "owner_gid": 1001 }));
    user("setxattr", "setxattr", json!({ "attribute": "user.taffrail" }));
    user("truncate", "truncate", json!({ "size_bytes": 4096 }));
    let symlink = json!({ "new_path": "../says/this", "path_source": "user" });
    evidence.expect("symlink", "file", &[row("symlink", "symlink", symlink)]);
    evidence.expect("mkdir", "file", &[row("mkdir", "mkdir", json!({ "mode": 0o750, "made_executable": false }))]);
    let rmdir = [row("rmdir", "mkdir", json!({ "mode": 0o700 })), row("rmdir", "rmdir", json!({}))];
    evidence.expect("rmdir", "file", &rmdir);

    // Through a descriptor the name is the kernel's own.
    let kernel = |act: &str, op: &str, mut more: Value| {
        more["path_source"] = json!("kernel");
        evidence.expect(act, "file", &[made(act), row(act, op, more)]);
    };
    kernel("fchmod", "chmod", json!({ "mode": 0o600, "made_executable": false }));
    kernel("ftruncate", "truncate", json!({ "size_bytes": 123 }));
    let attribute = json!({ "attribute": "user.taffrail" });
    let removed = [
        made("removexattr"),
        row("removexattr", "setxattr", attribute.clone()),
        row("removexattr", "removexattr", attribute),
    ];
    evidence.expect("removexattr", "file", &removed);

    evidence.expect("mknod", "file", &[row("mknod", "mknod", json!({ "made_executable": false }))]);
    let mode = evidence.of("mknod", "file")[0]["mode"].as_u64().expect("a mode");
    assert_eq!(mode & 0o7777, 0o600);
    // Names are left as they were passed, behind the directory that they are relative to.
    let relative = [made("relative"), row("./relative", "unlink", json!({ "path_source": "user" }))];
    evidence.expect("relative", "file", &relative);
    below_a_directory_descriptor(&evidence);
}

fn below_a_directory_descriptor(evidence: &Evidence) {
    let expected = [
        row("at", "mkdir", json!({})),
        row("at", "open", json!({ "flags": "O_RDONLY|O_DIRECTORY|O_CLOEXEC" })),
        row("at/file", "create", json!({ "mode": 0o644 })),
        row("at/dir", "mkdir", json!({ "mode": 0o711 })),
        row("at/fifo", "mknod", json!({})),
        row("at/file", "chmod", json!({ "mode": 0o700, "made_executable": true })),
        row("at/file", "chown", json!({ "owner_uid": 1000, "owner_gid": null })),
        row("at/file", "link", json!({ "new_path": "/data/at/linked" })),
        row("at/symbolic", "symlink", json!({ "new_path": "file" })),
        row("at/linked", "rename", json!({ "new_path": "/data/at/renamed", "flags": "RENAME_NOREPLACE" })),
        row("at/renamed", "unlink", json!({})),
        row("at/dir", "rmdir", json!({})),
    ];
    evidence.expect("at", "file", &expected);
}

#[test]
fn the_bytes_that_went_through_a_file_are_counted_to_the_byte() {
    let stage = Stage::new("bytes", &[]);
    let (written, read) = (stage.act(&["write", "/data", "10007"]), stage.act(&["read", "/data", "20011"]));
    assert_eq!((written.number("bytes"), read.number("bytes")), (10_007, 20_011));
    let evidence = stage.evidence();
    let io = |act: &str, read: u64, written: u64| json!({ "op": "io", "path": format!("/data/{act}"), "bytes_read": read, "bytes_written": written, "closed": true, "result": null });
    evidence.expect("write", "file", &[row("write", "create", json!({})), io("write", 0, 10_007)]);
    let expected = [
        row("read", "create", json!({})),
        io("read", 0, 20_011),
        row("read", "open", json!({ "flags": "O_RDONLY|O_CLOEXEC" })),
        io("read", 20_011, 0),
    ];
    evidence.expect("read", "file", &expected);
}
