//! What the tests share: the executable, a running recorder, containers, questions.

pub mod container;
pub mod stage;

use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// The executable under test.
pub fn taffrail() -> Command {
    Command::new(env!("CARGO_BIN_EXE_taffrail"))
}

/// Runs the executable and gives exit code, standard output and standard error.
pub fn run(args: &[&str]) -> (i32, String, String) {
    told(taffrail().args(args).output().expect("the executable runs"))
}

/// How many opens `count-opens` says that it made.
pub fn opens_of(said: &str) -> u64 {
    said.split(' ').find_map(|word| word.strip_prefix("opens=")?.parse().ok()).expect("a number")
}

/// What `record` says of a configuration that it refuses before anything is made.
pub fn record_refuses(config: &str) -> String {
    let dir = tempfile::tempdir().expect("a directory");
    let (file, state) = (dir.path().join("taffrail.toml"), dir.path().join("state"));
    std::fs::write(&file, config).expect("write");
    let (code, out, err) =
        run(&["record", "--config", &file.to_string_lossy(), "--state-dir", &state.to_string_lossy()]);
    assert_eq!((code, out.as_str()), (2, ""), "{config}: {err}");
    assert!(!state.exists(), "{config}: {err}");
    err
}

/// Exit code, standard output and standard error.
pub fn told(output: Output) -> (i32, String, String) {
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    (output.status.code().unwrap_or(-1), text(output.stdout), text(output.stderr))
}

/// Asks bundles a question and gives the rows as JSON objects.
pub fn ask(bundle: &Path, sql: &str) -> Vec<Value> {
    let (code, out, err) = run(&["query", &bundle.to_string_lossy(), "--sql", sql, "--format", "json"]);
    assert!(code == 0 || code == 1, "query failed with {code}: {err}\n{sql}");
    serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}"))
}

/// One number.
pub fn number(bundle: &Path, sql: &str) -> u64 {
    let rows = ask(bundle, sql);
    let value = rows.first().and_then(|row| row.as_object()).and_then(|row| row.values().next());
    let value = value.unwrap_or_else(|| panic!("no row for {sql}"));
    value
        .as_u64()
        .or_else(|| value.as_str().and_then(|text| text.parse().ok()))
        .unwrap_or_else(|| panic!("{value} is no number: {sql}"))
}

/// A recorder with a state directory of its own, ended with the test.
pub struct Recorder {
    child: Child,
    dir: TempDir,
}

impl Recorder {
    /// Starts one and waits until it says that it records.
    pub fn start(config: &str) -> Self {
        Self::start_in(tempfile::tempdir().expect("a directory"), config)
    }

    /// Starts one in a state directory that may hold something already. Without caps on what it costs, unless they are
    /// what is tested: a flood that is lowered is another one.
    pub fn start_in(dir: TempDir, config: &str) -> Self {
        let file = dir.path().join("test.toml");
        let caps = if config.contains("cpu_percent") { "" } else { "cpu_percent = 0\n" };
        std::fs::write(&file, [config, "\n", caps].concat()).expect("configuration");
        let mut child = taffrail()
            .args(["record", "--state-dir"])
            .arg(dir.path().join("state"))
            .arg("--config")
            .arg(&file)
            .stdout(Stdio::piped())
            .spawn()
            .expect("the recorder starts");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("stdout")).read_line(&mut line).expect("a line");
        assert!(
            line.starts_with("recording"),
            "the kernel tests need root and a kernel that takes eBPF; it said {line:?}"
        );
        Self { child, dir }
    }

    /// Its state directory.
    pub fn state_dir(&self) -> PathBuf {
        self.dir.path().join("state")
    }

    /// The bundles where evidence goes by itself, by name.
    pub fn bundles(&self) -> Vec<PathBuf> {
        bundles_in(&self.state_dir().join("evidence"))
    }

    /// Its pid.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// `taffrail status --json`
    pub fn status(&self) -> Value {
        let (code, out, err) = run(&["status", "--json", "--state-dir", &self.state_dir().to_string_lossy()]);
        assert_eq!(code, 0, "{err}");
        serde_json::from_str(&out).expect("status is JSON")
    }

    /// Status of one container.
    pub fn status_of(&self, name: &str) -> Value {
        let status = self.status();
        let all = status["containers"].as_array().expect("containers").clone();
        all.into_iter()
            .find(|container| container["name"] == name)
            .unwrap_or_else(|| panic!("{name} is not in {status}"))
    }

    /// Waits until a container goes by `name`.
    pub fn wait_for(&self, name: &str) {
        until(&format!("the recorder knows {name}"), || {
            let status = self.status();
            status["containers"].as_array().is_some_and(|all| all.iter().any(|container| container["name"] == name))
        });
    }

    /// `taffrail trigger --wait`
    pub fn trigger(&self, container: &str, before: &str, after: &str) -> PathBuf {
        let (code, out, err) = run(&[
            "trigger",
            "--state-dir",
            &self.state_dir().to_string_lossy(),
            "--container",
            container,
            "--reason",
            "a test asks",
            "--before",
            before,
            "--after",
            after,
            "--out",
            &self.dir.path().join("out").to_string_lossy(),
            "--wait",
        ]);
        assert_eq!(code, 0, "{err}");
        PathBuf::from(out.trim_end())
    }

    /// Ends it with `signal` and gives its exit code and directory.
    pub fn end(mut self, signal: &str) -> (Option<i32>, TempDir) {
        signal_to(self.child.id(), signal);
        let status = self.child.wait().expect("the recorder ends");
        let dir = std::mem::replace(&mut self.dir, tempfile::tempdir().expect("a directory"));
        (status.code(), dir)
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        if self.child.try_wait().is_ok_and(|ended| ended.is_none()) {
            signal_to(self.child.id(), "TERM");
        }
        let _ = self.child.wait();
    }
}

/// Sends a signal to a process that the test started.
pub fn signal_to(pid: u32, signal: &str) {
    let _ = Command::new("kill").args([&format!("-{signal}"), &pid.to_string()]).status();
}

/// Waits up to 20 s for something to be so.
pub fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !is_so() {
        assert!(Instant::now() < deadline, "waited too long: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// The bundles in a directory, by name.
pub fn bundles_in(dir: &Path) -> Vec<PathBuf> {
    let found = std::fs::read_dir(dir).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut all: Vec<PathBuf> = found.filter(|path| path.to_string_lossy().ends_with(".evidence.zip")).collect();
    all.sort();
    all
}
