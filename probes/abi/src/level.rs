//! How much is recorded of a cgroup.

/// Value of the `LEVELS` map, keyed by cgroup id; a cgroup that is not in it has the default.
#[repr(u8)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Level {
    /// Its processes are known, nothing else of them is recorded.
    Off = 0,
    /// What is worth its place: everything but single reads and writes.
    Standard = 1,
    /// Every system call as well.
    Full = 2,
}

impl Level {
    /// The level of this number, or none.
    pub const fn from_raw(raw: u8) -> Option<Level> {
        match raw {
            0 => Some(Level::Off),
            1 => Some(Level::Standard),
            2 => Some(Level::Full),
            _ => None,
        }
    }
}

/// The most cgroups whose level is not the default.
pub const LEVELS_MAX: u32 = 16_384;

/// Value of the `SETTINGS` array's only slot: what the host can change while the programs run.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// Entries in `LEVELS`; with none the programs need not look.
    pub levels: u32,
    /// The [`Level`] of a cgroup that is not in `LEVELS`.
    pub default_level: u32,
    /// Bytes kept of one terminal session.
    pub terminal_bytes: u64,
    /// Tokens of bulk records that a cgroup gets each second; 0 for no limit.
    pub bulk_per_second: u64,
}
