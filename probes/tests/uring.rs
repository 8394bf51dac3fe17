//! Work that is submitted through `io_uring` and makes no system call of its own.

mod support;

use std::fs::File;
use std::os::fd::AsRawFd;
use std::os::unix::fs::MetadataExt;

use io_uring::{IoUring, Probe, opcode, squeue::Entry, types::Fd};
use nix::libc;
use support::{Called, Recorded, What, c_path, own, place, record, record_live, text};
use taffrail_probes::abi::{
    Kind,
    call::{Completed, call_flags, nr},
    header_flags::IO_URING,
    io::NO_DESCRIPTOR,
};

/// Submits one request and waits for its result.
fn submit(ring: &mut IoUring, entry: &Entry) -> i32 {
    #[expect(unsafe_code, reason = "the ring's own rule: what a request names must live until it is over")]
    // SAFETY: this waits until it is over.
    unsafe {
        ring.submission().push(entry).expect("room for a request");
    }
    ring.submit_and_wait(1).expect("its end");
    ring.completion().next().expect("a result").result()
}

/// The call that went through the ring, and how it ended.
fn through_ring(recorded: &Recorded, number: u16) -> (&Called, Completed, &str) {
    let mut found = recorded.calls_of(own(), number);
    // The C library opens a file of its own now and then.
    found.retain(|it| it.header.flags & IO_URING != 0);
    assert_eq!(found.len(), 1, "call {number}: {found:#?}");
    let it = found[0];
    assert!(it.is(call_flags::PENDING));
    // The memory of a request is used again: its end is the first that comes.
    let end = recorded.of(own()).find_map(|event| match &event.what {
        What::Completed { completed, path }
            if completed.request == it.call.args[5] && event.header.time_ns >= it.header.time_ns =>
        {
            Some((*completed, path.as_str()))
        }
        _ => None,
    });
    let (completed, path) = end.expect("the end of the request");
    (it, completed, path)
}

fn check_files(mut ring: IoUring) -> Vec<u32> {
    let (_directory, place) = place();
    let directory = File::open(&place).expect("the directory");
    let at = Fd(directory.as_raw_fd());
    let (old, new) = (c_path(&place.join("old")), c"new");
    let mut inode = 0;
    let recorded = record(|| {
        let flags = libc::O_CREAT | libc::O_WRONLY | libc::O_CLOEXEC;
        let open = opcode::OpenAt::new(Fd(libc::AT_FDCWD), old.as_ptr()).flags(flags).mode(0o640).build();
        assert!(submit(&mut ring, &open) > 0);
        inode = std::fs::metadata(place.join("old")).expect("the file").ino();
        let rename = opcode::RenameAt::new(Fd(libc::AT_FDCWD), old.as_ptr(), at, new.as_ptr()).build();
        assert_eq!(submit(&mut ring, &rename), 0);
        assert_eq!(submit(&mut ring, &opcode::UnlinkAt::new(at, new.as_ptr()).build()), 0);
        assert_eq!(submit(&mut ring, &opcode::MkDirAt::new(at, c"gone/dir".as_ptr()).mode(0o700).build()), -2);
        assert_eq!(submit(&mut ring, &opcode::SymlinkAt::new(at, c"text".as_ptr(), c"soft".as_ptr()).build()), 0);
    });
    let base = text(&place);
    let old = text(&place.join("old"));
    let (open, end, path) = through_ring(&recorded, nr::OPENAT);
    assert_eq!((open.kind, &open.path, open.call.args[3]), (Kind::Open, &old, 0o640));
    assert_eq!(open.call.args[2] & 0o101, 0o101);
    assert!(end.result > 0 && end.what & call_flags::KERNEL_PATH != 0);
    assert_eq!((path, end.inode), (old.as_str(), inode));
    let (rename, end, _) = through_ring(&recorded, nr::RENAMEAT2);
    assert_eq!((&rename.path, rename.new_base.as_str(), rename.new_path.as_str()), (&old, base.as_str(), "new"));
    assert_eq!(end.result, 0);
    let (unlink, end, _) = through_ring(&recorded, nr::UNLINKAT);
    assert_eq!((unlink.told(), end.result), ((base.as_str(), "new", 0), 0));
    let (mkdir, end, _) = through_ring(&recorded, nr::MKDIRAT);
    assert_eq!((mkdir.path.as_str(), end.result), ("gone/dir", -2));
    let (link, ..) = through_ring(&recorded, nr::SYMLINKAT);
    assert_eq!((link.path.as_str(), link.new_base.as_str(), link.new_path.as_str()), ("text", base.as_str(), "soft"));
    recorded.own(Kind::File).iter().map(|it| it.header.tid).collect()
}

#[test]
fn files_opened_renamed_and_removed_through_a_ring_are_told() {
    let threads = check_files(IoUring::new(8).expect("a ring"));
    assert!(threads.iter().all(|tid| *tid == nix::unistd::gettid().as_raw().unsigned_abs()));
}

