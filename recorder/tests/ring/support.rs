//! A ring in a directory of its own, events for it, and what is read back from its files.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use taffrail_recorder::ring::{Budget, Pin, Reach, Ring, RingError, histories, read_segments};
use taffrail_trace::clock::Anchor;
use taffrail_trace::container::{Container, Runtime};
use taffrail_trace::event::{Body, Class, Event, Image, IoEvent, Lifecycle, LifecycleOp, Origin, Stdio};
use taffrail_trace::ids::{BootId, ContainerKey, ProcessId};
use tempfile::TempDir;

pub const KIB: u64 = 1 << 10;

/// Much of everything.
pub fn roomy() -> Budget {
    Budget {
        total_bytes: 64 << 20,
        floor_bytes: 64 * KIB,
        ceiling_bytes: 64 << 20,
        vital_percent: 25,
        keep: Duration::from_secs(3600),
    }
}

/// So much for all together.
pub fn tight(total_bytes: u64) -> Budget {
    Budget { total_bytes, floor_bytes: 16 * KIB, ceiling_bytes: total_bytes, ..roomy() }
}

/// A ring with its directory and a clock.
pub struct Rig {
    pub ring: Ring,
    pub dir: TempDir,
    clock: AtomicU64,
}

impl Rig {
    pub fn new(budget: Budget) -> Self {
        Self::open(tempfile::tempdir().expect("a directory"), budget)
    }

    /// A ring over what an earlier one left.
    pub fn open(dir: TempDir, budget: Budget) -> Self {
        let (ring, found) = Ring::open(dir.path(), budget, false).expect("the ring opens");
        // Time goes on from one recorder to the next.
        static RIGS: AtomicU64 = AtomicU64::new(1);
        let clock = AtomicU64::new(RIGS.fetch_add(1, Ordering::Relaxed) * 1_000_000_000_000);
        let mut rig = Self { ring, dir, clock };
        for container in found {
            rig.ring.runs(container.key);
        }
        rig
    }

    /// The recorder dies here: what waits in memory is gone.
    pub fn killed(self) -> TempDir {
        drop(self.ring);
        self.dir
    }

    pub fn add(&mut self, key: u64) -> ContainerKey {
        self.ring.describe(&container(key)).expect("described");
        ContainerKey(key)
    }

    pub fn now(&self) -> Anchor {
        let boot_ns = self.clock.fetch_add(1, Ordering::Relaxed);
        Anchor { boot_ns, utc_ns: i64::try_from(boot_ns).expect("small") }
    }

    /// It is so late now.
    pub fn at(&self, boot_ns: u64) {
        self.clock.store(boot_ns, Ordering::Relaxed);
    }

    pub fn put(&mut self, key: ContainerKey, class: Class, number: u64) {
        self.try_put(key, class, number).expect("appended");
    }

    pub fn try_put(&mut self, key: ContainerKey, class: Class, number: u64) -> Result<(), RingError> {
        let now = self.now();
        self.ring.append(key, event(class, number, now.boot_ns), None, now)
    }

    /// Everything becomes a segment.
    pub fn flush(&mut self) {
        let now = self.now();
        self.ring.write_all(now).expect("flushed");
    }

    /// What waits is written down where it waits.
    pub fn settle(&mut self) {
        let now = self.now();
        self.ring.flush(now, 0).expect("flushed");
    }

    pub fn reach(&self, key: ContainerKey, class: Class) -> Reach {
        self.ring.history(key).expect("a history").reach(class)
    }

    /// A container's directory.
    pub fn place(&self, key: ContainerKey) -> PathBuf {
        self.dir.path().join("ring").join(key.to_string())
    }

    /// Numbers of the events on disk, as whoever has no recorder reads them.
    pub fn on_disk(&self, key: ContainerKey, class: Class) -> Vec<u64> {
        read(self.dir.path(), key, class)
    }
}

pub fn container(key: u64) -> Container {
    Container {
        created_ns: Some(1),
        ..Container::new(
            ContainerKey(key),
            format!("{key:064x}"),
            format!("test-{key}"),
            Runtime::Docker,
            format!("/docker/{key}"),
        )
    }
}

