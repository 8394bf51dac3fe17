//! What the host changes while the programs run, and what it reads out of their tables.

use std::collections::BTreeMap;

use aya::maps::{Array, HashMap, MapData, MapError};
use taffrail_probes_abi::{
    io::{Descriptor, DescriptorKey, Session},
    level::{Level, Settings, slots},
    network::{UdpFlow, UdpKey},
};

use crate::{
    load::{Probes, take},
    load_error::{LoadError, map_error},
    plain::{self, Plain},
};

/// The maps that the host writes or empties. Keys and values are words, as aya knows only its own types.
pub(crate) struct Controls {
    settings: Array<MapData, [u64; 3]>,
    slots: Array<MapData, [u64; 2]>,
    descriptors: HashMap<MapData, u64, [u64; 6]>,
    sessions: HashMap<MapData, u64, [u64; 2]>,
    udp_flows: HashMap<MapData, [u64; 6], [u64; 4]>,
    now: Settings,
    /// Of cgroups whose level is not the default: the level, and the slot it stands in.
    levels: BTreeMap<u64, (Level, u32)>,
}

/// Why a level could not be set, or a table not be read.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// A map could not be read or written.
    #[error("cannot use a table of the kernel programs: {0}")]
    Map(#[from] MapError),
    /// Both places of a cgroup in the table of levels are taken.
    #[error("the table of levels has no room for this cgroup: set those of others back to standard")]
    NoSlot,
}

impl Controls {
    pub(crate) fn take(ebpf: &mut aya::Ebpf) -> Result<Controls, LoadError> {
        Ok(Controls {
            settings: take(ebpf, "SETTINGS")?.try_into().map_err(map_error)?,
            slots: take(ebpf, "LEVELS")?.try_into().map_err(map_error)?,
            descriptors: take(ebpf, "DESCRIPTORS")?.try_into().map_err(map_error)?,
            sessions: take(ebpf, "SESSIONS")?.try_into().map_err(map_error)?,
            udp_flows: take(ebpf, "UDP_FLOWS")?.try_into().map_err(map_error)?,
            now: Settings::default(),
            levels: BTreeMap::new(),
        })
    }

    /// Writes what holds from the start.
    pub(crate) fn begin(&mut self, terminal_bytes: u64) -> Result<(), LoadError> {
        self.now = Settings { default_level: Level::Standard as u32, terminal_bytes, ..Settings::default() };
        self.write().map_err(map_error)
    }

    /// Gives a cgroup a level. The programs may look at any moment: its slot gets the level first and then the cgroup.
    fn place(&mut self, cgroup_id: u64, level: Level) -> Result<(), ControlError> {
        let slot = match self.levels.get(&cgroup_id) {
            Some((_, slot)) => *slot,
            None => {
                let taken = |slot: &u32| self.levels.values().any(|(_, taken)| taken == slot);
                let slot = slots(cgroup_id).into_iter().find(|slot| !taken(slot)).ok_or(ControlError::NoSlot)?;
                self.slots.set(slot, [0, level as u64], 0)?;
                slot
            }
        };
        self.slots.set(slot, [cgroup_id, level as u64], 0)?;
        self.levels.insert(cgroup_id, (level, slot));
        Ok(())
    }

    /// Gives a cgroup the default.
    fn clear(&mut self, cgroup_id: u64) -> Result<(), ControlError> {
        if let Some((_, slot)) = self.levels.get(&cgroup_id) {
            self.slots.set(*slot, [0; 2], 0)?;
            self.levels.remove(&cgroup_id);
        }
        Ok(())
    }

    fn write(&mut self) -> Result<(), MapError> {
        self.settings.set(0, words(&self.now), 0)
    }
}

impl Probes {
    /// Sets how much is recorded of a cgroup. Until then it has the default, `standard`.
    ///
    /// # Errors
    ///
    /// When the kernel refuses; nothing has changed then.
    pub fn set_level(&mut self, cgroup_id: u64, level: Level) -> Result<(), ControlError> {
        let controls = &mut self.controls;
        let before = controls.levels.get(&cgroup_id).copied();
        if before.map_or(Level::Standard, |(level, _)| level) == level {
            return Ok(());
        }
        if level == Level::Standard {
            controls.clear(cgroup_id)?;
        } else {
            controls.place(cgroup_id, level)?;
        }
        let full = controls.levels.values().filter(|(level, _)| *level == Level::Full).count();
        controls.now.levels = controls.levels.len() as u32;
        controls.now.full = full as u64;
        Ok(controls.write()?)
    }

    /// How much is recorded of a cgroup.
    pub fn level(&self, cgroup_id: u64) -> Level {
        self.controls.levels.get(&cgroup_id).map_or(Level::Standard, |(level, _)| *level)
    }

    /// What went through open descriptors so far, in no order. An entry that comes and goes meanwhile may be missing.
    pub fn descriptors(&self) -> Vec<(DescriptorKey, Descriptor)> {
        let entries = self.controls.descriptors.iter().filter_map(Result::ok);
        entries.filter_map(|(key, value)| Some((read(&[key])?, read(&value)?))).collect()
    }

    /// Takes a descriptor out of the table, for a process that is over; gives what went through it.
    pub fn take_descriptor(&mut self, key: DescriptorKey) -> Option<Descriptor> {
        let [word] = words(&key);
        let value = self.controls.descriptors.get(&word, 0).ok()?;
        self.controls.descriptors.remove(&word).ok()?;
        read(&value)
    }

    /// What was kept and cut of a terminal session.
    pub fn session(&self, id: u64) -> Option<Session> {
        read(&self.controls.sessions.get(&id, 0).ok()?)
    }

    /// UDP flows so far, in no order.
    pub fn udp_flows(&self) -> Vec<(UdpKey, UdpFlow)> {
        let entries = self.controls.udp_flows.iter().filter_map(Result::ok);
        entries.filter_map(|(key, value)| Some((read(&key)?, read(&value)?))).collect()
    }

    /// Takes a UDP flow out of the table: its next packet begins another one.
    pub fn take_udp_flow(&mut self, key: UdpKey) -> Option<UdpFlow> {
        let words: [u64; 6] = words(&key);
        let value = self.controls.udp_flows.get(&words, 0).ok()?;
        self.controls.udp_flows.remove(&words).ok()?;
        read(&value)
    }
}

/// A plain value as words; its size is a multiple of theirs.
fn words<T: Plain, const N: usize>(value: &T) -> [u64; N] {
    const { assert!(size_of::<T>() == N * 8) };
    let mut words = [0; N];
    for (word, bytes) in words.iter_mut().zip(plain::bytes_of(value).chunks_exact(8)) {
        *word = u64::from_ne_bytes(bytes.try_into().unwrap_or_default());
    }
    words
}

/// Words as a plain value.
fn read<T: Plain>(words: &[u64]) -> Option<T> {
    let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_ne_bytes()).collect();
    plain::read(&bytes)
}
