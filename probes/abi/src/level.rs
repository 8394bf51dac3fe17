//! How much is recorded of a cgroup.

/// How much is recorded, in ascending order. A cgroup that is in no [`Slot`] of its own has the default.
#[repr(u8)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Its processes are known, nothing else of them is recorded.
    Off = 0,
    /// Vital events; bulk ones are refused and counted.
    Vital = 1,
    /// What is worth its place: everything but single reads and writes.
    Standard = 2,
    /// Every system call as well.
    Full = 3,
}

impl Level {
    /// The level of this number, or none.
    pub const fn from_raw(raw: u8) -> Option<Level> {
        match raw {
            0 => Some(Level::Off),
            1 => Some(Level::Vital),
            2 => Some(Level::Standard),
            3 => Some(Level::Full),
            _ => None,
        }
    }
}

/// Value of the `LEVELS` array, where the programs look on every call that could be of interest: plain loads, where a
/// hash map would cost more than all the rest of a call that is not recorded.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Slot {
    /// The cgroup; 0 for none.
    pub cgroup_id: u64,
    /// Its [`Level`].
    pub level: u64,
}

/// Slots of `LEVELS`, a power of two.
pub const SLOTS: u32 = 65_536;

/// The two slots that a cgroup may be in. Ids of cgroups follow each other, so that the first is nearly always free.
#[inline(always)]
pub const fn slots(cgroup_id: u64) -> [u32; 2] {
    [cgroup_id as u32 & (SLOTS - 1), (cgroup_id.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 48) as u32]
}

/// Value of the `SETTINGS` array's only slot: what the host can change while the programs run.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// Cgroups in `LEVELS`; with none the programs need not look.
    pub levels: u32,
    /// The [`Level`] of a cgroup that is not in `LEVELS`.
    pub default_level: u32,
    /// Bytes kept of one terminal session.
    pub terminal_bytes: u64,
    /// Cgroups at level full; with none the programs look at no call that is not wanted otherwise.
    pub full: u64,
}
