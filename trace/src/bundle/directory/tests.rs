use super::*;
use std::io::Write as _;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

fn members(bytes: &[u8]) -> Result<BTreeMap<String, Member>, String> {
    let mut file = tempfile::tempfile().expect("a file");
    file.write_all(bytes).expect("written");
    directory(&file, bytes.len() as u64).map_err(|problem| match problem {
        Problem::Io(error) => error.to_string(),
        Problem::Zip(reason) | Problem::Shape(reason) => reason,
    })
}

/// A ZIP of two members, with the sizes of large ones where that is asked for.
fn zip(is_large: bool) -> Vec<u8> {
    let mut zip = ZipWriter::new(io::Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored).large_file(is_large);
    for (name, content) in [("manifest.json", "{}"), ("events/file.parquet", "PAR1")] {
        zip.start_file(name, options).expect("a member");
        zip.write_all(content.as_bytes()).expect("written");
    }
    zip.finish().expect("a ZIP").into_inner()
}

/// The same with the end of a large one: record, locator, and an end that says nothing.
fn with_large_end(mut bytes: Vec<u8>) -> Vec<u8> {
    let end = bytes.split_off(bytes.len() - END_BYTES as usize);
    let record_at = bytes.len() as u64;
    let mut record = [END_64, &44_u64.to_le_bytes(), &[45, 0, 45, 0], &[0; 8]].concat();
    record.extend([u64::from(u16_at(&end, 10)); 2].iter().flat_map(|count| count.to_le_bytes()));
    record.extend(u64::from(u32_at(&end, 12)).to_le_bytes());
    record.extend(u64::from(u32_at(&end, 16)).to_le_bytes());
    let locator = [LOCATOR, &[0; 4], &record_at.to_le_bytes(), &[1, 0, 0, 0]].concat();
    let end = [END, &[0; 4], &[0xFF; 12], &[0; 2]].concat();
    [bytes, record, locator, end].concat()
}

#[test]
fn large_sizes_are_read_where_a_large_zip_has_them() {
    let plain = members(&zip(false)).expect("a ZIP");
    assert_eq!(plain["events/file.parquet"].len, 4);
    let large = zip(true);
    let found = members(&large).expect("a large one");
    assert_eq!(found["manifest.json"].len, 2);
    let member = found["events/file.parquet"];
    assert_eq!(&large[member.offset as usize..][..4], b"PAR1");
    assert_eq!(members(&with_large_end(large.clone())).expect("the largest"), found);
    let mut wrong = with_large_end(large);
    let at = wrong.len() - 22 - 20 + 8;
    wrong[at] ^= 1;
    assert!(members(&wrong).expect_err("elsewhere").contains("not where it ends"));
}

#[test]
fn a_byte_more_or_less_anywhere_is_noticed() {
    let whole = zip(false);
    for at in 0..=whole.len() {
        let mut more = whole.clone();
        more.insert(at, 0);
        assert!(members(&more).is_err(), "more at {at}");
        if at < whole.len() {
            let mut less = whole.clone();
            less.remove(at);
            assert!(members(&less).is_err(), "less at {at}");
        }
    }
}

/// Every place where `what` is.
fn places(bytes: &[u8], what: &[u8]) -> Vec<usize> {
    (0..bytes.len().saturating_sub(what.len())).filter(|at| bytes[*at..].starts_with(what)).collect()
}

/// The ZIP with these bytes put at the end of its last member's part of the directory, `len_at` there counting them.
fn with_more_in_the_directory(mut bytes: Vec<u8>, len_at: usize, more: &[u8]) -> Vec<u8> {
    let end = bytes.len() - END_BYTES as usize;
    let entry = *places(&bytes, b"PK\x01\x02").last().expect("a member");
    bytes[entry + len_at..][..2].copy_from_slice(&(more.len() as u16).to_le_bytes());
    let len = u32_at(&bytes, end + 12) + more.len() as u32;
    bytes[end + 12..][..4].copy_from_slice(&len.to_le_bytes());
    bytes.splice(end..end, more.iter().copied());
    bytes
}

/// The ZIP with this extra field behind the first member's own name, the directory's places moved along.
fn with_more_in_a_header(mut bytes: Vec<u8>, more: &[u8]) -> Vec<u8> {
    let by = more.len() as u32;
    let behind_name = 30 + usize::from(u16_at(&bytes, 26));
    bytes[28..30].copy_from_slice(&(more.len() as u16).to_le_bytes());
    let mut moved = vec![bytes.len() - END_BYTES as usize + 16];
    moved.extend(places(&bytes, b"PK\x01\x02").into_iter().skip(1).map(|entry| entry + 42));
    for at in moved {
        let place = u32_at(&bytes, at) + by;
        bytes[at..][..4].copy_from_slice(&place.to_le_bytes());
    }
    bytes.splice(behind_name..behind_name, more.iter().copied());
    bytes
}

