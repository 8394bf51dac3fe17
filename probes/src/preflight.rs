//! What is checked before the kernel is asked for anything.

use taffrail_probes_abi::ABI_VERSION;

use crate::load_error::LoadError;

/// Stands before the ABI version in the object's read-only data.
const ABI_MARK: &[u8; 12] = b"TAFFRAIL-ABI";

/// The oldest kernel with a BPF ring buffer and `bpf_ktime_get_boot_ns`.
pub(crate) const KERNEL_MIN: (u32, u32) = (5, 8);

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
    use super::{ABI_MARK, ABI_VERSION, LoadError, check_abi, check_ring};

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
}
