//! Bytes read and written, by open file.

mod support;

use std::fs::{File, OpenOptions};
use std::io::{IoSlice, Read, Seek, Write};
use std::os::fd::AsRawFd;
use std::os::unix::{fs::FileExt, process::CommandExt};
use std::path::Path;
use std::process::Command;

use support::{Recorded, call, in_child, own, place, record, record_live, text};
use taffrail_probes::abi::{call::nr, io::DescriptorKey};

/// Opens for reading and writing.
fn open(path: &Path) -> File {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path).expect("a file")
}

/// The totals of one file by this process, which must be told once.
fn total(recorded: &Recorded, path: &Path) -> (u64, u64) {
    let totals = recorded.totals_of(own(), path);
    assert_eq!(totals.len(), 1, "{}: {totals:?}", path.display());
    totals[0]
}

#[test]
fn what_went_through_a_file_is_told_at_its_close_to_the_byte() {
    let (_directory, place) = place();
    let path = place.join("file");
    let recorded = record(|| {
        let mut file = open(&path);
        for piece in vec![7_u8; 100_000].chunks(1234) {
            file.write_all(piece).expect("a write");
        }
        file.write_at(&[1; 500], 50).expect("pwrite");
        assert_eq!(file.write_vectored(&[IoSlice::new(&[2; 30]), IoSlice::new(&[3; 12])]).expect("writev"), 42);
        file.rewind().expect("the beginning");
        let mut all = Vec::new();
        file.read_to_end(&mut all).expect("all of it");
        assert_eq!(all.len(), 100_042);
        file.read_exact_at(&mut [0; 77], 5).expect("pread");
    });
    assert_eq!(total(&recorded, &path), (100_042 + 77, 100_000 + 500 + 42));
}

#[test]
fn what_the_kernel_copies_counts_for_both_files() {
    let (_directory, place) = place();
    let (from, to, other) = (place.join("from"), place.join("to"), place.join("other"));
    std::fs::write(&from, vec![9; 70_000]).expect("a file");
    let recorded = record(|| {
        let (from, to, other) = (open(&from), open(&to), open(&other));
        assert_eq!(call(nr::SENDFILE, &[&to, &from, &0, &30_000]), 30_000);
        assert_eq!(call(nr::COPY_FILE_RANGE, &[&from, &0, &other, &0, &20_000, &0]), 20_000);
    });
    assert_eq!(total(&recorded, &from), (50_000, 0));
    assert_eq!(total(&recorded, &to), (0, 30_000));
    assert_eq!(total(&recorded, &other), (0, 20_000));
}

#[test]
fn a_file_without_bytes_tells_nothing_at_its_close() {
    let (_directory, place) = place();
    let path = place.join("file");
    std::fs::write(&path, "").expect("a file");
    let recorded = record(|| {
        let mut file = open(&path);
        assert_eq!(file.read(&mut [0; 10]).expect("nothing to read"), 0);
        drop(file);
        drop(open(&path));
    });
    assert_eq!(recorded.totals_of(own(), &path), []);
}

#[test]
fn a_descriptor_that_came_with_the_fork_is_told_by_its_first_use() {
    let (_directory, place) = place();
    let path = place.join("inherited");
    let mut file = open(&path);
    let fd = file.as_raw_fd().unsigned_abs();
    let (mut pid, mut counted, mut again) = (0, None, None);
    let recorded = record_live(|probes| {
        pid = in_child(|| file.write_all(&[1; 4321]).expect("a write"));
        // The child ended without a close: what it wrote is in the table.
        let key = DescriptorKey { pid, fd };
        counted = probes.descriptors().into_iter().find(|(it, _)| *it == key).map(|(_, entry)| entry);
        assert_eq!(probes.take_descriptor(key).map(|entry| entry.written_bytes), Some(4321));
        again = probes.take_descriptor(key);
    });
    let entry = counted.expect("the child's descriptor");
    assert_eq!((entry.read_bytes, entry.written_bytes), (0, 4321));
    assert!(again.is_none(), "what was taken is gone");
    let told = recorded.uses(pid);
    let (time, used, name) = told.iter().find(|(_, used, _)| used.fd == fd).expect("the use");
    assert_eq!((*name, *time), (text(&path).as_str(), entry.named_ns));
    let meta = std::os::unix::fs::MetadataExt::ino(&std::fs::metadata(&path).expect("the file"));
    assert_eq!(used.inode, meta);
}

#[test]
fn a_descriptor_that_is_replaced_tells_what_went_through_it() {
    let (_directory, place) = place();
    let (first, second) = (place.join("first"), place.join("second"));
    let recorded = record(|| {
        let (mut a, b) = (open(&first), open(&second));
        a.write_all(&[1; 111]).expect("a write");
        assert!(call(nr::DUP2, &[&b, &a]) >= 0);
        a.write_all(&[2; 222]).expect("a write to the second file");
        // To itself: nothing is replaced.
        assert!(call(nr::DUP2, &[&a, &a]) >= 0);
        a.write_all(&[2; 22]).expect("a write to the second file");
        assert_eq!(call(nr::DUP3, &[&b, &a, &9_999_999]), -22, "a flag that is none");
    });
    assert_eq!(total(&recorded, &first), (0, 111));
    let (read, written) =
        recorded.totals_of(own(), &second).iter().fold((0, 0), |sum, it| (sum.0 + it.0, sum.1 + it.1));
    assert_eq!((read, written), (0, 244));
}

