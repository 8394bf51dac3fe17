//! Files that are not what they claim get one clear line and the right exit code, from every command that opens them.

use crate::support::{run, taffrail, told};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

fn sample() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("sample-traces/reverse-shell.evidence.zip")
}

/// Every command that opens a bundle, on `path`: the exit code expected of verify differs from the others'.
fn expect_one_line(path: &Path, what: &str, verify_code: i32) {
    let name = path.to_string_lossy();
    for (args, expected) in [
        (vec!["query", &name, "--sql", "SELECT count(*) FROM process"], 2),
        (vec!["replay", &name], 2),
        (vec!["verify", &name], verify_code),
    ] {
        let (code, out, err) = run(&args);
        assert_eq!(code, expected, "{what}, {}: {out}{err}", args[0]);
        let said = if err.is_empty() { out } else { err };
        assert_eq!(said.trim_end().lines().count(), 1, "{what}, {}: {said}", args[0]);
        assert!(!said.contains("panicked"), "{what}: {said}");
    }
}

fn written(dir: &Path, bytes: &[u8]) -> PathBuf {
    let path = dir.join("bad.evidence.zip");
    fs::write(&path, bytes).expect("write");
    path
}

#[test]
fn a_file_that_is_not_there_or_no_file_is_one_line_and_exit_code_2() {
    let dir = tempfile::tempdir().expect("a directory");
    expect_one_line(&dir.path().join("nothing"), "missing", 2);
    expect_one_line(dir.path(), "a directory", 1);
}

#[test]
fn a_foreign_or_empty_or_truncated_file_is_one_line() {
    let dir = tempfile::tempdir().expect("a directory");
    let whole = fs::read(sample()).expect("sample");
    expect_one_line(&written(dir.path(), b""), "empty", 1);
    expect_one_line(&written(dir.path(), b"PK\x03\x04 and then nothing of the kind"), "foreign", 1);
    expect_one_line(&written(dir.path(), &[0x7f; 70_000]), "noise", 1);
    for part in [1, 2, 5, 9] {
        expect_one_line(&written(dir.path(), &whole[..whole.len() * part / 10]), "truncated", 1);
    }
}

#[test]
fn a_flipped_bit_anywhere_fails_verification_and_panics_nowhere() {
    let dir = tempfile::tempdir().expect("a directory");
    let whole = fs::read(sample()).expect("sample");
    let (mut caught, mut tried) = (0, 0);
    for step in 0..40 {
        let at = whole.len() * step / 40 + 13;
        let mut bytes = whole.clone();
        bytes[at] ^= 0x04;
        let path = written(dir.path(), &bytes);
        let (code, out, err) = run(&["verify", &path.to_string_lossy()]);
        tried += 1;
        assert!(code == 0 || code == 1, "flipped {at}: {code} {out}{err}");
        caught += i32::from(code == 1);
        let (code, _, err) = run(&["query", &path.to_string_lossy(), "--sql", "SELECT * FROM timeline"]);
        assert!(
            code == 0 || code == 1 || code == 2 && err.trim_end().lines().count() == 1,
            "flipped {at}: {code} {err}"
        );
        assert!(!err.contains("panicked"), "flipped {at}: {err}");
    }
    println!(
        "{caught} of {tried} flipped bits failed verification; the others lie in ZIP headers that carry no evidence"
    );
    assert!(caught >= tried - 4, "{caught} of {tried}");
}

/// Makes hostile bundles of a sample, by name, each with sums that are right where it can have them.
const HOSTILE: &str = r#"
import hashlib, re, struct, sys, zipfile
old = zipfile.ZipFile(sys.argv[1])
def put(zip, name, data, method=zipfile.ZIP_STORED):
    info = zipfile.ZipInfo(name)
    info.create_system, info.external_attr, info.compress_type = 3, 0o100644 << 16, method
    zip.writestr(info, data)
def made(path, change=lambda name, data: data, more=(), packed=None, sums=None):
    zip = zipfile.ZipFile(path + '.zip', 'w')
    names = [name for name in old.namelist() if not name.startswith('SHA256SUMS')]
    all = [(name, change(name, unsigned(name, old.read(name)))) for name in names]
    for name, data in all:
        put(zip, name, data, zipfile.ZIP_DEFLATED if name == packed else zipfile.ZIP_STORED)
    for name in more: put(zip, name, b'x')
    lines = ''.join(f'{hashlib.sha256(data).hexdigest()}  {name}\n' for name, data in all)
    put(zip, 'SHA256SUMS', sums(lines) if sums else lines)
    zip.close()
def unsigned(name, data):
    return data.replace(b'"taffrail-evidence"', b'null') if name == 'manifest.json' else data
def of(member, change):
    return lambda name, data: change(data) if name == member else data
