//! Files opened, and how they are named.

mod support;

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, symlink};

use nix::fcntl::{OFlag, OpenHow, openat, openat2};
use nix::sys::stat::Mode;
use support::{Called, Recorded, call, place, record, text};
use taffrail_probes::abi::{
    Kind,
    call::{call_flags, nr},
};

/// The open of this process that the kernel named so; it must be the only one.
fn opened<'a>(recorded: &'a Recorded, name: &str) -> &'a Called {
    let opens = recorded.own(Kind::Open);
    let mut found = opens.iter().filter(|open| open.base == name);
    let first = found.next().unwrap_or_else(|| panic!("{name} was not opened: {opens:?}"));
    assert!(found.next().is_none(), "one open of {name}");
    first
}

#[test]
fn an_open_through_dots_and_links_is_named_by_the_kernel() {
    let (_directory, place) = place();
    fs::create_dir(place.join("real")).expect("a directory");
    fs::write(place.join("real/secret"), "x").expect("a file");
    symlink("real", place.join("alias")).expect("a link");
    let devious = place.join("alias/../alias/./../real/../alias/secret");
    let recorded = record(|| drop(File::open(&devious).expect("the file")));
    let open = opened(&recorded, &text(&place.join("real/secret")));
    let file = fs::metadata(&devious).expect("the file");
    assert_eq!(open.call.inode, file.ino());
    assert_eq!(u32::from(open.call.inode_mode), file.mode());
    assert!(open.is(call_flags::KERNEL_PATH) && !open.is(call_flags::CREATED));
    assert!(!open.is(call_flags::OTHER_MOUNTS) && !open.is(call_flags::ENTERED));
    assert!(open.call.result >= 0);
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
    let opens: Vec<_> = recorded.own(Kind::Open).into_iter().filter(|open| open.base == text(&new)).collect();
    assert_eq!(opens.len(), 2);
    assert!(opens[0].is(call_flags::CREATED) && !opens[1].is(call_flags::CREATED));
    assert_eq!(opens[0].call.args[3], 0o640);
    assert_eq!(opens[0].call.args[2] & 0o1103, 0o1101, "O_CREAT, O_WRONLY, O_TRUNC");
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
    let opens = recorded.own(Kind::Open);
    let absolute = opens.iter().find(|open| open.path == text(&missing)).expect("the absolute open");
    assert_eq!((absolute.call.result, absolute.base.as_str()), (-2, ""));
    assert!(!absolute.is(call_flags::KERNEL_PATH));
    for (path, number, flags) in [("also/missing", nr::OPENAT, 0), ("still/missing", nr::OPENAT2, 1)] {
        let relative = opens.iter().find(|open| open.path == path).expect("the relative open");
        assert_eq!(relative.told(), (text(&place).as_str(), path, -2));
        assert_eq!((relative.call.nr, relative.call.args[2] & 3), (number, flags));
    }
}

#[test]
fn a_base_that_is_the_root_or_unknown_is_told_apart() {
    let recorded = record(|| {
        let root = File::open("/").expect("the root");
        openat(&root, "no-such-name-1", OFlag::O_RDONLY, Mode::empty()).expect_err("no such file");
        assert_eq!(call(nr::OPENAT, &[&9999, &c"no-such-name-2", &0]), -9);
    });
    let opens = recorded.own(Kind::Open);
    let known = opens.iter().find(|open| open.path == "no-such-name-1").expect("the first");
    let unknown = opens.iter().find(|open| open.path == "no-such-name-2").expect("the second");
    assert!(!known.is(call_flags::BASE_UNKNOWN));
    assert!(unknown.is(call_flags::BASE_UNKNOWN));
    assert_eq!(unknown.call.result, -9);
}

#[test]
fn a_path_across_mounts_is_walked_to_the_root() {
    // /proc and /sys/kernel are mounts of their own.
    let recorded = record(|| drop(File::open("/proc/self/../version").expect("a file of another mount")));
    opened(&recorded, "/proc/version");
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
    for name in ["/pipefs", "/memfd:hidden"] {
        let open = opened(&recorded, name);
        assert!(!open.is(call_flags::OTHER_MOUNTS), "{name} is in no mount namespace");
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
    let opens = recorded.own(Kind::Open);
    let open = opens.iter().find(|open| open.base.ends_with("/leaf")).expect("the open");
    assert!(open.base.starts_with(".../d/d/"), "{}", open.base);
}

#[test]
fn a_file_opened_by_its_handle_is_named_by_the_kernel() {
    /// `name_to_handle_at`, which only asks.
    const NAME_TO_HANDLE_AT: u16 = 303;
    let (_directory, place) = place();
    let path = place.join("handled");
    fs::write(&path, "x").expect("a file");
    // struct file_handle: u32 size of what follows, i32 type, bytes
    let mut handle = [0_u8; 8 + 128];
    handle[0] = 128;
    let mut mount = [0_u8; 4];
    let name = support::c_path(&path);
    let made = call(NAME_TO_HANDLE_AT, &[&nix::libc::AT_FDCWD, &name, &&mut handle[..], &&mut mount[..], &0]);
    assert_eq!(made, 0, "this file system gives handles");
    let root = File::open(&place).expect("something of the file system");
    let recorded = record(|| {
        let fd = call(nr::OPEN_BY_HANDLE_AT, &[&root, &&handle[..], &nix::libc::O_RDONLY]);
        assert!(fd >= 0, "{fd}");
        call(nr::CLOSE, &[&fd]);
    });
    let open = opened(&recorded, &text(&path));
    assert_eq!((open.kind, open.call.nr, open.path.as_str()), (Kind::Open, nr::OPEN_BY_HANDLE_AT, ""));
    assert_eq!(open.call.inode, fs::metadata(&path).expect("the file").ino());
}

#[test]
fn a_file_seen_from_another_mount_namespace_is_marked() {
    let (_directory, place) = place();
    fs::write(place.join("file"), "x").expect("a file");
    let root = File::open(&place).expect("a directory of this namespace");
    let mut pid = 0;
    let recorded = record(|| {
        pid = support::in_child(|| {
            nix::sched::unshare(nix::sched::CloneFlags::CLONE_NEWNS).expect("a mount namespace");
            assert!(call(nr::OPENAT, &[&root, &c"file", &0]) >= 0);
        });
    });
    let open = recorded.calls(pid).into_iter().find(|open| open.base == text(&place.join("file"))).expect("the open");
    assert!(open.is(call_flags::OTHER_MOUNTS));
}
