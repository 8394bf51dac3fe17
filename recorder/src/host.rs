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

/// Opens as many files as the system allows: each running container has two open, and each incident its history.
pub fn open_many_files() {
    use nix::sys::resource::{Resource, getrlimit, setrlimit};
    let raised =
        getrlimit(Resource::RLIMIT_NOFILE).and_then(|(_, hard)| setrlimit(Resource::RLIMIT_NOFILE, hard, hard));
    if let Err(error) = raised {
        tracing::warn!(%error, "the limit of open files stays as it is");
    }
}

/// The calling thread gets the CPU only as far as the others leave it some.
pub fn lowest_priority() {
    if let Err(error) = thread_priority::set_current_thread_priority(thread_priority::ThreadPriority::Min) {
        tracing::warn!(?error, "a background thread runs at the priority of all others");
    }
}

/// This process ends with the thread that made it.
pub fn end_with_parent() {
    if let Err(error) = nix::sys::prctl::set_pdeathsig(nix::sys::signal::Signal::SIGKILL) {
        tracing::debug!(%error, "this process may outlive the recorder");
    }
}

/// Where memory runs out, this process ends before others.
pub fn first_to_go() {
    if let Err(error) = fs::write("/proc/self/oom_score_adj", "1000") {
        tracing::debug!(%error, "the kernel chooses by itself who ends where memory runs out");
    }
}

/// CPU time that this process used so far, threads of the given names left out; nanoseconds.
///
/// # Errors
/// What reading `/proc` said.
pub fn cpu_ns(without: &[&str]) -> procfs::ProcResult<u64> {
    let tick_ns = crate::proc::tick_ns();
    let mut ticks = 0;
    for task in procfs::process::Process::myself()?.tasks()?.flatten() {
        // A thread that ended meanwhile has no more to tell.
        if let Ok(stat) = task.stat()
            && !without.contains(&stat.comm.as_str())
        {
            ticks += stat.utime + stat.stime;
        }
    }
    Ok(ticks * tick_ns)
}

/// Memory of this process that is neither file nor shared, bytes.
///
/// # Errors
/// What reading `/proc` said.
pub fn memory_bytes() -> procfs::ProcResult<u64> {
    Ok(procfs::process::Process::myself()?.status()?.rssanon.unwrap_or(0) * 1024)
}
