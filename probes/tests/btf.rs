//! The reader of the kernel's types, against this kernel's own and against damage.

use std::path::Path;

use proptest::prelude::*;
use taffrail_probes::{Btf, BtfError};

fn kernel() -> Vec<u8> {
    std::fs::read("/sys/kernel/btf/vmlinux").expect("this test needs a kernel with BTF")
}

#[test]
fn fields_of_this_kernel_are_found() {
    let btf = Btf::read(Path::new("/sys/kernel/btf/vmlinux")).expect("BTF");
    assert_eq!(btf.offset_of("pt_regs", "orig_ax").expect("a plain field"), 120);
    assert_eq!(btf.offset_of("list_head", "prev").expect("a small struct"), 8);
    let name = btf.offset_of("dentry", "d_name").expect("a member, anonymous union or not");
    let nested = btf.offset_of("dentry", "d_name.name").expect("a nested member");
    assert_eq!(nested, name + btf.offset_of("qstr", "name").expect("a field"));
    assert_eq!(btf.offset_of("sock", "__sk_common.skc_family").expect("a field"), 16);
}

#[test]
fn the_bit_for_a_received_fin_is_where_the_programs_look() {
    let btf = Btf::parse(kernel()).expect("BTF");
    assert_eq!(btf.enum_value("sock_flags", "SOCK_DONE"), Some(1));
    assert_eq!(btf.enum_value("sock_flags", "NO_SUCH_FLAG"), None);
}

#[test]
fn a_field_that_is_not_there_is_named() {
    let btf = Btf::parse(kernel()).expect("BTF");
    let error = btf.offset_of("task_struct", "no.such").expect_err("no such field");
    assert!(matches!(error, BtfError::NoField { .. }));
    assert!(error.to_string().contains("no.such") && error.to_string().contains("task_struct"));
    btf.offset_of("no_such_struct", "pid").expect_err("no such struct");
}

#[test]
fn btf_that_is_cut_short_is_refused() {
    let whole = kernel();
    for len in [0, 1, 2, 3, 10, 23, 24, 25, 100, whole.len() / 2, whole.len() - 1] {
        Btf::parse(whole[..len].to_vec()).expect_err("cut short");
    }
}

/// A small valid file: `struct s { int a; struct { int b; }; }`.
fn small() -> Vec<u8> {
    let strings = b"\0int\0s\0a\0b\0";
    let types: Vec<u32> =
        [vec![1, 1 << 24, 4, 32], vec![0, 4 << 24 | 1, 4, 9, 1, 0], vec![5, 4 << 24 | 2, 8, 7, 1, 0, 0, 2, 32]]
            .concat();
    let mut bytes = vec![0x9F, 0xEB, 1, 0];
    let (type_len, string_len) = (types.len() as u32 * 4, strings.len() as u32);
    for word in [24, 0, type_len, type_len, string_len].iter().chain(&types) {
        bytes.extend_from_slice(&word.to_le_bytes());
    }
    bytes.extend_from_slice(strings);
    bytes
}

#[test]
fn a_member_of_an_anonymous_struct_belongs_to_the_one_around_it() {
    let btf = Btf::parse(small()).expect("the small file");
    assert_eq!(btf.offset_of("s", "a").expect("a"), 0);
    assert_eq!(btf.offset_of("s", "b").expect("b"), 4);
}

proptest! {
    #[test]
    fn no_damage_panics(changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8)) {
        let mut bytes = small();
        for (index, value) in changes {
            let at = index.index(bytes.len());
            bytes[at] = value;
        }
        if let Ok(btf) = Btf::parse(bytes) {
            let _ = btf.offset_of("s", "b");
            let _ = btf.offset_of("s", "a.b.c");
            let _ = btf.enum_value("s", "a");
        }
    }
}
