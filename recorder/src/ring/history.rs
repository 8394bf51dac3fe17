//! One container's history: its description, a lane for each class, and who holds it.

use super::file;
use super::lane::Lane;
use super::sync::Unsynced;
use super::tail::{self, Waiting};
use super::{Pin, Reach, RingError};
use crate::enrich::processes::Known;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use taffrail_trace::clock::{Anchor, BootNs, utc_now};
use taffrail_trace::container::{Container, Runtime};
use taffrail_trace::event::{Class, Event, Gap};
use taffrail_trace::ids::ContainerKey;
use taffrail_trace::manifest::{Hook, Host};

const DESCRIPTION: &str = "container.json";
const RECORDED_BY: &str = "recorded-by.json";

/// One container's history.
#[derive(Debug)]
pub struct History {
    lanes: [Lane; 2],
    pins: Vec<Pin>,
    budget: u64,
    /// When its container stopped, by the boot clock; negative before this boot.
    pub(super) stopped_ns: Option<i64>,
    /// Histories are served first that were there first.
    pub(super) rank: u64,
}

/// Writes down what is known of a container, whole or not at all.
pub fn describe(dir: &Path, container: &Container) -> Result<(), RingError> {
    replace(&dir.join(DESCRIPTION), container)
}

/// Whether what is known of a container is written down.
pub fn is_described(dir: &Path) -> bool {
    fs::exists(dir.join(DESCRIPTION)).unwrap_or(true)
}

/// What was written down of a container. Where that is lost, the directory's name still tells its key, and its history
/// is worth as much.
pub fn description(dir: &Path) -> Result<Container, RingError> {
    read(dir.join(DESCRIPTION)).or_else(|error| {
        let name = dir.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let key = u64::from_str_radix(&name, 16).map(ContainerKey).ok().filter(|key| key.to_string() == name);
        let key = key.ok_or(error)?;
        tracing::warn!(dir = %dir.display(), "what is known of a container is lost, its history is not");
        Ok(Container::new(key, format!("key-{key}"), format!("key-{key}"), Runtime::Unknown, String::new()))
    })
}

/// How long ago, by the wall clock, anything was written to a history.
pub fn age_ns(dir: &Path) -> u64 {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten().filter_map(|entry| entry.metadata().ok());
    let newest = entries.map(|meta| meta.mtime().saturating_mul(1_000_000_000).saturating_add(meta.mtime_nsec())).max();
    newest.map_or(0, |newest| u64::try_from(utc_now().saturating_sub(newest)).unwrap_or(0))
}

/// The files of one class in a history's directory with their numbers and nonces, oldest first.
pub fn files(dir: &Path, class: Class) -> Result<Vec<(u64, u64, PathBuf)>, RingError> {
    let entries = fs::read_dir(dir).map_err(RingError::at(dir))?;
    let mut files: Vec<(u64, u64, PathBuf)> = entries
        .flatten()
        .filter_map(|entry| Some((file::parse_name(&entry.file_name().to_string_lossy())?, entry.path())))
        .filter(|((of, ..), _)| *of == class)
        .map(|((_, number, nonce), path)| (number, nonce, path))
        .collect();
    files.sort_unstable();
    Ok(files)
}

