//! What the kernel itself was asked for.

use super::words::{self, bits, named};
use super::{abi, first_name, joined, rewritten};
use taffrail_probes::Names;
use taffrail_probes::abi::Header;
use taffrail_probes::abi::call::{Call, call_flags, nr};
use taffrail_trace::event::{KernelEvent, KernelOp};
use taffrail_trace::text;

/// What a record of this family says; `None` for a call of another one.
pub fn kernel(header: &Header, call: &Call, names: &Names<'_>) -> Option<KernelEvent> {
    use KernelOp as Op;
    let [first, second, third, fourth, ..] = call.args;
    let data = || text::from_bytes(names.data);
    let none = String::new;
    let (op, syscall, detail) = match call.nr {
        nr::BPF => (Op::Bpf, "bpf", named(first, words::BPF, "BPF_")),
        nr::INIT_MODULE => (Op::ModuleLoad, "init_module", data()),
        nr::FINIT_MODULE => (Op::ModuleLoad, "finit_module", data()),
        nr::DELETE_MODULE => (Op::ModuleUnload, "delete_module", data()),
        nr::MOUNT => (Op::Mount, "mount", mount(&data(), fourth)),
        nr::UMOUNT2 => (Op::Umount, "umount2", bits(second, words::UMOUNT)),
        nr::PIVOT_ROOT => (Op::PivotRoot, "pivot_root", none()),
        nr::MOVE_MOUNT => (Op::MoveMount, "move_mount", none()),
        nr::OPEN_TREE => (Op::OpenTree, "open_tree", bits(third, words::OPEN_TREE)),
        nr::FSOPEN => (Op::Fsopen, "fsopen", data()),
        nr::FSPICK => (Op::Fsopen, "fspick", none()),
        nr::FSMOUNT => (Op::Fsmount, "fsmount", none()),
        nr::MOUNT_SETATTR => (Op::MountSetattr, "mount_setattr", none()),
        nr::PTRACE => (Op::Ptrace, "ptrace", named(first, words::PTRACE, "PTRACE_")),
        nr::PROCESS_VM_READV => (Op::ProcessRead, "process_vm_readv", none()),
        nr::PROCESS_VM_WRITEV => (Op::ProcessWrite, "process_vm_writev", none()),
        nr::PIDFD_GETFD => (Op::PidfdGetfd, "pidfd_getfd", format!("fd {} of pidfd {}", second as i32, first as i32)),
        nr::PERF_EVENT_OPEN => (Op::PerfEvent, "perf_event_open", format!("cpu {}", third as i32)),
        nr::USERFAULTFD => (Op::Userfaultfd, "userfaultfd", none()),
        nr::IO_URING_SETUP => (Op::IoUring, "io_uring_setup", format!("{} entries", first as u32)),
        nr::KEXEC_LOAD => (Op::Kexec, "kexec_load", none()),
        nr::KEXEC_FILE_LOAD => (Op::Kexec, "kexec_file_load", none()),
        nr::IOPL => (Op::Ioport, "iopl", format!("level {}", first as u32)),
        nr::IOPERM => (Op::Ioport, "ioperm", format!("ports {first:#x} and {second} on")),
        nr::PERSONALITY => (Op::Personality, "personality", format!("{:#x}", first as u32)),
        nr::MEMFD_CREATE => (Op::Memfd, "memfd_create", data()),
        nr::MEMFD_SECRET => (Op::Memfd, "memfd_secret", none()),
        nr::MMAP => (Op::MapExecutable, "mmap", memory(first, second, third)),
        nr::MPROTECT => (Op::ProtectExecutable, "mprotect", memory(first, second, third)),
        nr::PKEY_MPROTECT => (Op::ProtectExecutable, "pkey_mprotect", memory(first, second, third)),
        nr::FANOTIFY_INIT => (Op::Fanotify, "fanotify_init", none()),
        nr::SYSLOG => (Op::Syslog, "syslog", named(first, words::SYSLOG, "SYSLOG_ACTION_")),
        nr::ACCT => (Op::Acct, "acct", none()),
        nr::SETTIMEOFDAY => (Op::SetTime, "settimeofday", none()),
        nr::CLOCK_SETTIME => (Op::SetTime, "clock_settime", format!("clock {}", first as i32)),
        nr::SWAPON => (Op::Swapon, "swapon", none()),
        nr::REBOOT => (Op::Reboot, "reboot", format!("{:#x}", third as u32)),
        nr::SETHOSTNAME => (Op::Sethostname, "sethostname", counted(names.data, second)),
        _ => return None,
    };
    let target_pid = match call.nr {
        nr::PTRACE | nr::PERF_EVENT_OPEN => Some(second as i32),
        nr::PROCESS_VM_READV | nr::PROCESS_VM_WRITEV => Some(first as i32),
        _ => None,
    };
    let named_file = call.what & call_flags::KERNEL_PATH != 0 || !names.path.is_empty();
    let name = named_file.then(|| first_name(header, call, names.base, names.path));
    let has_target = matches!(call.nr, nr::MOUNT | nr::PIVOT_ROOT | nr::MOVE_MOUNT);
    let given = |passed: &[u8], path| if call.nr == nr::MOUNT { source(passed, path) } else { path };
    let changed = rewritten(call, call_flags::ENTERED, names.entered, names.path);
    let target_changed =
        has_target && rewritten(call, call_flags::ENTERED_SECOND, names.entered_second, names.new_path);
    Some(KernelEvent {
        op,
        syscall: syscall.to_owned(),
        detail,
        path_source: name.as_ref().map(|(_, source)| *source),
        path: name.map(|(path, _)| given(names.path, path)),
        target: has_target.then(|| joined(header, call, names.new_base, names.new_path)),
        rewritten_from: changed.then(|| given(names.entered, joined(header, call, names.base, names.entered))),
        target_rewritten_from: target_changed.then(|| joined(header, call, names.new_base, names.entered_second)),
        target_pid,
        result: call.result,
        abi: abi(header),
    })
}

