//! Every decoder of outside bytes in `trace` and `rules`, as functions that take any bytes and must return.
//!
//! ```text
//! zip         a whole bundle: directory, manifest, sums, signature, tables, custody
//! manifest    manifest.json by itself, and what is read of it
//! signature   SHA256SUMS.sig, a public key, a list of allowed signers, a line of custody
//! segment     a segment of the ring, and what is behind it
//! rules       a file of rules, Falco's or Sigma's
//! ```
//!
//! Led by coverage: `cargo xtask fuzz`. Without a fuzzing engine, on stable: `cargo run --release -- zip 300`.

use std::cell::RefCell;
use std::fs;
use std::io::{Seek as _, SeekFrom, Write as _};
use std::os::fd::AsRawFd as _;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use taffrail_rules::matcher::RuleSet;
use taffrail_trace::bundle::redact::{Plan, redact};
use taffrail_trace::bundle::{self, Bundle, Ending, OpenError};
use taffrail_trace::clock::Anchor;
use taffrail_trace::custody::{self, Act, Deed};
use taffrail_trace::event::Class;
use taffrail_trace::fixture;
use taffrail_trace::ids::ContainerKey;
use taffrail_trace::manifest::Manifest;
use taffrail_trace::segment::{self, HEAD_BYTES, Head, Label, Whole};
use taffrail_trace::signature::{CUSTODY_NAMESPACE, NAMESPACE, SignedBy, Signer, Trusted};

/// Names and functions of all targets.
pub const TARGETS: [(&str, fn(&[u8])); 5] =
    [("zip", zip), ("manifest", manifest), ("signature", signature), ("segment", segment), ("rules", rules)];

/// Where a segment's head has its lengths and its checksum, see docs/FORMAT.md.
const BODY_LEN_AT: usize = 8;
const RAW_LEN_AT: usize = 12;
const CRC_AT: usize = 20;
/// Rows that are unpacked of a table.
const ROWS_MAX: usize = 10_000;

/// Lets a panic that is contained inside, as those of the Parquet decoder are, be none of the engine's: its own hook would
/// abort. One that comes out of a target is found all the same.
pub fn contain() {
    std::panic::set_hook(Box::new(|_| ()));
}

thread_local! {
    /// A file without a name, written over again and again.
    static FILE: RefCell<fs::File> = RefCell::new(tempfile::tempfile().expect("a file"));
}

/// Shows `look` the path of a file with these bytes.
fn with_file(bytes: &[u8], look: impl FnOnce(&Path)) {
    FILE.with_borrow_mut(|file| {
        file.set_len(0).and_then(|()| file.seek(SeekFrom::Start(0))).expect("an empty file");
        file.write_all(bytes).expect("written");
        look(&PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd())));
    });
}

/// A file of rules, loaded and made ready to be asked.
pub fn rules(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let loaded = taffrail_rules::load::load([("rules.yaml", &*text)]);
    if loaded.problems.is_empty() {
        let _ = RuleSet::new(loaded.rules);
    }
    let _ = taffrail_rules::falco::filter(&text);
}

/// A whole bundle.
pub fn zip(bytes: &[u8]) {
    with_file(bytes, |path| {
        let Ok(bundle) = Bundle::open(path) else { return };
        let _ = bundle.prove();
        let _ = bundle.signature();
        if let Ok(Some(log)) = bundle.text("custody.log") {
            custody::check(&String::from_utf8_lossy(&log));
        }
        for name in bundle.members().keys().filter(|name| name.ends_with(".parquet")) {
            let _ = bundle.each_batch::<OpenError>(name, ROWS_MAX, &mut |_| Ok(()));
        }
    });
}

/// A manifest by itself.
pub fn manifest(bytes: &[u8]) {
    let Ok(manifest) = serde_json::from_slice::<Manifest>(bytes) else { return };
    let window = manifest.window;
    for time in [0, window.from_ns, window.to_ns, manifest.trigger.time_ns, u64::MAX] {
        let _ = taffrail_trace::clock::rfc3339(manifest.clock.utc(time));
    }
}

/// Signatures and public keys.
pub fn signature(bytes: &[u8]) {
    for namespace in [NAMESPACE, CUSTODY_NAMESPACE] {
        let _ = SignedBy::check(bytes, namespace, b"what was signed").map(|by| (by.fingerprint(), by.public()));
    }
    custody::check(&String::from_utf8_lossy(bytes));
    with_file(bytes, |path| {
        let _ = Trusted::key(path);
        let _ = Trusted::allowed_signers(path);
    });
}

