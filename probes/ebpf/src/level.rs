//! How much is recorded of the running task's cgroup, and what the host can change while the programs run.

use aya_ebpf::{
    macros::map,
    maps::{Array, HashMap},
};
use taffrail_probes_abi::level::{LEVELS_MAX, Level, Settings};

use crate::{
    globals::{IGNORE_TGID, global, offset},
    header::cgroup_id,
    kernel::current,
};

/// Cgroups whose level is not the default. The host writes it.
#[map]
static LEVELS: HashMap<u64, u8> = HashMap::with_max_entries(LEVELS_MAX, 0);

/// One slot. The host writes it.
#[map]
static SETTINGS: Array<Settings> = Array::with_max_entries(1, 0);

/// What the host set.
#[inline(always)]
pub fn settings() -> Option<&'static Settings> {
    // SAFETY: the map lives as long as the program; the host writes whole words.
    SETTINGS.get_ptr(0).map(|settings| unsafe { &*settings })
}

/// The level of a cgroup, a [`Level`] as number.
#[inline(always)]
pub fn of(cgroup_id: u64) -> u32 {
    let Some(settings) = settings() else {
        return Level::Standard as u32;
    };
    if settings.levels != 0 {
        // SAFETY: copied at once.
        if let Some(level) = unsafe { LEVELS.get(&cgroup_id) } {
            return u32::from(*level);
        }
    }
    settings.default_level
}

/// Whether system calls of the running task are recorded.
#[inline(always)]
pub fn is_recorded() -> bool {
    current().at::<u32>(offset!(task_tgid)) != global(&IGNORE_TGID) && of(cgroup_id()) != Level::Off as u32
}
