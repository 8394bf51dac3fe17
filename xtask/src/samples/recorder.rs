//! The recorder of the sample traces, which calls its machine by a made-up name.

use anyhow::{Context as _, Result, bail};
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// What the samples call the machine.
const RENAMED: &str = "hostname node-1; exec \"$@\"";
/// What is told at intervals, such as what went through a file that stays open, is told by then.
const SETTLED: Duration = Duration::from_secs(6);

/// The program, with a host name of its own.
pub fn on_node(program: &Path) -> Command {
    let mut command = Command::new("unshare");
    command.args(["--uts", "sh", "-c", RENAMED, "sh"]).arg(program);
    command
}

/// A running recorder, ended with the value.
pub struct Recorder {
    program: PathBuf,
    child: Child,
    dir: PathBuf,
}

impl Recorder {
    /// Starts one that keeps everything in `work` and waits until it records.
    pub fn start(program: &Path, work: &Path) -> Result<Self> {
        let dir = work.join("recorder");
        fs::create_dir(&dir)?;
        let config = dir.join("taffrail.toml");
        fs::write(&config, "host_ancestors = false\ncpu_percent = 0\n")?;
        let mut child = on_node(program)
            .arg("record")
            .arg("--state-dir")
            .arg(dir.join("state"))
            .arg("--config")
            .arg(&config)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start the recorder")?;
        let stdout = child.stdout.take();
        let recorder = Self { program: program.to_owned(), child, dir };
        let mut line = String::new();
        BufReader::new(stdout.context("the recorder has no output")?).read_line(&mut line)?;
        if !line.starts_with("recording") {
            bail!("the recorder did not start: it said {line:?}");
        }
        Ok(recorder)
    }

    /// Everything of a container until now, sealed.
    pub fn bundle(&self, container: &str, reason: &str) -> Result<PathBuf> {
        std::thread::sleep(SETTLED);
        let output = Command::new(&self.program)
            .args([
                "trigger",
                "--container",
                container,
                "--reason",
                reason,
                "--before",
                "10m",
                "--after",
                "0s",
                "--wait",
            ])
            .arg("--state-dir")
            .arg(self.dir.join("state"))
            .output()
            .context("cannot run the trigger")?;
        if !output.status.success() {
            bail!("no bundle of {container}: {}", String::from_utf8_lossy(&output.stderr).trim());
        }
        Ok(PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()))
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        let _ = Command::new("kill").arg(self.child.id().to_string()).status();
        let _ = self.child.wait();
    }
}
