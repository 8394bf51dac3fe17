//! Names and changes of files.

use super::{abi, first_name, id, joined, outcome, rewritten, second_name};
use taffrail_probes::Names;
use taffrail_probes::abi::Header;
use taffrail_probes::abi::call::{Call, call_flags, nr};
use taffrail_trace::event::{FileEvent, FileOp, PathSource};
use taffrail_trace::text;

const O_CREAT: u64 = 0o100;
/// `O_CREAT | O_WRONLY | O_TRUNC`, which `creat` stands for.
const CREAT_FLAGS: u64 = 0o1101;
const AT_REMOVEDIR: u64 = 0x200;

/// What the arguments of a call say, whichever of its variants it was.
#[derive(Clone, Copy)]
struct Request {
    op: FileOp,
    flags: u64,
    mode: Option<u64>,
    owner: Option<(u64, u64)>,
    size: Option<u64>,
}

/// What a record of an open or a change says; `None` for a call that is neither, which no build of the kernel side
/// sends.
pub fn file(header: &Header, call: &Call, names: &Names<'_>) -> Option<FileEvent> {
    let Request { op, flags, mode, owner, size } = request(call)?;
    let (path, path_source) = first_name(header, call, names.base, names.path);
    let was_entered = call.what & call_flags::ENTERED != 0;
    let by_kernel = was_entered && path_source == PathSource::Kernel && ends_in_entry(op);
    let changed = rewritten(call, call_flags::ENTERED, names.entered, names.path)
        || by_kernel && ends_otherwise(&path, names.entered);
    let entered = || match path_source {
        PathSource::User => joined(header, call, names.base, names.entered),
        // The directory it is relative to is not told beside the kernel's own name.
        PathSource::Kernel => text::from_bytes(names.entered),
    };
    let new_path = match op {
        FileOp::Rename | FileOp::Link => Some(second_name(header, call, names.new_base, names.new_path)),
        FileOp::Symlink => Some(text::from_bytes(names.data)),
        _ => None,
    };
    let new_rewritten_from = second_rewritten(header, call, names, op, new_path.as_deref());
    let is_open = matches!(op, FileOp::Open | FileOp::Create);
    Some(FileEvent {
        op,
        path,
        new_path,
        path_source,
        rewritten_from: changed.then(entered),
        new_rewritten_from,
        other_mounts: call.what & call_flags::OTHER_MOUNTS != 0,
        flags: flags as u32,
        mode: mode.map(|mode| mode as u32 & 0o7777),
        owner: owner.map(|(user, group)| (id(user), id(group))),
        attribute: matches!(op, FileOp::Setxattr | FileOp::Removexattr).then(|| text::from_bytes(names.data)),
        size_bytes: size,
        result: (call.what & call_flags::PENDING == 0).then(|| outcome(call.result)),
        fd: (is_open && call.result >= 0 && call.what & call_flags::PENDING == 0)
            .then(|| i32::try_from(call.result).unwrap_or(i32::MAX)),
        inode: (call.inode != 0).then_some(call.inode),
        dev: (call.inode != 0).then_some(call.dev),
        abi: abi(header),
    })
}

/// What the second name, or another text of the call, was when it began, where it is another one since.
fn second_rewritten(
    header: &Header,
    call: &Call,
    names: &Names<'_>,
    op: FileOp,
    new_path: Option<&str>,
) -> Option<String> {
    let before = names.entered_second;
    if !matches!(op, FileOp::Rename | FileOp::Link) {
        let changed = rewritten(call, call_flags::ENTERED_SECOND, before, names.data);
        return changed.then(|| text::from_bytes(before));
    }
    if call.what & call_flags::KERNEL_NEW_PATH != 0 {
        let was_read = call.what & call_flags::ENTERED_SECOND != 0;
        let changed = was_read && ends_otherwise(new_path?, before);
        return changed.then(|| text::from_bytes(before));
    }
    let changed = rewritten(call, call_flags::ENTERED_SECOND, before, names.new_path);
    changed.then(|| joined(header, call, names.new_base, before))
}

