//! Other doors into the kernel than a 64-bit system call: `io_uring`, and the calls of 32-bit programs.

use crate::support::stage::{Stage, assert_rows};
use serde_json::json;

#[test]
fn what_goes_through_io_uring_is_recorded_as_the_act_of_who_submitted_it() {
    let stage = Stage::new("uring", &["--security-opt=seccomp=unconfined"]);
    stage.container.exec(&["touch", "/data/plain"]);
    let opens = ["uring-open", "uring-sqpoll-open"].map(|act| (act, stage.act(&[act, "/data/plain"])));
    assert_eq!(stage.act(&["uring-unlink", "/data/ring"]).text("gone"), "true");
    let connect = stage.act(&["uring-connect"]);
    let evidence = stage.evidence();

    for (act, said) in &opens {
        let open = json!({
            "op": "open", "path": "/data/plain", "path_source": "kernel", "abi": "io_uring", "result": 0,
            "fd": said.number("fd"), "flags": "O_RDONLY|O_LARGEFILE|O_CLOEXEC",
        });
        evidence.expect(act, "file", &[open]);
        evidence.expect(act, "kernel", &[json!({ "op": "io_uring_setup", "abi": "x86_64" })]);
    }
    let unlinked = [
        json!({ "op": "create", "path": "/data/ring", "abi": "x86_64" }),
        json!({ "op": "unlink", "path": "/data/ring", "abi": "io_uring", "result": 0 }),
    ];
    evidence.expect("uring-unlink", "file", &unlinked);
    let mut flows = evidence.of("uring-connect", "network");
    flows.retain(|row| row["op"] == "connect");
    let expected = json!({ "protocol": "tcp", "remote_port": connect.number("port"), "local_port": connect.number("client"), "result": 0 });
    assert_rows("the connection", &flows, &[expected]);
}

#[test]
fn thirty_two_bit_calls_out_of_a_64_bit_program_are_what_they_are() {
    let stage = Stage::new("int80", &[]);
    stage.container.exec(&["touch", "/data/plain"]);
    let open = stage.act(&["int80-open", "/data/plain"]);
    assert_eq!(stage.act(&["int80-unlink", "/data/old"]).text("gone"), "true");
    assert_eq!(stage.act(&["int80-mkdir", "/data/dir"]).number("result"), 0);
    let evidence = stage.evidence();

    let expected = json!({ "op": "open", "path": "/data/plain", "path_source": "kernel", "abi": "i386", "result": 0, "fd": open.number("fd") });
    evidence.expect("int80-open", "file", &[expected]);
    let unlinked = [
        json!({ "op": "create", "path": "/data/old", "abi": "x86_64" }),
        json!({ "op": "unlink", "path": "/data/old", "abi": "i386", "result": 0 }),
    ];
    evidence.expect("int80-unlink", "file", &unlinked);
    let made = json!({ "op": "mkdir", "path": "/data/dir", "abi": "i386", "result": 0, "mode": 0o755 });
    evidence.expect("int80-mkdir", "file", &[made]);
}
