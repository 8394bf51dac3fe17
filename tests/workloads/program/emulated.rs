//! 32-bit system calls out of a 64-bit program: `int 0x80` has other numbers for the same acts.

use crate::act::{Act, Args, Told};
use crate::file::made;
use crate::kernel::{ANONYMOUS, RW};
use crate::sys::{self, nr};
use std::arch::asm;
use std::io;
use std::path::Path;

pub const ACTS: &[Act] = &[("int80-open", open), ("int80-unlink", unlink), ("int80-mkdir", mkdir)];

/// Numbers of i386.
mod i386 {
    pub const OPEN: u32 = 5;
    pub const CLOSE: u32 = 6;
    pub const UNLINK: u32 = 10;
    pub const MKDIR: u32 = 39;
}

/// A path below 4 GiB, where 32 bits can point to it.
fn low(path: &str) -> io::Result<u32> {
    const MAP_32BIT: usize = 0x40;
    let page = sys::need("mmap", sys::plain(nr::MMAP, [0, 8192, RW, ANONYMOUS | MAP_32BIT, usize::MAX, 0]))?;
    if path.len() > 4095 {
        return Err(io::Error::other("the path is too long"));
    }
    // SAFETY: the page is new, nobody else's, and longer than the path and the NUL that is there already.
    unsafe { std::ptr::copy_nonoverlapping(path.as_ptr(), page as *mut u8, path.len()) };
    u32::try_from(page).map_err(io::Error::other)
}

/// Makes a 32-bit system call.
///
/// # Safety
/// As for [`sys::call`].
unsafe fn call(nr: u32, args: [u32; 3]) -> i32 {
    let result: u64;
    // SAFETY: the compiler keeps rbx for itself, so it is swapped in and out; the kernel may clear r8 to r11.
    unsafe {
        asm!(
            "xchg rbx, {first}",
            "int 0x80",
            "xchg rbx, {first}",
            first = inout(reg) u64::from(args[0]) => _,
            inlateout("rax") u64::from(nr) => result,
            in("rcx") u64::from(args[1]), in("rdx") u64::from(args[2]),
            lateout("r8") _, lateout("r9") _, lateout("r10") _, lateout("r11") _,
        );
    }
    result as i32
}

/// `int80-open FILE`: opened for reading and closed.
fn open(args: &Args) -> Told {
    let path = low(args.text(0)?)?;
    // SAFETY: the path ends with a NUL and stays; closing is of what was just opened.
    let fd = unsafe { call(i386::OPEN, [path, 0, 0]) };
    sys::need("open", fd as isize)?;
    // SAFETY: no argument is an address.
    let closed = unsafe { call(i386::CLOSE, [fd as u32, 0, 0]) };
    Ok(format!("path={} fd={fd} closed={closed}", args.text(0)?))
}

/// `int80-unlink FILE`: made by an ordinary call, removed by the 32-bit one.
fn unlink(args: &Args) -> Told {
    made(Path::new(args.text(0)?))?;
    let path = low(args.text(0)?)?;
    // SAFETY: as above.
    let result = unsafe { call(i386::UNLINK, [path, 0, 0]) };
    Ok(format!("path={} result={result} gone={}", args.text(0)?, !Path::new(args.text(0)?).exists()))
}

/// `int80-mkdir DIR`: 39, which is `getpid` where nobody looks at the kind of call.
fn mkdir(args: &Args) -> Told {
    let path = low(args.text(0)?)?;
    // SAFETY: as above.
    let result = unsafe { call(i386::MKDIR, [path, 0o755, 0]) };
    Ok(format!("path={} result={result}", args.text(0)?))
}
