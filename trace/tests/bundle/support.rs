//! What the tests share: the made-up incident, signed or not, and bundles made of its members.

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use taffrail_trace::bundle::{self, Bundle, Ending, Member};
use taffrail_trace::fixture;
use taffrail_trace::signature::Signer;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// A key in `dir` by that name, made where it is not there.
pub fn key(dir: &Path, name: &str) -> Signer {
    Signer::read_or_make(&dir.join(name), name).expect("a key")
}

/// The incident, signed by the key `host`.
pub fn signed(dir: &Path) -> PathBuf {
    let (manifest, tables) = fixture::incident();
    let path = dir.join("web.evidence.zip");
    let ending = Ending { more: None, signer: Some(&key(dir, "host")) };
    bundle::seal(&path, &manifest, tables, ending).expect("a bundle");
    path
}

/// A member's bytes.
pub fn bytes(bundle: &Bundle, name: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    bundle.reader(member(bundle, name)).read_to_end(&mut bytes).expect("readable");
    bytes
}

pub fn member(bundle: &Bundle, name: &str) -> Member {
    *bundle.members().get(name).unwrap_or_else(|| panic!("no member {name}"))
}

/// Every member of a bundle in the order of their names.
pub fn members(path: &Path) -> Vec<(String, Vec<u8>)> {
    let bundle = Bundle::open(path).expect("a bundle");
    bundle.members().keys().map(|name| (name.clone(), bytes(&bundle, name))).collect()
}

/// A ZIP of these members, whatever they are, as another program would write it.
pub fn zipped(path: &Path, members: &[(String, Vec<u8>)]) {
    let mut zip = ZipWriter::new(File::create(path).expect("a file"));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    for (name, bytes) in members {
        zip.start_file(name.as_str(), options).expect("a member");
        zip.write_all(bytes).expect("written");
    }
    zip.finish().expect("a ZIP");
}

/// The bundle at `path` with one member's bytes changed.
pub fn with_member(path: &Path, name: &str, change: impl Fn(&mut Vec<u8>)) -> PathBuf {
    let mut all = members(path);
    for (_, bytes) in all.iter_mut().filter(|(known, _)| known == name) {
        change(bytes);
    }
    let changed = path.with_file_name("changed.evidence.zip");
    let _ = fs::remove_file(&changed);
    zipped(&changed, &all);
    changed
}

/// Every place where `what` is.
pub fn places(bytes: &[u8], what: &[u8]) -> Vec<usize> {
    (0..bytes.len().saturating_sub(what.len())).filter(|at| bytes[*at..].starts_with(what)).collect()
}
