//! Kernel time to wall time. The only place in the project that asks for the wall clock.

use serde::{Deserialize, Serialize};
use std::time::SystemTime;

/// Nanoseconds of `CLOCK_BOOTTIME`: since boot, suspended time included.
pub type BootNs = u64;

/// Nanoseconds since 1970-01-01 00:00:00 UTC.
pub type UtcNs = i64;

/// One moment read on both clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Anchor {
    /// The moment on the boot clock.
    pub boot_ns: BootNs,
    /// The same moment on the wall clock.
    pub utc_ns: UtcNs,
}

/// Now, on the wall clock.
pub fn utc_now() -> UtcNs {
    match SystemTime::now().duration_since(SystemTime::UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_nanos()).unwrap_or(i64::MAX),
        Err(before) => i64::try_from(before.duration().as_nanos()).map_or(i64::MIN, |ns| -ns),
    }
}

/// Turns boot time into wall time by anchors taken while recording.
///
/// Between two anchors the earlier one rules, so a wall clock that was set shows as a step at the next anchor and
/// never bends what came before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Clock {
    anchors: Vec<Anchor>,
}

impl Clock {
    /// A clock with these anchors, in any order. Without any, boot time is shown as if the machine started in 1970.
    pub fn new(mut anchors: Vec<Anchor>) -> Self {
        anchors.sort_by_key(|anchor| anchor.boot_ns);
        anchors.dedup_by_key(|anchor| anchor.boot_ns);
        Self { anchors }
    }

    /// The anchors, by boot time.
    pub fn anchors(&self) -> &[Anchor] {
        &self.anchors
    }

    /// The wall time of a moment on the boot clock.
    pub fn utc(&self, boot_ns: BootNs) -> UtcNs {
        let after = self.anchors.partition_point(|anchor| anchor.boot_ns <= boot_ns);
        let Some(anchor) = self.anchors.get(after.saturating_sub(1)) else {
            return i64::try_from(boot_ns).unwrap_or(i64::MAX);
        };
        let distance = i128::from(boot_ns) - i128::from(anchor.boot_ns);
        let utc = i128::from(anchor.utc_ns) + distance;
        utc.clamp(i128::from(i64::MIN), i128::from(i64::MAX)) as i64
    }

    /// The moment on the boot clock whose wall time this is: the first of them where the wall clock was set back, the
    /// end of the time before where it was set forward over it.
    pub fn boot(&self, utc_ns: UtcNs) -> BootNs {
        let Some(last) = self.anchors.len().checked_sub(1) else {
            return u64::try_from(utc_ns).unwrap_or(0);
        };
        // The moments that are told by one anchor end where the next begins.
        let told_by = |at: usize| {
            let anchor = self.anchors[at];
            let boot = i128::from(anchor.boot_ns) + i128::from(utc_ns) - i128::from(anchor.utc_ns);
            let from = if at == 0 { 0 } else { i128::from(anchor.boot_ns) };
            let to = self.anchors.get(at + 1).map_or(i128::from(u64::MAX), |next| i128::from(next.boot_ns) - 1);
            (boot, boot.clamp(from, to.max(from)))
        };
        // Nearly always the wall clock only goes forward.
        let likely = self.anchors.partition_point(|anchor| anchor.utc_ns <= utc_ns).saturating_sub(1).min(last);
        let (boot, within) = told_by(likely);
        if boot == within && (likely == 0 || told_by(likely - 1).0 != told_by(likely - 1).1) {
            return u64::try_from(within).unwrap_or(0);
        }
        let candidates = || (0..=last).map(told_by);
        let exact = candidates().find(|(boot, within)| boot == within);
        let nearest = || candidates().min_by_key(|(boot, within)| boot.abs_diff(*within));
        exact.or_else(nearest).map_or(0, |(_, within)| u64::try_from(within).unwrap_or(0))
    }
}

/// `2026-01-31T12:00:00.123456789Z`, or the bare number where the calendar ends.
pub fn rfc3339(utc_ns: UtcNs) -> String {
    match jiff::Timestamp::from_nanosecond(i128::from(utc_ns)) {
        Ok(time) => format!("{time:.9}"),
        Err(_) => format!("{utc_ns} ns"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stepped_wall_clock_moves_only_what_came_after() {
        let clock =
            Clock::new(vec![Anchor { boot_ns: 1_000, utc_ns: 500_000 }, Anchor { boot_ns: 100, utc_ns: 10_000 }]);
        assert_eq!(clock.utc(50), 9_950);
        assert_eq!(clock.utc(999), 10_899);
        assert_eq!(clock.utc(1_001), 500_001);
    }

    #[test]
    fn a_wall_time_leads_back_to_the_first_moment_that_had_it() {
        let clock = Clock::new(vec![
            Anchor { boot_ns: 100, utc_ns: 10_000 },
            Anchor { boot_ns: 200, utc_ns: 10_050 },
            Anchor { boot_ns: 300, utc_ns: 20_000 },
        ]);
        for boot in [0, 100, 199, 250, 299, 300, 5_000] {
            let utc = clock.utc(boot);
            let back = clock.boot(utc);
            assert_eq!(clock.utc(back), utc, "{boot}");
            assert!(back <= boot, "{boot}");
        }
        assert_eq!(clock.boot(10_060), 160, "set back: there were two");
        assert_eq!(clock.boot(15_000), 299, "set forward over it: there was none");
        assert_eq!(Clock::new(Vec::new()).boot(7), 7);
        assert_eq!(clock.boot(i64::MIN), 0);
    }

    #[test]
    fn no_boot_time_overflows() {
        let clock = Clock::new(vec![Anchor { boot_ns: u64::MAX, utc_ns: i64::MAX }]);
        assert!(clock.utc(0) < 0);
        assert_eq!(clock.utc(u64::MAX), i64::MAX);
    }

    #[test]
    fn wall_time_reads_as_rfc_3339() {
        assert_eq!(rfc3339(0), "1970-01-01T00:00:00.000000000Z");
    }
}
