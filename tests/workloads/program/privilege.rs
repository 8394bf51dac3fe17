//! Privileges changed and asked for.

use crate::act::{Act, Args, Told, c};
use crate::sys::{self, nr};
use std::os::fd::AsRawFd as _;

pub const ACTS: &[Act] = &[
    ("setuid", |_| told(sys::plain(nr::SETUID, [1000]))),
    ("setgid", |_| told(sys::plain(nr::SETGID, [1001]))),
    ("setgroups", setgroups),
    ("capset", capset),
    ("no-new-privs", |_| told(sys::plain(nr::PRCTL, [38, 1, 0, 0, 0]))),
    ("set-name", |_| told(set_name(c"renamed-thread"))),
    ("securebits", |_| told(sys::plain(nr::PRCTL, [28, 1, 0, 0, 0]))),
    ("unshare", |_| told(sys::plain(nr::UNSHARE, [0x0400_0000]))),
    ("setns", setns),
    ("keyctl", keyctl),
    ("add-key", add_key),
    ("seccomp", seccomp),
    ("chroot", |args| told(sys::named(nr::CHROOT, &c(args.text(0)?)?, []))),
];

fn told(result: isize) -> Told {
    Ok(format!("result={result}"))
}

/// `prctl(PR_SET_NAME)`.
pub fn set_name(name: &std::ffi::CStr) -> isize {
    // SAFETY: the kernel reads at most 16 bytes and stops at the NUL that ends the name.
    unsafe { sys::call(nr::PRCTL, [15, name.as_ptr() as usize]) }
}

fn setgroups(_: &Args) -> Told {
    let groups = [1000u32, 1001];
    // SAFETY: the kernel reads as many ids as is said.
    told(unsafe { sys::call(nr::SETGROUPS, [groups.len(), groups.as_ptr() as usize]) })
}

/// Gives up `CAP_NET_RAW`.
fn capset(_: &Args) -> Told {
    const VERSION_3: u32 = 0x2008_0522;
    const NET_RAW: u32 = 13;
    let header = [VERSION_3, 0];
    // Effective, permitted, inheritable: the low halves, then the high ones.
    let mut data = [[0u32; 3]; 2];
    // SAFETY: both structures are as long as this version of them says; the kernel writes the second.
    let got = unsafe { sys::call(nr::CAPGET, [header.as_ptr() as usize, data.as_mut_ptr() as usize]) };
    sys::need("capget", got)?;
    for set in &mut data[0] {
        *set &= !(1 << NET_RAW);
    }
    // SAFETY: as above; the kernel reads both.
    let result = unsafe { sys::call(nr::CAPSET, [header.as_ptr() as usize, data.as_ptr() as usize]) };
    let of = |place: usize| u64::from(data[0][place]) | u64::from(data[1][place]) << 32;
    Ok(format!("result={result} effective={} permitted={}", of(0), of(1)))
}

/// Joins the UTS namespace that it is in.
fn setns(_: &Args) -> Told {
    let own = std::fs::File::open("/proc/self/ns/uts")?;
    told(sys::plain(nr::SETNS, [own.as_raw_fd() as usize, 0x0400_0000]))
}

/// Joins a new session keyring.
fn keyctl(_: &Args) -> Told {
    told(sys::plain(nr::KEYCTL, [1, 0, 0, 0, 0]))
}

fn add_key(_: &Args) -> Told {
    const PROCESS_KEYRING: usize = -2isize as usize;
    let payload = b"key";
    let rest = [payload.as_ptr() as usize, payload.len(), PROCESS_KEYRING];
    let (kind, name) = (c"user", c"taffrail-key");
    // SAFETY: two names that end with a NUL, and a payload of the length said.
    let result =
        unsafe { sys::call(nr::ADD_KEY, [kind.as_ptr() as usize, name.as_ptr() as usize, rest[0], rest[1], rest[2]]) };
    told(result)
}

/// A filter that allows everything.
fn seccomp(_: &Args) -> Told {
    const SET_MODE_FILTER: usize = 1;
    /// `BPF_RET | BPF_K` with `SECCOMP_RET_ALLOW`: code, two jumps, value.
    const ALLOW: u64 = 0x06 | 0x7fff_0000 << 32;
    #[repr(C)]
    struct Program {
        len: u16,
        filter: *const u64,
    }
    sys::need("prctl", sys::plain(nr::PRCTL, [38, 1, 0, 0, 0]))?;
    let filter = [ALLOW];
    let program = Program { len: 1, filter: filter.as_ptr() };
    // SAFETY: the program has one instruction, as it says, and both outlive the call.
    told(unsafe { sys::call(nr::SECCOMP, [SET_MODE_FILTER, 0, &raw const program as usize]) })
}
