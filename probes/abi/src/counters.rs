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
    /// The table of open flows had no room: of a TCP flow the beginning was delivered and the end will not be, a UDP
    /// packet was not counted.
    FlowTableFull = 1,
    /// The table of descriptors had no room; what went through one more was not counted.
    DescriptorTableFull = 2,
    /// The ring was filling up and the container had more than its share of it.
    Refused = 3,
}

/// The most (cgroup, class, cause) triples counted apart; what comes later is counted in `LOST_TOTAL` alone.
pub const LOST_KEYS_MAX: u32 = 16_384;

/// `LOST_TOTAL` and `SENT` are per-CPU arrays of `u64` with one slot a [`crate::Class`]: records refused and records
/// delivered since load. Their sum is every record that a program wanted to write.
pub const TOTALS: u32 = crate::CLASSES as u32;

const _: () = assert!(size_of::<LostKey>() == 16);

/// Value of the `SHARES` map: what a cgroup took of a ring that is filling up. Its key is a [`LostKey`] of cause 0.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct Share {
    /// When the share began, `CLOCK_BOOTTIME` nanoseconds.
    pub since_ns: u64,
    /// Bytes taken since.
    pub bytes: u64,
}

/// The most shares known at once.
pub const SHARES_MAX: u32 = 4_096;
