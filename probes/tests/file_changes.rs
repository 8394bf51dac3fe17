//! Files removed, renamed, linked, their owners, permissions, sizes and attributes changed.

mod support;

use std::fs::{self, File, Permissions};
use std::os::unix::fs::{PermissionsExt, chown, fchown, lchown, symlink};

use nix::fcntl::{AtFlags, RenameFlags, renameat2};
use nix::sys::stat::{FchmodatFlags, Mode, SFlag, fchmodat, makedev, mknod};
use nix::unistd::{UnlinkatFlags, linkat, symlinkat, unlinkat};
use support::{Called, c_path, call, place, record, text};
use taffrail_probes::abi::{
    Kind,
    call::{call_flags, nr},
};

/// What each call told: number, name, result.
fn told(calls: &[&Called]) -> Vec<(u16, String, i64)> {
    calls.iter().map(|it| (it.call.nr, it.name(), it.call.result)).collect()
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
    let name = |name| text(&place.join(name));
    let calls = recorded.own(Kind::File);
    assert_eq!(
        told(&calls),
        [
            (nr::UNLINK, name("a"), 0),
            (nr::RMDIR, name("a-dir"), 0),
            (nr::UNLINKAT, name("b"), 0),
            (nr::UNLINKAT, name("b-dir"), 0),
            (nr::UNLINK, name("a"), -2),
        ]
    );
    let flags: Vec<u64> = calls.iter().map(|it| it.call.args[2]).collect();
    assert_eq!((flags[2], flags[3]), (0, 0x200), "AT_REMOVEDIR");
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
    let renames = recorded.own(Kind::File);
    assert_eq!(renames.len(), 2);
    let names: Vec<_> = renames.iter().map(|it| (it.name(), it.new_name())).collect();
    let name = |name| text(&place.join(name));
    assert_eq!(names, [(name("old"), name("new")), (name("new"), name("sub/newer"))]);
    assert_eq!((renames[1].call.args[4], renames[1].call.nr), (1, nr::RENAMEAT2));
}

#[test]
fn links_tell_both_names_and_a_symlink_what_it_says() {
    let (_directory, place) = place();
    fs::write(place.join("file"), "").expect("a file");
    let directory = File::open(&place).expect("the directory");
    let recorded = record(|| {
        fs::hard_link(place.join("file"), place.join("hard")).expect("link or linkat");
        linkat(&directory, "file", &directory, "hard-at", AtFlags::empty()).expect("linkat");
        symlink("../some where", place.join("soft")).expect("symlink");
        symlinkat("/elsewhere", &directory, "soft-at").expect("symlinkat");
    });
    let name = |name| text(&place.join(name));
    let links = recorded.own(Kind::File);
    assert_eq!(links.len(), 4, "{links:?}");
    assert_eq!((links[0].name(), links[0].new_name()), (name("file"), name("hard")));
    assert_eq!((links[1].name(), links[1].new_name()), (name("file"), name("hard-at")));
    assert_eq!((links[2].call.nr, links[2].name()), (nr::SYMLINK, name("soft")));
    assert_eq!(links[2].data, b"../some where");
    assert_eq!((links[3].call.nr, links[3].name()), (nr::SYMLINKAT, name("soft-at")));
    assert_eq!(links[3].data, b"/elsewhere");
}

#[test]
fn what_is_made_without_an_open_is_told_with_its_mode() {
    let (_directory, place) = place();
    let directory = File::open(&place).expect("the directory");
    let recorded = record(|| {
        assert_eq!(call(nr::MKDIR, &[&c_path(&place.join("dir")), &0o750]), 0);
        assert_eq!(call(nr::MKDIRAT, &[&directory, &c"dir-at", &0o700]), 0);
        mknod(&place.join("node"), SFlag::S_IFCHR, Mode::from_bits_truncate(0o600), makedev(1, 3)).expect("a device");
    });
    let made = recorded.own(Kind::File);
    assert_eq!(made.len(), 3, "{made:?}");
    let name = |name| text(&place.join(name));
    assert_eq!((made[0].name(), made[0].call.result, made[0].call.args[1]), (name("dir"), 0, 0o750));
    assert_eq!((made[1].name(), made[1].call.result, made[1].call.args[2]), (name("dir-at"), 0, 0o700));
    assert_eq!((made[2].name(), made[2].call.result), (name("node"), 0));
    let at = usize::from(made[2].call.nr == nr::MKNODAT);
    assert_eq!(made[2].call.args[1 + at..3 + at], [0o020_600, 0x103]);
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
    let calls = recorded.own(Kind::File);
    assert_eq!(told(&calls), [nr::CHMOD, nr::FCHMOD, nr::FCHMODAT].map(|nr| (nr, text(&path), 0)));
    assert_eq!((calls[0].call.args[1], calls[1].call.args[1], calls[2].call.args[2]), (0o4755, 0o600, 0o711));
    assert!(calls[1].is(call_flags::KERNEL_PATH));
    assert_eq!(calls[1].call.inode_mode & 0o170_000, 0o100_000);
}

