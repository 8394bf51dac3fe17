//! What every phase stands on: a directory, an image, containers, and somebody who takes it all down.
//!
//! The one who takes it down is a shell in a process group of its own that waits for its input to end: it does its work
//! whether this program returns, fails, is interrupted or killed.

use crate::test;
use anyhow::{Context as _, Result, bail};
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::str::FromStr;

/// Where the workloads' program is in the image.
pub const WORKLOADS: &str = "/opt/workloads";
/// Where a recorder's pid is, in the directory, for as long as it runs.
pub const PID_FILE: &str = "recorder.pid";

/// Directory, image and containers of one run.
pub struct Rig {
    /// The program that is measured.
    pub binary: PathBuf,
    /// A directory that is removed afterwards.
    pub dir: PathBuf,
    label: String,
    image: String,
    warden: Child,
}

/// What is left when the run is over, however it ended. Its arguments: directory, label, image.
const TAKE_DOWN: &str = "trap '' INT HUP TERM; cat > /dev/null; \
    [ -e \"$1/recorder.pid\" ] && kill \"$(cat \"$1/recorder.pid\")\"; \
    docker ps -aq --filter label=$2 | xargs -r docker rm -f > /dev/null; \
    docker image rm -f $3 > /dev/null; \
    n=0; while [ -e \"$1/recorder.pid\" ] && kill -0 \"$(cat \"$1/recorder.pid\")\" && [ $n -lt 50 ]; do n=$((n+1)); sleep 0.1; done; \
    rm -rf \"$1\"";

impl Rig {
    /// Makes all of it. Docker must answer.
    pub fn build(binary: PathBuf) -> Result<Self> {
        let name = format!("taffrail-bench-{}", std::process::id());
        let dir = std::env::temp_dir().join(&name);
        fs::create_dir(&dir).with_context(|| format!("cannot make {}", dir.display()))?;
        let warden = Command::new("sh")
            .args(["-c", TAKE_DOWN, "sh"])
            .arg(&dir)
            .args([&name, &name])
            .process_group(0)
            .stdin(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .context("cannot start a shell")?;
        let rig = Self { binary, dir, label: name.clone(), image: name, warden };
        rig.import().context("cannot make the image")?;
        Ok(rig)
    }

    /// An image of the workloads and of names that lead into the host's `/usr`, which is mounted where it is needed.
    fn import(&self) -> Result<()> {
        let root = self.dir.join("root");
        for dir in ["opt", "tmp", "etc", "srv", "usr", "var/run"] {
            fs::create_dir_all(root.join(dir))?;
        }
        fs::set_permissions(root.join("tmp"), fs::Permissions::from_mode(0o1777))?;
        for name in ["bin", "sbin", "lib", "lib64"] {
            symlink(format!("usr/{name}"), root.join(name))?;
        }
        taffrail_workloads::write(&root.join(&WORKLOADS[1..]))?;
        fs::write(root.join("etc/passwd"), "root:x:0:0::/:/bin/sh\n")?;
        fs::write(root.join("etc/group"), "root:x:0:\n")?;
        fs::write(root.join("srv/index.html"), "x".repeat(612))?;
        fs::write(root.join("etc/nginx.conf"), super::servers::NGINX_CONF)?;
        let script = format!("tar -C '{}' -c . | docker import - {}", root.display(), self.image);
        succeed(Command::new("sh").args(["-c", &script])).map(drop)
    }

    /// Runs a command of the image alone in a container that is gone when it returns.
    pub fn run(&self, command: &[&str]) -> Result<String> {
        let mut run = Command::new("docker");
        run.args(["run", "--rm", "--network=none", "--label", &self.label, &self.image]).args(command);
        succeed(&mut run)
    }

    /// A container with loopback alone and without a seccomp filter, whose own cost would be in every figure. It runs
    /// `command` and has the host's programs below `/usr`.
    pub fn container(&self, command: &[&str]) -> Result<Container> {
        let mut run = Command::new("docker");
        run.args(["run", "-d", "--network=none", "--security-opt=seccomp=unconfined", "-v", "/usr:/usr:ro"]);
        run.args(["--label", &self.label, &self.image]).args(command);
        Ok(Container { id: succeed(&mut run)? })
    }
}

/// The program that is measured: the one that is named, else one that is built now.
pub fn binary(root: &Path, named: Option<&Path>) -> Result<PathBuf> {
    let binary = if let Some(named) = named {
        named.to_owned()
    } else {
        test::cargo(root, &["build", "--release"])?;
        test::target(root).join("release/taffrail")
    };
    fs::canonicalize(&binary).with_context(|| format!("no program at {}", binary.display()))
}

impl Drop for Rig {
    fn drop(&mut self) {
        drop(self.warden.stdin.take());
        let _ = self.warden.wait();
    }
}

/// A running container. It is taken down with the rig.
pub struct Container {
    /// Docker's id of it.
    pub id: String,
}

impl Container {
    /// A command in it, not yet run.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new("docker");
        command.args(["exec", &self.id]).args(args);
        command
    }

    /// Runs a program in it and gives what it printed.
    pub fn exec(&self, args: &[&str]) -> Result<String> {
        succeed(&mut self.command(args))
    }

    /// What it printed, where it has ended; it was to run on.
    pub fn ended(&self) -> Result<Option<String>> {
        let running = succeed(Command::new("docker").args(["inspect", "-f", "{{.State.Running}}", &self.id]))?;
        let logs = || succeed(Command::new("sh").args(["-c", "docker logs --tail 20 \"$1\" 2>&1", "sh", &self.id]));
        (running != "true").then(logs).transpose()
    }

    /// Runs an act of the workloads in it and gives the number of that name in its line.
    pub fn act(&self, act: &[&str], name: &str) -> Result<f64> {
        number(&self.exec(&[&[WORKLOADS], act].concat())?, name)
    }
}

/// The number of a `name=value` word in the last line.
pub fn number<T: FromStr>(said: &str, name: &str) -> Result<T> {
    let words = said.lines().last().unwrap_or_default().split(' ');
    let value = words.filter_map(|word| word.split_once('=')).find(|(known, _)| *known == name);
    let (_, value) = value.with_context(|| format!("no {name} in {said:?}"))?;
    value.parse().ok().with_context(|| format!("{name}={value} is no number"))
}

/// Runs a program that must succeed, and gives what it printed.
pub fn succeed(command: &mut Command) -> Result<String> {
    let output = command.output().with_context(|| format!("cannot run {command:?}"))?;
    if !output.status.success() {
        bail!("{command:?}: {}: {}", output.status, String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Writes the workloads' program for the host itself.
pub fn on_host(dir: &Path) -> Result<PathBuf> {
    let path = dir.join("workloads");
    if !path.exists() {
        taffrail_workloads::write(&path).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(path)
}
