//! Ring buffers, and counters of what they refused.
//!
//! While a ring has room it takes everything. From a mark on each cgroup gets a share of what is left in each tenth of
//! a second, so that a flood in one loses its own records and not its neighbours'.

use aya_ebpf::{
    bindings::{BPF_NOEXIST, BPF_RB_AVAIL_DATA, BPF_RB_FORCE_WAKEUP, BPF_RB_NO_WAKEUP},
    macros::map,
    maps::{LruHashMap, PerCpuArray, PerCpuHashMap, RingBuf},
};
use taffrail_probes_abi::{
    Class, Header, Kind,
    counters::{Cause, LOST_KEYS_MAX, LostKey, SHARES_MAX, Share, TOTALS},
    level::Level,
};

use crate::{
    globals::{BULK_WAKE_BYTES, SHARE_FROM_BYTES, global},
    header::now,
    level,
};

/// Rare and decisive records. The host sets the size.
#[map]
static VITAL: RingBuf = RingBuf::with_byte_size(4096, 0);

/// Frequent records. The host sets the size.
#[map]
static BULK: RingBuf = RingBuf::with_byte_size(4096, 0);

/// Refusals by cgroup, class and cause.
#[map]
static LOST: PerCpuHashMap<LostKey, u64> = PerCpuHashMap::with_max_entries(LOST_KEYS_MAX, 0);

/// Refusals by class.
#[map]
static LOST_TOTAL: PerCpuArray<u64> = PerCpuArray::with_max_entries(TOTALS, 0);

/// Records delivered by class.
#[map]
static SENT: PerCpuArray<u64> = PerCpuArray::with_max_entries(TOTALS, 0);

/// What each cgroup took of a ring that is filling up, by cgroup and class.
#[map]
static SHARES: LruHashMap<LostKey, Share> = LruHashMap::with_max_entries(SHARES_MAX, 0);

/// How long a share lasts.
const SHARE_NS: u64 = 100_000_000;

/// Sends a record, or counts it as lost by `cgroup_id`; gives whether it was sent.
#[inline(always)]
pub fn send(kind: Kind, record: &[u8], cgroup_id: u64) -> bool {
    let class = kind.class();
    let ring = match class {
        Class::Vital => &VITAL,
        Class::Bulk => &BULK,
    };
    if class as u32 == Class::Bulk as u32 && is_vital_alone(cgroup_id) {
        lost(cgroup_id, class, Cause::Refused);
        return false;
    }
    let waiting = ring.query(u64::from(BPF_RB_AVAIL_DATA));
    let limit = global(&SHARE_FROM_BYTES[class as usize]);
    if waiting > limit && !has_share(cgroup_id, class, record.len() as u64, limit) {
        lost(cgroup_id, class, Cause::Refused);
        return false;
    }
    // The host looks at the rings a hundred times a second. Only a program that is run can be over before it looks.
    let wake = match kind {
        Kind::Exec => u64::from(BPF_RB_FORCE_WAKEUP),
        _ if class as u32 == Class::Vital as u32 => u64::from(BPF_RB_NO_WAKEUP),
        _ => bulk_wake(waiting, record.len()),
    };
    match ring.output::<[u8]>(record, wake) {
        Ok(()) => {
            add_one(SENT.get_ptr_mut(class as u32));
            true
        }
        Err(_) => {
            lost(cgroup_id, class, Cause::RingFull);
            false
        }
    }
}

/// Whether only vital records are wanted of a cgroup.
#[inline(never)]
fn is_vital_alone(cgroup_id: u64) -> bool {
    level::of(cgroup_id) == Level::Vital as u32
}

/// Wakes the host by the record that fills the bulk ring's first quarter, and by no other.
#[inline(always)]
fn bulk_wake(waiting: u64, len: usize) -> u64 {
    let limit = global(&BULK_WAKE_BYTES);
    let fills = waiting <= limit && waiting + len as u64 + 8 > limit;
    u64::from(if fills { BPF_RB_FORCE_WAKEUP } else { BPF_RB_NO_WAKEUP })
}

/// Whether a cgroup still has some of its share: an eighth of what lies beyond the mark, in this tenth of a second.
#[inline(never)]
fn has_share(cgroup_id: u64, class: Class, bytes: u64, limit: u64) -> bool {
    let key = LostKey { cgroup_id, class: class as u32, cause: 0 };
    let now = now();
    let Some(share) = SHARES.get_ptr_mut(&key) else {
        // Refused only where even this fails, which costs fairness and not truth.
        let _ = SHARES.insert(&key, &Share { since_ns: now, bytes }, 0);
        return true;
    };
    // SAFETY: a pointer into a map of `Share`, alive for the program's run. CPUs race; a share is no exact figure.
    unsafe {
        if now.wrapping_sub((*share).since_ns) > SHARE_NS {
            (*share).since_ns = now;
            (*share).bytes = 0;
        }
        (*share).bytes += bytes;
        (*share).bytes < limit / 8
    }
}

/// Counts one record that could not be delivered.
#[inline(never)]
pub fn lost(cgroup_id: u64, class: Class, cause: Cause) {
    add_one(LOST_TOTAL.get_ptr_mut(class as u32));
    let key = LostKey { cgroup_id, class: class as u32, cause: cause as u32 };
    if let Some(count) = LOST.get_ptr_mut(&key) {
        add_one(Some(count));
    } else if LOST.insert(&key, &1, u64::from(BPF_NOEXIST)).is_err() {
        // Another CPU made the entry first, or the table is full and only the total knows.
        add_one(LOST.get_ptr_mut(&key));
    }
}

/// One more.
#[inline(always)]
fn add_one(counter: Option<*mut u64>) {
    if let Some(counter) = counter {
        add(counter, 1);
    }
}

/// Adds to a counter in a map; atomic because another CPU or an interrupt's program may do so too.
#[inline(always)]
pub fn add(counter: *mut u64, number: u64) {
    // SAFETY: a pointer into a map of `u64`, aligned and alive for the program's run. An instruction of our own
    // because the compiler offers atomic addition only where there is compare and exchange, since Linux 5.12.
    unsafe { core::arch::asm!("lock *(u64 *)({0} + 0) += {1}", in(reg) counter, in(reg) number) };
}

/// A record that has no strings and no padding.
#[repr(C)]
pub struct Fixed<B> {
    pub header: Header,
    pub body: B,
}

impl<B> Fixed<B> {
    /// A record of the running task.
    #[inline(always)]
    pub fn new(kind: Kind, body: B) -> Fixed<B> {
        let mut record = Fixed { header: Header::default(), body };
        // SAFETY: a header on the stack.
        unsafe { crate::header::fill(&raw mut record.header, kind, size_of::<Fixed<B>>()) };
        record
    }

    /// Sends it.
    #[inline(always)]
    pub fn send(&self, kind: Kind) {
        // SAFETY: a value is readable for its size; the records are structs of the ABI, which have no padding.
        let bytes =
            unsafe { core::slice::from_raw_parts(core::ptr::from_ref(self).cast::<u8>(), size_of::<Fixed<B>>()) };
        send(kind, bytes, self.header.cgroup_id);
    }
}
