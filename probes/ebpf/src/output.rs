//! Ring buffers, and counters of what they refused.

use aya_ebpf::{
    bindings::{BPF_NOEXIST, BPF_RB_AVAIL_DATA, BPF_RB_FORCE_WAKEUP, BPF_RB_NO_WAKEUP},
    macros::map,
    maps::{PerCpuArray, PerCpuHashMap, RingBuf},
};
use taffrail_probes_abi::{
    Class,
    counters::{Cause, LOST_KEYS_MAX, LostKey, TOTALS},
};

use crate::globals::{BULK_WAKE_BYTES, global};

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

/// Sends a record, or counts it as lost by `cgroup_id`.
#[inline(always)]
pub fn send(class: Class, record: &[u8], cgroup_id: u64) {
    let sent = match class {
        Class::Vital => VITAL.output::<[u8]>(record, 0),
        Class::Bulk => BULK.output::<[u8]>(record, bulk_wake(record.len())),
    };
    match sent {
        Ok(()) => add_one(SENT.get_ptr_mut(class as u32)),
        Err(_) => lost(cgroup_id, class, Cause::RingFull),
    }
}

/// Wakes the host by the record that fills the bulk ring's first quarter, and by no other.
#[inline(always)]
fn bulk_wake(len: usize) -> u64 {
    let waiting = BULK.query(u64::from(BPF_RB_AVAIL_DATA));
    let limit = global(&BULK_WAKE_BYTES);
    let fills = waiting <= limit && waiting + len as u64 + 8 > limit;
    u64::from(if fills { BPF_RB_FORCE_WAKEUP } else { BPF_RB_NO_WAKEUP })
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

/// One more; atomic because an interrupt's program may run in between.
#[inline(always)]
fn add_one(counter: Option<*mut u64>) {
    if let Some(counter) = counter {
        // SAFETY: a pointer into a map of `u64`, aligned and alive for the program's run. An instruction of our own
        // because the compiler offers atomic addition only where there is compare and exchange, since Linux 5.12.
        unsafe { core::arch::asm!("lock *(u64 *)({0} + 0) += {1}", in(reg) counter, in(reg) 1_u64) };
    }
}

/// Sends a record that has no strings and no padding.
#[inline(always)]
pub fn send_fixed<T>(kind: taffrail_probes_abi::Kind, record: &T, cgroup_id: u64) {
    // SAFETY: a value is readable for its size; the records are structs of the ABI, which have no padding.
    let bytes = unsafe { core::slice::from_raw_parts(core::ptr::from_ref(record).cast::<u8>(), size_of::<T>()) };
    send(kind.class(), bytes, cgroup_id);
}
