//! Identities that survive pid reuse, restarts of the recorder and the journey to another machine.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};
use std::fmt;

/// Granularity of a process's start time in `/proc/PID/stat` (`USER_HZ` is 100 on every Linux port in use), to which
/// the kernel's own nanoseconds are rounded down so that both sources give one identity.
const START_TICK_NS: u64 = 10_000_000;

/// The host's boot id (`/proc/sys/kernel/random/boot_id`), which makes the other identities unique between boots.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BootId(pub String);

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub u64);

        /// JSON readers round numbers beyond 2^53, so text formats get the 16 hex digits that `Display` prints.
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                if serializer.is_human_readable() { serializer.collect_str(self) } else { self.0.serialize(serializer) }
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                if !deserializer.is_human_readable() {
                    return u64::deserialize(deserializer).map(Self);
                }
                let digits = String::deserialize(deserializer)?;
                u64::from_str_radix(&digits, 16).map(Self).map_err(serde::de::Error::custom)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:016x}", self.0)
            }
        }
    };
}

id!(
    /// One process: boot, pid and start time. Pids are recycled, this is not.
    ProcessId
);
id!(
    /// One program image of one process. An exec begins a new one, a fork too.
    ExecId
);
id!(
    /// One container of one boot: boot and cgroup id. The kernel gives a cgroup id once per boot: it is a kernfs node
    /// id, whose upper half counts generations.
    ContainerKey
);

impl ProcessId {
    /// The process with thread group `pid` that started `start_boottime_ns` nanoseconds after boot.
    pub fn new(boot: &BootId, pid: u32, start_boottime_ns: u64) -> Self {
        let tick = start_boottime_ns / START_TICK_NS;
        Self(hash("process", boot, &[u64::from(pid), tick]))
    }

    /// The `index`th image of this process that is known: 0 is the one it was forked or found with.
    pub fn image(self, boot: &BootId, index: u32) -> ExecId {
        ExecId(hash("image", boot, &[self.0, u64::from(index)]))
    }
}

impl ContainerKey {
    /// The container whose cgroup has this id.
    pub fn new(boot: &BootId, cgroup_id: u64) -> Self {
        Self(hash("container", boot, &[cgroup_id]))
    }
}

/// Short id of the `count`th bundle that a recorder of this boot orders, at `time_ns`: 8 hex digits, for people and file
/// names.
pub fn bundle_id(boot: &BootId, time_ns: u64, count: u32) -> String {
    format!("{:08x}", hash("bundle", boot, &[time_ns, u64::from(count)]) >> 32)
}

/// The first eight bytes of SHA-256 over a label, the boot id and numbers: stable for ever, unlike std's hashers.
fn hash(label: &str, boot: &BootId, numbers: &[u64]) -> u64 {
    let mut hasher = Sha256::new();
    hasher.update(label.as_bytes());
    hasher.update(boot.0.as_bytes());
    for number in numbers {
        hasher.update(number.to_le_bytes());
    }
    let digest = hasher.finalize();
    let mut first = [0; 8];
    first.copy_from_slice(&digest[..8]);
    u64::from_le_bytes(first)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::segment::{gather::gather, shred::shred};

    fn boot() -> BootId {
        BootId("b".to_owned())
    }

    #[test]
    fn a_start_time_from_proc_and_from_the_kernel_name_one_process() {
        let kernel = ProcessId::new(&boot(), 7, 1_234_567_890);
        let proc = ProcessId::new(&boot(), 7, 1_230_000_000);
        assert_eq!(kernel, proc);
    }

    #[test]
    fn an_identity_survives_json_and_binary_formats() {
        let id = ContainerKey(u64::MAX - 1);
        let json = serde_json::to_string(&id).expect("json");
        assert_eq!(json, "\"fffffffffffffffe\"");
        assert_eq!(serde_json::from_str::<ContainerKey>(&json).expect("back"), id);
        let bytes = shred(&id).expect("columns");
        assert_eq!(gather::<ContainerKey>(&bytes, 1000).expect("back"), id);
    }

    #[test]
    fn every_bundle_of_a_boot_has_an_id_of_its_own() {
        assert_ne!(bundle_id(&boot(), 7_000_000_000_000, 1), bundle_id(&boot(), 7_000_000_000_001, 1));
        assert_ne!(bundle_id(&boot(), 7_000_000_000_000, 1), bundle_id(&boot(), 7_000_000_000_000, 2));
    }

    #[test]
    fn a_reused_pid_is_another_process_and_an_exec_another_image() {
        let old = ProcessId::new(&boot(), 7, 1_000_000_000);
        let new = ProcessId::new(&boot(), 7, 2_000_000_000);
        assert_ne!(old, new);
        assert_ne!(old.image(&boot(), 0), old.image(&boot(), 1));
        assert_ne!(old.image(&boot(), 0), new.image(&boot(), 0));
    }
}
