//! A real recorder as a child process, with a state directory of its own.

use anyhow::{Context as _, Result, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long the recorder may take to be ready, loading kernel programs included.
const READY: Duration = Duration::from_secs(30);
/// How long sealing may take beyond the after-window.
const SEALED: Duration = Duration::from_secs(30);

/// The recorder. Dropping it ends it.
pub struct Recorder {
    child: Child,
    state_dir: PathBuf,
    evidence_dir: PathBuf,
}

/// It did not start: its own last line.
#[derive(Debug)]
pub struct NotStarted(pub String);

impl Recorder {
    /// Starts `exe record` with `state_dir`, evidence going to `evidence_dir`.
    pub fn start(
        exe: &Path,
        state_dir: &Path,
        evidence_dir: &Path,
        after: Duration,
        host_ancestors: bool,
    ) -> Result<Result<Self, NotStarted>> {
        let config = state_dir.join("demo.toml");
        let text = format!(
            "evidence_dir = {:?}\nbefore_seconds = 60\nafter_seconds = {}\nring_total_bytes = {}\nhost_ancestors = {host_ancestors}\n",
            evidence_dir.to_string_lossy(),
            after.as_secs(),
            64 << 20
        );
        std::fs::write(&config, text).with_context(|| format!("cannot write {}", config.display()))?;
        let mut child = Command::new(exe)
            .arg("record")
            .arg("--state-dir")
            .arg(state_dir)
            .arg("--config")
            .arg(&config)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .context("cannot start the recorder")?;
        let stdout = child.stdout.take().context("the recorder has no output")?;
        let stderr = child.stderr.take().context("the recorder has no error output")?;
        let recorder = Self { child, state_dir: state_dir.to_owned(), evidence_dir: evidence_dir.to_owned() };
        let (said, ready) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let mut line = String::new();
            let _ = BufReader::new(stdout).read_line(&mut line);
            let _ = said.send(line);
        });
        let errors = std::thread::spawn(move || {
            let mut text = String::new();
            let _ = stderr.take(1 << 20).read_to_string(&mut text);
            text
        });
        match ready.recv_timeout(READY) {
            Ok(line) if line.starts_with("recording") => Ok(Ok(recorder)),
            Ok(_) => {
                drop(recorder);
                let text = errors.join().unwrap_or_default();
                let last = text.lines().last().unwrap_or("it said nothing").trim_start_matches("taffrail: ");
                Ok(Err(NotStarted(last.to_owned())))
            }
            Err(_) => bail!("the recorder was not ready within {} s", READY.as_secs()),
        }
    }

    /// Waits for the first bundle that the recorder seals.
    pub fn bundle(&self, after: Duration) -> Result<PathBuf> {
        let deadline = Instant::now() + after + SEALED;
        while Instant::now() < deadline {
            if taffrail_recorder::control::status(&self.state_dir)?.sealed > 0 {
                let entries = std::fs::read_dir(&self.evidence_dir)?;
                let suffix = taffrail_trace::bundle::SUFFIX;
                let found = entries.flatten().map(|e| e.path()).find(|p| p.to_string_lossy().ends_with(suffix));
                return found.context("the recorder says it sealed a bundle, and there is none");
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        bail!("no rule triggered, or its evidence was not sealed, within {} s", (after + SEALED).as_secs())
    }

    /// How many hooks are attached.
    pub fn hooks(&self) -> Result<usize> {
        let status = taffrail_recorder::control::status(&self.state_dir)?;
        Ok(status.hooks.iter().filter(|hook| hook.state == "attached").count())
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        if let Ok(pid) = i32::try_from(self.child.id()) {
            // It may have ended by itself; then there is nothing to end.
            let _ = kill(Pid::from_raw(pid), Signal::SIGTERM);
        }
        let _ = self.child.wait();
    }
}
