//! The tables of system calls against a list that somebody else made.

use std::collections::BTreeMap;

use syscalls::{x86, x86_64};
use taffrail_probes::abi::call::{I386_TO_X86_64, NUMBERS, SHAPES, X32_FIRST, X32_TO_X86_64};

/// Numbers of this build by name, read from its own source.
fn numbers() -> BTreeMap<String, usize> {
    let source = include_str!("../abi/src/call/shapes.rs");
    let (_, table) = source.split_once("\nshapes! {").expect("the table");
    let rows = table.lines().filter_map(|row| row.split_once(" => "));
    rows.map(|(row, _)| {
        let (name, number) = row.trim().split_once(' ').expect("a name and a number");
        (name.to_lowercase(), number.parse().expect("a number"))
    })
    .collect()
}

#[test]
fn every_row_has_the_number_of_its_name() {
    let numbers = numbers();
    assert!(numbers.len() > 100);
    for (name, number) in &numbers {
        match x86_64::Sysno::new(*number) {
            Some(call) => assert_eq!(call.name(), name),
            // Younger than the list.
            None => assert!(*number > x86_64::Sysno::last() as usize, "{name} {number}"),
        }
    }
    let rows = SHAPES.iter().filter(|shape| shape.act != 0).count();
    assert_eq!(rows, numbers.len(), "no number stands twice");
}

/// Calls whose older forms are other calls by name, and do the same.
fn is_the_same(old: &str, new: &str) -> bool {
    let short = old.trim_end_matches("32").trim_end_matches("64").trim_end_matches("_time");
    old == new || short == new || matches!((old, new), ("umount", "umount2") | ("mmap2", "mmap"))
}

#[test]
fn every_32_bit_call_leads_to_the_one_of_its_name() {
    let numbers = numbers();
    for (number, target) in I386_TO_X86_64.iter().enumerate().filter(|(_, target)| usize::from(**target) < NUMBERS) {
        let new = numbers.iter().find(|(_, of)| **of == usize::from(*target)).expect("a row").0;
        match x86::Sysno::new(number) {
            Some(old) => assert!(is_the_same(old.name(), new), "{number} is {} and not {new}", old.name()),
            None => assert!(number > x86::Sysno::last() as usize, "{number} is no call"),
        }
    }
}

#[test]
fn no_32_bit_call_of_interest_is_forgotten() {
    /// Forms that exist for old programs alone and take other arguments: none of them has a row yet.
    const KNOWN: [&str; 0] = [];
    let numbers = numbers();
    let is_forgotten = |old: &x86::Sysno| {
        let is_known = I386_TO_X86_64.get(*old as usize).is_some_and(|target| usize::from(*target) < NUMBERS);
        !is_known && numbers.keys().any(|new| is_the_same(old.name(), new)) && !KNOWN.contains(&old.name())
    };
    let forgotten: Vec<_> = x86::Sysno::iter().filter(is_forgotten).collect();
    assert!(forgotten.is_empty(), "{forgotten:?}");
}

#[test]
fn an_x32_number_leads_to_a_row() {
    for (index, target) in X32_TO_X86_64.iter().enumerate().filter(|(_, target)| **target != u16::MAX) {
        assert_ne!(SHAPES[usize::from(*target)].act, 0, "{}", X32_FIRST as usize + index);
    }
    // asm/unistd_x32.h
    let number = |name: &str| u16::try_from(numbers()[name]).expect("a number");
    let of = |x32: u64| X32_TO_X86_64[(x32 - X32_FIRST) as usize];
    assert_eq!((of(516), of(521), of(540)), (number("writev"), number("ptrace"), number("process_vm_writev")));
}
