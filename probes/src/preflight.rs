//! What is checked before the kernel is asked for anything.

use std::path::PathBuf;

use taffrail_probes_abi::ABI_VERSION;

use crate::load_error::LoadError;

/// Stands before the ABI version in the object's read-only data.
const ABI_MARK: &[u8; 12] = b"TAFFRAIL-ABI";

/// The oldest kernel with `bpf_get_current_task_btf`, and a BPF ring buffer.
pub(crate) const KERNEL_MIN: (u32, u32) = (5, 11);

/// Where the unified cgroup hierarchy is mounted.
pub(crate) fn unified_root() -> Option<PathBuf> {
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").ok()?;
    unified(&mounts).map(PathBuf::from)
}

/// Mount point of the unified hierarchy, out of a mountinfo file.
pub(crate) fn unified(mounts: &str) -> Option<&str> {
    mounts.lines().find_map(|line| {
        let (mount, kind) = line.split_once(" - ")?;
        if kind.split(' ').next() != Some("cgroup2") {
            return None;
        }
        mount.split(' ').nth(4)
    })
}

/// Whether the kernel takes a ring buffer of this size.
pub(crate) fn check_ring(ring: &'static str, bytes: u32) -> Result<(), LoadError> {
    let page = page_bytes();
    if bytes.is_power_of_two() && bytes >= page {
        return Ok(());
    }
    Err(LoadError::RingSize { ring, bytes, page })
}

fn page_bytes() -> u32 {
    nix::unistd::sysconf(nix::unistd::SysconfVar::PAGE_SIZE)
        .ok()
        .flatten()
        .and_then(|bytes| u32::try_from(bytes).ok())
        .unwrap_or(4096)
}

/// The running kernel's release and its first two numbers.
pub(crate) fn kernel_release() -> (String, Option<(u32, u32)>) {
    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default().trim().to_owned();
    let mut numbers = release.split(|c: char| !c.is_ascii_digit()).map_while(|number| number.parse().ok());
    let version = numbers.next().zip(numbers.next());
    (release, version)
}

/// Whether the kernel and the processor are among those that the programs are for.
pub(crate) fn check_machine() -> Result<(), LoadError> {
    if std::env::consts::ARCH != "x86_64" {
        return Err(LoadError::Architecture(std::env::consts::ARCH));
    }
    match kernel_release() {
        (release, Some(version)) if version < KERNEL_MIN => Err(LoadError::KernelTooOld { release }),
        _ => Ok(()),
    }
}

/// Whether the object is built with the same records as this program.
pub(crate) fn check_abi(object: &[u8]) -> Result<(), LoadError> {
    let found = object
        .windows(ABI_MARK.len() + 4)
        .find_map(|window| window.strip_prefix(ABI_MARK))
        .and_then(|version| version.try_into().ok())
        .map(u32::from_le_bytes);
    if found == Some(ABI_VERSION) { Ok(()) } else { Err(LoadError::AbiMismatch { found }) }
}

#[cfg(test)]
mod tests {
    use super::{ABI_MARK, ABI_VERSION, LoadError, check_abi, check_ring, unified};

    #[test]
    fn an_object_of_another_abi_is_refused() {
        let mut object = b"....".to_vec();
        object.extend_from_slice(ABI_MARK);
        object.extend_from_slice(&(ABI_VERSION + 1).to_le_bytes());
        assert!(matches!(check_abi(&object), Err(LoadError::AbiMismatch { found: Some(_) })));
        assert!(matches!(check_abi(b""), Err(LoadError::AbiMismatch { found: None })));
    }

    #[test]
    fn a_ring_is_a_power_of_two_of_pages() {
        check_ring("bulk", 1 << 20).expect("a mebibyte");
        for bytes in [0, 100, 2048, (1 << 20) + 4096] {
            assert!(matches!(check_ring("bulk", bytes), Err(LoadError::RingSize { .. })), "{bytes}");
        }
    }

    #[test]
    fn the_unified_hierarchy_is_found_among_mounts() {
        let mounts = "24 30 0:22 / /proc rw - proc proc rw\n\
                      32 30 0:28 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n\
                      33 30 0:29 / /sys/fs/cgroup/unified rw,nosuid - cgroup2 cgroup2 rw\n";
        assert_eq!(unified(mounts), Some("/sys/fs/cgroup/unified"));
        assert_eq!(unified("24 30 0:22 / /proc rw - proc proc rw\n"), None);
    }
}
