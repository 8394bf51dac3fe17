//! The kernel itself asked for something. Much of it is denied in a plain container: then the errno is the result.

use crate::act::{Act, Args, Told, c};
use crate::process::SELF;
use crate::sys::{self, nr, o};
use std::io::{self, Read as _};

pub const ACTS: &[Act] = &[
    ("memfd", |_| told(sys::named(nr::MEMFD_CREATE, c"taffrail-memfd", [1]))),
    ("mmap-wx", mmap_wx),
    ("mprotect-wx", mprotect_wx),
    ("ptrace-traceme", ptrace_traceme),
    ("ptrace-attach", ptrace_attach),
    ("process-vm-writev", process_vm_writev),
    ("perf-event-open", perf_event_open),
    ("userfaultfd", |_| told(sys::plain(nr::USERFAULTFD, [o::CLOEXEC]))),
    ("io-uring-setup", io_uring_setup),
    ("personality", |_| told(sys::plain(nr::PERSONALITY, [0x0004_0000]))),
    ("mount", mount),
    ("umount", |args| told(sys::named(nr::UMOUNT2, &c(args.text(0)?)?, [0]))),
    ("pivot-root", |_| told(sys::two_named(nr::PIVOT_ROOT, c"/", c"/"))),
    ("bpf", bpf),
    ("module", module),
    ("kexec", |_| told(sys::plain(nr::KEXEC_LOAD, [0, 0, 0, 0]))),
    ("iopl", |_| told(sys::plain(nr::IOPL, [3]))),
];

/// What the call returned: a descriptor, an address, 0 or a negative errno.
fn told(result: isize) -> Told {
    Ok(format!("result={result}"))
}

const PAGE: usize = 4096;
/// Readable and writable.
pub const RW: usize = 3;
/// Readable, writable and executable.
const RWX: usize = 7;
/// Private, not of a file.
pub const ANONYMOUS: usize = 0x22;

fn mmap_wx(_: &Args) -> Told {
    told(sys::plain(nr::MMAP, [0, PAGE, RWX, ANONYMOUS, usize::MAX, 0]))
}

fn mprotect_wx(_: &Args) -> Told {
    let page = sys::need("mmap", sys::plain(nr::MMAP, [0, PAGE, RW, ANONYMOUS, usize::MAX, 0]))?;
    told(sys::plain(nr::MPROTECT, [page, PAGE, RWX]))
}

/// A child that asks to be traced by its parent.
fn ptrace_traceme(_: &Args) -> Told {
    let child = sys::fork(|| u8::from(sys::plain(nr::PTRACE, [0, 0, 0, 0]) != 0))?;
    Ok(format!("child={child} result={}", -sys::code(child)?))
}

/// A child that waits until its input ends.
fn waiting_child() -> io::Result<(usize, io::PipeWriter)> {
    let (mut wait, hold) = io::pipe()?;
    // The child's own copy of the writing end would keep its input open.
    let writer = std::os::fd::AsRawFd::as_raw_fd(&hold) as usize;
    let child = sys::fork(|| {
        sys::close(writer);
        u8::from(wait.read(&mut [0]).is_err())
    })?;
    Ok((child, hold))
}

fn ptrace_attach(_: &Args) -> Told {
    const ATTACH: usize = 16;
    const DETACH: usize = 17;
    let (child, hold) = waiting_child()?;
    let result = sys::plain(nr::PTRACE, [ATTACH, child, 0, 0]);
    if result == 0 {
        sys::wait(child)?;
        sys::need("detach", sys::plain(nr::PTRACE, [DETACH, child, 0, 0]))?;
    }
    drop(hold);
    sys::code(child)?;
    Ok(format!("target={child} result={result}"))
}

/// Writes eight bytes into its child's copy of its own memory.
fn process_vm_writev(_: &Args) -> Told {
    let (from, to) = ([0x11u8; 8], [0u8; 8]);
    let (child, hold) = waiting_child()?;
    let (local, remote) = ([from.as_ptr() as usize, from.len()], [to.as_ptr() as usize, to.len()]);
    let vectors = [child, local.as_ptr() as usize, 1, remote.as_ptr() as usize, 1, 0];
    // SAFETY: both vectors have one entry; only the child's memory is written, which is a copy of this one's.
    let result = unsafe { sys::call(nr::PROCESS_VM_WRITEV, vectors) };
    drop(hold);
    sys::code(child)?;
    Ok(format!("target={child} result={result}"))
}

/// Counts its own page faults.
fn perf_event_open(_: &Args) -> Told {
    // Type software, size of the first version of the structure, config page faults, user space only.
    let mut attributes = [0u64; 8];
    attributes[0] = 1 | 64 << 32;
    attributes[1] = 2;
    attributes[5] = 0b110_0000;
    // SAFETY: the structure is as long as it says.
    told(unsafe { sys::call(nr::PERF_EVENT_OPEN, [attributes.as_ptr() as usize, 0, usize::MAX, usize::MAX, 0]) })
}

fn io_uring_setup(_: &Args) -> Told {
    let mut params = [0u32; 30];
    // SAFETY: the kernel reads and writes `struct io_uring_params`, which has 120 bytes.
    told(unsafe { sys::call(nr::IO_URING_SETUP, [4, params.as_mut_ptr() as usize]) })
}

/// `mount DIR`: a tmpfs.
fn mount(args: &Args) -> Told {
    let dir = c(args.text(0)?)?;
    if !std::path::Path::new(args.text(0)?).is_dir() {
        std::fs::create_dir(args.text(0)?)?;
    }
    let rest = [dir.as_ptr() as usize, c"tmpfs".as_ptr() as usize, 0, 0];
    told(sys::named(nr::MOUNT, c"taffrail-tmpfs", rest))
}

/// `BPF_MAP_CREATE`: an array of one.
fn bpf(_: &Args) -> Told {
    // Type array, key of 4 bytes, value of 4 bytes, one entry.
    let attributes = [2u32, 4, 4, 1, 0, 0, 0, 0];
    // SAFETY: the attributes are as long as is said.
    told(unsafe { sys::call(nr::BPF, [0, attributes.as_ptr() as usize, size_of_val(&attributes)]) })
}

/// This program is no kernel module, so even root gets an error.
fn module(_: &Args) -> Told {
    let fd = sys::need("open", sys::open(SELF, o::RDONLY | o::CLOEXEC, 0))?;
    told(sys::plain(nr::FINIT_MODULE, [fd, c"parameter=1".as_ptr() as usize, 0]))
}
