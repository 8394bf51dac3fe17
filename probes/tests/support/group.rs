//! A cgroup to be recorded in.

use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

/// A cgroup of the unified hierarchy that is removed with the value.
pub struct Group {
    pub path: PathBuf,
    root: PathBuf,
}

impl Group {
    /// Makes one.
    pub fn make(name: &str) -> Group {
        let mounts = std::fs::read_to_string("/proc/self/mountinfo").expect("mountinfo");
        let root = mounts
            .lines()
            .filter_map(|line| line.split_once(" - "))
            .find(|(_, kind)| kind.starts_with("cgroup2 "))
            .and_then(|(mount, _)| mount.split(' ').nth(4))
            .expect("this test needs the unified cgroup hierarchy to be mounted");
        let root = PathBuf::from(root);
        let path = root.join(format!("{name}-{}", std::process::id()));
        std::fs::create_dir(&path).expect("a cgroup can be made");
        Group { path, root }
    }

    /// Moves this process into it.
    pub fn enter(&self) {
        std::fs::write(self.path.join("cgroup.procs"), "0").expect("entering the cgroup");
    }

    /// Moves this process to the root group: one open, made in this group.
    pub fn leave(&self) {
        std::fs::write(self.root.join("cgroup.procs"), "0").expect("leaving the cgroup");
    }

    /// The id that records name it by.
    pub fn id(&self) -> u64 {
        std::fs::metadata(&self.path).expect("the cgroup's directory").ino()
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // Who left it last may still be leaving.
        for _ in 0..100 {
            if std::fs::remove_dir(&self.path).is_ok() {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
    }
}