/// Whether a call never follows a link at the end of its name: then the kernel's own name ends as the program's did.
fn ends_in_entry(op: FileOp) -> bool {
    matches!(op, FileOp::Unlink | FileOp::Rmdir | FileOp::Rename | FileOp::Symlink | FileOp::Mkdir | FileOp::Mknod)
}

/// Whether the kernel's own name ends in another word than the program's had when the call began.
fn ends_otherwise(path: &str, entered: &[u8]) -> bool {
    let entered = text::from_bytes(entered);
    let last = |name: &str| name.trim_end_matches('/').rsplit('/').next().map(str::to_owned);
    !entered.is_empty() && last(path) != last(&entered)
}

fn request(call: &Call) -> Option<Request> {
    let plain = |op| Request { op, flags: 0, mode: None, owner: None, size: None };
    let open = |flags: u64, mode: u64| {
        let created = call.what & call_flags::CREATED != 0;
        let op = if created { FileOp::Create } else { FileOp::Open };
        Request { flags, mode: (flags & O_CREAT != 0).then_some(mode), ..plain(op) }
    };
    let with_mode = |op, mode| Request { mode: Some(mode), ..plain(op) };
    let chown = |user, group, flags| Request { flags, owner: Some((user, group)), ..plain(FileOp::Chown) };
    let [_, second, third, fourth, fifth, _] = call.args;
    Some(match call.nr {
        nr::OPEN => open(second, third),
        nr::CREAT => open(CREAT_FLAGS, second),
        nr::OPENAT | nr::OPENAT2 => open(third, fourth),
        nr::OPEN_BY_HANDLE_AT => open(third, 0),
        nr::UNLINK => plain(FileOp::Unlink),
        nr::RMDIR => plain(FileOp::Rmdir),
        nr::UNLINKAT if third & AT_REMOVEDIR != 0 => Request { flags: third, ..plain(FileOp::Rmdir) },
        nr::UNLINKAT => Request { flags: third, ..plain(FileOp::Unlink) },
        nr::RENAME | nr::RENAMEAT => plain(FileOp::Rename),
        // io_uring's flags stand where those of an open do.
        nr::RENAMEAT2 if call.what & call_flags::PENDING != 0 => Request { flags: third, ..plain(FileOp::Rename) },
        nr::RENAMEAT2 => Request { flags: fifth, ..plain(FileOp::Rename) },
        nr::LINK | nr::LINKAT => plain(FileOp::Link),
        nr::SYMLINK | nr::SYMLINKAT => plain(FileOp::Symlink),
        nr::MKDIR => with_mode(FileOp::Mkdir, second),
        nr::MKDIRAT => with_mode(FileOp::Mkdir, third),
        nr::MKNOD => with_mode(FileOp::Mknod, second),
        nr::MKNODAT => with_mode(FileOp::Mknod, third),
        nr::CHMOD | nr::FCHMOD => with_mode(FileOp::Chmod, second),
        nr::FCHMODAT => with_mode(FileOp::Chmod, third),
        nr::FCHMODAT2 => Request { flags: fourth, ..with_mode(FileOp::Chmod, third) },
        nr::CHOWN | nr::FCHOWN | nr::LCHOWN => chown(second, third, 0),
        nr::FCHOWNAT => chown(third, fourth, fifth),
        nr::SETXATTR | nr::LSETXATTR | nr::FSETXATTR => Request { flags: fifth, ..plain(FileOp::Setxattr) },
        nr::SETXATTRAT => plain(FileOp::Setxattr),
        nr::REMOVEXATTR | nr::LREMOVEXATTR | nr::FREMOVEXATTR | nr::REMOVEXATTRAT => plain(FileOp::Removexattr),
        nr::TRUNCATE | nr::FTRUNCATE => Request { size: Some(second), ..plain(FileOp::Truncate) },
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(nr: u16, args: [u64; 6], names: &Names<'_>, what: u16) -> FileEvent {
        let call = Call { nr, args, what, ..Call::default() };
        file(&Header::default(), &call, names).expect("a file call")
    }

    #[test]
    fn the_variants_of_a_call_say_the_same() {
        let names = Names { path: b"/x", ..Names::default() };
        let old = event(nr::CHMOD, [0, 0o755, 0, 0, 0, 0], &names, 0);
        let new = event(nr::FCHMODAT, [0, 0, 0o755, 0, 0, 0], &names, 0);
        assert_eq!((old.op, old.mode), (FileOp::Chmod, Some(0o755)));
        assert_eq!(old, new);
        assert_eq!(event(nr::UNLINKAT, [0, 0, 0x200, 0, 0, 0], &names, 0).op, FileOp::Rmdir);
    }

    #[test]
    fn a_name_that_changed_while_the_kernel_worked_is_flagged_and_one_that_did_not_is_not() {
        let names = Names { path: b"/fake", entered: b"/real", ..Names::default() };
        let changed = event(nr::UNLINK, [0; 6], &names, call_flags::ENTERED);
        assert_eq!((changed.path.as_str(), changed.rewritten_from.as_deref()), ("/fake", Some("/real")));
        let same = Names { path: b"/real", entered: b"/real", ..Names::default() };
        assert_eq!(event(nr::UNLINK, [0; 6], &same, call_flags::ENTERED).rewritten_from, None);
        assert_eq!(event(nr::UNLINK, [0; 6], &names, 0).rewritten_from, None, "nothing was read at the beginning");
    }

    #[test]
    fn a_second_name_that_changed_is_flagged_too() {
        let names =
            Names { path: b"/x", new_base: b"d\0", new_path: b"now", entered_second: b"before", ..Names::default() };
        let link = event(nr::LINKAT, [0; 6], &names, call_flags::ENTERED_SECOND);
        assert_eq!((link.new_path.as_deref(), link.new_rewritten_from.as_deref()), (Some("/d/now"), Some("/d/before")));
        assert_eq!(event(nr::LINKAT, [0; 6], &names, 0).new_rewritten_from, None, "nothing was read at the beginning");
        let text = Names { path: b"/x", data: b"now", entered_second: b"before", ..Names::default() };
        let symlink = event(nr::SYMLINK, [0; 6], &text, call_flags::ENTERED_SECOND);
        assert_eq!(symlink.new_rewritten_from.as_deref(), Some("before"));
        let by_kernel = call_flags::ENTERED_SECOND | call_flags::KERNEL_NEW_PATH;
        let names = Names { new_base: b"real\0d\0", entered_second: b"d/fake", ..Names::default() };
        let renamed = event(nr::RENAME, [0; 6], &names, by_kernel);
        assert_eq!(
            (renamed.new_path.as_deref(), renamed.new_rewritten_from.as_deref()),
            (Some("/d/real"), Some("d/fake"))
        );
        let same = Names { entered_second: b"../real", ..names };
        assert_eq!(event(nr::RENAME, [0; 6], &same, by_kernel).new_rewritten_from, None);
    }

    #[test]
    fn the_kernels_own_name_is_the_path_whatever_the_memory_said() {
        let both = call_flags::KERNEL_PATH | call_flags::KERNEL_NEW_PATH | call_flags::ENTERED;
        let names = Names {
            base: b"real\0d\0",
            path: b"/d/fake",
            new_base: b"new\0d\0",
            entered: b"/d/fake",
            ..Names::default()
        };
        let renamed = event(nr::RENAME, [0; 6], &names, both);
        assert_eq!((renamed.path.as_str(), renamed.new_path.as_deref()), ("/d/real", Some("/d/new")));
        assert_eq!((renamed.path_source, renamed.rewritten_from.as_deref()), (PathSource::Kernel, Some("/d/fake")));
        let same = Names { base: b"real\0d\0", path: b"../d/real/", entered: b"../d/real/", ..Names::default() };
        assert_eq!(event(nr::RMDIR, [0; 6], &same, both).rewritten_from, None);
    }

    #[test]
    fn a_call_of_another_family_is_no_file_event() {
        let call = Call { nr: nr::SETUID, ..Call::default() };
        assert_eq!(file(&Header::default(), &call, &Names::default()), None);
    }
}
