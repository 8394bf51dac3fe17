//! Acts of the workloads in a real container, and what the evidence says of each.

use super::container::{Container, WORKLOADS};
use super::{Recorder, ask, number};
use serde_json::Value;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;

/// What a container needs so that nothing of the workloads is denied to it. A subset of `--privileged`, which wants
/// every capability even where the host itself has not all of them.
pub const CAPABLE: &[&str] = &[
    "--cap-add=SYS_ADMIN",
    "--cap-add=SYS_PTRACE",
    "--security-opt=seccomp=unconfined",
    "--security-opt=apparmor=unconfined",
];

/// A recorder and a container that waits for acts.
pub struct Stage {
    /// The recorder, with the container known to it.
    pub recorder: Recorder,
    /// The container.
    pub container: Container,
}

impl Stage {
    /// A container of the workloads' image, with more of docker's own arguments, under a recorder of its own.
    pub fn new(name: &str, options: &[&str]) -> Self {
        let recorder = Recorder::start("");
        let container = Container::workloads(name, options, &["sh", "-c", "mkdir /data; sleep 600"]);
        recorder.wait_for(&container.name);
        container.wait_for("/data");
        Self { recorder, container }
    }

    /// `docker exec NAME workloads ACT ARGS...`, which must succeed.
    pub fn act(&self, act: &[&str]) -> Said {
        let said = self.container.exec(&[&[WORKLOADS], act].concat());
        let line = said.lines().last().unwrap_or_default().to_owned();
        assert!(!line.is_empty(), "{act:?} said nothing");
        Said { line }
    }

    /// Everything of the container until now. Nothing may be missing from it.
    pub fn evidence(&self) -> Evidence {
        let evidence = self.evidence_with_losses();
        let gaps = evidence.ask("SELECT * FROM gap WHERE cause <> 'recorder_down'");
        assert_eq!(gaps, Vec::<Value>::new(), "nothing was lost");
        evidence
    }

    /// Everything of the container until now, whatever is missing from it.
    pub fn evidence_with_losses(&self) -> Evidence {
        // What is not told at once but at intervals, such as a program's digest, is told by then.
        std::thread::sleep(Duration::from_secs(2));
        Evidence { bundle: self.recorder.trigger(&self.container.id, "10m", "0s") }
    }
}

/// The line that an act printed: `name=value` words.
pub struct Said {
    line: String,
}

impl Said {
    /// A value as it was printed.
    pub fn text(&self, name: &str) -> &str {
        let mut words = self.line.split(' ').filter_map(|word| word.split_once('='));
        words
            .find(|(known, _)| *known == name)
            .map_or_else(|| panic!("no {name} in {:?}", self.line), |(_, value)| value)
    }

    /// A number.
    pub fn number(&self, name: &str) -> i64 {
        self.text(name).parse().unwrap_or_else(|error| panic!("{name} in {:?}: {error}", self.line))
    }
}

/// A sealed bundle.
pub struct Evidence {
    bundle: PathBuf,
}

impl Evidence {
    /// Rows of a question.
    pub fn ask(&self, sql: &str) -> Vec<Value> {
        ask(&self.bundle, sql)
    }

    /// One number.
    pub fn number(&self, sql: &str) -> u64 {
        number(&self.bundle, sql)
    }

    /// What the images of an act left in a table, in order of time: the act's own image and those forked from it.
    pub fn of(&self, act: &str, table: &str) -> Vec<Value> {
        let by = format!("p.args[1] = '{WORKLOADS}' AND p.args[2] = '{act}'");
        if table == "process" {
            return self.ask(&format!("SELECT p.* FROM process p WHERE {by} ORDER BY p.time"));
        }
        // Before it begins, the program's runtime looks where its stack is.
        let own = if table == "file" { "AND t.path NOT LIKE '/proc/%/maps'" } else { "" };
        self.ask(&format!(
            "SELECT t.* FROM {table} t JOIN process p ON t.exec_id = p.exec_id WHERE {by} {own} ORDER BY t.time"
        ))
    }

    /// The programs run by processes that an act's images made.
    pub fn children_of(&self, act: &str, origin: &str) -> Vec<Value> {
        self.ask(&format!(
            "SELECT c.* FROM process c JOIN process p ON c.parent_exec_id = p.exec_id \
             WHERE p.args[1] = '{WORKLOADS}' AND p.args[2] = '{act}' AND p.origin = 'exec' AND c.origin = '{origin}' ORDER BY c.time"
        ))
    }

    /// What an act left in a table is this, row by row: a row has at least the values that are expected of it.
    pub fn expect(&self, act: &str, table: &str, expected: &[Value]) {
        assert_rows(&format!("{table} of {act}"), &self.of(act, table), expected);
    }
}

/// There are as many rows as expected, and each has at least the values that are expected of it.
pub fn assert_rows(what: &str, rows: &[Value], expected: &[Value]) {
    let mut wrong = String::new();
    for (at, (row, expected)) in rows.iter().zip(expected).enumerate() {
        for (name, value) in expected.as_object().expect("expectations are objects") {
            let found = row.get(name).unwrap_or_else(|| panic!("{what}: no column {name} in {row}"));
            if found != value {
                let _ = writeln!(wrong, "row {at}: {name} is {found} and should be {value}");
            }
        }
    }
    if rows.len() != expected.len() {
        let _ = writeln!(wrong, "{} rows and not {}", rows.len(), expected.len());
    }
    assert!(wrong.is_empty(), "{what}:\n{wrong}in {rows:#?}");
}
