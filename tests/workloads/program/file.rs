//! Files made, opened, changed and removed, each by exactly the call that the act is named after. The first argument is
//! a directory, and every act has names of its own in there.

use crate::act::{Act, Args, Told, c};
use crate::sys::{self, CWD, nr, o};
use std::ffi::CString;
use std::io;
use std::path::{Path, PathBuf};

pub const ACTS: &[Act] = &[
    ("create", create),
    ("open-read", |args| open_existing(args, "open-read", o::RDONLY)),
    ("open-write", |args| open_existing(args, "open-write", o::WRONLY)),
    ("open-truncate", |args| open_existing(args, "open-truncate", o::WRONLY | o::TRUNC)),
    ("open-missing", open_missing),
    ("write", write),
    ("read", read),
    ("unlink", |args| on_new(args, "unlink", |path| sys::named(nr::UNLINK, path, []))),
    ("rename", |args| with_second(args, "rename", nr::RENAME)),
    ("link", |args| with_second(args, "link", nr::LINK)),
    ("symlink", symlink),
    ("mkdir", |args| alone(args, "mkdir", |path| sys::named(nr::MKDIR, path, [0o750]))),
    ("rmdir", rmdir),
    ("chmod", |args| on_new(args, "chmod", |path| sys::named(nr::CHMOD, path, [0o755]))),
    ("fchmod", |args| on_opened(args, "fchmod", |fd| sys::plain(nr::FCHMOD, [fd, 0o600]))),
    ("chown", |args| on_new(args, "chown", |path| sys::named(nr::CHOWN, path, [1000, 1001]))),
    ("setxattr", |args| on_new(args, "setxattr", set_attribute)),
    ("removexattr", removexattr),
    ("truncate", |args| on_new(args, "truncate", |path| sys::named(nr::TRUNCATE, path, [4096]))),
    ("ftruncate", |args| on_opened(args, "ftruncate", |fd| sys::plain(nr::FTRUNCATE, [fd, 123]))),
    ("mknod", |args| alone(args, "mknod", |path| sys::named(nr::MKNOD, path, [0o010_600, 0]))),
    ("at", at),
    ("relative", relative),
];

/// Makes a file with nothing in it, as every act's own preparation: one `create` of that name in the evidence.
pub fn made(path: &Path) -> io::Result<CString> {
    let name = c(path)?;
    let fd = sys::need("cannot make the file", sys::open(&name, o::WRONLY | o::CREAT | o::EXCL, 0o644))?;
    sys::close(fd);
    Ok(name)
}

fn told(path: &Path, result: isize) -> Told {
    Ok(format!("path={} result={result}", path.display()))
}

/// Does it to a name that is not there before.
fn alone(args: &Args, name: &str, act: fn(&CString) -> isize) -> Told {
    let path = args.below(name)?;
    told(&path, act(&c(&path)?))
}

/// Does it to a file that was made for it.
fn on_new(args: &Args, name: &str, act: fn(&CString) -> isize) -> Told {
    let path = args.below(name)?;
    told(&path, act(&made(&path)?))
}

/// Does it to the descriptor of a file that was made for it.
fn on_opened(args: &Args, name: &str, act: fn(usize) -> isize) -> Told {
    let path = args.below(name)?;
    let fd = sys::need("open", sys::open(&c(&path)?, o::WRONLY | o::CREAT | o::EXCL, 0o644))?;
    let result = act(fd);
    sys::close(fd);
    told(&path, result)
}

fn with_second(args: &Args, name: &str, nr: usize) -> Told {
    let path = args.below(name)?;
    let second = args.below(&format!("{name}-2"))?;
    let result = sys::two_named(nr, &made(&path)?, &c(&second)?);
    Ok(format!("path={} new_path={} result={result}", path.display(), second.display()))
}

fn create(args: &Args) -> Told {
    let path = args.below("create")?;
    let result = sys::open(&c(&path)?, o::WRONLY | o::CREAT | o::EXCL, 0o640);
    sys::close(sys::need("create", result)?);
    Ok(format!("path={} fd={result}", path.display()))
}

fn open_existing(args: &Args, name: &str, flags: usize) -> Told {
    let path = args.below(name)?;
    let name = made(&path)?;
    let result = sys::open(&name, flags, 0);
    sys::close(sys::need("open", result)?);
    Ok(format!("path={} fd={result}", path.display()))
}

fn open_missing(args: &Args) -> Told {
    let path = args.below("open-missing")?;
    told(&path, sys::open(&c(&path)?, o::RDONLY, 0))
}

