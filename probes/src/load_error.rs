//! Why loading failed, in words that say what to do.

use aya::{EbpfError, maps::MapError, programs::ProgramError};
use taffrail_probes_abi::ABI_VERSION;

use crate::{
    btf::BtfError,
    hook::{HookState, Target},
};

/// Why nothing is recorded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// A ring size is no power of two or no multiple of the page size.
    #[error("the {ring} ring cannot have {bytes} bytes: take a power of two that is at least one page ({page} bytes)")]
    RingSize {
        /// Which ring.
        ring: &'static str,
        /// Its size.
        bytes: u32,
        /// The page size.
        page: u32,
    },
    /// The kernel has no BPF ring buffer.
    #[error("Linux {release} is too old: the kernel programs need 5.11 or newer")]
    KernelTooOld {
        /// The running kernel.
        release: String,
    },
    /// The programs are for another processor.
    #[error("the kernel programs are for x86-64, this is {0}")]
    Architecture(&'static str),
    /// The kernel does not describe its types.
    #[error(
        "{0}; the kernel must be built with CONFIG_DEBUG_INFO_BTF=y (the stock kernels of all current distributions are)"
    )]
    Btf(#[from] BtfError),
    /// The object is of another build.
    #[error("the kernel object speaks ABI {found:?}, this program {ABI_VERSION}: rebuild it with `cargo xtask bpf`")]
    AbiMismatch {
        /// The object's version; none where it does not say.
        found: Option<u32>,
    },
    /// The kernel did not permit it.
    #[error(
        "the kernel does not permit {what} ({source}): run as root, or with CAP_BPF and CAP_PERFMON (`taffrail doctor` tells what is missing)"
    )]
    NotPermitted {
        /// What was tried.
        what: String,
        /// The kernel's answer.
        source: std::io::Error,
    },
    /// The verifier refused a program.
    #[error(
        "the kernel's verifier refused {hook} ({source}); please report this with the kernel version and these lines:\n{log_tail}"
    )]
    Verifier {
        /// The hook.
        hook: &'static str,
        /// The kernel's answer.
        source: std::io::Error,
        /// The end of the verifier's log.
        log_tail: String,
    },
    /// The object lacks a program or map.
    #[error("the kernel object has no {0}: rebuild it with `cargo xtask bpf`")]
    Incomplete(&'static str),
    /// No hook could be attached.
    #[error("no hook could be attached; the first refusal: {0}")]
    NoHook(String),
    /// Anything else.
    #[error("cannot load the kernel programs: {0}")]
    Object(Box<EbpfError>),
}

/// What a failed attachment means: the verifier's refusal is an error, all else a state that the hook is in.
pub(crate) fn refusal(target: &Target, error: ProgramError) -> Result<HookState, LoadError> {
    let errno = |error: &std::io::Error| error.raw_os_error().unwrap_or(0);
    match error {
        ProgramError::NotLoaded | ProgramError::UnexpectedProgramType => Err(LoadError::Incomplete(target.program)),
        ProgramError::LoadError { io_error, .. } if errno(&io_error) == nix::libc::EPERM => {
            Ok(HookState::Refused { reason: format!("loading the program: {io_error}") })
        }
        ProgramError::LoadError { io_error, verifier_log } => Err(LoadError::Verifier {
            hook: target.name,
            source: io_error,
            log_tail: tail(&verifier_log.to_string(), 30),
        }),
        ProgramError::SyscallError(error) if errno(&error.io_error) == nix::libc::ENOENT => {
            Ok(HookState::Unsupported { reason: format!("the kernel has no tracepoint {}", target.program) })
        }
        ProgramError::SyscallError(error) => {
            Ok(HookState::Refused { reason: format!("{}: {}", error.call, error.io_error) })
        }
        ProgramError::Btf(error) => {
            Ok(HookState::Unsupported { reason: format!("the type of {}: {error}", target.program) })
        }
        error => Ok(HookState::Refused { reason: error.to_string() }),
    }
}

/// What it means that a program behind `sys_exit` is refused: always an error, since its events would be missing.
pub(crate) fn tail_refusal(program: &'static str, error: ProgramError) -> LoadError {
    match error {
        ProgramError::NotLoaded | ProgramError::UnexpectedProgramType => LoadError::Incomplete(program),
        ProgramError::LoadError { io_error, .. } if io_error.raw_os_error() == Some(nix::libc::EPERM) => {
            LoadError::NotPermitted { what: format!("loading the program {program}"), source: io_error }
        }
        ProgramError::LoadError { io_error, verifier_log } => {
            LoadError::Verifier { hook: program, source: io_error, log_tail: tail(&verifier_log.to_string(), 30) }
        }
        error => LoadError::Object(Box::new(EbpfError::ProgramError(error))),
    }
}

/// Sorts out aya's error.
pub(crate) fn object_error(error: EbpfError) -> LoadError {
    match error {
        EbpfError::MapError(error) => map_error(error),
        error => LoadError::Object(Box::new(error)),
    }
}

/// Finds a refused system call in aya's error.
pub(crate) fn map_error(error: MapError) -> LoadError {
    match error {
        MapError::CreateError { name, io_error } if io_error.raw_os_error() == Some(nix::libc::EPERM) => {
            LoadError::NotPermitted { what: format!("making the BPF map {name}"), source: io_error }
        }
        MapError::SyscallError(error) if error.io_error.raw_os_error() == Some(nix::libc::EPERM) => {
            LoadError::NotPermitted { what: error.call.to_owned(), source: error.io_error }
        }
        error => LoadError::Object(Box::new(EbpfError::MapError(error))),
    }
}

/// The last `count` lines.
fn tail(text: &str, count: usize) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(count)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::tail;

    #[test]
    fn the_end_of_a_log_is_kept() {
        assert_eq!(tail("a\nb\nc", 2), "b\nc");
        assert_eq!(tail("", 2), "");
    }
}