#[test]
fn a_short_end_that_says_something_else_than_the_large_one_is_refused() {
    let large = with_large_end(zip(true));
    let end = large.len() - END_BYTES as usize;
    let found = members(&large).expect("left to the large one");
    // Each field on its own may say what the large one says; whoever reads only the short one reads the same then.
    let record = end - LOCATOR_BYTES as usize - END_64_BYTES as usize;
    for (short, wide, from) in [(4, 2, 16), (6, 2, 20), (8, 2, 24), (10, 2, 32), (12, 4, 40), (16, 4, 48)] {
        let mut both = large.clone();
        let said = both[record + from..][..wide].to_vec();
        both[end + short..][..wide].copy_from_slice(&said);
        assert_eq!(members(&both).expect("the same twice"), found, "field at {short}");
        both[end + short] ^= 1;
        assert!(members(&both).expect_err("another").contains("two ends"), "field at {short}");
    }
    // An empty ZIP for whoever reads the short one alone.
    let mut empty = large.clone();
    empty[end + 4..end + 16].fill(0);
    assert!(members(&empty).expect_err("another").contains("two ends"));
}

#[test]
fn a_zip_of_several_disks_is_refused() {
    let plain = zip(false);
    let end = plain.len() - END_BYTES as usize;
    for at in [4, 6, 8] {
        let mut several = plain.clone();
        several[end + at] ^= 1;
        assert!(members(&several).expect_err("another disk").contains("disks"), "the end at {at}");
    }
    let large = with_large_end(zip(true));
    let end = large.len() - END_BYTES as usize;
    let locator = end - LOCATOR_BYTES as usize;
    let record = locator - END_64_BYTES as usize;
    for at in [locator + 4, locator + 16, record + 16, record + 20, record + 24] {
        let mut several = large.clone();
        several[at] ^= 2;
        // The short end leaves its own words to the large one.
        several[end + 4..end + 12].fill(0xFF);
        assert!(members(&several).expect_err("another disk").contains("disks"), "the large end at {at}");
    }
    let mut member = plain.clone();
    member[places(&plain, b"PK\x01\x02")[1] + 34] = 1;
    assert!(members(&member).expect_err("another disk").contains("another disk"));
}

#[test]
fn a_comment_of_a_member_is_refused() {
    let said = members(&with_more_in_the_directory(zip(false), 32, b"hidden")).expect_err("a comment");
    assert!(said.contains("a comment"), "{said}");
}

#[test]
fn an_extra_field_that_is_not_the_size_of_a_large_member_is_refused() {
    // Info-ZIP shows this name in place of the member's own.
    let unicode_path = [&b"\x75\x70\x09\x00\x01\0\0\0\0"[..], b"evil"].concat();
    let no_need = b"\x01\x00\x08\x00\0\0\0\0\0\0\0\0".to_vec();
    for more in [unicode_path, no_need, b"\x01\x00\x00\x00".to_vec(), b"x".to_vec()] {
        let said = members(&with_more_in_the_directory(zip(false), 30, &more)).expect_err("in the directory");
        assert!(said.contains("an extra field"), "{said}");
        let said = members(&with_more_in_a_header(zip(false), &more)).expect_err("in the member's header");
        assert!(said.contains("says something else than the directory"), "{said}");
    }
    // Where there has to be one it is as long as what it is for.
    let large = zip(true);
    for (begin, name_len) in [(46, 28), (30, 26)] {
        let signature = if begin == 46 { &b"PK\x01\x02"[..] } else { b"PK\x03\x04" };
        let at = places(&large, signature)[1];
        let extra = at + begin + usize::from(u16_at(&large, at + name_len));
        assert_eq!(large[extra..extra + 4], [1, 0, 16, 0]);
        for (byte, value) in [(0, 2), (2, 8), (2, 24), (2, 15)] {
            let mut wrong = large.clone();
            wrong[extra + byte] = value;
            assert!(members(&wrong).is_err(), "{value} at {byte}");
        }
    }
}

#[test]
fn only_a_regular_file_that_unix_made_is_a_member() {
    let plain = zip(false);
    let entry = places(&plain, b"PK\x01\x02")[1];
    let with = |external: u32, made_by: u8, needs: u8, internal: u8| {
        let mut bytes = plain.clone();
        bytes[entry + 38..][..4].copy_from_slice(&external.to_le_bytes());
        (bytes[entry + 5], bytes[entry + 6], bytes[entry + 36]) = (made_by, needs, internal);
        members(&bytes)
    };
    for fine in [0, 0o100_644 << 16, 0o100_600 << 16, 0o100_000 << 16] {
        assert!(with(fine, 3, 10, 0).is_ok(), "{fine:o}");
    }
    let symlink = 0o120_777 << 16;
    let others = [0o040_755 << 16, 0o010_644 << 16, 0o104_755 << 16, 0o644 << 16, 0x10, (0o100_644 << 16) | 1];
    for mode in std::iter::once(symlink).chain(others) {
        assert!(with(mode, 3, 10, 0).expect_err("no file").contains("not a regular file"), "{mode:o}");
    }
    let file = 0o100_644 << 16;
    for (made_by, needs, internal) in [(0, 10, 0), (19, 10, 0), (3, 63, 0), (3, 10, 1)] {
        assert!(with(file, made_by, needs, internal).is_err(), "{made_by} {needs} {internal}");
    }
}

#[test]
fn names_that_only_capitals_tell_apart_are_refused() {
    let mut zip = ZipWriter::new(io::Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    for name in ["manifest.json", "Manifest.json"] {
        zip.start_file(name, options).expect("a member");
    }
    let bytes = zip.finish().expect("a ZIP").into_inner();
    assert!(members(&bytes).expect_err("one file for some").contains("capitals"));
}