made('intact')
made('traversal', more=['../evil'])
made('bomb', of('events/dns.parquet', lambda data: bytes(64 << 20)), packed='events/dns.parquet')
made('parquet', of('events/process.parquet', lambda data: data[:-8] + struct.pack('<I', 1 << 30) + data[-4:]))
made('manifest', sums=lambda lines: re.sub('^.{8}', '00000000', lines))
made('escape', of('manifest.json', lambda data: re.sub(b'"id": "[0-9a-f]', rb'"id": "\\u001b[31m', data, count=1)))
whole = bytearray(open('intact.zip', 'rb').read())
entries = [found.start() for found in re.finditer(b'PK\x01\x02', whole)]
whole[entries[2] + 42:entries[2] + 46] = whole[entries[1] + 42:entries[1] + 46]
open('overlapping.zip', 'wb').write(whole)
"#;

#[test]
fn a_hostile_bundle_is_refused_by_name_with_2_and_by_verify_with_1_and_writes_nothing() {
    let dir = tempfile::tempdir().expect("a directory");
    let python = Command::new("python3").args(["-c", HOSTILE]).arg(sample()).current_dir(dir.path()).output();
    let (code, out, err) = told(python.expect("python3"));
    assert_eq!(code, 0, "{out}{err}");
    let listed = || {
        let mut names: Vec<_> =
            fs::read_dir(dir.path()).expect("a directory").flatten().map(|it| it.file_name()).collect();
        names.sort();
        names
    };
    let before = listed();
    let asked = |args: &[&str]| {
        let (code, out, err) = told(taffrail().args(args).current_dir(dir.path()).output().expect("it runs"));
        let _ = fs::remove_file(dir.path().join("new.evidence.zip"));
        assert!(!out.contains('\u{1b}') && !err.contains('\u{1b}'), "{args:?}: {out}{err}");
        assert_eq!(listed(), before, "{args:?} wrote");
        (code, format!("{out}{err}"))
    };
    for (name, named) in [
        ("traversal", "\"../evil\" is not one of ours"),
        ("bomb", "events/dns.parquet is compressed"),
        ("overlapping", "overlaps the one before it"),
        ("parquet", "events/process.parquet"),
        ("manifest", "manifest.json is not what"),
    ] {
        let file = format!("{name}.zip");
        let (code, said) = asked(&["verify", &file]);
        assert!(code == 1 && said.contains(&file) && said.contains(named), "verify {name}: {code} {said}");
        for args in [
            &["query", &file, "--sql", "SELECT * FROM timeline"][..],
            &["report", &file],
            &["hunt", &file],
            &["model", "learn", &file],
            &["redact", &file, "-o", "new.evidence.zip", "--drop-terminal"],
        ] {
            let (code, said) = asked(args);
            assert!(code == 2 && said.contains(&file), "{args:?}: {code} {said}");
            assert!(said.contains(named) || args[0] == "redact", "{args:?}: {said}");
        }
        let (code, said) = asked(&["query", &file, "intact.zip", "--sql", "SELECT DISTINCT bundle FROM process"]);
        assert!(code == 0 && said.contains("left out") && said.contains(named), "{name} among others: {code} {said}");
    }
    // What its manifest says reaches no terminal as it is.
    let (code, said) = asked(&["redact", "escape.zip", "-o", "new.evidence.zip", "--drop-terminal"]);
    assert!(code == 0 && said.contains("\\e[31m"), "{said}");
    for args in
        [&["verify", "escape.zip"][..], &["report", "escape.zip"], &["hunt", "escape.zip"], &["query", "escape.zip"]]
    {
        asked(args);
    }
}

#[test]
fn sql_that_writes_or_is_wrong_is_one_line_and_exit_code_2() {
    let name = sample().to_string_lossy().into_owned();
    for sql in [
        "SELEC 1",
        "SELECT nothing FROM process",
        "DROP TABLE process",
        "COPY process TO '/tmp/x.csv'",
        "SELECT * FROM '/etc/passwd'",
    ] {
        let (code, _, err) = run(&["query", &name, "--sql", sql]);
        assert_eq!((code, err.trim_end().lines().count()), (2, 1), "{sql}: {err}");
    }
    let (code, _, _) = run(&["query", &name, "--sql", "SELECT * FROM process WHERE pid = 0"]);
    assert_eq!(code, 1, "a question with no answer");
}

#[test]
fn a_reader_that_stops_reading_is_no_error() {
    let script = format!(
        "'{}' query '{}' --sql 'SELECT * FROM timeline' --format csv | head -n 1",
        env!("CARGO_BIN_EXE_taffrail"),
        sample().display()
    );
    let output =
        Command::new("bash").args(["-o", "pipefail", "-c", &script]).stdin(Stdio::null()).output().expect("bash");
    let (code, out, err) = told(output);
    assert_eq!((code, out.lines().count(), err.as_str()), (0, 1, ""), "{out}");
}
