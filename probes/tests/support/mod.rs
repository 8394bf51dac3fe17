//! Records what a closure does, with real programs in the real kernel.
#![allow(dead_code, reason = "each test file uses its part")]
#![allow(unused_imports, reason = "each test file uses its part")]

mod event;
mod group;
mod raw;

pub use event::{Called, Event, What};
pub use group::Group;
pub use raw::{Argument, call, errno, in_child};

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use taffrail_probes::{
    HookState, Losses, Options, Probes, Record,
    abi::{
        Header, Kind,
        io::{Totals, Use},
        network::Flow,
    },
};

/// What a recording gave.
pub struct Recorded {
    pub events: Vec<Event>,
    pub losses: Losses,
}

/// Rings that are large enough for a test; this process is recorded.
pub fn options() -> Options {
    Options { vital_bytes: 8 << 20, bulk_bytes: 16 << 20, ignore_pid: None, ..Options::default() }
}

/// Records while `action` runs and gives everything in order of time.
pub fn record(action: impl FnOnce()) -> Recorded {
    record_live(|_| action())
}

/// Like [`record`], for an action that looks into the running probes.
pub fn record_live(action: impl FnOnce(&mut Probes)) -> Recorded {
    let recorded = record_with(&options(), action);
    assert_eq!(recorded.losses.lost, [0, 0], "the rings are large enough for a test");
    recorded
}

/// Like [`record_live`], with other options.
pub fn record_with(options: &Options, action: impl FnOnce(&mut Probes)) -> Recorded {
    let mut probes = load(options);
    action(&mut probes);
    let mut events = Vec::new();
    let mut keep = |record: Record<'_>| events.push(Event::of(&record));
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
    for hook in probes.hooks().iter().filter(|hook| !hook.optional || hook.state == HookState::Attached) {
        assert_eq!(hook.state, HookState::Attached, "{} must be at work for this test", hook.name);
    }
    probes
}

/// Whether the kernel lets programs see what it looks up for a name.
pub fn kernel_names(probes: &Probes) -> bool {
    probes.hooks().iter().filter(|hook| hook.optional).all(|hook| hook.state == HookState::Attached)
}

impl Recorded {
    /// Events of one process.
    pub fn of(&self, pid: u32) -> impl Iterator<Item = &Event> {
        self.events.iter().filter(move |event| event.header.image.pid == pid)
    }

    /// This process and all that descend from it: others on this machine are recorded as well.
    pub fn family(&self) -> BTreeSet<u32> {
        let mut family = BTreeSet::from([own()]);
        for event in &self.events {
            if let What::Fork(fork) = &event.what
                && family.contains(&event.header.image.pid)
            {
                family.insert(fork.child.pid);
            }
        }
        family
    }

    /// What one process did, picked out.
    pub fn pick<'a, T>(&'a self, pid: u32, pick: impl Fn(&'a What) -> Option<T>) -> Vec<T> {
        self.of(pid).filter_map(|event| pick(&event.what)).collect()
    }

    /// System calls of one process that were reported one by one.
    pub fn calls(&self, pid: u32) -> Vec<&Called> {
        self.pick(pid, |what| if let What::Call(called) = what { Some(called) } else { None })
    }

    /// Those of one number.
    pub fn calls_of(&self, pid: u32, nr: u16) -> Vec<&Called> {
        self.calls(pid).into_iter().filter(|called| called.call.nr == nr).collect()
    }

    /// The only call of one number by one process.
    pub fn only(&self, pid: u32, nr: u16) -> &Called {
        let found = self.calls_of(pid, nr);
        assert_eq!(found.len(), 1, "call {nr}: {found:#?}");
        found[0]
    }

    /// Calls of this process, of one kind.
    pub fn own(&self, kind: Kind) -> Vec<&Called> {
        self.calls(own()).into_iter().filter(|called| called.kind == kind).collect()
    }

    /// Flow events of one process, of one kind.
    pub fn flows(&self, pid: u32, kind: Kind) -> Vec<(&Header, &Flow)> {
        let flows = self.of(pid).filter(|event| event.kind == kind).filter_map(|event| match &event.what {
            What::Flow(flow) => Some((&event.header, flow)),
            _ => None,
        });
        flows.collect()
    }

    /// Totals that one process told.
    pub fn totals(&self, pid: u32) -> Vec<Totals> {
        self.pick(pid, |what| if let What::Totals(totals) = what { Some(*totals) } else { None })
    }

    /// Uses of files by one process: the time, the record and the path.
    pub fn uses(&self, pid: u32) -> Vec<(u64, &Use, &str)> {
        let uses = self.of(pid).filter_map(|event| match &event.what {
            What::Use { used, path } => Some((event.header.time_ns, used, path.as_str())),
            _ => None,
        });
        uses.collect()
    }

    /// The totals that one process told of the file of this name, opened or used; `(read, written)` each.
    pub fn totals_of(&self, pid: u32, path: &Path) -> Vec<(u64, u64)> {
        let name = text(path);
        let opens = self.calls(pid).into_iter().filter(|called| called.kind == Kind::Open && called.base == name);
        // Two descriptors may be named in the same nanosecond.
        let mut named: Vec<(u64, u32)> =
            opens.map(|called| (called.header.time_ns, called.call.result.cast_unsigned() as u32)).collect();
        let uses = self.uses(pid);
        named.extend(uses.iter().filter(|(_, _, path)| *path == name).map(|(time, used, _)| (*time, used.fd)));
        let totals = self.totals(pid).into_iter().filter(|totals| named.contains(&(totals.named_ns, totals.fd)));
        totals.map(|totals| (totals.read_bytes, totals.written_bytes)).collect()
    }
}

/// This process.
pub fn own() -> u32 {
    std::process::id()
}

/// A directory that goes with the first value, and its path without links.
pub fn place() -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().canonicalize().expect("its path");
    (directory, path)
}

/// A path as text.
pub fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

/// A path as a system call takes it.
pub fn c_path(path: &Path) -> std::ffi::CString {
    std::ffi::CString::new(path.as_os_str().as_encoded_bytes()).expect("a path has no NUL")
}

/// `comm` without its NULs.
pub fn comm(header: &Header) -> String {
    String::from_utf8_lossy(&header.comm).trim_end_matches('\0').to_owned()
}

/// Waits until something is so, five seconds at most.
pub fn wait_until(what: &str, mut is: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is() {
        assert!(start.elapsed() < Duration::from_secs(5), "{what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}
