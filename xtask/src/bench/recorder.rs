//! A real recorder as a child process, ended with the value.

use super::rig::{Container, PID_FILE, Rig, succeed};
use anyhow::{Context as _, Result, bail};
use serde_json::Value;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// How long it may take until it knows a container.
const KNOWN: Duration = Duration::from_secs(20);
/// `USER_HZ`, which is 100 on every machine that this runs on.
const TICKS_PER_SECOND: f64 = 100.0;

/// A running recorder.
pub struct Recorder<'a> {
    rig: &'a Rig,
    child: Child,
    state_dir: PathBuf,
}

/// What a recorder counted of one container.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counts {
    /// Events in its ring.
    pub events: u64,
    /// Events that the kernel could not deliver.
    pub lost: u64,
    /// Events that a budget refused.
    pub refused: u64,
}

impl Counts {
    /// What came since `before`.
    pub fn since(self, before: Self) -> Self {
        Self {
            events: self.events.saturating_sub(before.events),
            lost: self.lost.saturating_sub(before.lost),
            refused: self.refused.saturating_sub(before.refused),
        }
    }
}

impl<'a> Recorder<'a> {
    /// Starts one with an empty state directory and waits until it records.
    pub fn start(rig: &'a Rig) -> Result<Self> {
        Self::start_with(rig, None)
    }

    /// The same with a configuration of its own.
    pub fn start_with(rig: &'a Rig, config: Option<&str>) -> Result<Self> {
        let state_dir = rig.dir.join("state");
        if state_dir.exists() {
            fs::remove_dir_all(&state_dir)?;
        }
        let mut command = Command::new(&rig.binary);
        command.arg("record").arg("--state-dir").arg(&state_dir).env("TAFFRAIL_LOG", "error");
        if let Some(config) = config {
            let file = rig.dir.join("taffrail.toml");
            fs::write(&file, config)?;
            command.arg("--config").arg(file);
        }
        let mut child =
            command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().context("cannot start the recorder")?;
        fs::write(rig.dir.join(PID_FILE), child.id().to_string())?;
        let stdout = child.stdout.take();
        let recorder = Self { rig, child, state_dir };
        let mut line = String::new();
        BufReader::new(stdout.context("the recorder has no output")?).read_line(&mut line)?;
        if !line.starts_with("recording") {
            bail!("the recorder did not start: it said {line:?}");
        }
        Ok(recorder)
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Ends it as an operator would and gives the directory of what it left.
    pub fn stop(mut self) -> Result<PathBuf> {
        let status = self.end()?;
        if !status.success() {
            bail!("the recorder ended with {status}");
        }
        Ok(self.state_dir.clone())
    }

    fn end(&mut self) -> Result<ExitStatus> {
        if let Some(status) = self.child.try_wait()? {
            return Ok(status);
        }
        let _ = Command::new("kill").arg(self.child.id().to_string()).status();
        let status = self.child.wait()?;
        fs::remove_file(self.rig.dir.join(PID_FILE))?;
        Ok(status)
    }

    /// Where its ring is.
    pub fn state_dir(&self) -> &Path {
        &self.state_dir
    }

    fn ask(&self, args: &[&str]) -> Result<String> {
        succeed(Command::new(&self.rig.binary).args(args).arg("--state-dir").arg(&self.state_dir))
    }

    /// What it says of itself.
    pub fn status(&self) -> Result<Value> {
        serde_json::from_str(&self.ask(&["status", "--json"])?).context("status is no JSON")
    }

    /// Changes how much is recorded of a container, which it may not know yet.
    pub fn level(&self, container: &Container, level: &str) -> Result<()> {
        self.counts(container)?;
        self.ask(&["level", "--container", &container.id, level]).map(drop)
    }

    /// What it counted of a container until now, once it knows it.
    pub fn counts(&self, container: &Container) -> Result<Counts> {
        let deadline = Instant::now() + KNOWN;
        loop {
            let status = self.status()?;
            let all = status["containers"].as_array().context("status names no containers")?;
            if let Some(found) = all.iter().find(|found| found["id"] == container.id.as_str()) {
                let of = |name: &str| found[name].as_u64().with_context(|| format!("status has no {name}"));
                return Ok(Counts { events: of("events")?, lost: of("lost")?, refused: of("refused")? });
            }
            if Instant::now() > deadline {
                bail!("the recorder does not know the container {}", container.id);
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// CPU time of all its threads until now, in seconds.
    pub fn cpu_seconds(&self) -> Result<f64> {
        cpu_seconds(&Path::new("/proc").join(self.pid().to_string()))
    }

    /// CPU time of its thread of this name until now, in seconds.
    pub fn thread_cpu_seconds(&self, name: &str) -> Result<f64> {
        for thread in fs::read_dir(format!("/proc/{}/task", self.pid()))? {
            let thread = thread?.path();
            if fs::read_to_string(thread.join("comm"))?.trim() == name {
                return cpu_seconds(&thread);
            }
        }
        bail!("the recorder has no thread {name}")
    }

    /// Resident memory in bytes.
    pub fn resident_bytes(&self) -> Result<u64> {
        memory_bytes(self.pid(), "VmRSS:")
    }

    /// Its open descriptors, as the kernel describes them.
    pub fn descriptors(&self) -> Result<Vec<String>> {
        let dir = Path::new("/proc").join(self.pid().to_string()).join("fdinfo");
        let entries = fs::read_dir(&dir).with_context(|| format!("cannot read {}", dir.display()))?;
        // One that is closed meanwhile is none of those that stay.
        Ok(entries.flatten().filter_map(|entry| fs::read_to_string(entry.path()).ok()).collect())
    }
}

impl Drop for Recorder<'_> {
    fn drop(&mut self) {
        let _ = self.end();
    }
}

/// CPU time of a process or thread by its directory in `/proc`.
fn cpu_seconds(dir: &Path) -> Result<f64> {
    let stat = fs::read_to_string(dir.join("stat"))?;
    // Behind the name, which is in brackets, the first field is the third: utime and stime are 14 and 15.
    let fields: Vec<&str> = stat.rsplit_once(')').map_or("", |(_, rest)| rest).split_whitespace().collect();
    let ticks = |at: usize| fields.get(at).and_then(|field| field.parse::<u64>().ok()).context("stat has no times");
    Ok((ticks(11)? + ticks(12)?) as f64 / TICKS_PER_SECOND)
}

/// A process's memory by a line of its status: `VmRSS:` what is resident, `VmHWM:` the most that ever was.
pub fn memory_bytes(pid: u32, line: &str) -> Result<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let said = status.lines().find_map(|found| found.strip_prefix(line)).with_context(|| format!("no {line}"))?;
    let kib: u64 = said.trim().trim_end_matches(" kB").parse().with_context(|| format!("{line} is no number"))?;
    Ok(kib << 10)
}