/// A text that is as long as the caller says. What was read of it ends at a zero byte, and there need not be one where
/// it ends.
fn counted(data: &[u8], bytes: u64) -> String {
    // The kernel takes it as an `int`.
    let bytes = usize::try_from(bytes as i32).unwrap_or(0);
    text::from_bytes(&data[..bytes.min(data.len())])
}

/// What is mounted need not be a file: `tmpfs`, `overlay`. Then the text is left as it was given.
fn source(passed: &[u8], path: String) -> String {
    if passed.contains(&b'/') { path } else { text::from_bytes(passed) }
}

fn mount(kind: &str, flags: u64) -> String {
    let flags = bits(flags, words::MOUNT);
    match (kind.is_empty(), flags.is_empty()) {
        (true, _) => flags,
        (false, true) => format!("type {kind}"),
        (false, false) => format!("type {kind}, {flags}"),
    }
}

fn memory(start: u64, bytes: u64, protection: u64) -> String {
    format!("{bytes} bytes at {start:#x}, {}", bits(protection, words::PROTECTION))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(nr: u16, args: [u64; 6], names: &Names<'_>) -> KernelEvent {
        kernel(&Header::default(), &Call { nr, args, ..Call::default() }, names).expect("a call on the kernel")
    }

    #[test]
    fn arguments_are_said_in_words() {
        let names = Names { path: b"overlay", new_path: b"/mnt", data: b"overlay", ..Names::default() };
        let mounted = event(nr::MOUNT, [0, 0, 0, 6, 0, 0], &names);
        assert_eq!(mounted.detail, "type overlay, MS_NOSUID|MS_NODEV");
        assert_eq!((mounted.path.as_deref(), mounted.target.as_deref()), (Some("overlay"), Some("/mnt")));
        let rewritten = Names { entered: b"tmpfs", entered_second: b"/srv", ..names };
        let call = Call { what: call_flags::ENTERED | call_flags::ENTERED_SECOND, nr: nr::MOUNT, ..Call::default() };
        let mounted = kernel(&Header::default(), &call, &rewritten).expect("a call on the kernel");
        assert_eq!(mounted.rewritten_from.as_deref(), Some("tmpfs"));
        assert_eq!(mounted.target_rewritten_from.as_deref(), Some("/srv"));
        let traced = event(nr::PTRACE, [16, 77, 0, 0, 0, 0], &Names::default());
        assert_eq!((traced.detail.as_str(), traced.target_pid), ("PTRACE_ATTACH", Some(77)));
        let executable = event(nr::MPROTECT, [0x1000, 4096, 7, 0, 0, 0], &Names::default());
        assert_eq!(executable.detail, "4096 bytes at 0x1000, PROT_READ|PROT_WRITE|PROT_EXEC");
        assert_eq!(event(nr::BPF, [5, 0, 0, 0, 0, 0], &Names::default()).detail, "BPF_PROG_LOAD");
        let names = Names { data: b"shopHookSignals", ..Names::default() };
        assert_eq!(event(nr::SETHOSTNAME, [0, 4, 0, 0, 0, 0], &names).detail, "shop");
        assert_eq!(event(nr::SETHOSTNAME, [0, u64::MAX, 0, 0, 0, 0], &names).detail, "");
    }
}
