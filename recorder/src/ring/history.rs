//! One container's history: its description, a lane for each class, and who holds it.

use super::lane::Lane;
use super::{Pin, Reach, RingError, lane_budget};
use crate::enrich::processes::Known;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use taffrail_trace::clock::{Anchor, BootNs};
use taffrail_trace::container::Container;
use taffrail_trace::event::{Class, Event};
use taffrail_trace::ids::ContainerKey;

const DESCRIPTION: &str = "container.json";

/// One container's history.
#[derive(Debug)]
pub struct History {
    lanes: [Lane; 2],
    pins: Vec<Pin>,
}

/// Writes down what is known of a container, whole or not at all.
pub fn describe(dir: &Path, container: &Container) -> Result<(), RingError> {
    let path = dir.join(DESCRIPTION);
    let partial = dir.join("container.partial");
    let text = serde_json::to_vec_pretty(container)
        .map_err(|error| RingError { path: path.clone(), source: std::io::Error::other(error) })?;
    fs::write(&partial, text).map_err(RingError::at(&partial))?;
    fs::rename(&partial, &path).map_err(RingError::at(&path))
}

impl History {
    /// A new history in `dir`.
    pub fn create(dir: &Path, key: ContainerKey) -> Result<Self, RingError> {
        fs::create_dir_all(dir).map_err(RingError::at(dir))?;
        Ok(Self { lanes: Class::ALL.map(|class| Lane::new(class, key, dir)), pins: Vec::new() })
    }

    /// The history that an earlier recorder left in `dir`.
    pub fn open(dir: &Path) -> Result<(Container, Self), RingError> {
        let path = dir.join(DESCRIPTION);
        let text = fs::read(&path).map_err(RingError::at(&path))?;
        let container: Container = serde_json::from_slice(&text)
            .map_err(|error| RingError { path: path.clone(), source: std::io::Error::other(error) })?;
        let mut history = Self::create(dir, container.key)?;
        let mut names: Vec<String> = fs::read_dir(dir)
            .map_err(RingError::at(dir))?
            .flatten()
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .collect();
        names.sort_unstable();
        for name in names {
            let Some((class, number)) = name.strip_suffix(".ring").and_then(|stem| stem.split_once('-')) else {
                continue;
            };
            let lane = history.lanes.iter_mut().zip(Class::ALL).find(|(_, c)| c.as_str() == class);
            if let (Some((lane, _)), Ok(number)) = (lane, number.parse()) {
                lane.adopt(number, &dir.join(&name))?;
            }
        }
        Ok((container, history))
    }

    /// Takes an event; true when something is full and wants to be flushed.
    pub fn append(&mut self, event: Event, named: Option<&Arc<Known>>) -> bool {
        let class = event.body.class();
        self.lane_mut(class).append(event, named)
    }

    /// Writes the batches older than `age_ns` and keeps the budgets.
    pub fn flush(&mut self, now: Anchor, age_ns: u64, share: u64, vital_percent: u64) -> Result<(), RingError> {
        // A pin that nobody else holds any more has been sealed.
        self.pins.retain(|pin| Arc::strong_count(&pin.files) > 1);
        let mut result = Ok(());
        for (lane, class) in self.lanes.iter_mut().zip(Class::ALL) {
            result = result.and(lane.flush(now, age_ns, lane_budget(class, share, vital_percent), &self.pins));
        }
        result
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

    fn lane_mut(&mut self, class: Class) -> &mut Lane {
        &mut self.lanes[class as usize]
    }
}
