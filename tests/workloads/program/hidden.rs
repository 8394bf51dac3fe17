//! Programs that hide what they are: no file, no name, another's name, another's content.

use crate::act::{Act, Args, Told, c};
use crate::privilege::set_name;
use crate::process::{SELF, Strings, execve, execve_at, own_path, run};
use crate::sys::{self, nr, o};
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

pub const ACTS: &[Act] = &[
    ("memfd-exec", memfd_exec),
    ("deleted-exec", deleted_exec),
    ("argv0-spoof", argv0_spoof),
    ("spoofed", spoofed),
    ("overwrite-self", overwrite_self),
    ("overwriting", overwriting),
    ("proc-root-write", proc_root_write),
];

fn failed(result: isize) -> Told {
    Err(io::Error::from_raw_os_error(-result as i32))
}

/// Copies itself into memory and becomes the copy, which prints the marker's line.
fn memfd_exec(_: &Args) -> Told {
    const AT_EMPTY_PATH: usize = 0x1000;
    let fd = sys::need("memfd_create", sys::named(nr::MEMFD_CREATE, c"payload", [1]))?;
    fs::write(format!("/proc/self/fd/{fd}"), fs::read("/proc/self/exe")?)?;
    let (args, environment) = (Strings::new(&["from-memory", "marker"])?, Strings::new(&[])?);
    failed(execve_at(fd, c"", &args, &environment, AT_EMPTY_PATH))
}

/// This program under another name.
fn copied(path: &Path) -> io::Result<()> {
    fs::write(path, fs::read("/proc/self/exe")?)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755))
}

/// `deleted-exec DIR`: a copy is opened, removed, and run through its descriptor.
fn deleted_exec(args: &Args) -> Told {
    let path = args.below("deleted")?;
    copied(&path)?;
    let name = c(&path)?;
    // Without O_CLOEXEC, so that the new program's own name can still be looked up.
    let fd = sys::need("open", sys::open(&name, o::RDONLY, 0))?;
    sys::need("unlink", sys::named(nr::UNLINK, &name, []))?;
    failed(execve(&c(format!("/proc/self/fd/{fd}"))?, &Strings::new(&["deleted", "marker"])?, &Strings::new(&[])?))
}

/// Becomes itself under the name of a thread of the kernel.
fn argv0_spoof(_: &Args) -> Told {
    failed(execve(&own_path()?, &Strings::new(&["[kworker/0:1]", "spoofed"])?, &Strings::new(&[])?))
}

/// What the spoofed image does: takes the thread's name too.
fn spoofed(_: &Args) -> Told {
    sys::need("prctl", set_name(c"kworker/0:1"))?;
    let fd = sys::need("open", sys::open(SELF, o::RDONLY, 0))?;
    sys::close(fd);
    Ok(format!("pid={} comm={}", std::process::id(), fs::read_to_string("/proc/self/comm")?.trim_end()))
}

/// `overwrite-self DIR`: a copy tries to write to its own running file, then is written to from outside and run again.
fn overwrite_self(args: &Args) -> Told {
    let path = args.below("overwritten")?;
    copied(&path)?;
    let name = c(&path)?;
    let (_, code) = run(&name, &["overwritten", "overwriting"])?;
    let mut file = OpenOptions::new().append(true).open(&path)?;
    let tail = b"appended";
    file.write_all(tail)?;
    drop(file);
    let (pid, again) = run(&name, &["overwritten", "marker"])?;
    Ok(format!("path={} own={} appended={} pid={pid} code={again}", path.display(), -code, tail.len()))
}

/// Opens its own executable for writing; the exit code is the errno.
fn overwriting(_: &Args) -> Told {
    let result = sys::open(SELF, o::WRONLY, 0);
    sys::leave(u8::try_from(-result.min(0)).unwrap_or(u8::MAX))
}

/// `proc-root-write PID PATH`: writes a file of another process's root.
fn proc_root_write(args: &Args) -> Told {
    let path = format!("/proc/{}/root{}", args.number(0)?, args.text(1)?);
    let text = b"through another root\n";
    fs::write(&path, text)?;
    Ok(format!("path={path} bytes={}", text.len()))
}
