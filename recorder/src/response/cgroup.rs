//! One cgroup, frozen, killed and thawed through its files.
//!
//! ```text
//! unified   cgroup.freeze = 1 | 0, cgroup.events says `frozen 1`, cgroup.kill = 1 (Linux 5.14)
//! freezer   freezer.state = FROZEN | THAWED, where the unified hierarchy cannot freeze; also what others froze there,
//!           as a runtime's pause does on hosts of the old kind, is seen and let go
//! by hand   frozen, SIGKILL to each of cgroup.procs, thawed: where there is no cgroup.kill
//! ```
//!
//! The directory is held open, and files are reached through it, so that a cgroup that takes its place is never meant.

use crate::enrich::cgroup as shape;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::fs::{self, File};
use std::io;
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How long processes may take to stand still, to go on or to be gone.
const WAIT: Duration = Duration::from_secs(2);
/// How often it is looked.
const LOOK: Duration = Duration::from_millis(2);
/// How deep cgroups below it are looked for, and how many rounds of killing there are.
const DEPTH_MAX: usize = 32;

/// Why a cgroup cannot be acted on.
#[derive(Debug, thiserror::Error)]
pub enum CgroupError {
    /// It is gone, or another one has its place.
    #[error("its cgroup is gone")]
    Gone,
    /// A file of it could not be read or written.
    #[error("{file}: {source}")]
    File {
        /// Which file.
        file: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// There is no way to freeze on this host.
    #[error("its cgroup has no cgroup.freeze, and no freezer hierarchy has it")]
    NoFreezer,
    /// It took too long.
    #[error("{what} after {} s", WAIT.as_secs())]
    TooLong {
        /// What is not so.
        what: &'static str,
    },
}

/// A container's cgroup.
#[derive(Debug)]
pub struct Cgroup {
    dir: File,
    freezer: Option<File>,
}

impl Cgroup {
    /// Opens `dir`, a cgroup of the unified hierarchy, if it is the one with the id that `is_it` knows.
    ///
    /// # Errors
    /// [`CgroupError`].
    pub fn open(dir: &Path, is_it: impl Fn(u64) -> bool) -> Result<Self, CgroupError> {
        let dir = File::open(dir).map_err(|_| CgroupError::Gone)?;
        let id = dir.metadata().map_err(|_| CgroupError::Gone)?.ino();
        if !is_it(id) {
            return Err(CgroupError::Gone);
        }
        Ok(Self { dir, freezer: None })
    }

    /// The same, with what the container of this id has of its own in the old freezer's hierarchy, which is mounted at
    /// `root`, if it has anything there.
    pub fn with_freezer(mut self, root: Option<&Path>, id: &str) -> Self {
        self.freezer = root.and_then(|root| {
            // Most have processes of their own, so that those below need not be looked for.
            let own = self.pids(&self.path("")).ok()?;
            let pid = own.first().copied().or_else(|| self.all_pids().ok()?.first().copied())?;
            // A name in another hierarchy may be any bytes.
            let lines = fs::read(format!("/proc/{pid}/cgroup")).ok()?;
            File::open(root.join(own_freezer(&String::from_utf8_lossy(&lines), id)?.trim_start_matches('/'))).ok()
        });
        self
    }

    /// A cgroup of a freezer hierarchy, for what has no other.
    #[cfg(test)]
    fn of_freezer(dir: &Path) -> io::Result<Self> {
        Ok(Self { dir: File::open(dir)?, freezer: Some(File::open(dir)?) })
    }

    /// Has its processes stand still, and waits until they do.
    ///
    /// # Errors
    /// [`CgroupError`].
    pub fn freeze(&self) -> Result<(), CgroupError> {
        self.set(true)?;
        wait("not all of its processes stand still", || self.stands_still())
    }

    /// Has its processes go on.
    ///
    /// # Errors
    /// [`CgroupError`].
    pub fn thaw(&self) -> Result<(), CgroupError> {
        self.set(false)?;
        wait("not all of its processes go on", || self.stands_still().map(|still| !still))
    }

    /// Kills its processes and waits until they are gone.
    ///
    /// # Errors
    /// [`CgroupError`].
    pub fn kill(&self) -> Result<(), CgroupError> {
        match self.write("cgroup.kill", &self.path("cgroup.kill"), "1") {
            Err(CgroupError::File { source, .. }) if source.kind() == io::ErrorKind::NotFound => self.kill_by_hand()?,
            // The last process may have gone, and the cgroup with it.
            Err(CgroupError::Gone) => return Ok(()),
            result => result?,
        }
        if let Some(dir) = &self.freezer {
            // In the old freezer a signal waits until its process goes on. What is gone needs none.
            let _ = self.write_state(dir, "THAWED");
        }
        wait("not all of its processes are gone", || match self.all_pids() {
            Ok(pids) => Ok(pids.is_empty()),
            Err(CgroupError::Gone) => Ok(true),
            Err(error) => Err(error),
        })
    }