#[test]
fn what_a_thread_of_the_kernel_does_for_a_ring_is_its_owners() {
    let ring = IoUring::builder().setup_sqpoll(100).build(8).expect("a ring that the kernel polls");
    let threads = check_files(ring);
    assert!(threads.iter().all(|tid| *tid != nix::unistd::gettid().as_raw().unsigned_abs()), "another thread did it");
}

#[test]
fn attributes_and_sizes_changed_through_a_ring_are_told() {
    let (_directory, place) = place();
    let path = place.join("file");
    let file = File::create(&path).expect("a file");
    let (fd, name) = (Fd(file.as_raw_fd()), c_path(&path));
    let mut ring = IoUring::new(8).expect("a ring");
    let mut known = Probe::new();
    ring.submitter().register_probe(&mut known).expect("what the kernel can do through a ring");
    // Since Linux 6.9.
    let truncates = known.is_supported(opcode::Ftruncate::CODE);
    let recorded = record(|| {
        // Whether this file system takes them is not what is asked here.
        let value = b"red";
        submit(&mut ring, &opcode::SetXattr::new(c"user.a".as_ptr(), value.as_ptr().cast(), name.as_ptr(), 3).build());
        submit(&mut ring, &opcode::FSetXattr::new(fd, c"user.b".as_ptr(), value.as_ptr().cast(), 3).build());
        let truncated = submit(&mut ring, &opcode::Ftruncate::new(fd, 4321).build());
        assert_eq!(truncated, if truncates { 0 } else { -libc::EINVAL });
    });
    let name = text(&path);
    let (it, ..) = through_ring(&recorded, nr::SETXATTR);
    assert_eq!((it.path.as_str(), &it.data[..]), (name.as_str(), &b"user.a"[..]));
    let (it, ..) = through_ring(&recorded, nr::FSETXATTR);
    assert_eq!((it.base.as_str(), &it.data[..]), (name.as_str(), &b"user.b"[..]));
    if !truncates {
        return;
    }
    let (it, end, _) = through_ring(&recorded, nr::FTRUNCATE);
    assert_eq!((it.base.as_str(), it.call.args[1], end.result), (name.as_str(), 4321, 0));
    assert!(it.is(call_flags::KERNEL_PATH));
}

#[test]
fn sockets_made_through_a_ring_are_told_where_they_are_odd() {
    let mut ring = IoUring::new(8).expect("a ring");
    let recorded = record(|| {
        for kind in [libc::SOCK_RAW, libc::SOCK_STREAM] {
            assert!(submit(&mut ring, &opcode::Socket::new(libc::AF_INET, kind, i32::from(kind == 3)).build()) > 0);
        }
    });
    let it = recorded.only(own(), nr::SOCKET);
    assert_eq!((it.kind, &it.call.args[..3], it.header.flags & IO_URING), (Kind::Socket, &[2, 3, 1][..], IO_URING));
    assert!(it.call.result > 0);
}

#[test]
fn what_is_read_and_written_through_a_ring_is_counted() {
    let (_directory, place) = place();
    let path = place.join("file");
    let file = std::fs::OpenOptions::new().read(true).write(true).create_new(true).open(&path).expect("a file");
    let fd = Fd(file.as_raw_fd());
    let mut ring = IoUring::new(8).expect("a ring");
    let mut entry = None;
    let recorded = record_live(|probes| {
        let mut bytes = vec![1; 5000];
        assert_eq!(submit(&mut ring, &opcode::Write::new(fd, bytes.as_ptr(), 5000).offset(0).build()), 5000);
        assert_eq!(submit(&mut ring, &opcode::Read::new(fd, bytes.as_mut_ptr(), 3000).offset(0).build()), 3000);
        let ours = |fd: u32| fd & NO_DESCRIPTOR != 0;
        let mut found = probes.descriptors().into_iter().filter(|(key, _)| key.pid == own() && ours(key.fd));
        entry = found.next();
        assert!(found.next().is_none(), "one file");
    });
    let (key, entry) = entry.expect("an entry for the file");
    assert_eq!((entry.read_bytes, entry.written_bytes), (3000, 5000));
    let uses = recorded.uses(own());
    let (_, _, name) =
        uses.iter().find(|(time, used, _)| *time == entry.named_ns && used.fd == key.fd).expect("its name");
    assert_eq!(*name, text(&path));
}

#[test]
fn a_descriptor_closed_through_a_ring_tells_its_totals() {
    let (_directory, place) = place();
    let (path, next) = (place.join("file"), place.join("next"));
    let mut ring = IoUring::new(8).expect("a ring");
    let recorded = record(|| {
        let file = File::create(&path).expect("a file");
        std::io::Write::write_all(&mut &file, b"seven b").expect("a write");
        let fd = std::os::fd::IntoRawFd::into_raw_fd(file);
        assert_eq!(submit(&mut ring, &opcode::Close::new(Fd(fd)).build()), 0);
        std::fs::write(&next, "other").expect("another file");
    });
    assert_eq!(recorded.totals_of(own(), &path), [(0, 7)]);
    assert_eq!(recorded.totals_of(own(), &next), [(0, 5)]);
}
