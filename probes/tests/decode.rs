//! Bytes that are no record are refused, whatever they are.

use proptest::prelude::*;
use taffrail_probes::{
    Body, DecodeError, Record,
    abi::{Header, Kind, call::Call, process::Fork},
    walked_path,
};

/// A header of `kind` for a record of `len` bytes.
fn header(kind: u16, len: usize) -> Vec<u8> {
    let mut bytes = vec![0; size_of::<Header>()];
    bytes[..4].copy_from_slice(&(len as u32).to_le_bytes());
    bytes[4..6].copy_from_slice(&kind.to_le_bytes());
    bytes
}

fn of(kind: u16, rest: &[u8]) -> Vec<u8> {
    let mut bytes = header(kind, size_of::<Header>() + rest.len());
    bytes.extend_from_slice(rest);
    bytes
}

#[test]
fn a_record_must_have_the_length_it_says() {
    let whole = of(Kind::Fork as u16, &[0; size_of::<Fork>()]);
    Record::decode(&whole).expect("a fork");
    for len in 0..whole.len() {
        Record::decode(&whole[..len]).expect_err("too short");
    }
    let mut long = whole;
    long.push(0);
    assert!(matches!(Record::decode(&long), Err(DecodeError::Length { .. })));
}

#[test]
fn a_kind_that_is_not_known_is_refused() {
    assert_eq!(Record::decode(&of(999, &[])).err(), Some(DecodeError::Kind(999)));
}

#[test]
fn strings_must_fill_the_record_exactly() {
    let mut body = vec![0; size_of::<Call>()];
    let lens = std::mem::offset_of!(Call, lens);
    body[lens..lens + 4].copy_from_slice(&[3, 0, 2, 0]);
    body.extend_from_slice(b"abcde");
    let bytes = of(Kind::File as u16, &body);
    let record = Record::decode(&bytes).expect("a call");
    let Body::Call { names, credentials: None, .. } = record.body else { panic!("{record:?}") };
    assert_eq!((names.base, names.path, names.new_base), (&b"abc"[..], &b"de"[..], &b""[..]));
    body.push(b'!');
    assert!(matches!(Record::decode(&of(Kind::File as u16, &body)), Err(DecodeError::Strings { said: 5, have: 6 })));
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        let _ = Record::decode(&bytes);
    }

    #[test]
    fn no_bytes_behind_a_good_header_panic(
        kind in proptest::sample::select(Kind::ALL.iter().map(|kind| *kind as u16).collect::<Vec<_>>()),
        rest in proptest::collection::vec(prop_oneof![Just(0_u8), any::<u8>()], 0..600),
    ) {
        let bytes = of(kind, &rest);
        if let Ok(record) = Record::decode(&bytes) {
            prop_assert_eq!(record.kind as u16, kind);
        }
    }

    #[test]
    fn a_path_survives_being_walked(names in proptest::collection::vec("[a-z.]{1,20}", 0..20)) {
        let raw: Vec<u8> = names.iter().rev().flat_map(|name| name.bytes().chain([0])).collect();
        let path = format!("/{}", names.join("/"));
        prop_assert_eq!(walked_path(&raw, false), path.into_bytes());
    }
}