    /// Frozen, so that nothing is forked meanwhile.
    fn kill_by_hand(&self) -> Result<(), CgroupError> {
        let frozen = self.freeze();
        for pid in self.all_pids()? {
            // One that is gone needs no signal.
            let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
        }
        self.set(false)?;
        frozen
    }

    /// Whether its processes are to stand still: by us, or by whoever else wrote so.
    pub fn is_frozen(&self) -> bool {
        let is_so = |file, path: &Path, is_thawed: &str| {
            self.read(file, path).is_ok_and(|text| !text.trim().is_empty() && text.trim() != is_thawed)
        };
        // The old one says `FREEZING` until the last of them stands.
        is_so("cgroup.freeze", &self.path("cgroup.freeze"), "0")
            || self.freezer.as_ref().is_some_and(|dir| is_so("freezer.state", &below(dir, "freezer.state"), "THAWED"))
    }

    /// Where the unified hierarchy can freeze the old one is not asked to; it is let go all the same.
    fn set(&self, frozen: bool) -> Result<(), CgroupError> {
        let is_able = self.path("cgroup.freeze").exists();
        if is_able {
            self.write("cgroup.freeze", &self.path("cgroup.freeze"), if frozen { "1" } else { "0" })?;
        }
        match &self.freezer {
            Some(_) if is_able && frozen => Ok(()),
            Some(dir) => self.write_state(dir, if frozen { "FROZEN" } else { "THAWED" }),
            None if is_able => Ok(()),
            None if self.path("cgroup.procs").exists() => Err(CgroupError::NoFreezer),
            None => Err(CgroupError::Gone),
        }
    }

    fn write_state(&self, freezer: &File, state: &str) -> Result<(), CgroupError> {
        self.write("freezer.state", &below(freezer, "freezer.state"), state)
    }

    fn stands_still(&self) -> Result<bool, CgroupError> {
        let old = self.freezer.as_ref().map(|dir| self.read("freezer.state", &below(dir, "freezer.state")));
        if old.transpose()?.is_some_and(|state| state.trim() == "FROZEN") {
            return Ok(true);
        }
        let events = self.path("cgroup.events");
        Ok(events.exists() && self.read("cgroup.events", &events)?.lines().any(|line| line == "frozen 1"))
    }

    /// Every process in it and below it, as this process numbers them.
    fn all_pids(&self) -> Result<Vec<i32>, CgroupError> {
        let mut pids = Vec::new();
        let mut open = vec![(self.path(""), 0)];
        while let Some((dir, depth)) = open.pop() {
            match self.pids(&dir) {
                Ok(own) => pids.extend(own),
                // One below it may go meanwhile.
                Err(CgroupError::Gone) if depth > 0 => continue,
                Err(error) => return Err(error),
            }
            let entries = fs::read_dir(&dir).into_iter().flatten().flatten();
            let below = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
            open.extend(below.filter(|_| depth < DEPTH_MAX).map(|entry| (entry.path(), depth + 1)));
        }
        Ok(pids)
    }

    fn pids(&self, dir: &Path) -> Result<Vec<i32>, CgroupError> {
        let text = self.read("cgroup.procs", &dir.join("cgroup.procs"))?;
        // A process of a pid namespace that is not below ours is shown as 0, which must not be signalled.
        Ok(text.lines().filter_map(|line| line.parse().ok()).filter(|pid| *pid > 0).collect())
    }

    fn path(&self, file: &str) -> PathBuf {
        below(&self.dir, file)
    }

    fn read(&self, file: &'static str, path: &Path) -> Result<String, CgroupError> {
        fs::read_to_string(path).map_err(|source| self.told(file, source))
    }

    fn write(&self, file: &'static str, path: &Path, text: &str) -> Result<(), CgroupError> {
        // The file is the kernel's and is never made.
        let opened = fs::OpenOptions::new().write(true).open(path);
        let written = opened.and_then(|mut it| io::Write::write_all(&mut it, text.as_bytes()));
        written.map_err(|source| self.told(file, source))
    }

