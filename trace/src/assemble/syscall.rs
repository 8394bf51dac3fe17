//! Names of system calls by number.

use crate::event::Abi;
use std::borrow::Cow;
use syscalls::{x86, x86_64};

/// Set in the number of an x32 call (`__X32_SYSCALL_BIT`).
const X32_BIT: u32 = 0x4000_0000;
/// The first number that only x32 has.
const X32_FIRST: u32 = 512;

/// The calls that x32 has numbers of its own for, from [`X32_FIRST`] on (`arch/x86/entry/syscalls/syscall_64.tbl`).
const X32: [&str; 36] = [
    "rt_sigaction",
    "rt_sigreturn",
    "ioctl",
    "readv",
    "writev",
    "recvfrom",
    "sendmsg",
    "recvmsg",
    "execve",
    "ptrace",
    "rt_sigpending",
    "rt_sigtimedwait",
    "rt_sigqueueinfo",
    "sigaltstack",
    "timer_create",
    "mq_notify",
    "kexec_load",
    "waitid",
    "set_robust_list",
    "get_robust_list",
    "vmsplice",
    "move_pages",
    "preadv",
    "pwritev",
    "rt_tgsigqueueinfo",
    "recvmmsg",
    "sendmmsg",
    "process_vm_readv",
    "process_vm_writev",
    "setsockopt",
    "getsockopt",
    "io_setup",
    "io_submit",
    "execveat",
    "preadv2",
    "pwritev2",
];

/// The name of the call that has number `nr` in the numbering of `abi`, else `syscall_NNN`.
pub fn name(nr: u32, abi: Abi) -> Cow<'static, str> {
    let plain = if abi == Abi::X32 { nr & !X32_BIT } else { nr };
    let known = match abi {
        Abi::I386 => x86::Sysno::new(plain as usize).map(|call| call.name()),
        Abi::X32 if plain >= X32_FIRST => X32.get((plain - X32_FIRST) as usize).copied(),
        Abi::X86_64 | Abi::X32 | Abi::IoUring => x86_64::Sysno::new(plain as usize).map(|call| call.name()),
    };
    match known {
        // The table's names are Rust identifiers, and one of them (`break`) is a word of the language.
        Some(name) => Cow::Borrowed(name.trim_start_matches("r#")),
        None => Cow::Owned(format!("syscall_{nr}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_means_what_its_numbering_says() {
        assert_eq!(name(59, Abi::X86_64), "execve");
        assert_eq!(name(11, Abi::I386), "execve");
        assert_eq!(name(59, Abi::I386), "oldolduname");
        assert_eq!(name(17, Abi::I386), "break");
        assert_eq!(name(520 + X32_BIT, Abi::X32), "execve");
        assert_eq!(name(547, Abi::X32), "pwritev2");
        assert_eq!(name(1, Abi::X32), "write");
    }

    #[test]
    fn a_number_without_a_name_stays_visible() {
        assert_eq!(name(9999, Abi::X86_64), "syscall_9999");
        assert_eq!(name(u32::MAX, Abi::X32), "syscall_4294967295");
        assert_eq!(name(548, Abi::X32), "syscall_548");
    }
}
