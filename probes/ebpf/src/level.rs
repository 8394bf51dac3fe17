//! How much is recorded of the running task's cgroup, and what the host can change while the programs run.

use aya_ebpf::{macros::map, maps::Array};
use taffrail_probes_abi::level::{Level, SLOTS, Settings, Slot, slots};

use crate::{
    globals::{IGNORE_TGID, global, offset},
    header::cgroup_id,
    kernel::Typed,
};

/// Cgroups whose level is not the default. The host writes it.
#[map]
static LEVELS: Array<Slot> = Array::with_max_entries(SLOTS, 0);

/// One slot. The host writes it.
#[map]
static SETTINGS: Array<Settings> = Array::with_max_entries(1, 0);

/// What the host set.
#[inline(always)]
pub fn settings() -> Option<&'static Settings> {
    // SAFETY: the map lives as long as the program; the host writes whole words.
    SETTINGS.get_ptr(0).map(|settings| unsafe { &*settings })
}

/// Whether some cgroup is at level full: nobody else pays for that.
#[inline(always)]
pub fn is_any_full() -> bool {
    settings().is_some_and(|settings| settings.full != 0)
}

/// The level of a cgroup, a [`Level`] as number.
#[inline(always)]
pub fn of(cgroup_id: u64) -> u32 {
    let Some(settings) = settings() else {
        return Level::Standard as u32;
    };
    if settings.levels != 0 {
        for slot in slots(cgroup_id) {
            let Some(slot) = LEVELS.get_ptr(slot) else {
                continue;
            };
            // SAFETY: map memory; the host writes whole words, the cgroup last.
            unsafe {
                if (*slot).cgroup_id == cgroup_id {
                    return (*slot).level as u32;
                }
            }
        }
    }
    settings.default_level
}

/// Whether system calls of a task are recorded.
#[inline(always)]
pub fn is_recorded(task: Typed) -> bool {
    task.at::<u32>(offset!(task_tgid)) != global(&IGNORE_TGID) && of(cgroup_id(task)) != Level::Off as u32
}