#[test]
fn descriptors_closed_as_a_range_are_told_and_their_numbers_start_anew() {
    let (_directory, place) = place();
    let paths: Vec<_> = (0..200).map(|index| place.join(index.to_string())).collect();
    let late = place.join("late");
    let mut pid = 0;
    let recorded = record(|| {
        pid = in_child(|| {
            let mut fds = Vec::new();
            for (path, size) in paths.iter().zip(1..) {
                let file = open(path);
                (&file).write_all(&vec![0; size]).expect("a write");
                fds.push(std::os::fd::IntoRawFd::into_raw_fd(file));
            }
            assert_eq!(call(nr::CLOSE_RANGE, &[&fds[0], &u32::MAX, &0]), 0);
            let mut file = open(&late);
            file.write_all(b"late").expect("a write");
        });
    });
    for (path, size) in paths.iter().zip(1..) {
        assert_eq!(recorded.totals_of(pid, path), [(0, size)]);
    }
    assert_eq!(recorded.totals_of(pid, &late), [(0, 4)]);
}

/// A number that nothing else uses.
const NUMBER: u32 = 77;

/// The name of the environment variable by which the workload learns its file.
const FILE: &str = "TAFFRAIL_TEST_FILE";

#[test]
fn a_number_that_is_another_file_after_an_exec_starts_anew() {
    let (_directory, place) = place();
    let (before, after) = (place.join("before"), place.join("after"));
    let mut pid = 0;
    let recorded = record(|| {
        pid = in_child(|| {
            let file = open(&before);
            assert!(call(nr::DUP3, &[&file, &NUMBER, &nix::libc::O_CLOEXEC]) >= 0);
            assert_eq!(call(nr::WRITE, &[&NUMBER, b"before", &6]), 6);
            let mut workload = Command::new(std::env::current_exe().expect("this test"));
            workload.args(["--exact", "workload_after_an_exec", "--ignored"]).stdout(std::process::Stdio::null());
            panic!("{}", workload.env(FILE, &after).exec());
        });
    });
    assert_eq!(recorded.totals_of(pid, &after), [(0, 5)]);
    // That of the first was closed by the exec, and is told when the number is used again.
    assert_eq!(recorded.totals_of(pid, &before), [(0, 6)]);
}

/// Run by the test above, after an exec.
#[test]
#[ignore = "a workload, not a test"]
fn workload_after_an_exec() {
    let file = open(Path::new(&std::env::var_os(FILE).expect("a file")));
    assert!(call(nr::DUP2, &[&file, &NUMBER]) >= 0);
    assert_eq!(call(nr::WRITE, &[&NUMBER, b"after", &5]), 5);
    assert_eq!(call(nr::CLOSE, &[&NUMBER]), 0);
}

#[test]
fn a_copy_of_a_descriptor_under_a_number_used_before_is_told_as_what_it_is() {
    let (_directory, place) = place();
    let (first, second) = (place.join("first"), place.join("second"));
    let recorded = record(|| {
        let mut other = open(&second);
        // Opened and closed without a byte; its number is then another file's.
        let number = open(&first).as_raw_fd();
        assert_eq!(nix::unistd::dup(&other).map(|fd| fd.as_raw_fd()), Ok(number));
        let mut copy = other.try_clone().expect("a copy");
        assert_eq!(copy.as_raw_fd(), number);
        copy.write_all(b"to the second").expect("a write");
        other.write_all(b"!").expect("a write");
    });
    assert_eq!(recorded.totals_of(own(), &first), []);
    let mut totals = recorded.totals_of(own(), &second);
    totals.sort_unstable();
    assert_eq!(totals, [(0, 1), (0, 13)]);
}

#[test]
fn threads_that_share_a_number_never_count_for_each_others_files() {
    const ROUNDS: usize = 3_000;
    let (_directory, place) = place();
    let (a, b) = (place.join("a"), place.join("b"));
    std::fs::write(&a, "").expect("a file");
    std::fs::write(&b, "").expect("a file");
    let recorded = record(|| {
        std::thread::scope(|scope| {
            for (path, size) in [(&a, 10), (&b, 1000)] {
                scope.spawn(move || {
                    for _ in 0..ROUNDS {
                        let mut file = OpenOptions::new().append(true).open(path).expect("the file");
                        file.write_all(&vec![1; size]).expect("a write");
                    }
                });
            }
        });
    });
    for (path, size) in [(&a, 10), (&b, 1000)] {
        let totals = recorded.totals_of(own(), path);
        assert_eq!(totals.len(), ROUNDS);
        assert!(totals.iter().all(|it| *it == (0, size)), "{}", path.display());
    }
}
