//! A program that changes a system call's arguments while the kernel reads them.

mod support;

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

use nix::libc;
use support::{kernel_names, place, record_live, text};
use taffrail_probes::abi::{Kind, call::call_flags};

/// A path in memory whose last letter can go to and fro between `a` and `b`.
struct Name(Vec<AtomicU8>);

impl Name {
    fn of(path: &Path) -> Name {
        Name(support::c_path(path).as_bytes_with_nul().iter().map(|byte| AtomicU8::new(*byte)).collect())
    }

    /// Runs something with the address of a name that another thread changes meanwhile.
    fn while_it_changes(&self, run: impl FnOnce(*const libc::c_char)) {
        let letter = &self.0[self.0.len() - 2];
        let done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    letter.store(b'b', Ordering::Relaxed);
                    letter.store(b'a', Ordering::Relaxed);
                }
            });
            run(self.0.as_ptr().cast());
            done.store(true, Ordering::Relaxed);
        });
    }
}

/// How often a test may begin anew: on a busy machine the other thread can be still all the time.
const TRIES: usize = 10;
const ROUNDS: usize = 8_000;

#[test]
fn a_path_rewritten_during_the_call_shows_both_and_one_is_the_truth() {
    assert!((0..TRIES).any(|_| removed_and_rewritten() > 0), "none of {TRIES} times {ROUNDS} was rewritten in between");
}

/// How many of many calls were rewritten.
fn removed_and_rewritten() -> usize {
    let (_directory, place) = place();
    let (a, b) = (place.join("a"), place.join("b"));
    let name = Name::of(&a);
    fs::write(&a, "").expect("a");
    fs::write(&b, "").expect("b");
    let mut removed = Vec::new();
    let mut by_kernel = false;
    let recorded = record_live(|probes| {
        by_kernel = kernel_names(probes);
        name.while_it_changes(|name| {
            for _ in 0..ROUNDS {
                #[expect(unsafe_code, reason = "the memory is written meanwhile, on purpose")]
                // SAFETY: a path with its NUL, alive for the call; the kernel copes with its changes.
                let result = unsafe { libc::unlink(name) };
                assert_eq!(result, 0);
                let gone = if a.exists() { &b } else { &a };
                fs::write(gone, "").expect("another one");
                removed.push(text(gone));
            }
        });
    });
    let calls = recorded.own(Kind::File);
    assert_eq!(calls.len(), ROUNDS);
    let mut differ = 0;
    for (it, removed) in calls.iter().zip(&removed) {
        assert!(it.is(call_flags::ENTERED));
        assert_eq!(it.is(call_flags::KERNEL_PATH), by_kernel);
        if by_kernel {
            differ += usize::from(it.entered != it.base || it.path != it.base);
            assert_eq!(it.base, *removed, "the kernel's own name is that of the file that is gone");
            continue;
        }
        differ += usize::from(it.entered != it.path);
        assert!(
            it.entered == it.path || it.entered == *removed || it.path == *removed,
            "{removed} is gone, told were {} and {}",
            it.entered,
            it.path
        );
    }
    differ
}

#[test]
fn a_second_path_rewritten_during_the_call_shows_both_too() {
    assert!((0..TRIES).any(|_| linked_and_rewritten() > 0), "none of {TRIES} times {ROUNDS} was rewritten in between");
}

/// How many of many calls were rewritten.
fn linked_and_rewritten() -> usize {
    let (_directory, place) = place();
    let (a, b) = (place.join("a"), place.join("b"));
    let (from, name) = (support::c_path(&place.join("from")), Name::of(&a));
    fs::write(place.join("from"), "").expect("a file");
    let mut by_kernel = false;
    let mut became = Vec::new();
    let recorded = record_live(|probes| {
        by_kernel = kernel_names(probes);
        name.while_it_changes(|name| {
            for _ in 0..ROUNDS {
                #[expect(unsafe_code, reason = "the memory is written meanwhile, on purpose")]
                // SAFETY: two paths with their NULs, alive for the call; the kernel copes with changes.
                let result = unsafe { libc::link(from.as_ptr(), name) };
                assert_eq!(result, 0);
                let it = if a.exists() { &a } else { &b };
                fs::remove_file(it).expect("it was made");
                became.push(text(it));
            }
        });
    });
    let calls = recorded.own(Kind::File);
    let links: Vec<_> = calls.iter().filter(|it| it.is(call_flags::ENTERED_SECOND)).collect();
    assert_eq!(links.len(), ROUNDS);
    let mut differ = 0;
    for (it, became) in links.iter().zip(&became) {
        differ += usize::from(it.entered_second != it.new_name());
        if by_kernel {
            assert_eq!(it.new_name(), *became, "the kernel's own name is that of the file that was made");
        } else {
            assert!(it.new_name() == it.entered_second || it.entered_second == *became || it.new_name() == *became);
        }
    }
    differ
}
