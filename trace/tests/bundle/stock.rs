//! The tools that everybody has find in a bundle what we find in it, or we refuse it: Info-ZIP's unzip and Python's zipfile
//! are asked about thousands of ZIPs whose structure was spoiled.

use crate::support::{bytes, members, places, zipped};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use taffrail_trace::bundle::{Bundle, MANIFEST, Mismatch, SUMS, Verdict};
use taffrail_trace::fixture;
use taffrail_trace::text::hex;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// What stands in a ZIP by name.
type Found = BTreeMap<String, Vec<u8>>;

/// Reads the paths of ZIPs, a line each, and writes a line for each: names, lengths and digests as JSON, or what is wrong.
const PYTHON: &str = "
import hashlib, json, sys, zipfile
for path in sys.stdin:
    try:
        zip = zipfile.ZipFile(path.rstrip('\\n'))
        infos = zip.infolist()
        found = [[i.filename, i.file_size, hashlib.sha256(zip.read(i)).hexdigest()] for i in infos]
    except Exception as error:
        found = repr(error)
    print(json.dumps(found))
";

/// A bundle as small as one can be, with its sums: what is left out of a ZIP or put into it is noticed by nothing else.
fn small(dir: &Path, is_large: bool) -> Vec<u8> {
    let manifest = members(&fixture::write_incident(dir)).into_iter().find(|(name, _)| name == MANIFEST);
    let mut all = vec![manifest.expect("a manifest"), ("events/aa".to_owned(), b"first".to_vec())];
    let line = |(name, bytes): &(String, Vec<u8>)| format!("{}  {name}\n", hex(&Sha256::digest(bytes)));
    all.push((SUMS.to_owned(), all.iter().map(line).collect::<String>().into_bytes()));
    let mut zip = ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored).large_file(is_large);
    for (name, bytes) in all {
        zip.start_file(name, options).expect("a member");
        zip.write_all(&bytes).expect("written");
    }
    zip.finish().expect("a ZIP").into_inner()
}

fn u16_at(bytes: &[u8], at: usize) -> usize {
    usize::from(u16::from_le_bytes([bytes[at], bytes[at + 1]]))
}

/// The ZIP with each byte of its structure changed in several ways, by itself and, where a member's header repeats the
/// directory, in both.
fn variants(whole: &[u8]) -> Vec<Vec<u8>> {
    let locals = places(whole, b"PK\x03\x04");
    let entries = places(whole, b"PK\x01\x02");
    assert_eq!((locals.len(), entries.len()), (3, 3));
    let mut sites: Vec<Vec<usize>> = Vec::new();
    for (local, entry) in locals.iter().zip(&entries) {
        let (in_header, in_directory) = (u16_at(whole, local + 26), u16_at(whole, entry + 28));
        sites.extend((0..30 + in_header + u16_at(whole, local + 28)).map(|at| vec![local + at]));
        // What both have: from the version on to the lengths of the name, and the name.
        sites.extend((4..28).map(|at| vec![local + at, entry + at + 2]));
        sites.extend((0..in_header.min(in_directory)).map(|at| vec![local + 30 + at, entry + 46 + at]));
    }
    sites.extend((entries[0]..whole.len()).map(|at| vec![at]));
    let changes: [fn(u8) -> u8; 12] = [
        |byte| byte ^ 1,
        |byte| byte ^ 2,
        |byte| byte ^ 4,
        |byte| byte ^ 8,
        |byte| byte ^ 16,
        |byte| byte ^ 32,
        |byte| byte ^ 64,
        |byte| byte ^ 128,
        |_| 0,
        |_| 0xFF,
        |_| b'/',
        |_| b'.',
    ];
    let changed = sites.iter().flat_map(|site| changes.iter().map(move |change| (site, change)));
    let changed = changed.map(|(site, change)| {
        let mut bytes = whole.to_vec();
        site.iter().for_each(|at| bytes[*at] = change(bytes[*at]));
        bytes
    });
    let mut all: Vec<Vec<u8>> = changed.filter(|bytes| bytes != whole).collect();
    // Something before, behind and between, and two ZIPs of which each reader finds its own.
    let end = whole.len() - 22;
    for more in [&b"\0"[..], b"PK\x05\x06", &whole[end..], &whole[entries[0]..], whole] {
        for at in [0, locals[1], entries[0], entries[1], end, whole.len()] {
            let mut bytes = whole.to_vec();
            bytes.splice(at..at, more.iter().copied());
            all.push(bytes);
        }
    }
    all
}

/// What Python finds in each, or what is wrong with it.
fn python(paths: &[PathBuf]) -> Vec<serde_json::Value> {
    let mut python = Command::new("python3")
        .args(["-c", PYTHON])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python3, which cargo xtask test installs");
    let lines: String = paths.iter().map(|path| format!("{}\n", path.display())).collect();
    let mut input = python.stdin.take().expect("its input");
    let writer = std::thread::spawn(move || input.write_all(lines.as_bytes()));
    let output = python.wait_with_output().expect("python3");
    writer.join().expect("a thread").expect("all lines");
    String::from_utf8(output.stdout)
        .expect("text")
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect()
}