/// What waits in a history's directory for its segment; segments may tell some of it.
pub fn waiting(dir: &Path) -> Result<Vec<Waiting>, RingError> {
    let entries = fs::read_dir(dir).map_err(RingError::at(dir))?;
    let mut found = Vec::new();
    for path in entries.flatten().map(|entry| entry.path()) {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let Some((class, seq, nonce)) = file::parse_tail_name(&name) else { continue };
        match tail::read(&path, class, seq, nonce) {
            Ok(waiting) => found.push(waiting),
            // Its segment was written this moment.
            Err(error) if error.source.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    found.sort_by_key(|waiting| (waiting.class as u8, waiting.seq));
    Ok(found)
}

/// Who recorded a history: what a bundle says of it must be known when nobody records any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordedBy {
    /// The machine.
    pub host: Host,
    /// Its hooks.
    pub hooks: Vec<Hook>,
    /// Whether evidence may name the host's processes above a container.
    pub host_ancestors: bool,
    /// SHA-256 of the configuration that it was recorded with, in hex.
    #[serde(default)]
    pub config_sha256: Option<String>,
}

impl RecordedBy {
    /// Reads it from a history's directory.
    pub fn read(dir: &Path) -> Result<Self, RingError> {
        read(dir.join(RECORDED_BY))
    }

    /// Writes it there, whole or not at all.
    pub fn write(&self, dir: &Path) -> Result<(), RingError> {
        replace(&dir.join(RECORDED_BY), self)
    }
}

/// Reads a file of JSON.
fn read<T: DeserializeOwned>(path: PathBuf) -> Result<T, RingError> {
    let text = fs::read(&path).map_err(RingError::at(&path))?;
    serde_json::from_slice(&text).map_err(|error| RingError { path, source: io::Error::other(error) })
}

/// Writes a file of JSON, whole or not at all.
fn replace(path: &Path, value: &impl Serialize) -> Result<(), RingError> {
    let partial = path.with_extension("partial");
    let text = serde_json::to_vec_pretty(value)
        .map_err(|error| RingError { path: path.to_owned(), source: io::Error::other(error) })?;
    fs::write(&partial, text).map_err(RingError::at(&partial))?;
    fs::rename(&partial, path).map_err(RingError::at(path))
}

impl History {
    /// A new history in `dir`.
    pub fn create(dir: &Path, key: ContainerKey) -> Result<Self, RingError> {
        fs::create_dir_all(dir).map_err(RingError::at(dir))?;
        let lanes = Class::ALL.map(|class| Lane::new(class, key, dir));
        Ok(Self { lanes, pins: Vec::new(), budget: 0, stopped_ns: None, rank: 0 })
    }

    /// The history that an earlier recorder left in `dir`.
    pub fn open(dir: &Path) -> Result<(Container, Self), RingError> {
        let container = description(dir)?;
        let mut history = Self::create(dir, container.key)?;
        let mut tails = waiting(dir)?;
        for (class, lane) in Class::ALL.into_iter().zip(&mut history.lanes) {
            for (number, nonce, path) in files(dir, class)? {
                lane.adopt(number, nonce, &path, &mut |head| tails.iter_mut().for_each(|tail| tail.saw(head)))?;
            }
        }
        for waiting in tails {
            history.lane(waiting.class).recover(waiting.untold());
        }
        Ok((container, history))
    }

    /// It may use so much of the disk, and vital events so many percent of that, from now on.
    pub fn limit(&mut self, budget: u64, vital_percent: u64) {
        self.budget = budget;
        let vital = budget * vital_percent / 100;
        self.lane(Class::Vital).limit(vital);
        self.lane(Class::Bulk).limit(budget - vital);
    }

    /// A budget that takes nothing of what it has.
    pub fn budget_to_hold(&self, vital_percent: u64) -> u64 {
        let needed = |class, percent: u64| (self.reach(class).bytes * 100).div_ceil(percent.max(1)) + 1;
        needed(Class::Vital, vital_percent).max(needed(Class::Bulk, 100 - vital_percent))
    }

    /// Takes an event; true when something is full and wants to be flushed.
    pub fn append(&mut self, event: Event, named: Option<&Arc<Known>>) -> bool {
        let class = event.body.class();
        self.lane(class).append(event, named)
    }

    /// Sees to it that what one class has waiting longer than `age_ns` is written down.
    pub fn flush(&mut self, class: Class, now: Anchor, age_ns: u64) -> Result<(), RingError> {
        // A pin that nobody else holds any more has been sealed.
        self.pins.retain(Pin::is_held);
        self.lanes[class as usize].flush(now, age_ns, &self.pins)
    }

    /// Writes what one class has waiting as a segment.
    pub fn write(&mut self, class: Class, now: Anchor) -> Result<(), RingError> {
        self.pins.retain(Pin::is_held);
        self.lanes[class as usize].write(now, &self.pins)
    }

    /// Events of one class that wait to be written as segments.
    pub fn waiting(&self, class: Class) -> usize {
        self.lanes[class as usize].waiting()
    }

    /// How far the chain of a class has come: the number and SHA-256 of its newest segment.
    pub fn head(&self, class: Class) -> Option<(u64, [u8; 32])> {
        self.lanes[class as usize].head()
    }

    /// One class, to be told what to do with it.
    pub fn lane(&mut self, class: Class) -> &mut Lane {
        &mut self.lanes[class as usize]
    }

    /// Bytes that letting the oldest file of a class go would free on the disk.
    pub fn oldest_bytes(&self, class: Class) -> u64 {
        self.lanes[class as usize].files.oldest_bytes()
    }

    /// Holds all files, and those to come.
    pub fn pin(&mut self) -> Pin {
        // What it has, and as much again.
        let pin = Pin::new(self.budget.max(self.bytes()).saturating_mul(2));
        for lane in &mut self.lanes {
            lane.files.pin(&pin);
        }
        self.pins.push(pin.clone());
        pin
    }

    /// Whether somebody holds it.
    pub fn is_pinned(&self) -> bool {
        self.pins.iter().any(Pin::is_held)
    }

    /// How far one class reaches.
    pub fn reach(&self, class: Class) -> Reach {
        self.lanes[class as usize].reach()
    }

    /// Bytes on disk.
    pub fn bytes(&self) -> u64 {
        Class::ALL.iter().map(|class| self.reach(*class).bytes).sum()
    }

    /// Bytes of the files that hold anything of the time from `from_ns` on.
    pub fn bytes_from(&self, from_ns: BootNs) -> u64 {
        self.lanes.iter().map(|lane| lane.files.bytes_from(from_ns)).sum()
    }

    /// What it may use of the disk.
    pub fn budget(&self) -> u64 {
        self.budget
    }

    /// Whether its container stopped.
    pub fn is_stopped(&self) -> bool {
        self.stopped_ns.is_some()
    }

    /// Closes what is open of a stopped container, once everything is written.
    pub fn rest(&mut self) {
        if self.is_stopped() {
            self.lanes.iter_mut().filter(|lane| lane.waiting() == 0).for_each(|lane| lane.files.close());
        }
    }

    /// What was written since the last call, to be made durable.
    pub fn unsynced(&mut self) -> Vec<Unsynced> {
        self.lanes.iter_mut().flat_map(Lane::unsynced).collect()
    }

    /// What somebody removed of it.
    pub fn missing(&mut self) -> Vec<Gap> {
        self.lanes.iter_mut().filter_map(|lane| lane.files.missing()).collect()
    }
}