    /// A cgroup that was removed has no files any more (`ENODEV` for those that were open).
    fn told(&self, file: &'static str, source: io::Error) -> CgroupError {
        let is_gone = source.raw_os_error() == Some(nix::libc::ENODEV) || !self.path("cgroup.procs").exists();
        if is_gone { CgroupError::Gone } else { CgroupError::File { file, source } }
    }
}

/// Waits until something is so.
fn wait(what: &'static str, is_so: impl Fn() -> Result<bool, CgroupError>) -> Result<(), CgroupError> {
    let deadline = Instant::now() + WAIT;
    while !is_so()? {
        if Instant::now() >= deadline {
            return Err(CgroupError::TooLong { what });
        }
        std::thread::sleep(LOOK);
    }
    Ok(())
}

fn below(dir: &File, file: &str) -> PathBuf {
    PathBuf::from(format!("/proc/self/fd/{}/{file}", dir.as_raw_fd()))
}

/// Where the freezer hierarchy is mounted, among the lines of `/proc/mounts`.
pub fn freezer_root() -> Option<PathBuf> {
    let mounts = fs::read_to_string("/proc/self/mounts").ok()?;
    mounts.lines().find_map(|line| {
        let mut fields = line.split(' ').skip(1);
        let (point, kind, options) = (fields.next()?, fields.next()?, fields.next()?);
        (kind == "cgroup" && options.split(',').any(|option| option == "freezer")).then(|| PathBuf::from(point))
    })
}

/// The freezer's cgroup among the lines of `/proc/PID/cgroup`, if it is the container's own or below it: any other one
/// holds strangers.
fn own_freezer(lines: &str, id: &str) -> Option<String> {
    let path = lines.lines().find_map(|line| {
        let mut fields = line.splitn(3, ':').skip(1);
        let (controllers, path) = (fields.next()?, fields.next()?);
        controllers.split(',').any(|name| name == "freezer").then_some(path)
    })?;
    shape::place(path, &|name| name == id).filter(|place| place.id == id).map(|place| place.path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Child, Command};

    /// A process in a cgroup of its own; both go with the test.
    struct Cage {
        dir: PathBuf,
        child: Child,
    }

    impl Cage {
        fn new(root: &Path, name: &str) -> Self {
            let dir = root.join(format!("taffrail-test-{name}-{}", std::process::id()));
            fs::create_dir(&dir).expect("a cgroup; this test needs root");
            let child = Command::new("sh").args(["-c", "while :; do :; done"]).spawn().expect("sh");
            fs::write(dir.join("cgroup.procs"), child.id().to_string()).expect("into it");
            Self { dir, child }
        }

        /// CPU time, in ticks.
        fn ran(&self) -> u64 {
            let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id())).expect("stat");
            stat.rsplit(") ").next().and_then(|rest| rest.split(' ').nth(11)).expect("utime").parse().expect("ticks")
        }

        fn runs(&self) -> bool {
            let before = self.ran();
            std::thread::sleep(Duration::from_millis(200));
            self.ran() > before
        }

