//! What the kernel looked up for a name. A call that removes or changes a file by its name is told by a text in the
//! program's memory, which another thread can change between any two looks at it. Where the kernel lets programs onto
//! its functions, these run when it has found the file and is about to act: whatever the text was, this is the truth.
//!
//! Optional: under lockdown the kernel refuses programs on its functions, and the text has to do.

use aya_ebpf::{
    macros::{fentry, map},
    maps::{LruHashMap, PerCpuArray},
    programs::FEntryContext,
};
use taffrail_probes_abi::{
    Header, WalkedPath,
    call::{Call, NAMED_MAX, NamedKey, call_flags},
    header_flags::PATH_CUT,
};

use crate::{
    globals::offset,
    hooks::call::ENTERED,
    kernel::{current, read},
    path::{is_elsewhere, walk},
    record::{Memory, Scratch, Strings, alone},
};

/// Walked paths of calls in flight. What of it belongs to a call stands in its [`ENTERED`].
#[map]
static NAMED: LruHashMap<NamedKey, [u8; WalkedPath::BYTES_MAX]> = LruHashMap::with_max_entries(NAMED_MAX, 0);

/// One for each program: a program on a function can be preempted, and then another one may run, but never the same.
#[map]
static NAMED_SCRATCH: PerCpuArray<Scratch> = PerCpuArray::with_max_entries(10, 0);

/// Defines the programs on functions that are given a directory's path and an entry in it.
macro_rules! in_directory {
    ($($name:ident $slot:literal;)*) => {$(
        /// `(const struct path *dir, struct dentry *dentry, ...)`
        #[fentry]
        pub fn $name(ctx: FEntryContext) -> i32 {
            let _ = keep($slot, 0, mount(ctx.arg(0)), ctx.arg(1));
            0
        }
    )*};
}

/// Defines the programs on functions that are given a path.
macro_rules! of_path {
    ($($name:ident $slot:literal;)*) => {$(
        /// `(const struct path *path, ...)`
        #[fentry]
        pub fn $name(ctx: FEntryContext) -> i32 {
            let path: u64 = ctx.arg(0);
            let _ = keep($slot, 0, mount(path), read(path + offset!(path_dentry)));
            0
        }
    )*};
}

in_directory! {
    security_path_unlink 0;
    security_path_rmdir 1;
    security_path_mkdir 2;
    security_path_mknod 3;
    security_path_symlink 4;
}

of_path! {
    security_path_chmod 5;
    security_path_chown 6;
    security_path_truncate 7;
}

/// `(struct dentry *old_dentry, const struct path *new_dir, struct dentry *new_dentry)`; both are of one mount.
#[fentry]
pub fn security_path_link(ctx: FEntryContext) -> i32 {
    let mnt = mount(ctx.arg(1));
    let _ = keep(8, 0, mnt, ctx.arg(0));
    let _ = keep(8, 1, mnt, ctx.arg(2));
    0
}

/// `(const struct path *old_dir, struct dentry *old_dentry, const struct path *new_dir, struct dentry *new_dentry,
/// unsigned int flags)`
#[fentry]
pub fn security_path_rename(ctx: FEntryContext) -> i32 {
    let _ = keep(9, 0, mount(ctx.arg(0)), ctx.arg(1));
    let _ = keep(9, 1, mount(ctx.arg(2)), ctx.arg(3));
    0
}

/// The mount of a `struct path`.
#[inline(always)]
fn mount(path: u64) -> u64 {
    read(path + offset!(path_mnt))
}

/// Keeps the walked path of a mount and an entry as the first (0) or second (1) name of the call that this thread is in.
/// Now and not when the call ends: by then the entry may have another name, or be gone.
#[inline(never)]
fn keep(slot: u32, which: u32, mnt: u64, dentry: u64) -> Option<()> {
    let tid: u32 = current().at(offset!(task_pid));
    // There is none where the call is not recorded, makes a name in passing (a bind), or io_uring made it.
    let entered = ENTERED.get_ptr_mut(&tid)?;
    let scratch = NAMED_SCRATCH.get_ptr_mut(slot)?;
    // SAFETY: map memory, this thread's own and this program's own on this CPU.
    unsafe {
        if (*entered).nr == u64::MAX {
            return None;
        }
        let strings = alone(scratch);
        let len = walk(strings, mnt, dentry);
        let walked = scratch.cast::<u8>().add(size_of::<Header>()).cast::<[u8; WalkedPath::BYTES_MAX]>();
        NAMED.insert(&NamedKey { tid, which }, &*walked, 0).ok()?;
        if strings.has(PATH_CUT) {
            (*entered).cut = 1;
        }
        if which == 0 {
            (*entered).walked[0] = len as u16;
            (*entered).what |= call_flags::KERNEL_PATH | if is_elsewhere(mnt) { call_flags::OTHER_MOUNTS } else { 0 };
        } else {
            (*entered).walked[1] = len as u16;
            (*entered).what |= call_flags::KERNEL_NEW_PATH;
        }
    }
    Some(())
}

/// Adds the walked path that the kernel was seen to look up for the first (0) or second (1) name of this call; gives its
/// bytes, none where nothing was seen.
#[inline(never)]
pub fn looked_up(strings: Strings, body: *mut Call, nr: u64, which: u32) -> Option<u64> {
    let tid: u32 = current().at(offset!(task_pid));
    let entered = ENTERED.get_ptr(&tid)?;
    // SAFETY: map memory, this thread's own; the body is in the record's memory.
    unsafe {
        let (flag, bytes) = if which == 0 {
            (call_flags::KERNEL_PATH, (*entered).walked[0])
        } else {
            (call_flags::KERNEL_NEW_PATH, (*entered).walked[1])
        };
        if (*entered).nr != nr || (*entered).what & flag == 0 {
            return None;
        }
        let walked = NAMED.get_ptr(&NamedKey { tid, which })?;
        let pushed = strings.push_bytes(walked as u64, u64::from(bytes), Memory::Kernel)?;
        (*body).what |= (*entered).what & (flag | call_flags::OTHER_MOUNTS);
        if (*entered).cut != 0 {
            strings.flag(PATH_CUT);
        }
        Some(pushed)
    }
}
