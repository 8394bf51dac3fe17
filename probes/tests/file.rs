//! Files opened, removed, renamed, changed.

mod support;

use std::fs::{self, File, OpenOptions, Permissions};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, symlink};
use std::path::PathBuf;

use nix::fcntl::{OFlag, OpenHow, RenameFlags, openat, openat2, renameat2};
use nix::sys::stat::{FchmodatFlags, Mode, fchmodat};
use nix::unistd::{UnlinkatFlags, unlinkat};
use support::record;
use taffrail_probes::abi::{Kind, file::file_flags};

fn place() -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().canonicalize().expect("its path");
    (directory, path)
}

fn text(path: &std::path::Path) -> String {
    path.to_string_lossy().into_owned()
}

#[test]
fn an_open_through_dots_and_links_is_named_by_the_kernel() {
    let (_directory, place) = place();
    fs::create_dir(place.join("real")).expect("a directory");
    fs::write(place.join("real/secret"), "x").expect("a file");
    symlink("real", place.join("alias")).expect("a link");
    let devious = place.join("alias/../alias/./../real/../alias/secret");
    let recorded = record(|| drop(File::open(&devious).expect("the file")));
    let name = text(&place.join("real/secret"));
    let opens = recorded.own_files(Kind::Open);
    let open = opens.iter().find(|open| open.base == name).expect("the kernel's name was recorded");
    let file = fs::metadata(&devious).expect("the file");
    assert_eq!(open.op.inode, file.ino());
    assert_eq!(open.op.what & file_flags::KERNEL_PATH, file_flags::KERNEL_PATH);
    assert_eq!(open.op.what & file_flags::CREATED, 0);
    assert!(open.op.result >= 0);
    assert_eq!(open.path, "");
}

#[test]
fn a_file_made_by_an_open_is_known_as_new() {
    let (_directory, place) = place();
    let new = place.join("new");
    let recorded = record(|| {
        drop(OpenOptions::new().write(true).create(true).truncate(true).mode(0o640).open(&new).expect("a file"));
        drop(OpenOptions::new().append(true).create(true).open(&new).expect("the file"));
    });
    let opens: Vec<_> = recorded.own_files(Kind::Open).into_iter().filter(|open| open.base == text(&new)).collect();
    assert_eq!(opens.len(), 2);
    assert_ne!(opens[0].op.what & file_flags::CREATED, 0);
    assert_eq!(opens[1].op.what & file_flags::CREATED, 0);
    assert_eq!(opens[0].op.mode, 0o640);
    assert_eq!(opens[0].op.flags & 0o1103, 0o1101, "O_CREAT, O_WRONLY, O_TRUNC");
}

#[test]
fn a_failed_open_tells_what_was_asked() {
    let (_directory, place) = place();
    let missing = place.join("missing");
    let directory = File::open(&place).expect("the directory");
    let recorded = record(|| {
        File::open(&missing).expect_err("no such file");
        openat(&directory, "also/missing", OFlag::O_RDONLY, Mode::empty()).expect_err("no such file");
        openat2(&directory, "still/missing", OpenHow::new().flags(OFlag::O_WRONLY)).expect_err("no such file");
    });
    let opens = recorded.own_files(Kind::Open);
    let absolute = opens.iter().find(|open| open.path == text(&missing)).expect("the absolute open");
    assert_eq!((absolute.op.result, absolute.base), (-2, ""));
    assert_eq!(absolute.op.what & file_flags::KERNEL_PATH, 0);
    for (path, syscall, flags) in [("also/missing", 257, 0), ("still/missing", 437, 1)] {
        let relative = opens.iter().find(|open| open.path == path).expect("the relative open");
        assert_eq!((relative.op.result, relative.base), (-2, text(&place).as_str()));
        assert_eq!((relative.op.syscall, relative.op.flags & 3), (syscall, flags));
    }
}

#[test]
fn a_base_that_is_the_root_or_unknown_is_told_apart() {
    let recorded = record(|| {
        let root = File::open("/").expect("the root");
        openat(&root, "no-such-name-1", OFlag::O_RDONLY, Mode::empty()).expect_err("no such file");
        #[expect(unsafe_code, reason = "a bad descriptor on purpose")]
        // SAFETY: the descriptor is only passed to a system call, which refuses it.
        let bad = unsafe { std::os::fd::BorrowedFd::borrow_raw(9999) };
        openat(bad, "no-such-name-2", OFlag::O_RDONLY, Mode::empty()).expect_err("no such descriptor");
    });
    let opens = recorded.own_files(Kind::Open);
    let known = opens.iter().find(|open| open.path == "no-such-name-1").expect("the first");
    let unknown = opens.iter().find(|open| open.path == "no-such-name-2").expect("the second");
    assert_eq!(known.op.what & file_flags::BASE_UNKNOWN, 0);
    assert_eq!(unknown.op.what & file_flags::BASE_UNKNOWN, file_flags::BASE_UNKNOWN);
    assert_eq!(unknown.op.result, -9);
}

