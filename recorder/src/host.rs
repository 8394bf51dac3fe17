//! The machine underneath: its boot, its name, its clocks.

use nix::time::{ClockId, clock_gettime};
use std::fs;
use std::io;
use taffrail_trace::clock::{Anchor, BootNs, utc_now};
use taffrail_trace::ids::BootId;
use taffrail_trace::manifest::Host;

/// The boot id of the running kernel.
///
/// # Errors
/// What reading `/proc` said.
pub fn boot_id() -> io::Result<BootId> {
    Ok(BootId(fs::read_to_string("/proc/sys/kernel/random/boot_id")?.trim().to_owned()))
}

/// Nanoseconds of `CLOCK_BOOTTIME`. Every kernel that can load the probes has the clock; 0 where it has not.
pub fn boot_now() -> BootNs {
    clock_gettime(ClockId::CLOCK_BOOTTIME).map_or(0, |time| {
        let seconds = u64::try_from(time.tv_sec()).unwrap_or(0);
        seconds * 1_000_000_000 + u64::try_from(time.tv_nsec()).unwrap_or(0)
    })
}

/// Both clocks, read one right after the other.
pub fn anchor() -> Anchor {
    Anchor { boot_ns: boot_now(), utc_ns: utc_now() }
}

/// The host as a manifest describes it.
pub fn describe(boot: &BootId) -> Host {
    let (kernel, arch) = nix::sys::utsname::uname().map_or_else(
        |_| (String::new(), String::new()),
        |name| (name.release().to_string_lossy().into_owned(), name.machine().to_string_lossy().into_owned()),
    );
    let hostname =
        nix::unistd::gethostname().map_or_else(|_| String::new(), |name| name.to_string_lossy().into_owned());
    Host { hostname, kernel, arch, boot_id: boot.0.clone() }
}
