//! What the host changes while the programs run, and what it reads out of their tables.

use aya::maps::{Array, HashMap, MapData, MapError};
use taffrail_probes_abi::{
    io::{Descriptor, DescriptorKey, Session},
    level::{Level, Settings},
    network::{UdpFlow, UdpKey},
};

use crate::{
    attach,
    hook::{HookState, TARGETS},
    load::{Probes, take},
    load_error::{LoadError, map_error},
    plain::{self, Plain},
};

/// The maps that the host writes or empties. Keys and values are words, as aya knows only its own types.
pub(crate) struct Controls {
    settings: Array<MapData, [u64; 3]>,
    levels: HashMap<MapData, u64, u8>,
    descriptors: HashMap<MapData, u64, [u64; 6]>,
    sessions: HashMap<MapData, u64, [u64; 2]>,
    udp_flows: HashMap<MapData, [u64; 6], [u64; 4]>,
    now: Settings,
    full: u32,
}

/// Why a level could not be set, or a table not be read.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// A map could not be read or written.
    #[error("cannot use a table of the kernel programs: {0}")]
    Map(#[from] MapError),
    /// The programs for level `full` cannot be attached.
    #[error("this kernel does not let every system call be recorded: {0}")]
    Full(String),
}

impl Controls {
    pub(crate) fn take(ebpf: &mut aya::Ebpf) -> Result<Controls, LoadError> {
        Ok(Controls {
            settings: take(ebpf, "SETTINGS")?.try_into().map_err(map_error)?,
            levels: take(ebpf, "LEVELS")?.try_into().map_err(map_error)?,
            descriptors: take(ebpf, "DESCRIPTORS")?.try_into().map_err(map_error)?,
            sessions: take(ebpf, "SESSIONS")?.try_into().map_err(map_error)?,
            udp_flows: take(ebpf, "UDP_FLOWS")?.try_into().map_err(map_error)?,
            now: Settings::default(),
            full: 0,
        })
    }

    /// Writes what holds from the start.
    pub(crate) fn begin(&mut self, terminal_bytes: u64) -> Result<(), LoadError> {
        self.now = Settings { default_level: Level::Standard as u32, terminal_bytes, ..Settings::default() };
        self.write().map_err(map_error)
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
        let before = self.level(cgroup_id);
        if before == level {
            return Ok(());
        }
        if level == Level::Full && self.controls.full == 0 {
            self.attach_full()?;
        }
        if level == Level::Standard {
            self.controls.levels.remove(&cgroup_id)?;
            self.controls.now.levels -= 1;
        } else {
            self.controls.levels.insert(cgroup_id, level as u8, 0)?;
            self.controls.now.levels += u32::from(before == Level::Standard);
        }
        self.controls.full += u32::from(level == Level::Full);
        self.controls.full -= u32::from(before == Level::Full);
        self.controls.write()?;
        if self.controls.full == 0 && before == Level::Full {
            self.detach_full();
        }
        Ok(())
    }

    /// How much is recorded of a cgroup.
    pub fn level(&self, cgroup_id: u64) -> Level {
        self.controls.levels.get(&cgroup_id, 0).ok().and_then(Level::from_raw).unwrap_or(Level::Standard)
    }

    fn attach_full(&mut self) -> Result<(), ControlError> {
        for (index, target) in TARGETS.iter().enumerate().filter(|(_, target)| !target.always) {
            if let HookState::Refused { reason } | HookState::Unsupported { reason } = &self.hooks[index].state {
                let reason = reason.clone();
                self.detach_full();
                return Err(ControlError::Full(reason));
            }
            match attach::attach(&mut self.ebpf, target, None) {
                Ok(link) => {
                    self.links.push((target, link));
                    self.hooks[index].state = HookState::Attached;
                }
                Err(error) => {
                    self.detach_full();
                    return Err(ControlError::Full(error.to_string()));
                }
            }
        }
        Ok(())
    }

    fn detach_full(&mut self) {
        let (stay, go): (Vec<_>, Vec<_>) = self.links.drain(..).partition(|(target, _)| target.always);
        self.links = stay;
        for (target, link) in go {
            // A link that cannot be taken off goes with the process; its programs find no cgroup at this level.
            let _ = attach::detach(&mut self.ebpf, target, link);
        }
        for (hook, target) in self.hooks.iter_mut().zip(TARGETS) {
            if !target.always && hook.state == HookState::Attached {
                hook.state = HookState::Ready;
            }
        }
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
