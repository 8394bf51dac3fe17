//! Loads the object, gives it the kernel's offsets and attaches its programs.

use std::fs::File;
use std::os::fd::{AsFd, AsRawFd};
use std::path::Path;

use aya::{
    Ebpf, EbpfLoader,
    maps::{Map, MapData, ProgramArray, RingBuf},
    programs::Program,
};

use crate::{
    attach::{self, Link},
    btf::{self, Btf},
    control::Controls,
    drain::{DrainError, Rings},
    hook::{self, Hook, HookState, TARGETS, Target},
    load_error::{LoadError, map_error, object_error, refusal},
    losses::{Counters, LossesError},
    merge::Merge,
    offsets, plain, preflight,
};

/// The kernel programs, compiled by `cargo xtask bpf`.
static OBJECT: &[u8] = aya::include_bytes_aligned!("../prebuilt/taffrail.bpf.o");

/// How the programs are to be loaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Size of the ring for vital records, a power of two and a multiple of the page size.
    pub vital_bytes: u32,
    /// Size of the ring for bulk records, a power of two and a multiple of the page size.
    pub bulk_bytes: u32,
    /// A process (tgid) whose system calls are not recorded: the recorder itself. Its execs, forks, exits and TCP
    /// state changes are.
    pub ignore_pid: Option<u32>,
    /// Whether the environment comes with an exec.
    pub environment: bool,
    /// Bytes kept of one terminal session.
    pub terminal_bytes: u64,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            vital_bytes: 4 << 20,
            bulk_bytes: 8 << 20,
            ignore_pid: Some(std::process::id()),
            environment: true,
            terminal_bytes: 1 << 20,
        }
    }
}

/// The programs, at work until this is dropped.
pub struct Probes {
    pub(crate) ebpf: Ebpf,
    pub(crate) rings: Rings,
    pub(crate) counters: Counters,
    pub(crate) controls: Controls,
    pub(crate) hooks: Vec<Hook>,
    pub(crate) links: Vec<(&'static Target, Link)>,
    _tails: ProgramArray<MapData>,
}

impl Probes {
    /// Loads and attaches. A hook that the kernel lacks or refuses is no error; see [`Probes::hooks`].
    ///
    /// # Errors
    ///
    /// When nothing would be recorded, or when the verifier refuses a program. Every error says what to do.
    pub fn load(options: &Options) -> Result<Probes, LoadError> {
        preflight::check_ring("vital", options.vital_bytes)?;
        preflight::check_ring("bulk", options.bulk_bytes)?;
        preflight::check_machine()?;
        preflight::check_abi(OBJECT)?;
        let types = Btf::read(Path::new(btf::VMLINUX))?;
        let offsets = offsets::from_btf(&types)?;
        // Before Linux 6.14 the result is an argument, among eight; since then it is in the third.
        let uring_result = u32::from(types.parameters_of("btf_trace_io_uring_complete").is_some_and(|count| count > 4));
        drop(types);
        let share_from = [options.vital_bytes, options.bulk_bytes].map(|bytes| u64::from(bytes) / 4 * 3);
        let mut ebpf = EbpfLoader::new()
            .override_global("OFFSETS", plain::bytes_of(&offsets), true)
            .override_global("IGNORE_TGID", &options.ignore_pid.unwrap_or(0), true)
            .override_global("BULK_WAKE_BYTES", &u64::from(options.bulk_bytes / 4), true)
            .override_global("SHARE_FROM_BYTES", &share_from, true)
            .override_global("URING_RESULT_IS_AN_ARGUMENT", &uring_result, true)
            .override_global("ENVIRONMENT_BYTES", &u32::from(options.environment), true)
            .map_max_entries("VITAL", options.vital_bytes)
            .map_max_entries("BULK", options.bulk_bytes)
            .load(OBJECT)
            .map_err(object_error)?;
        let types = aya::Btf::from_sys_fs().map_err(|error| LoadError::Object(Box::new(error.into())))?;
        let mut controls = Controls::take(&mut ebpf)?;
        controls.begin(options.terminal_bytes)?;
        let tails = attach::tails(&mut ebpf, &types)?;
        let root = preflight::unified_root().and_then(|root| File::open(root).ok());
        let mut links = Vec::new();
        let mut hooks = Vec::new();
        for target in TARGETS {
            let state = match hook::too_old(target) {
                Some(state) => state,
                None => match attach::load(&mut ebpf, target, &types)
                    .and_then(|()| attach::attach(&mut ebpf, target, root.as_ref()))
                {
                    Ok(link) => {
                        links.push((target, link));
                        HookState::Attached
                    }
                    Err(error) => refusal(target, error)?,
                },
            };
            hooks.push(Hook { name: target.name, state, optional: target.is_optional() });
        }
        drop(types);
        if links.is_empty() {
            return Err(LoadError::NoHook(first_reason(&hooks)));
        }
        let rings = Rings {
            vital: RingBuf::try_from(take(&mut ebpf, "VITAL")?).map_err(map_error)?,
            bulk: RingBuf::try_from(take(&mut ebpf, "BULK")?).map_err(map_error)?,
            merge: Merge::default(),
        };
        let counters = Counters {
            lost: take(&mut ebpf, "LOST")?.try_into().map_err(map_error)?,
            lost_total: take(&mut ebpf, "LOST_TOTAL")?.try_into().map_err(map_error)?,
            sent: take(&mut ebpf, "SENT")?.try_into().map_err(map_error)?,
        };
        Ok(Probes { ebpf, rings, counters, controls, hooks, links, _tails: tails })
    }

