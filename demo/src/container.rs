//! A small container of its own: mount, pid, UTS and IPC namespaces, a cgroup, and a root with one static program.

use anyhow::{Context as _, Result, bail};
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sched::{CloneFlags, unshare};
use nix::unistd::{chdir, pivot_root, sethostname};
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};

/// The program of `program/main.rs`.
pub(crate) const PROGRAM: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/program"));
const TOOLS: [&str; 9] = ["httpd", "sh", "ping", "id", "cat", "chmod", "mv", "nc", "wget"];
/// The recorder knows the demo's container by this beginning of its cgroup's name.
const CGROUP_PREFIX: &str = "taffrail-demo-";

/// The running container. Dropping it ends it and removes its cgroup.
pub(crate) struct Container {
    /// Its name.
    pub name: String,
    /// The web server's port on loopback.
    pub port: u16,
    child: Child,
    stdin: Option<ChildStdin>,
    cgroup: PathBuf,
}

impl Container {
    /// Fills `root`, makes the cgroup and starts the web server in both. `exe` is this program.
    pub fn start(exe: &Path, root: &Path) -> Result<Self> {
        fill(root).with_context(|| format!("cannot fill the container's root {}", root.display()))?;
        let name = format!("shop-{}", std::process::id());
        let cgroup = taffrail_recorder::unified_root()
            .context("no cgroup v2 hierarchy is mounted")?
            .join(format!("{CGROUP_PREFIX}{name}"));
        fs::create_dir(&cgroup).with_context(|| format!("cannot make the cgroup {}", cgroup.display()))?;
        let spawned = Command::new(exe)
            .arg("demo-container")
            .args([root, &cgroup])
            .arg("/bin/httpd")
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn();
        let mut child = match spawned {
            Ok(child) => child,
            Err(error) => {
                let _ = fs::remove_dir(&cgroup);
                return Err(error).context("cannot start the container");
            }
        };
        let stdin = child.stdin.take();
        let stdout = child.stdout.take();
        let mut container = Self { name, port: 0, child, stdin, cgroup };
        let mut line = String::new();
        BufReader::new(stdout.context("the container has no output")?).read_line(&mut line)?;
        container.port = line.trim().parse().context("the container's web server did not start")?;
        Ok(container)
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        // The web server is the pid namespace's init: when its input ends it exits, and everything in there with it.
        drop(self.stdin.take());
        let _ = self.child.wait();
        let deadline = Instant::now() + Duration::from_secs(2);
        while fs::remove_dir(&self.cgroup).is_err() && self.cgroup.exists() && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

/// The root directory: the program under each of its names, and a few files worth stealing.
fn fill(root: &Path) -> std::io::Result<()> {
    for dir in ["bin", "etc", "srv", "tmp", "var/tmp"] {
        fs::create_dir_all(root.join(dir))?;
    }
    let program = root.join("bin/box");
    fs::write(&program, PROGRAM)?;
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755))?;
    for tool in TOOLS {
        symlink("box", root.join("bin").join(tool))?;
    }
    fs::write(root.join("srv/index.html"), "<h1>The ship's chandler</h1>\n")?;
    fs::write(root.join("etc/shadow"), "root:*:19000:0:99999:7:::\n")
}

/// The inside of `taffrail demo-container`: enters cgroup and namespaces, and waits for what runs there.
///
/// # Errors
/// Which step the kernel refused, and its exit where the program failed.
pub fn enter(root: &Path, cgroup: &Path, command: &[String]) -> Result<()> {
    let procs = cgroup.join("cgroup.procs");
    let enter = || format!("cannot enter the cgroup {}", cgroup.display());
    let mut procs = fs::File::options().write(true).open(&procs).with_context(enter)?;
    let apart =
        CloneFlags::CLONE_NEWNS | CloneFlags::CLONE_NEWPID | CloneFlags::CLONE_NEWUTS | CloneFlags::CLONE_NEWIPC;
    unshare(apart).context("cannot make namespaces")?;
    sethostname("shop").context("cannot set the container's host name")?;
    let none = None::<&str>;
    mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_PRIVATE, none).context("cannot make mounts private")?;
    mount(Some(root), root, none, MsFlags::MS_BIND | MsFlags::MS_REC, none).context("cannot bind the root")?;
    chdir(root).context("cannot enter the root")?;
    pivot_root(".", ".").context("cannot change the root")?;
    umount2(".", MntFlags::MNT_DETACH).context("cannot let the old root go")?;
    chdir("/").context("cannot enter the new root")?;
    // Last, so that what makes the container is not what happens in it.
    procs.write_all(b"0").with_context(enter)?;
    drop(procs);

    let (program, args) = command.split_first().context("nothing to run")?;
    let status = Command::new(program).args(args).status().with_context(|| format!("cannot run {program}"))?;
    if !status.success() {
        bail!("{program} ended with {status}");
    }
    Ok(())
}
