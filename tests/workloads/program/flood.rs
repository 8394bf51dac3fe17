//! Too much, too short, or both.

use crate::act::{Act, Args, Told, c};
use crate::file::made;
use crate::process::{own_path, run};
use crate::sys::{self, o};
use std::io::{self, Read as _};
use std::path::Path;

pub const ACTS: &[Act] = &[("short-life", short_life), ("fork-bomb", fork_bomb), ("open-flood", open_flood)];

/// `short-life FILE`: one open, and the end.
fn short_life(args: &Args) -> Told {
    let result = sys::open(&c(args.text(0)?)?, o::RDONLY, 0);
    sys::need("open", result)?;
    Ok(format!("path={} fd={result}", args.text(0)?))
}

/// `fork-bomb N`: N processes that are all alive at once, and gone at the end. Each ends with code 3.
fn fork_bomb(args: &Args) -> Told {
    const MOST: u64 = 5000;
    let count = args.number(0)?;
    if count > MOST {
        return Err(io::Error::other("too many for a harmless bomb"));
    }
    let (mut wait, hold) = io::pipe()?;
    let writer = std::os::fd::AsRawFd::as_raw_fd(&hold) as usize;
    let mut children = Vec::new();
    for _ in 0..count {
        children.push(sys::fork(|| {
            sys::close(writer);
            if wait.read(&mut [0]).is_ok() { 3 } else { 4 }
        })?);
    }
    drop(hold);
    let mut ended = 0;
    for child in children {
        ended += u64::from(sys::code(child)? == 3);
    }
    Ok(format!("processes={count} ended={ended}"))
}

/// `open-flood N FILE`: opens its file N times as fast as it can, and half way runs the marker.
fn open_flood(args: &Args) -> Told {
    let (count, path) = (args.number(0)?, args.text(1)?);
    let name = made(Path::new(path))?;
    let mut marker = (0, 0);
    for at in 0..count {
        if at == count / 2 {
            marker = run(&own_path()?, &["workloads", "marker"])?;
        }
        sys::close(sys::need("open", sys::open(&name, o::RDONLY, 0))?);
    }
    Ok(format!("path={path} opens={count} marker={} code={}", marker.0, marker.1))
}