        fn is_frozen_thawed_and_killed(&mut self, cgroup: &Cgroup) {
            assert!(self.runs());
            cgroup.freeze().expect("frozen");
            assert!(!self.runs(), "it stands still");
            cgroup.thaw().expect("thawed");
            assert!(self.runs(), "it goes on");
            cgroup.freeze().expect("frozen again");
            // Whoever waits for it has to take its end before it is gone.
            let pid = self.child.id();
            std::thread::scope(|scope| {
                let killed = scope.spawn(|| cgroup.kill());
                let status = self.child.wait().expect("the end");
                assert_eq!(std::os::unix::process::ExitStatusExt::signal(&status), Some(9), "{pid}");
                killed.join().expect("no panic").expect("killed");
            });
        }
    }

    impl Drop for Cage {
        fn drop(&mut self) {
            let _ = fs::write(self.dir.join("cgroup.freeze"), "0");
            let _ = fs::write(self.dir.join("freezer.state"), "THAWED");
            let _ = self.child.kill();
            let _ = self.child.wait();
            for _ in 0..100 {
                if fs::remove_dir(&self.dir).is_ok() {
                    break;
                }
                std::thread::sleep(Duration::from_millis(10));
            }
        }
    }

    fn unified() -> PathBuf {
        crate::unified_root().expect("a unified hierarchy")
    }

    #[test]
    fn a_unified_cgroup_stands_still_goes_on_and_is_killed() {
        let mut cage = Cage::new(&unified(), "unified");
        let cgroup = Cgroup::open(&cage.dir, |_| true).expect("a cgroup");
        assert!(!cgroup.is_frozen());
        cage.is_frozen_thawed_and_killed(&cgroup);
        assert!(cgroup.is_frozen());
    }

    #[test]
    fn what_is_frozen_is_killed_by_hand_where_the_kernel_has_no_kill() {
        let mut cage = Cage::new(&unified(), "by-hand");
        let cgroup = Cgroup::open(&cage.dir, |_| true).expect("a cgroup");
        cgroup.kill_by_hand().expect("killed");
        assert_eq!(std::os::unix::process::ExitStatusExt::signal(&cage.child.wait().expect("the end")), Some(9));
    }

    /// In plain files where the host has no freezer hierarchy any more.
    #[test]
    fn a_cgroup_of_the_old_freezer_stands_still_goes_on_and_is_killed() {
        let fake = tempfile::tempdir().expect("a directory");
        let root = freezer_root();
        let mut cage = Cage::new(root.as_deref().unwrap_or(fake.path()), "freezer");
        if root.is_none() {
            fs::write(cage.dir.join("freezer.state"), "THAWED").expect("a state");
        }
        let cgroup = Cgroup::of_freezer(&cage.dir).expect("a cgroup");
        let state = || fs::read_to_string(cage.dir.join("freezer.state")).expect("a state").trim().to_owned();
        assert!(!cgroup.is_frozen());
        cgroup.freeze().expect("frozen");
        assert_eq!((state().as_str(), cgroup.is_frozen()), ("FROZEN", true));
        cgroup.thaw().expect("thawed");
        assert_eq!((state().as_str(), cgroup.is_frozen()), ("THAWED", false));
        if root.is_some() {
            cage.is_frozen_thawed_and_killed(&cgroup);
        } else {
            cgroup.kill_by_hand().expect("killed");
            assert_eq!(std::os::unix::process::ExitStatusExt::signal(&cage.child.wait().expect("the end")), Some(9));
        }
    }

    #[test]
    fn another_cgroup_under_the_same_path_is_left_alone() {
        let cage = Cage::new(&unified(), "another");
        let id = fs::metadata(&cage.dir).expect("metadata").ino();
        assert!(matches!(Cgroup::open(&cage.dir, |found| found == id + 1), Err(CgroupError::Gone)));
        assert!(Cgroup::open(&cage.dir, |found| found == id).is_ok());
    }

    /// As a runtime's pause does it on a host of the old kind.
    #[test]
    fn what_others_froze_in_the_old_freezer_is_seen_and_goes_on_when_it_is_thawed() {
        let old = tempfile::tempdir().expect("a directory");
        let state = old.path().join("freezer.state");
        fs::write(&state, "FROZEN\n").expect("a state");
        let cage = Cage::new(&unified(), "paused");
        let freezer = Some(File::open(old.path()).expect("open"));
        let cgroup = Cgroup { freezer, ..Cgroup::open(&cage.dir, |_| true).expect("a cgroup") };
        assert!(cgroup.is_frozen() && cgroup.stands_still().expect("a state"));
        fs::write(&state, "").expect("a plain file is not cut by what is written");
        cgroup.thaw().expect("thawed");
        assert_eq!(fs::read_to_string(&state).expect("a state"), "THAWED");
        assert!(!cgroup.is_frozen());
    }

    #[test]
    fn a_cgroup_that_nothing_can_freeze_says_so() {
        let plain = tempfile::tempdir().expect("a directory");
        let cgroup = Cgroup::open(plain.path(), |_| true).expect("a directory");
        assert!(matches!(cgroup.freeze(), Err(CgroupError::Gone)));
        fs::write(plain.path().join("cgroup.procs"), "").expect("write");
        assert!(matches!(cgroup.freeze(), Err(CgroupError::NoFreezer)));
        assert!(!cgroup.is_frozen());
    }

    #[test]
    fn a_freezer_s_cgroup_counts_only_where_it_is_the_container_s_own() {
        let id = "ab".repeat(32);
        let lines = |path: &str| format!("9:cpu,cpuacct:/\n6:freezer:{path}\n0::/docker/{id}\n");
        let own = format!("/docker/{id}");
        for path in [own.clone(), format!("{own}/init.scope")] {
            assert_eq!(own_freezer(&lines(&path), &id), Some(own.clone()));
        }
        for foreign in ["/", "/docker", "/user.slice", &format!("{own}/docker/{}", "cd".repeat(32))] {
            assert_eq!(own_freezer(&lines(foreign), &id), None, "{foreign}");
        }
        assert_eq!(own_freezer("0::/\n", &id), None);
    }
}
