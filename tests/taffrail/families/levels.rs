//! How much is recorded is changed at run time; and the words on a terminal.

use crate::support::stage::{Evidence, Stage, assert_rows};
use crate::support::{run, until};
use serde_json::json;
use std::io::Write as _;
use std::process::{Command, Stdio};

fn level(stage: &Stage, level: &str) {
    let dir = stage.recorder.state_dir().to_string_lossy().into_owned();
    let (code, _, err) = run(&["level", "--container", &stage.container.name, level, "--state-dir", &dir]);
    assert_eq!(code, 0, "{err}");
}

fn calls(evidence: &Evidence, act: &str, call: &str) -> usize {
    evidence.of(act, "syscall").iter().filter(|row| row["syscall"] == call).count()
}

#[test]
fn at_level_full_every_system_call_is_a_row_and_at_level_off_nothing_is() {
    let stage = Stage::new("levels", &[]);
    // A tenth more, to warm up.
    stage.act(&["pipe-rw", "0", "100"]);
    level(&stage, "full");
    stage.act(&["null-loop", "0", "200"]);
    level(&stage, "off");
    stage.act(&["create", "/data"]);
    level(&stage, "standard");
    stage.act(&["mkdir", "/data"]);
    let evidence = stage.evidence();

    assert_eq!(calls(&evidence, "null-loop", "getppid"), 220);
    let odd = "SELECT count(*) AS n FROM syscall WHERE syscall = 'getppid' AND (duration_ns IS NULL OR abi <> 'x86_64' OR nr <> 110 OR result < 0)";
    assert_eq!(evidence.number(odd), 0);
    for act in ["pipe-rw", "create", "mkdir"] {
        assert_eq!(evidence.of(act, "syscall").len(), 0, "{act} ran at another level");
    }
    assert_eq!(evidence.of("create", "file").len(), 0, "nothing at level off");
    assert_eq!(evidence.of("mkdir", "file").len(), 1, "and everything after it");
    let changes = evidence.ask("SELECT detail FROM lifecycle WHERE op = 'level' ORDER BY time");
    let words: Vec<&str> = changes.iter().filter_map(|row| row["detail"].as_str()).collect();
    assert_eq!(words.len(), 3, "{words:?}");
    for (said, level) in words.iter().zip(["full", "off", "standard"]) {
        assert!(said.contains(level), "{words:?}");
    }
}

#[test]
fn what_is_typed_and_printed_on_a_containers_terminal_can_be_read_again() {
    let stage = Stage::new("terminal", &[]);
    let command = format!("docker exec -it {} sh", stage.container.name);
    let mut session = Command::new("script")
        .args(["-qec", &command, "/dev/null"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .expect("script");
    let mut typing = session.stdin.take().expect("its input");
    typing.write_all(b"echo answer-$((6*7)) | tee /data/typed; cat /data/typed; exit\n").expect("typed");
    stage.container.wait_for("/data/typed");
    until("the session ends", || session.try_wait().is_ok_and(|ended| ended.is_some()));
    let evidence = stage.evidence();

    let text = |direction: &str| {
        let rows =
            evidence.ask(&format!("SELECT text, cut FROM terminal WHERE direction = '{direction}' ORDER BY time"));
        rows.iter().filter_map(|row| row["text"].as_str()).collect::<String>()
    };
    assert!(text("typed").contains("echo answer-$((6*7))"), "{}", text("typed"));
    assert!(text("printed").contains("answer-42"), "{}", text("printed"));
    // What `cat` had the kernel copy (sendfile) passes through no program's memory: its bytes are counted.
    let cut = evidence.ask("SELECT bytes, direction FROM terminal WHERE cut");
    assert_rows("what was not kept", &cut, &[json!({ "bytes": "answer-42\n".len(), "direction": "printed" })]);
    let sessions = evidence.number("SELECT count(DISTINCT session_id) AS n FROM terminal WHERE text LIKE '%answer-%'");
    assert_eq!(sessions, 1, "what was typed and what was printed are one session");
    let own = "SELECT count(*) AS n FROM process WHERE args[1] = 'sh' AND tty IS NOT NULL AND origin = 'exec'";
    assert_eq!(evidence.number(own), 1);
}