/// An event of a class that can be told from all others.
pub fn event(class: Class, number: u64, time_ns: u64) -> Event {
    let body = match class {
        Class::Vital => Body::Lifecycle(Lifecycle {
            op: LifecycleOp::Level,
            cgroup_path: noise(number),
            detail: Some(number.to_string()),
        }),
        Class::Bulk => Body::Io(Box::new(IoEvent {
            path: noise(number),
            other_mounts: false,
            fd: 3,
            inode: None,
            bytes_read: number,
            bytes_written: 0,
            closed: false,
        })),
    };
    assert_eq!(body.class(), class);
    Event { time_ns, actor: None, body }
}

/// A program of a process.
pub fn image(pid: u32) -> Image {
    let boot = BootId("boot".to_owned());
    let process_id = ProcessId::new(&boot, pid, 1);
    Image {
        exec_id: process_id.image(&boot, 0),
        process_id,
        parent_exec_id: None,
        origin: Origin::Scan,
        time_ns: 1,
        pid,
        ppid: 1,
        uid: 0,
        gid: 0,
        credentials: None,
        namespaces: None,
        login_uid: None,
        tty: None,
        comm: "sh".to_owned(),
        exe: "/bin/sh".to_owned(),
        exe_file: None,
        script: None,
        environment: Vec::new(),
        entered: None,
        args: vec!["sh".to_owned(), pid.to_string()],
        args_cut: false,
        cwd: "/".to_owned(),
        stdio: [Stdio::Unknown; 3],
        container_id: String::new(),
        container_name: String::new(),
    }
}

/// Text that does not pack well, so that files fill.
fn noise(number: u64) -> String {
    (0..4).map(|at| format!("{:016x}", (number * 4 + at + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15))).collect()
}

pub fn number_of(event: &Event) -> Option<u64> {
    match &event.body {
        Body::Lifecycle(it) => it.detail.as_ref()?.parse().ok(),
        Body::Io(it) => Some(it.bytes_read),
        _ => None,
    }
}

/// Numbers of a container's events below a state directory.
pub fn read(state_dir: &Path, key: ContainerKey, class: Class) -> Vec<u64> {
    let (mut numbers, waiting) = read_both(state_dir, key, class);
    numbers.extend(waiting);
    numbers
}

/// Those in segments, and those that wait for theirs.
pub fn read_both(state_dir: &Path, key: ContainerKey, class: Class) -> (Vec<u64>, Vec<u64>) {
    let found = histories(state_dir).expect("histories");
    let history = found.into_iter().flatten().find(|it| it.container.key == key).expect("the history");
    let mut numbers = Vec::new();
    for file in &history.files {
        read_segments(file, &mut |whole| {
            if whole.head.class == class {
                numbers.extend(whole.content()?.events.iter().filter_map(number_of));
            }
            Ok(())
        })
        .expect("read");
    }
    let waiting = history.waiting.iter().filter(|waiting| waiting.class == class);
    (numbers, waiting.flat_map(|waiting| waiting.content.events.iter().filter_map(number_of)).collect())
}

/// Numbers of the events that a pin holds.
pub fn pinned(pin: &Pin, class: Class) -> Vec<u64> {
    let mut numbers = Vec::new();
    for file in pin.files() {
        read_segments(&file, &mut |whole| {
            if whole.head.class == class {
                numbers.extend(whole.content()?.events.iter().filter_map(number_of));
            }
            Ok(())
        })
        .expect("read");
    }
    numbers
}

/// Bytes of the ring files below a directory.
pub fn ring_bytes(dir: &Path) -> u64 {
    files(dir).iter().map(|path| path.metadata().expect("metadata").len()).sum()
}

/// The ring files below a directory, by name.
pub fn files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).expect("a directory").flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.extension().is_some_and(|it| it == "ring" || it == "tail") {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// Files that this process has open below a directory.
pub fn open_files(dir: &Path) -> usize {
    let links = std::fs::read_dir("/proc/self/fd").expect("descriptors").flatten();
    links.filter_map(|link| std::fs::read_link(link.path()).ok()).filter(|path| path.starts_with(dir)).count()
}
