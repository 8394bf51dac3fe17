//! Records what a closure does, with real programs in the real kernel.
#![allow(dead_code, reason = "each test file uses its part")]

use taffrail_probes::{
    Body, HookState, Losses, Options, Probes, Record,
    abi::{
        Header, Kind,
        cgroup::Cgroup,
        file::FileOp,
        header_flags::PATH_CUT,
        network::Flow,
        process::{Exec, Exit, Fork},
    },
    walked_path,
};

/// A record that outlives its drain, its walked paths turned round.
#[derive(Clone, Debug)]
pub struct Event {
    pub header: Header,
    pub kind: Kind,
    pub what: What,
}

#[derive(Clone, Debug)]
pub enum What {
    Exec { exec: Exec, exe: String, cwd: String, args: Vec<String> },
    Fork(Fork),
    Exit(Exit),
    File { op: FileOp, base: String, path: String, new_base: String, new_path: String },
    Flow(Flow),
    Cgroup { cgroup: Cgroup, path: String },
}

/// What a recording gave.
pub struct Recorded {
    pub events: Vec<Event>,
    pub losses: Losses,
}

/// Records while `action` runs and gives everything in order of time.
pub fn record(action: impl FnOnce()) -> Recorded {
    let options = Options { vital_bytes: 4 << 20, bulk_bytes: 16 << 20, ignore_pid: None };
    let recorded = record_with(&options, action);
    assert_eq!(recorded.losses.lost, [0, 0], "the rings are large enough for a test");
    recorded
}

/// Like [`record`], with rings of other sizes.
pub fn record_with(options: &Options, action: impl FnOnce()) -> Recorded {
    let mut probes = load(options);
    action();
    let mut events = Vec::new();
    let mut keep = |record: Record<'_>| events.push(owned(&record));
    let first = probes.drain(&mut keep).expect("a drain");
    let last = probes.finish(&mut keep).expect("the last drain");
    assert_eq!(first.malformed + last.malformed, 0, "every record decodes");
    assert_eq!(first.delivered + last.delivered, events.len() as u64);
    assert!(events.is_sorted_by_key(|event| event.header.time_ns), "records come in order of time");
    let losses = probes.losses().expect("the counters");
    Recorded { events, losses }
}

/// Loads, or fails the test with the reason.
pub fn load(options: &Options) -> Probes {
    let probes = Probes::load(options)
        .unwrap_or_else(|error| panic!("this test needs root and a kernel that takes eBPF programs: {error}"));
    for hook in probes.hooks() {
        assert_eq!(hook.state, HookState::Attached, "{} must attach for this test", hook.name);
    }
    probes
}

fn owned(record: &Record<'_>) -> Event {
    let cut = record.header.flags & PATH_CUT != 0;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let walked = |bytes: &[u8]| text(&walked_path(bytes, cut));
    let what = match record.body {
        Body::Exec { exec, exe, cwd, args } => What::Exec {
            exec,
            exe: walked(exe),
            cwd: walked(cwd),
            args: args
                .split_inclusive(|byte| *byte == 0)
                .map(|arg| text(arg.strip_suffix(b"\0").unwrap_or(arg)))
                .collect(),
        },
        Body::Fork(fork) => What::Fork(fork),
        Body::Exit(exit) => What::Exit(exit),
        Body::File { op, base, path, new_base, new_path } => {
            let base_of = |bytes: &[u8]| {
                if bytes.is_empty() { String::new() } else { walked(bytes) }
            };
            What::File {
                op,
                base: base_of(base),
                path: text(path),
                new_base: base_of(new_base),
                new_path: text(new_path),
            }
        }
        Body::Flow(flow) => What::Flow(flow),
        Body::Cgroup { cgroup, path } => What::Cgroup { cgroup, path: text(path) },
    };
    Event { header: record.header, kind: record.kind, what }
}

impl Recorded {
    /// Events of one process.
    pub fn of(&self, pid: u32) -> impl Iterator<Item = &Event> {
        self.events.iter().filter(move |event| event.header.image.pid == pid)
    }

    /// File events of this process.
    pub fn own_files(&self, kind: Kind) -> Vec<FileEvent<'_>> {
        self.of(std::process::id())
            .filter(|event| event.kind == kind)
            .filter_map(|event| match &event.what {
                What::File { op, base, path, new_base, new_path } => {
                    Some(FileEvent { op, base, path, new_base, new_path })
                }
                _ => None,
            })
            .collect()
    }

    /// Flow events of one process, of one kind.
    pub fn flows(&self, pid: u32, kind: Kind) -> Vec<(&Header, &Flow)> {
        self.of(pid)
            .filter(|event| event.kind == kind)
            .filter_map(|event| match &event.what {
                What::Flow(flow) => Some((&event.header, flow)),
                _ => None,
            })
            .collect()
    }
}

#[derive(Clone, Copy, Debug)]
pub struct FileEvent<'a> {
    pub op: &'a FileOp,
    pub base: &'a str,
    pub path: &'a str,
    pub new_base: &'a str,
    pub new_path: &'a str,
}

/// `comm` without its NULs.
pub fn comm(header: &Header) -> String {
    String::from_utf8_lossy(&header.comm).trim_end_matches('\0').to_owned()
}

/// A cgroup of the unified hierarchy that is removed with the value.
pub struct Group {
    pub path: std::path::PathBuf,
    root: std::path::PathBuf,
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
        let root = std::path::PathBuf::from(root);
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
        use std::os::unix::fs::MetadataExt;
        std::fs::metadata(&self.path).expect("the cgroup's directory").ino()
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir(&self.path);
    }
}