#[test]
fn a_chown_tells_the_file_and_the_owners() {
    let (_directory, place) = place();
    let (path, link) = (place.join("file"), place.join("link"));
    let file = File::create(&path).expect("a file");
    symlink("file", &link).expect("a link");
    let recorded = record(|| {
        chown(&path, Some(1001), Some(1002)).expect("chown");
        fchown(&file, Some(1003), None).expect("fchown");
        lchown(&link, None, Some(1004)).expect("lchown");
        assert_eq!(call(nr::FCHOWNAT, &[&file, &c"", &1005, &1006, &nix::libc::AT_EMPTY_PATH]), 0);
    });
    let (name, link) = (text(&path), text(&link));
    let calls = recorded.own(Kind::File);
    assert_eq!(
        told(&calls),
        [(nr::CHOWN, name.clone(), 0), (nr::FCHOWN, name.clone(), 0), (nr::LCHOWN, link, 0), (nr::FCHOWNAT, name, 0),]
    );
    let owners: Vec<(u32, u32)> =
        calls[..3].iter().map(|it| (it.call.args[1] as u32, it.call.args[2] as u32)).collect();
    assert_eq!(owners, [(1001, 1002), (1003, u32::MAX), (u32::MAX, 1004)]);
}

#[test]
fn attributes_and_sizes_are_told() {
    let (_directory, place) = place();
    let path = place.join("file");
    let file = File::create(&path).expect("a file");
    let name = c_path(&path);
    let recorded = record(|| {
        // Whether this file system takes them is not what is asked here.
        call(nr::SETXATTR, &[&name, &c"user.colour", b"red", &3, &0]);
        call(nr::FSETXATTR, &[&file, &c"user.shape", b"round", &5, &0]);
        call(nr::REMOVEXATTR, &[&name, &c"user.colour"]);
        assert_eq!(call(nr::TRUNCATE, &[&name, &4096]), 0);
        assert_eq!(call(nr::FTRUNCATE, &[&file, &77]), 0);
    });
    let calls = recorded.own(Kind::File);
    let name = text(&path);
    let told: Vec<_> = calls.iter().map(|it| (it.call.nr, it.name(), it.data.as_slice())).collect();
    assert_eq!(
        told,
        [
            (nr::SETXATTR, name.clone(), &b"user.colour"[..]),
            (nr::FSETXATTR, name.clone(), b"user.shape"),
            (nr::REMOVEXATTR, name.clone(), b"user.colour"),
            (nr::TRUNCATE, name.clone(), b""),
            (nr::FTRUNCATE, name, b""),
        ]
    );
    assert_eq!((calls[3].call.args[1], calls[4].call.args[1]), (4096, 77));
}

#[test]
fn a_name_that_nobody_rewrote_is_the_same_when_the_call_began() {
    let (_directory, place) = place();
    for name in ["one", "two", "three"] {
        fs::write(place.join(name), "").expect("a file");
    }
    let directory = File::open(&place).expect("the directory");
    let recorded = record(|| {
        fs::remove_file(place.join("one")).expect("unlink");
        unlinkat(&directory, "two", UnlinkatFlags::NoRemoveDir).expect("unlinkat");
        symlinkat("text", &directory, "link").expect("symlinkat");
        fs::rename(place.join("three"), place.join("four")).expect("rename");
        call(nr::UNLINK, &[&c""]);
    });
    let calls = recorded.own(Kind::File);
    assert_eq!(calls.len(), 5, "{calls:?}");
    for it in calls {
        assert!(it.is(call_flags::ENTERED), "{it:?}");
        assert_eq!(it.entered, it.path);
    }
}
