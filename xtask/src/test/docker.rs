//! A Docker Engine for the tests: the one that answers, else one from Debian's packages, started and ended here.

use super::say;
use anyhow::{Context as _, Result, bail};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// What the tests use: the engine, a static busybox for images, tmux for the replay's terminal, and what anybody checks a
/// bundle with.
const PACKAGES: [(&str, &str); 6] = [
    ("dockerd", "docker.io"),
    ("busybox", "busybox-static"),
    ("tmux", "tmux"),
    ("ssh-keygen", "openssh-client"),
    ("unzip", "unzip"),
    ("python3", "python3"),
];
/// How long the engine may take to answer.
const READY: Duration = Duration::from_secs(60);

/// The engine; what was started here ends with [`Docker::stop`].
pub struct Docker {
    started: Vec<Child>,
    logs: PathBuf,
}

impl Docker {
    /// An engine that answers, and the tools beside it.
    pub fn ready() -> Result<Self> {
        let mut docker = Self { started: Vec::new(), logs: std::env::temp_dir() };
        let missing: Vec<&str> =
            PACKAGES.iter().filter(|(program, _)| !on_path(program)).map(|(_, package)| *package).collect();
        let missing: Vec<&str> =
            if answers() { missing.into_iter().filter(|package| *package != "docker.io").collect() } else { missing };
        if !missing.is_empty() {
            install(&missing)?;
        }
        if !answers() {
            docker.start()?;
        }
        Ok(docker)
    }

    fn start(&mut self) -> Result<()> {
        if !is_root() {
            bail!("no Docker Engine answers, and only root can start one: start it, or run this as root");
        }
        say("no Docker Engine answers: starting one")?;
        if !Path::new("/run/containerd/containerd.sock").exists() || !on_path("ctr") || !containerd_answers() {
            self.spawn("containerd", &[])?;
        }
        self.spawn("dockerd", &["--iptables=false", "--bridge=none"])?;
        let deadline = Instant::now() + READY;
        while !answers() {
            if Instant::now() > deadline {
                self.end();
                bail!("dockerd did not answer within {} s; see {}", READY.as_secs(), self.log("dockerd").display());
            }
            std::thread::sleep(Duration::from_millis(200));
        }
        Ok(())
    }

    fn spawn(&mut self, program: &str, args: &[&str]) -> Result<()> {
        let log = File::create(self.log(program))?;
        let child = Command::new(program)
            .args(args)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .with_context(|| format!("cannot start {program}"))?;
        self.started.push(child);
        Ok(())
    }

    fn log(&self, program: &str) -> PathBuf {
        self.logs.join(format!("taffrail-test-{program}.log"))
    }

    /// Ends what was started here, in turn, and lets it clean up.
    pub fn stop(mut self) {
        self.end();
    }

    fn end(&mut self) {
        while let Some(mut child) = self.started.pop() {
            // kill(1) is part of every system this runs on; the child may have ended already.
            let _ = Command::new("kill").arg(child.id().to_string()).status();
            let _ = child.wait();
        }
    }
}

impl Drop for Docker {
    fn drop(&mut self) {
        self.end();
    }
}

fn answers() -> bool {
    quiet("docker", &["version"])
}

fn containerd_answers() -> bool {
    quiet("ctr", &["version"])
}

fn quiet(program: &str, args: &[&str]) -> bool {
    let command = Command::new(program).args(args).stdout(Stdio::null()).stderr(Stdio::null()).status();
    command.is_ok_and(|status| status.success())
}

/// Whether a program is where programs are.
pub fn on_path(program: &str) -> bool {
    find(program).is_some()
}

/// Where a program is that can be started by its name, or by root's.
pub fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut places = std::env::split_paths(&path).chain([PathBuf::from("/usr/sbin")]).map(|dir| dir.join(program));
    places.find(|path| path.is_file())
}

fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|meta| std::os::unix::fs::MetadataExt::uid(&meta) == 0)
}

/// Installs Debian packages, as root on Debian; elsewhere says what is missing.
pub fn install(packages: &[&str]) -> Result<()> {
    if !is_root() || !on_path("apt-get") {
        bail!("this needs {}: install it (as root on Debian this is done for you)", packages.join(", "));
    }
    say(&format!("installing {}", packages.join(", ")))?;
    for args in [&["update"][..], &[&["install", "-y", "--no-install-recommends"][..], packages].concat()] {
        let status = Command::new("apt-get")
            .args(args)
            .env("DEBIAN_FRONTEND", "noninteractive")
            .stdout(Stdio::null())
            .status()
            .context("cannot run apt-get")?;
        if !status.success() {
            bail!("apt-get {} failed", args.join(" "));
        }
    }
    Ok(())
}
