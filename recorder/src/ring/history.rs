//! One container's history: its description, a lane for each class, and who holds it.

use super::file;
use super::lane::Lane;
use super::{Pin, Reach, RingError};
use crate::enrich::processes::Known;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use taffrail_trace::clock::{Anchor, BootNs};
use taffrail_trace::container::Container;
use taffrail_trace::event::{Class, Event};
use taffrail_trace::ids::ContainerKey;
use taffrail_trace::manifest::{Hook, Host};

const DESCRIPTION: &str = "container.json";
const RECORDED_BY: &str = "recorded-by.json";

/// One container's history.
#[derive(Debug)]
pub struct History {
    lanes: [Lane; 2],
    pins: Vec<Pin>,
}

/// Writes down what is known of a container, whole or not at all.
pub fn describe(dir: &Path, container: &Container) -> Result<(), RingError> {
    replace(&dir.join(DESCRIPTION), container)
}

/// What was written down of a container.
pub fn description(dir: &Path) -> Result<Container, RingError> {
    read(dir.join(DESCRIPTION))
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

/// Who recorded a history: what a bundle says of it must be known when nobody records any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordedBy {
    /// The machine.
    pub host: Host,
    /// Its hooks.
    pub hooks: Vec<Hook>,
    /// Whether evidence may name the host's processes above a container.
    pub host_ancestors: bool,
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
    serde_json::from_slice(&text).map_err(|error| RingError { path, source: std::io::Error::other(error) })
}

/// Writes a file of JSON, whole or not at all.
fn replace(path: &Path, value: &impl Serialize) -> Result<(), RingError> {
    let partial = path.with_extension("partial");
    let text = serde_json::to_vec_pretty(value)
        .map_err(|error| RingError { path: path.to_owned(), source: std::io::Error::other(error) })?;
    fs::write(&partial, text).map_err(RingError::at(&partial))?;
    fs::rename(&partial, path).map_err(RingError::at(path))
}

impl History {
    /// A new history in `dir`.
    pub fn create(dir: &Path, key: ContainerKey) -> Result<Self, RingError> {
        fs::create_dir_all(dir).map_err(RingError::at(dir))?;
        Ok(Self { lanes: Class::ALL.map(|class| Lane::new(class, key, dir)), pins: Vec::new() })
    }

    /// The history that an earlier recorder left in `dir`.
    pub fn open(dir: &Path) -> Result<(Container, Self), RingError> {
        let container = description(dir)?;
        let mut history = Self::create(dir, container.key)?;
        for (class, lane) in Class::ALL.into_iter().zip(&mut history.lanes) {
            for (number, nonce, path) in files(dir, class)? {
                lane.adopt(number, nonce, &path)?;
            }
        }
        Ok((container, history))
    }

    /// Takes an event; true when something is full and wants to be flushed.
    pub fn append(&mut self, event: Event, named: Option<&Arc<Known>>) -> bool {
        let class = event.body.class();
        self.lane(class).append(event, named)
    }

    /// Writes one class's batch if it is older than `age_ns` and keeps its budget.
    pub fn flush(&mut self, class: Class, now: Anchor, age_ns: u64, budget: u64) -> Result<(), RingError> {
        // A pin that nobody else holds any more has been sealed.
        self.pins.retain(|pin| Arc::strong_count(&pin.files) > 1);
        self.lanes[class as usize].flush(now, age_ns, budget, &self.pins)
    }

    /// One class, to be told what to do with it.
    pub fn lane(&mut self, class: Class) -> &mut Lane {
        &mut self.lanes[class as usize]
    }

    /// Bytes that letting the oldest file of a class go would free on the disk.
    pub fn oldest_bytes(&self, class: Class) -> u64 {
        self.lanes[class as usize].oldest_bytes()
    }

    /// Holds all files, and those to come.
    pub fn pin(&mut self) -> Pin {
        let pin = Pin::default();
        for lane in &self.lanes {
            lane.pin(&pin);
        }
        self.pins.push(pin.clone());
        pin
    }

    /// Whether somebody holds it.
    pub fn is_pinned(&self) -> bool {
        self.pins.iter().any(|pin| Arc::strong_count(&pin.files) > 1)
    }

    /// How far one class reaches.
    pub fn reach(&self, class: Class) -> Reach {
        self.lanes[class as usize].reach()
    }

    /// Time of the newest event on disk.
    pub fn newest_ns(&self) -> Option<BootNs> {
        self.lanes.iter().filter_map(Lane::newest_ns).max()
    }

    /// Bytes on disk.
    pub fn bytes(&self) -> u64 {
        Class::ALL.iter().map(|class| self.reach(*class).bytes).sum()
    }

    /// Makes everything written durable.
    pub fn sync(&self) -> Result<(), RingError> {
        self.lanes.iter().try_for_each(Lane::sync)
    }
}
