//! Names that do not say which file they mean.

use crate::act::{Act, Args, Told, c};
use crate::file::made;
use crate::sys::{self, CWD, nr, o};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;

pub const ACTS: &[Act] = &[
    ("dotdot", dotdot),
    ("symlink-open", symlink_open),
    ("chroot-open", chroot_open),
    ("long-path", long_path),
    ("deep-path", deep_path),
    ("non-utf8", non_utf8),
];

fn open_and_close(name: &std::ffi::CStr) -> std::io::Result<()> {
    sys::close(sys::need("open", sys::open(name, o::RDONLY, 0))?);
    Ok(())
}

/// `dotdot DIR FILE`: opens `/DIR/../../../FILE`, with a dot and a slash too many.
fn dotdot(args: &Args) -> Told {
    let (dir, file) = (args.below("")?, args.text(1)?);
    let up: String = dir.components().skip(1).map(|_| "../").collect();
    let asked = format!("{}{up}./{file}", dir.display());
    open_and_close(&c(&asked)?)?;
    Ok(format!("path={file} asked={asked}"))
}

/// `symlink-open DIR`: opens the target by the link's name.
fn symlink_open(args: &Args) -> Told {
    let (target, link) = (args.below("symlink-target")?, args.below("symlink-link")?);
    made(&target)?;
    std::os::unix::fs::symlink("symlink-target", &link)?;
    open_and_close(&c(&link)?)?;
    Ok(format!("path={} asked={}", target.display(), link.display()))
}

/// `chroot-open DIR`: opens `/inside` where the root is `DIR/jail`.
fn chroot_open(args: &Args) -> Told {
    let jail = args.below("jail")?;
    std::fs::create_dir(&jail)?;
    made(&jail.join("inside"))?;
    sys::need("chroot", sys::named(nr::CHROOT, &c(&jail)?, []))?;
    open_and_close(c"/inside")?;
    Ok(format!("path={}/inside asked=/inside", jail.display()))
}

/// `long-path DIR`: makes, opens and removes a file by the longest name that the kernel takes, 4,095 bytes.
fn long_path(args: &Args) -> Told {
    let mut path = args.below("l")?.to_string_lossy().into_owned();
    while path.len() < 4095 - 250 {
        path.push_str(&format!("/{}", "d".repeat(200)));
    }
    std::fs::create_dir_all(&path)?;
    path.push('/');
    path.push_str(&"f".repeat(4095 - path.len()));
    let name = made(path.as_ref())?;
    open_and_close(&name)?;
    sys::need("unlink", sys::named(nr::UNLINK, &name, []))?;
    Ok(format!("bytes={}", path.len()))
}

/// `deep-path DIR`: goes down step by step to where no call could name it any more, and makes, opens and removes a file
/// there by its last name.
fn deep_path(args: &Args) -> Told {
    const STEPS: usize = 40;
    let (top, step) = (args.below("deep")?, "s".repeat(200));
    std::fs::create_dir(&top)?;
    std::env::set_current_dir(&top)?;
    for _ in 0..STEPS {
        std::fs::create_dir(&step)?;
        std::env::set_current_dir(&step)?;
    }
    sys::close(sys::need("open", sys::at(nr::OPENAT, CWD, c"bottom", [o::WRONLY | o::CREAT | o::EXCL, 0o644]))?);
    open_and_close(c"bottom")?;
    sys::need("unlink", sys::named(nr::UNLINK, c"bottom", []))?;
    Ok(format!("file=bottom bytes={}", top.as_os_str().len() + STEPS * (1 + step.len()) + "/bottom".len()))
}

/// `non-utf8 DIR`: a file whose name is the bytes ff fe 80.
fn non_utf8(args: &Args) -> Told {
    let path = args.below("")?.join(OsStr::from_bytes(&[0xff, 0xfe, 0x80]));
    made(&path)?;
    Ok(format!("dir={} name=fffe80", args.text(0)?))
}