/// `write DIR N`: N bytes in calls of at most 4,000, then close.
fn write(args: &Args) -> Told {
    use std::io::Write as _;
    let path = args.below("write")?;
    let mut left = args.number(1)? as usize;
    let mut file = std::fs::File::create_new(&path)?;
    let mut calls = 0;
    while left > 0 {
        let now = left.min(4000);
        file.write_all(&[b'w'; 4000][..now])?;
        left -= now;
        calls += 1;
    }
    Ok(format!("path={} bytes={} calls={calls}", path.display(), args.number(1)?))
}

/// `read DIR N`: a file of N bytes, written through a first descriptor, is read through a second one to its end.
fn read(args: &Args) -> Told {
    use std::io::Read as _;
    let path = args.below("read")?;
    std::fs::write(&path, vec![b'r'; args.number(1)? as usize])?;
    let mut file = std::fs::File::open(&path)?;
    let (mut sum, mut buffer) = (0, [0; 3000]);
    loop {
        match file.read(&mut buffer)? {
            0 => break,
            some => sum += some,
        }
    }
    Ok(format!("path={} bytes={sum}", path.display()))
}

fn symlink(args: &Args) -> Told {
    let path = args.below("symlink")?;
    let result = sys::two_named(nr::SYMLINK, c"../says/this", &c(&path)?);
    Ok(format!("path={} new_path=../says/this result={result}", path.display()))
}

fn rmdir(args: &Args) -> Told {
    let path = args.below("rmdir")?;
    let name = c(&path)?;
    sys::need("mkdir", sys::named(nr::MKDIR, &name, [0o700]))?;
    told(&path, sys::named(nr::RMDIR, &name, []))
}

const ATTRIBUTE: &std::ffi::CStr = c"user.taffrail";

fn set_attribute(path: &CString) -> isize {
    let value = b"noted";
    sys::named(nr::SETXATTR, path, [ATTRIBUTE.as_ptr() as usize, value.as_ptr() as usize, value.len(), 0])
}

fn removexattr(args: &Args) -> Told {
    let path = args.below("removexattr")?;
    let name = made(&path)?;
    set_attribute(&name);
    told(&path, sys::two_named(nr::REMOVEXATTR, &name, ATTRIBUTE))
}

/// Everything that has a variant with a directory descriptor, below `DIR/at`.
fn at(args: &Args) -> Told {
    let dir = args.below("at")?;
    std::fs::create_dir(&dir)?;
    let fd = sys::need("open", sys::open(&c(&dir)?, o::RDONLY | o::DIRECTORY | o::CLOEXEC, 0))?;
    let done = [
        ("openat", sys::at(nr::OPENAT, fd, c"file", [o::WRONLY | o::CREAT | o::EXCL, 0o644])),
        ("mkdirat", sys::at(nr::MKDIRAT, fd, c"dir", [0o711])),
        ("mknodat", sys::at(nr::MKNODAT, fd, c"fifo", [0o010_622, 0])),
        ("fchmodat", sys::at(nr::FCHMODAT, fd, c"file", [0o700])),
        ("fchownat", sys::at(nr::FCHOWNAT, fd, c"file", [1000, u32::MAX as usize, 0])),
        ("linkat", sys::at(nr::LINKAT, fd, c"file", [fd, c"linked".as_ptr() as usize, 0])),
        ("symlinkat", sys::named(nr::SYMLINKAT, c"file", [fd, c"symbolic".as_ptr() as usize])),
        ("renameat2", sys::at(nr::RENAMEAT2, fd, c"linked", [fd, c"renamed".as_ptr() as usize, 1])),
        ("unlinkat", sys::at(nr::UNLINKAT, fd, c"renamed", [0])),
        ("rmdirat", sys::at(nr::UNLINKAT, fd, c"dir", [0x200])),
    ];
    if let Some((call, result)) = done.iter().find(|(_, result)| *result < 0) {
        return Err(io::Error::other(format!("{call}: {result}")));
    }
    sys::close(fd);
    Ok(format!("dir={} calls={}", dir.display(), done.len()))
}

/// Opens and removes a file by a name relative to the working directory.
fn relative(args: &Args) -> Told {
    let path: PathBuf = args.below("relative")?;
    std::env::set_current_dir(args.text(0)?)?;
    let fd = sys::need("open", sys::at(nr::OPENAT, CWD, c"./relative", [o::WRONLY | o::CREAT | o::EXCL, 0o644]))?;
    sys::close(fd);
    told(&path, sys::named(nr::UNLINK, c"./relative", []))
}
