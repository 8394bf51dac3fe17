//! What could not be delivered, counted where it happened.

/// Key of the `LOST` per-CPU hash map; the value is a `u64` count of records that a ring buffer refused since load.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct LostKey {
    /// Cgroup of the actor whose event was lost.
    pub cgroup_id: u64,
    /// A [`crate::Class`].
    pub class: u32,
    /// A [`Cause`].
    pub cause: u32,
}

/// Why the kernel side could not deliver.
#[repr(u32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cause {
    /// The ring buffer had no room.
    RingFull = 0,
    /// The table of open flows had no room; the flow's beginning was delivered, its end will not be.
    FlowTableFull = 1,
}

/// The most (cgroup, class, cause) triples counted apart; what comes later is counted in `LOST_TOTAL` alone.
pub const LOST_KEYS_MAX: u32 = 16_384;

/// `LOST_TOTAL` and `SENT` are per-CPU arrays of `u64` with one slot a [`crate::Class`]: records refused and records
/// delivered since load. Their sum is every record that a program wanted to write.
pub const TOTALS: u32 = crate::CLASSES as u32;

const _: () = assert!(size_of::<LostKey>() == 16);