/// A segment of the ring: the bytes as one, the bytes with a checksum that is right, and the bytes as what is packed in one.
pub fn segment(bytes: &[u8]) {
    let mut rest = bytes;
    while let Ok(whole) = segment::check(rest) {
        unpacked(&whole);
        rest = &rest[whole.head.frame_bytes()..];
    }
    if let Ok(head) = Head::read(bytes) {
        // As long as it says.
        let mut frame = bytes.to_vec();
        frame.resize(head.frame_bytes().min(1 << 20), 0);
        framed(frame);
    }
    let body = zstd::bulk::compress(bytes, 1).unwrap_or_default();
    let mut frame = [&segments()[0][..HEAD_BYTES], &body].concat();
    frame[BODY_LEN_AT..][..4].copy_from_slice(&(body.len() as u32).to_le_bytes());
    frame[RAW_LEN_AT..][..4].copy_from_slice(&(bytes.len() as u32).to_le_bytes());
    framed(frame);
}

/// Makes the checksum right and unpacks.
fn framed(mut frame: Vec<u8>) {
    if frame.len() >= HEAD_BYTES {
        frame[CRC_AT..][..4].fill(0);
        let crc = crc32fast::hash(&frame);
        frame[CRC_AT..][..4].copy_from_slice(&crc.to_le_bytes());
        let _ = segment::check(&frame).map(|whole| unpacked(&whole));
    }
}

fn unpacked(whole: &Whole<'_>) {
    let _ = (whole.sha256(), whole.live().is_ok(), whole.content().is_ok());
}

/// The incident as segments, one for each class.
fn segments() -> &'static [Vec<u8>] {
    static SEGMENTS: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
        let anchor = Anchor { boot_ns: 1, utc_ns: 2 };
        let of = |class| {
            let label = Label { class, seq: 0, anchor, container: ContainerKey(7), nonce: 9, previous: [0; 32] };
            let mut content = fixture::content();
            content.events.retain(|event| event.body.class() == class);
            segment::encode(&label, &content).expect("a segment").bytes
        };
        Class::ALL.map(of).to_vec()
    });
    &SEGMENTS
}

/// Inputs to begin with, for a target.
pub fn seeds(target: &str) -> Vec<Vec<u8>> {
    let dir = tempfile::tempdir().expect("a directory");
    let (manifest, tables) = fixture::incident();
    let path = dir.path().join("seed.evidence.zip");
    let key = Signer::read_or_make(&dir.path().join("host"), "seed").expect("a key");
    let ending = Ending { more: None, signer: Some(&key) };
    bundle::seal(&path, &manifest, tables, ending).expect("a bundle");
    let sealed = Bundle::open(&path).expect("a bundle");
    let member = |name: &str| sealed.text(name).expect("readable").unwrap_or_default();
    match target {
        "rules" => {
            let sigma = include_str!("../../rules/bench/src/sigma.yaml");
            taffrail_rules::DEFAULT
                .iter()
                .map(|(_, text)| *text)
                .chain([sigma])
                .map(|text| text.as_bytes().to_vec())
                .collect()
        }
        "segment" => {
            let raw = |frame: &Vec<u8>| zstd::bulk::decompress(&frame[HEAD_BYTES..], 1 << 24).expect("its body");
            segments().iter().flat_map(|frame| [frame.clone(), raw(frame)]).collect()
        }
        "zip" => {
            // Small ones, redacted, so that they have a log of custody: of a whole one most bytes are one table like another.
            let small = |name: &str, stay: &[&str]| {
                let place = dir.path().join(name);
                let tables = sealed.manifest().tables.iter().map(|table| table.name.clone());
                let tables = tables.filter(|table| !stay.contains(&table.as_str())).collect();
                let plan = Plan { tables, ..Plan::default() };
                redact(&sealed, &place, &plan, "seed", Ending { more: None, signer: Some(&key) }).expect("less of it");
                fs::read(&place).expect("the bundle")
            };
            vec![small("tiny.zip", &["gap"]), small("small.zip", &["gap", "finding", "terminal"])]
        }
        "manifest" => vec![member("manifest.json")],
        _ => {
            let public = key.public().expect("a key");
            let list = format!("# ours\nops@example namespaces=\"taffrail-evidence\" {public}\n");
            let line = custody::extended("", deed(), Some(&key)).expect("a line");
            vec![member("SHA256SUMS.sig"), public.into_bytes(), list.into_bytes(), line.into_bytes()]
        }
    }
}

fn deed() -> Deed {
    Deed {
        act: Act::Seal,
        tool: "seed".to_owned(),
        bundle: "0badcafe".to_owned(),
        file: "seed.evidence.zip".to_owned(),
        sums_sha256: Some("5".repeat(64)),
        original: None,
        original_sums_sha256: None,
        export: None,
    }
}
