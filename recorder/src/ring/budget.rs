//! What each container's history may use of the disk.
//!
//! Every running container may use the same: whoever is quiet leaves room, which nobody takes meanwhile, since what one
//! borrows another would lose when it is wanted back. Stopped containers keep what they have and count with that.

use std::time::Duration;

/// Budgets of the ring.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    /// For all containers together.
    pub total_bytes: u64,
    /// For each running container at least, as long as there is room for that.
    pub floor_bytes: u64,
    /// For each at most.
    pub ceiling_bytes: u64,
    /// The vital share, in percent.
    pub vital_percent: u64,
    /// How long a stopped container's history is kept.
    pub keep: Duration,
}

impl Budget {
    /// What the running containers may use, who was there first coming first. Where there is no floor for everybody,
    /// those who came first have it and the others share one: whoever can make containers must not be able to take
    /// away what is known of those that were there.
    pub fn shares(&self, running: usize, stopped_bytes: u64) -> Vec<u64> {
        let room = self.total_bytes.saturating_sub(stopped_bytes);
        let equal = room / (running.max(1) as u64);
        if equal >= self.floor_bytes {
            return vec![equal.min(self.ceiling_bytes); running];
        }
        let floors = usize::try_from(room / self.floor_bytes).unwrap_or(usize::MAX).saturating_sub(1);
        let rest = room - floors as u64 * self.floor_bytes;
        let late = rest / (running.saturating_sub(floors).max(1) as u64);
        (0..running).map(|rank| if rank < floors { self.floor_bytes } else { late }).collect()
    }

    /// Whether stopped containers take what running ones should have: half of everything, or somebody's floor.
    pub fn is_crowded(&self, running: usize, stopped_bytes: u64) -> bool {
        let each = |room: u64| room / (running.max(1) as u64);
        let takes_floor = each(self.total_bytes.saturating_sub(stopped_bytes)) < self.floor_bytes;
        // Where there would be no floor without them either, their going helps nobody.
        stopped_bytes > self.total_bytes / 2 || takes_floor && each(self.total_bytes) >= self.floor_bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MIB: u64 = 1 << 20;

    fn budget() -> Budget {
        Budget {
            total_bytes: 256 * MIB,
            floor_bytes: 4 * MIB,
            ceiling_bytes: 64 * MIB,
            vital_percent: 25,
            keep: Duration::from_secs(3600),
        }
    }

    #[test]
    fn every_running_container_has_the_same_up_to_the_ceiling() {
        assert_eq!(budget().shares(2, 0), [64 * MIB; 2]);
        assert_eq!(budget().shares(8, 0), [32 * MIB; 8]);
        assert_eq!(budget().shares(8, 128 * MIB), [16 * MIB; 8]);
        assert!(budget().shares(0, 0).is_empty());
    }

    #[test]
    fn newcomers_beyond_the_floors_share_one_and_take_nothing_of_those_before() {
        let shares = budget().shares(1000, 0);
        assert_eq!(shares[..63], [4 * MIB; 63]);
        assert!(shares[63..].iter().all(|share| *share == 4 * MIB / 937));
    }

    proptest! {
        #[test]
        fn all_shares_together_never_exceed_the_total(running in 0_usize..5000, stopped in 0_u64..300 * MIB) {
            let together: u64 = budget().shares(running, stopped).iter().sum();
            prop_assert!(together + stopped.min(256 * MIB) <= 256 * MIB);
        }
    }
}