/// What unzip takes out of it into an empty directory.
fn unzip(path: &Path, into: &Path) -> Result<Found, String> {
    let output = Command::new("unzip").arg("-qq").arg(path).arg("-d").arg(into).stdin(Stdio::null()).output();
    let output = output.expect("unzip, which cargo xtask test installs");
    let mut found = Found::new();
    let mut dirs = vec![into.to_owned()];
    while let Some(dir) = dirs.pop() {
        for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
            let place = entry.path();
            if entry.file_type().expect("a kind").is_dir() {
                dirs.push(place);
            } else {
                let name = place.strip_prefix(into).expect("below").to_string_lossy().into_owned();
                found.insert(name, fs::read(&place).unwrap_or_default());
            }
        }
    }
    let _ = fs::remove_dir_all(into);
    // Warnings (1) are of what it found odd and read all the same.
    match output.status.code() {
        Some(0) => Ok(found),
        code => Err(format!(
            "{code:?} {}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        )),
    }
}

#[test]
fn what_we_take_for_intact_unzip_and_python_read_alike_whatever_was_spoiled() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut taken: Vec<(PathBuf, Found, bool)> = Vec::new();
    let (mut tried, mut refused) = (0, 0);
    for is_large in [false, true] {
        let whole = small(dir.path(), is_large);
        for bytes_of in variants(&whole).into_iter().chain([whole.clone()]) {
            tried += 1;
            let path = dir.path().join(format!("{tried}.zip"));
            File::create(&path).and_then(|mut file| file.write_all(&bytes_of)).expect("written");
            let Ok(bundle) = Bundle::open(&path) else {
                refused += 1;
                fs::remove_file(&path).expect("removed");
                continue;
            };
            let found = bundle.members().keys().map(|name| (name.clone(), bytes(&bundle, name))).collect();
            let is_intact = matches!(bundle.verify(), Ok(Verdict::Intact(_)));
            taken.push((path, found, is_intact));
        }
    }
    let intact = taken.iter().filter(|(.., is_intact)| *is_intact).count();
    println!("{tried} ZIPs: {refused} refused, {} opened, {intact} of those intact", taken.len());
    assert!(refused > 5_000 && intact > 100, "the test tries both");
    let paths: Vec<PathBuf> = taken.iter().map(|(path, ..)| path.clone()).collect();
    let by_python = python(&paths);
    assert_eq!(by_python.len(), taken.len());
    for ((path, found, is_intact), by_python) in taken.iter().zip(by_python) {
        let altered = || Bundle::open(path).and_then(|bundle| bundle.verify());
        if !is_intact {
            continue;
        }
        let by_unzip = unzip(path, &dir.path().join("out"));
        assert_eq!(by_unzip.as_ref(), Ok(found), "unzip, {}: {:?}", path.display(), altered());
        let mut listed: Vec<serde_json::Value> = found
            .iter()
            .map(|(name, bytes)| serde_json::json!([name, bytes.len(), hex(&Sha256::digest(bytes))]))
            .collect();
        listed.sort_by_key(ToString::to_string);
        let mut by_python = by_python.as_array().cloned().unwrap_or_else(|| panic!("{}: {by_python}", path.display()));
        by_python.sort_by_key(ToString::to_string);
        assert_eq!(by_python, listed, "Python, {}", path.display());
    }
}

#[test]
fn a_checksum_of_the_zip_that_is_wrong_is_an_alteration_as_it_is_for_unzip() {
    let dir = tempfile::tempdir().expect("a directory");
    let whole = small(dir.path(), false);
    let (local, entry) = (places(&whole, b"PK\x03\x04")[1], places(&whole, b"PK\x01\x02")[1]);
    let mut spoiled = whole.clone();
    spoiled[local + 14] ^= 1;
    spoiled[entry + 16] ^= 1;
    let path = dir.path().join("crc.zip");
    fs::write(&path, spoiled).expect("written");
    assert!(unzip(&path, &dir.path().join("out")).is_err_and(|said| said.contains("bad CRC")));
    let verdict = Bundle::open(&path).expect("a bundle").verify().expect("a verdict");
    assert_eq!(verdict, Verdict::Altered(vec![Mismatch::Checksum("events/aa".to_owned())]));
}

#[test]
fn a_member_that_sha256sums_names_twice_is_an_alteration_as_it_is_for_sha256sum() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut all = members(&fixture::write_incident(dir.path()));
    let path = dir.path().join("twice.zip");
    for (_, sums) in all.iter_mut().filter(|(name, _)| name == SUMS) {
        let wrong = format!("{}  {MANIFEST}\n", "0".repeat(64));
        sums.splice(0..0, wrong.bytes()).for_each(drop);
    }
    zipped(&path, &all);
    let out = dir.path().join("out");
    let script = format!("mkdir out; cd out; unzip -qq {}; sha256sum -c --quiet {SUMS}", path.display());
    let stock = Command::new("bash").args(["-c", &script]).current_dir(dir.path()).output().expect("bash");
    assert!(!stock.status.success() && out.exists(), "{stock:?}");
    let verdict = Bundle::open(&path).expect("a bundle").verify().expect("a verdict");
    assert!(
        matches!(&verdict, Verdict::Altered(wrong) if wrong[..] == [Mismatch::Twice(MANIFEST.to_owned())]),
        "{verdict:?}"
    );
}