#[test]
fn removals_are_told_with_their_directory() {
    let (_directory, place) = place();
    for name in ["a", "b"] {
        fs::write(place.join(name), "").expect("a file");
        fs::create_dir(place.join(format!("{name}-dir"))).expect("a directory");
    }
    let directory = File::open(&place).expect("the directory");
    let recorded = record(|| {
        fs::remove_file(place.join("a")).expect("unlink");
        fs::remove_dir(place.join("a-dir")).expect("rmdir");
        unlinkat(&directory, "b", UnlinkatFlags::NoRemoveDir).expect("unlinkat");
        unlinkat(&directory, "b-dir", UnlinkatFlags::RemoveDir).expect("unlinkat of a directory");
        fs::remove_file(place.join("a")).expect_err("it is gone");
    });
    let told: Vec<(String, String, u16, i64)> = recorded
        .own_files(Kind::Unlink)
        .iter()
        .map(|unlink| {
            (unlink.base.to_owned(), unlink.path.to_owned(), unlink.op.what & file_flags::DIRECTORY, unlink.op.result)
        })
        .collect();
    let (base, absolute) = (text(&place), |name| text(&place.join(name)));
    assert_eq!(
        told,
        [
            (String::new(), absolute("a"), 0, 0),
            (String::new(), absolute("a-dir"), file_flags::DIRECTORY, 0),
            (base.clone(), "b".to_owned(), 0, 0),
            (base, "b-dir".to_owned(), file_flags::DIRECTORY, 0),
            (String::new(), absolute("a"), 0, -2),
        ]
    );
}

#[test]
fn a_rename_tells_both_names() {
    let (_directory, place) = place();
    fs::write(place.join("old"), "").expect("a file");
    fs::create_dir(place.join("sub")).expect("a directory");
    let (here, there) = (File::open(&place).expect("here"), File::open(place.join("sub")).expect("there"));
    let recorded = record(|| {
        fs::rename(place.join("old"), place.join("new")).expect("rename");
        renameat2(&here, "new", &there, "newer", RenameFlags::RENAME_NOREPLACE).expect("renameat2");
    });
    let renames = recorded.own_files(Kind::Rename);
    assert_eq!(renames.len(), 2);
    assert_eq!((renames[0].base, renames[0].path), ("", text(&place.join("old")).as_str()));
    assert_eq!((renames[0].new_base, renames[0].new_path), ("", text(&place.join("new")).as_str()));
    assert_eq!((renames[1].base, renames[1].path), (text(&place).as_str(), "new"));
    assert_eq!((renames[1].new_base, renames[1].new_path), (text(&place.join("sub")).as_str(), "newer"));
    assert_eq!((renames[1].op.flags, renames[1].op.syscall), (1, 316));
}

#[test]
fn a_chmod_tells_the_file_and_the_mode() {
    let (_directory, place) = place();
    let path = place.join("file");
    let file = File::create(&path).expect("a file");
    let directory = File::open(&place).expect("the directory");
    let recorded = record(|| {
        fs::set_permissions(&path, Permissions::from_mode(0o4755)).expect("chmod");
        file.set_permissions(Permissions::from_mode(0o600)).expect("fchmod");
        fchmodat(&directory, "file", Mode::from_bits_truncate(0o711), FchmodatFlags::FollowSymlink).expect("fchmodat");
    });
    let told: Vec<_> = recorded
        .own_files(Kind::Chmod)
        .iter()
        .map(|chmod| (chmod.base.to_owned(), chmod.path.to_owned(), chmod.op.mode, chmod.op.result))
        .collect();
    let name = text(&path);
    assert_eq!(
        told,
        [
            (String::new(), name.clone(), 0o4755, 0),
            (name, String::new(), 0o600, 0),
            (text(&place), "file".to_owned(), 0o711, 0),
        ]
    );
}

#[test]
fn a_path_across_mounts_is_walked_to_the_root() {
    // /proc and /sys/kernel are mounts of their own.
    let recorded = record(|| drop(File::open("/proc/self/../version").expect("a file of another mount")));
    let opens = recorded.own_files(Kind::Open);
    assert!(opens.iter().any(|open| open.base == "/proc/version"), "{opens:?}");
}

#[test]
fn what_lies_in_no_directory_still_has_a_name() {
    let (reader, _writer) = std::io::pipe().expect("a pipe");
    let memory = nix::sys::memfd::memfd_create("hidden", nix::sys::memfd::MFdFlags::empty()).expect("a memfd");
    let through = |fd: &dyn std::os::fd::AsRawFd| format!("/proc/self/fd/{}", fd.as_raw_fd());
    let recorded = record(|| {
        drop(File::open(through(&reader)).expect("the pipe"));
        drop(File::open(through(&memory)).expect("the memfd"));
    });
    let opens = recorded.own_files(Kind::Open);
    for name in ["/pipefs", "/memfd:hidden"] {
        assert!(opens.iter().any(|open| open.base == name), "{name}: {opens:?}");
    }
}

#[test]
fn a_deep_path_is_cut_at_its_outer_end() {
    let (_directory, place) = place();
    let mut deep = place;
    deep.extend(std::iter::repeat_n("d", 80));
    fs::create_dir_all(&deep).expect("directories");
    let file = deep.join("leaf");
    let recorded = record(|| drop(File::create(&file).expect("a file")));
    let opens = recorded.own_files(Kind::Open);
    let open = opens.iter().find(|open| open.base.ends_with("/leaf")).expect("the open");
    assert!(open.base.starts_with(".../d/d/"), "{}", open.base);
}