    /// Every hook of this build and what became of it.
    pub fn hooks(&self) -> &[Hook] {
        &self.hooks
    }

    /// Takes the programs off their hooks.
    pub(crate) fn detach(&mut self) -> Result<(), DrainError> {
        let mut result = Ok(());
        for (target, link) in self.links.drain(..) {
            let detached = attach::detach(&mut self.ebpf, target, link);
            result = result
                .and(detached.map_err(|source| DrainError::Detach { hook: target.name, source: Box::new(source) }));
        }
        result
    }

    /// Counts of the kernel, from the description of each program's descriptor.
    pub(crate) fn recursion_misses(&self) -> Result<Vec<(&'static str, u64)>, LossesError> {
        let mut misses = Vec::new();
        for target in TARGETS {
            let Some(Ok(fd)) = self.ebpf.program(target.program).map(Program::fd) else {
                continue;
            };
            let path = format!("/proc/self/fdinfo/{}", fd.as_fd().as_raw_fd());
            let info = std::fs::read_to_string(&path).map_err(|source| LossesError::Program { path, source })?;
            let count = info
                .lines()
                .find_map(|line| line.strip_prefix("recursion_misses:"))
                .and_then(|count| count.trim().parse().ok())
                .unwrap_or(0);
            misses.push((target.name, count));
        }
        Ok(misses)
    }
}

/// What the first hook that is not attached says.
fn first_reason(hooks: &[Hook]) -> String {
    let reason = hooks.iter().find_map(|hook| match &hook.state {
        HookState::Attached => None,
        HookState::Refused { reason } | HookState::Unsupported { reason } => Some(format!("{}: {reason}", hook.name)),
    });
    reason.unwrap_or_default()
}

pub(crate) fn take(ebpf: &mut Ebpf, name: &'static str) -> Result<Map, LoadError> {
    ebpf.take_map(name).ok_or(LoadError::Incomplete(name))
}

#[cfg(test)]
mod tests {
    use super::{OBJECT, Probes};
    use crate::preflight::check_abi;

    #[test]
    fn the_probes_can_move_to_a_thread_of_their_own() {
        fn moves<T: Send>() {}
        moves::<Probes>();
    }

    #[test]
    fn the_prebuilt_object_speaks_this_abi() {
        check_abi(OBJECT).expect("the object is of this build");
    }
}
