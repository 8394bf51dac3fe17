//! A program that changes a system call's arguments while the kernel reads them.

mod support;

use std::fs;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

use nix::libc;
use support::{kernel_names, place, record_live, text};
use taffrail_probes::abi::{Kind, call::call_flags};

#[test]
fn a_path_rewritten_during_the_call_shows_both_and_one_is_the_truth() {
    const ROUNDS: usize = 20_000;
    let (_directory, place) = place();
    let (a, b) = (place.join("a"), place.join("b"));
    let name = support::c_path(&a);
    // The last letter goes to and fro.
    let buffer: Vec<AtomicU8> = name.as_bytes_with_nul().iter().map(|byte| AtomicU8::new(*byte)).collect();
    let letter = &buffer[buffer.len() - 2];
    let done = AtomicBool::new(false);
    fs::write(&a, "").expect("a");
    fs::write(&b, "").expect("b");
    let mut removed = Vec::new();
    let mut by_kernel = false;
    let recorded = record_live(|probes| {
        by_kernel = kernel_names(probes);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    letter.store(b'b', Ordering::Relaxed);
                    letter.store(b'a', Ordering::Relaxed);
                }
            });
            for _ in 0..ROUNDS {
                #[expect(unsafe_code, reason = "the memory is written meanwhile, on purpose")]
                // SAFETY: a path with its NUL, alive for the call; the kernel copes with its changes.
                let result = unsafe { libc::unlink(buffer.as_ptr().cast()) };
                assert_eq!(result, 0);
                let gone = if a.exists() { &b } else { &a };
                fs::write(gone, "").expect("another one");
                removed.push(text(gone));
            }
            done.store(true, Ordering::Relaxed);
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
    assert!(differ > 0, "of {ROUNDS} rounds none was rewritten in between");
}
