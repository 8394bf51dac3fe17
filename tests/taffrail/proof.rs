//! A bundle proves itself: with the tools that everybody has, with our own, and after less was left of it.

use crate::support::container::Container;
use crate::support::{Recorder, ask, number, run, taffrail, told};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// What a container of these tests does.
const SCRIPT: &str = "echo secret > /tmp/made-it; cat /tmp/made-it; sleep 600";

/// A real bundle, and the state directory of the recorder that sealed it, which has ended.
struct Sealed {
    bundle: PathBuf,
    dir: TempDir,
}

impl Sealed {
    fn new(config: &str) -> Self {
        let recorder = Recorder::start(config);
        let box_ = Container::run("proof", SCRIPT);
        recorder.wait_for(&box_.name);
        box_.wait_for("/tmp/made-it");
        let bundle = recorder.trigger(&box_.name, "5m", "0s");
        let (code, dir) = recorder.end("TERM");
        assert_eq!(code, Some(0));
        Self { bundle, dir }
    }

    fn state(&self) -> PathBuf {
        self.dir.path().join("state")
    }

    fn shown(&self) -> String {
        self.bundle.to_string_lossy().into_owned()
    }

    /// `taffrail verify` with this recorder's state directory.
    fn verify(&self, more: &[&str]) -> (i32, String, String) {
        let state = self.state().to_string_lossy().into_owned();
        run(&[&["verify", "--state-dir", &state][..], more].concat())
    }
}

fn shell(dir: &Path, script: &str) -> (i32, String, String) {
    told(Command::new("bash").args(["-e", "-o", "pipefail", "-c", script]).current_dir(dir).output().expect("bash"))
}

fn text(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn a_sealed_bundle_verifies_with_stock_unzip_sha256sum_and_ssh_keygen() {
    let sealed = Sealed::new("");
    let out = tempfile::tempdir().expect("a directory");
    let public = text(&sealed.state().join("host_key.pub"));
    fs::write(out.path().join("allowed"), format!("host {public}")).expect("written");
    let script = format!(
        "mkdir members; cd members; unzip -q '{}'; sha256sum -c SHA256SUMS
         ssh-keygen -Y check-novalidate -n taffrail-evidence -s SHA256SUMS.sig < SHA256SUMS
         ssh-keygen -Y verify -f ../allowed -I host -n taffrail-evidence -s SHA256SUMS.sig < SHA256SUMS
         find . -type f | sed 's|^./||' | grep -v '^SHA256SUMS' | sort > ../there
         sed 's/^.*  //' SHA256SUMS | sort | diff - ../there",
        sealed.shown()
    );
    let (code, said, err) = shell(out.path(), &script);
    assert_eq!(code, 0, "{said}{err}");
    assert!(said.contains("Good \"taffrail-evidence\" signature for host"), "{said}");
    // The same tools notice a change.
    let (code, ..) = shell(&out.path().join("members"), "echo >> manifest.json; sha256sum -c --quiet SHA256SUMS");
    assert_ne!(code, 0);
    let forged =
        "echo >> SHA256SUMS; ssh-keygen -Y check-novalidate -n taffrail-evidence -s SHA256SUMS.sig < SHA256SUMS";
    assert_ne!(shell(&out.path().join("members"), forged).0, 0);

    // The host's own key is kept as ssh keeps one.
    let mode = |name: &str| {
        let mode = fs::metadata(sealed.state().join(name)).expect("a file").permissions();
        std::os::unix::fs::PermissionsExt::mode(&mode) & 0o777
    };
    assert_eq!((mode("host_key"), mode("custody.log"), mode("chain.log")), (0o600, 0o600, 0o600));
    let (code, said, err) = shell(&sealed.state(), "ssh-keygen -y -f host_key | cut -d' ' -f1-2");
    assert_eq!(code, 0, "{err}");
    assert!(public.starts_with(said.trim()), "{said} is not of {public}");
    the_lines_of_custody_verify_with_stock_tools(&sealed, out.path());
    what_the_manifest_says_of_chain_and_configuration_is_so(&sealed);
}

fn it_is_exported_with_a_line_or_not_at_all(sealed: &Sealed, dir: &Path) {
    let (copy, page) = (dir.join("copy.evidence.zip"), dir.join("report.md"));
    let (log, state) = (sealed.state().join("custody.log"), sealed.state().to_string_lossy().into_owned());
    let (original, out) = (sealed.shown(), copy.to_string_lossy().into_owned());
    let export = |state: &str| {
        run(&["custody", "export", &original, "-o", &out, "--to", "the\u{1b}[31m insurer", "--state-dir", state])
    };
    let (code, _, err) = export(&dir.to_string_lossy());
    assert!(code == 2 && err.contains("no custody log") && !copy.exists(), "{err}");
    let (code, said, err) = export(&state);
    assert_eq!(code, 0, "{err}");
    assert_eq!(fs::read(&copy).expect("the copy"), fs::read(&sealed.bundle).expect("the bundle"));
    let (code, summed, _) = shell(dir, &format!("echo '{}' | sha256sum -c", said.trim()));
    assert!(code == 0 && summed.contains("OK"), "{said}");
    assert!(text(&log).contains(&said[..64]), "the line names the copy by its digest");
    let (code, _, err) = export(&state);
    assert!(code == 2 && err.contains("is there already"), "{err}");
    let (code, _, err) = run(&["report", &original, "-o", &page.to_string_lossy(), "--state-dir", &state]);
    assert_eq!((code, err.as_str()), (0, ""));
    let (code, out, _) = run(&["custody", "verify", &log.to_string_lossy(), "--state-dir", &state]);
    assert!(code == 0 && out.contains("insurer as copy.evidence.zip") && !out.contains('\u{1b}'), "{out}");
    assert!(out.contains("exported as report.md"), "{out}");
}

fn the_lines_of_custody_verify_with_stock_tools(sealed: &Sealed, out: &Path) {
    let log = sealed.state().join("custody.log");
    let script = format!(
        "head -n 1 '{}' > line
         sed 's/,\"signature\":\"[^\"]*\"}}$/}}/' line | tr -d '\\n' > signed
         printf '%b' \"$(sed 's/.*\"signature\":\"//; s/\"}}$//' line)\" > line.sig
         ssh-keygen -Y verify -f allowed -I host -n taffrail-custody -s line.sig < signed",
        log.display()
    );
    let (code, said, err) = shell(out, &script);
    assert_eq!(code, 0, "{said}{err}");
    let (code, said, err) =
        run(&["custody", "verify", &log.to_string_lossy(), "--state-dir", &sealed.state().to_string_lossy()]);
    assert_eq!(code, 0, "{said}{err}");
    assert!(said.starts_with("ok ") && said.contains("sealed") && said.contains("signed by taffrail@"), "{said}");
    let entry: Value = serde_json::from_str(text(&log).lines().next().expect("a line")).expect("JSON");
    let (code, sums, err) =
        shell(out, &format!("unzip -p '{}' SHA256SUMS | sha256sum | cut -d' ' -f1", sealed.shown()));
    assert_eq!((code, sums.trim()), (0, entry["sums_sha256"].as_str().expect("a sum")), "{err}");
}

fn what_the_manifest_says_of_chain_and_configuration_is_so(sealed: &Sealed) {
    let (_, manifest, _) = shell(sealed.dir.path(), &format!("unzip -p '{}' manifest.json", sealed.shown()));
    let manifest: Value = serde_json::from_str(&manifest).expect("JSON");
    assert_eq!(manifest["signature_namespace"], "taffrail-evidence");
    let heads = manifest["chain_heads"].as_array().expect("heads");
    assert_eq!(heads.len(), 2, "{heads:?}");
    let log = text(&sealed.state().join("chain.log"));
    let told: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    for head in heads {
        let is_it = |line: &&Value| line["sha256"] == head["sha256"];
        let line = told.iter().find(is_it).unwrap_or_else(|| panic!("{head} is not in\n{log}"));
        assert_eq!((&line["class"], &line["seq"]), (&head["class"], &head["seq"]));
        assert_eq!(line["container_key"], manifest["container"]["key"]);
    }
    // A log that was kept elsewhere fits, and notices a chain that was made anew.
    let kept = sealed.state().join("chain.log").to_string_lossy().into_owned();
    let (code, said, err) = sealed.verify(&["--chain-log", &kept, &sealed.shown()]);
    assert!(code == 0 && said.contains(" lines of the chain log name its segments as it does"), "{said}{err}");
    let changed = sealed.dir.path().join("changed.log");
    let sha256 = heads[0]["sha256"].as_str().expect("a digest");
    fs::write(&changed, log.replace(sha256, &"0".repeat(64))).expect("written");
    let (code, said, _) = sealed.verify(&["--chain-log", &changed.to_string_lossy(), &sealed.shown()]);
    assert!(code == 1 && said.contains("is another one in the chain log"), "{said}");
    // The configuration's sum is one of what `config print` prints, with the state directory that it was given.
    let config = format!("{}state_dir = {:?}\n", text(&sealed.dir.path().join("test.toml")), sealed.state());
    fs::write(sealed.dir.path().join("same.toml"), config).expect("written");
    let print = format!("'{}' config print same.toml | grep -v '^#' | sha256sum", env!("CARGO_BIN_EXE_taffrail"));
    let (_, sum, _) = shell(sealed.dir.path(), &print);
    assert!(sum.starts_with(manifest["config_sha256"].as_str().expect("a sum")), "{sum} {manifest}");
}

#[test]
fn verify_says_who_signed_and_whether_that_will_do() {
    let sealed = Sealed::new("");
    let bundle = sealed.shown();
    let own = sealed.state().join("host_key.pub").to_string_lossy().into_owned();
    let (code, said, err) = sealed.verify(&[&bundle]);
    assert_eq!(code, 0, "{said}{err}");
    assert!(said.starts_with("intact ") && said.contains("signed by taffrail@"), "{said}");
    assert!(said.contains("vital: ") && said.contains("none missing, each names the one before"), "{said}");
    assert!(said.contains("without a known gap: vital "), "{said}");

    let nobody = sealed.dir.path().join("nobody").to_string_lossy().into_owned();
    let (code, said, _) = run(&["verify", "--state-dir", &nobody, &bundle]);
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("signed by SHA256:") && said.contains(", which nobody here vouches for"), "{said}");
    let (code, said, _) = run(&["verify", "--key", &own, &bundle]);
    assert_eq!(code, 0, "{said}");

    let other = sealed.dir.path().join("other");
    let (code, ..) = shell(sealed.dir.path(), "ssh-keygen -q -t ed25519 -N '' -f other -C somebody");
    assert_eq!(code, 0);
    let other = format!("{}.pub", other.display());
    let (code, said, _) = run(&["verify", "--key", &other, &bundle]);
    assert_eq!(code, 1, "{said}");
    assert!(said.starts_with("UNKNOWN ") && said.contains("signed by an unknown key (SHA256:"), "{said}");
    let list = sealed.dir.path().join("allowed");
    fs::write(
        &list,
        format!("desk {}ops@example namespaces=\"taffrail-evidence\" {}", text(other.as_ref()), text(own.as_ref())),
    )
    .expect("written");
    let (code, said, _) = run(&["verify", "--allowed-signers", &list.to_string_lossy(), &bundle]);
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("signed by ops@example (SHA256:"), "{said}");

    let sample = concat!(env!("CARGO_MANIFEST_DIR"), "/query/tests/old/format-1.evidence.zip");
    let (code, said, _) = run(&["verify", "--state-dir", &nobody, sample]);
    assert!(code == 0 && said.contains("unsigned: this shows damage, not who made it"), "{said}");
    let (code, said, _) = run(&["verify", "--key", &own, sample]);
    assert!(code == 1 && said.contains("unsigned: a signature was asked for"), "{said}");

    // Several at once: the worst is the answer.
    let (code, said, _) = sealed.verify(&["--json", &bundle, sample]);
    assert_eq!(code, 0, "{said}");
    let objects: Vec<Value> = said.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(objects.len(), 2);
    assert_eq!((&objects[0]["verdict"], &objects[0]["signed_by"]["known"]), (&"intact".into(), &true.into()));
    assert!(objects[0]["coverage"][0]["percent"].as_f64().is_some_and(|percent| percent > 0.0));
    assert_eq!(objects[1]["signed_by"], Value::Null);
    let (code, said, err) = sealed.verify(&["/nowhere", &bundle]);
    assert_eq!((code, said.starts_with("intact ")), (2, true), "{err}");
}

#[test]
fn what_was_changed_cut_off_or_put_in_is_said_by_name() {
    let sealed = Sealed::new("");
    let dir = sealed.dir.path();
    let remade = "import zipfile,sys
old = zipfile.ZipFile(sys.argv[1]); new = zipfile.ZipFile(sys.argv[2], 'w', zipfile.ZIP_STORED)
for name in old.namelist():
    data = bytearray(old.read(name))
    if name == sys.argv[3]:
        if sys.argv[4] == 'drop': continue
        data[len(data) // 2] ^= 1
    new.writestr(name, bytes(data))
if sys.argv[4] == 'add': new.writestr('events/more.parquet', b'x')
new.close()";
    fs::write(dir.join("remade.py"), remade).expect("written");
    let said_of = |name: &str, how: &str| {
        let (code, _, err) =
            shell(dir, &format!("rm -f new.zip; python3 remade.py '{}' new.zip '{name}' {how}", sealed.shown()));
        assert_eq!(code, 0, "{err}");
        let (code, said, err) = sealed.verify(&[&dir.join("new.zip").to_string_lossy()]);
        assert_eq!(code, 1, "{name} {how}: {said}{err}");
        said
    };
    let same = {
        let (code, _, err) = shell(dir, &format!("python3 remade.py '{}' new.zip '' same", sealed.shown()));
        assert_eq!(code, 0, "{err}");
        sealed.verify(&[&dir.join("new.zip").to_string_lossy()])
    };
    assert_eq!(same.0, 0, "put together by another program it is the same evidence: {}", same.1);
    for name in ["events/process.parquet", "events/gap.parquet"] {
        let said = said_of(name, "flip");
        assert!(said.starts_with("ALTERED ") && said.contains(&format!("{name} is not what was written")), "{said}");
    }
    assert!(said_of("SHA256SUMS.sig", "flip").contains("SHA256SUMS.sig does not hold"));
    assert!(said_of("SHA256SUMS.sig", "drop").contains("the manifest says that there is one, and it is gone"));
    assert!(said_of("events/file.parquet", "drop").contains("events/file.parquet is missing"));
    assert!(said_of("", "add").contains("events/more.parquet was not there when the bundle was sealed"));
    let (code, ..) = shell(dir, &format!("head -c 20000 '{}' > new.zip", sealed.shown()));
    assert_eq!(code, 0);
    let (code, said, _) = sealed.verify(&[&dir.join("new.zip").to_string_lossy()]);
    assert!(code == 1 && said.starts_with("TRUNCATED "), "{said}");
}

#[test]
fn the_operators_key_signs_where_one_is_named_and_is_checked_before() {
    let keys = tempfile::tempdir().expect("a directory");
    let (code, ..) = shell(
        keys.path(),
        "ssh-keygen -q -t ed25519 -N '' -f ops -C ops@example; ssh-keygen -q -t rsa -b 2048 -N '' -f rsa; ssh-keygen -q -t ed25519 -N secret -f locked",
    );
    assert_eq!(code, 0);
    let path = |name: &str| keys.path().join(name).to_string_lossy().into_owned();
    let check = |key: &str| {
        fs::write(keys.path().join("test.toml"), format!("signing_key = {key:?}\n")).expect("written");
        run(&["config", "check", &path("test.toml")])
    };
    assert_eq!(check(&path("ops")).0, 0);
    for (key, why) in
        [("rsa", "ssh-ed25519"), ("locked", "passphrase"), ("ops.pub", "chmod 600"), ("none", "No such file")]
    {
        let (code, _, err) = check(&path(key));
        assert!(
            code == 2 && err.contains(why) && err.contains("signing_key") && err.lines().count() == 1,
            "{key}: {err}"
        );
    }
    let sealed = Sealed::new(&format!("signing_key = {:?}\n", path("ops")));
    let (code, said, _) = run(&["verify", "--key", &path("ops.pub"), &sealed.shown()]);
    assert!(code == 0 && said.contains("signed by ops@example (SHA256:"), "{said}");
    assert!(!sealed.state().join("host_key").exists(), "none is made where one is named");

    // What a killed recorder left is signed by whoever salvages it.
    let out = keys.path().join("out").to_string_lossy().into_owned();
    let state = sealed.state().to_string_lossy().into_owned();
    let (code, bundles, err) = run(&["salvage", &state, "--container", "host", "--out", &out, "--key", &path("ops")]);
    assert_eq!(code, 0, "{err}");
    let (code, said, _) = run(&["verify", "--key", &path("ops.pub"), bundles.trim()]);
    assert_eq!(code, 0, "{said}");
    let (code, _, err) = run(&["salvage", &state, "--out", &out, "--key", &path("locked")]);
    assert!(code == 2 && err.contains("passphrase"), "{err}");
}

#[test]
fn a_redacted_bundle_is_evidence_of_its_own() {
    let sealed = Sealed::new("");
    let dir = sealed.dir.path();
    let new = dir.join("less.evidence.zip");
    let shown = new.to_string_lossy().into_owned();
    let state = sealed.state().to_string_lossy().into_owned();
    assert!(number(&sealed.bundle, "SELECT count(*) FROM file WHERE path = '/tmp/made-it'") > 0);
    let original = sealed.shown();
    let redact = |more: &[&str]| run(&[&["redact", &original, "-o", &shown, "--state-dir", &state][..], more].concat());
    let (code, said, err) = redact(&[
        "--drop-path",
        "/tmp/made",
        "--drop-table",
        "dns",
        "--drop-column",
        "process.exe_sha256",
        "--drop-terminal",
        "--mask-args",
    ]);
    assert_eq!(code, 0, "{said}{err}");
    assert!(said.contains("path /tmp/made, ") && said.contains("signed by SHA256:"), "{said}");
    assert_eq!(ask(&new, "SELECT path FROM file WHERE path LIKE '%made-it%'"), Vec::<Value>::new());
    assert_eq!(number(&new, "SELECT count(exe_sha256) FROM process"), 0);
    assert_eq!(number(&new, "SELECT count(*) FROM process WHERE cmdline LIKE '%secret%'"), 0);
    assert!(number(&new, "SELECT count(*) FROM process WHERE cmdline LIKE 'cat%'") > 0);
    assert!(number(&new, "SELECT count(*) FROM timeline") > 0, "the views go on");
    let (code, said, _) = sealed.verify(&[&shown]);
    assert!(code == 0 && said.contains("signed by taffrail@"), "{said}");
    assert!(said.contains("redacted from ") && said.contains("path, table, terminal"), "{said}");
    let (code, out, _) = run(&["custody", "verify", &shown, "--state-dir", &state]);
    assert!(code == 0 && out.contains("with less in it"), "{out}");
    let log = sealed.state().join("custody.log");
    let (code, out, _) = run(&["custody", "verify", &log.to_string_lossy(), "--state-dir", &state]);
    assert!(code == 0 && out.contains("   2 ") && out.contains("less.evidence.zip"), "{out}");
    it_is_exported_with_a_line_or_not_at_all(&sealed, dir);
    let changed = text(&log).replace("less.evidence.zip", "more.evidence.zip");
    fs::write(dir.join("changed.log"), changed).expect("written");
    let (code, out, _) = run(&["custody", "verify", &dir.join("changed.log").to_string_lossy(), "--state-dir", &state]);
    assert!(code == 1 && out.contains("ALTERED") && out.contains("does not hold"), "{out}");
    // It is never written over, and nothing to do is said.
    let (code, _, err) = redact(&["--drop-terminal"]);
    assert!(code == 2 && err.contains("is there already"), "{err}");
    fs::remove_file(&new).expect("removed");
    let (code, _, err) = redact(&[]);
    assert!(code == 2 && err.contains("nothing to take out"), "{err}");
    let (code, _, err) = redact(&["--max-size", "5kB"]);
    assert!(code == 2 && err.contains("what has to stay"), "{err}");
    assert!(!new.exists());
}

#[test]
fn every_command_takes_spoiled_bundles_without_stopping_or_writing() {
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("sample-traces/reverse-shell.evidence.zip");
    let whole = fs::read(sample).expect("the sample");
    let dir = tempfile::tempdir().expect("a directory");
    let mut codes = [0; 3];
    for seed in 0..100_usize {
        let mut bytes = whole.clone();
        // Every other time near the end, where what leads to the rest is.
        let from = if seed % 2 == 0 { 0 } else { whole.len() - 1500 };
        let at = from + seed.wrapping_mul(2_654_435_761) % (whole.len() - from - 8);
        match seed % 5 {
            0 => bytes[at] ^= 0x10,
            1 => bytes[at..at + 4].fill(0xFF),
            2 => drop(bytes.drain(at..at + 7)),
            3 => bytes.splice(at..at, *b"PK\x05\x06").for_each(drop),
            _ => bytes.truncate(at),
        }
        fs::write(dir.path().join("spoiled.evidence.zip"), &bytes).expect("written");
        for args in [
            &["verify", "spoiled.evidence.zip"][..],
            &["query", "spoiled.evidence.zip", "--sql", "SELECT * FROM timeline"],
            &["redact", "spoiled.evidence.zip", "-o", "new", "--drop-terminal", "--max-size", "80kB"],
            &["custody", "verify", "spoiled.evidence.zip"],
        ] {
            let begun = Instant::now();
            let (code, out, err) = told(taffrail().args(args).current_dir(dir.path()).output().expect("it runs"));
            assert!((0..=2).contains(&code), "seed {seed}, {args:?}: {code} {out}{err}");
            assert!(
                !err.contains("panicked") && !err.contains("a fault of this program"),
                "seed {seed}, {args:?}: {err}"
            );
            assert!(begun.elapsed() < Duration::from_secs(5), "seed {seed}, {args:?}");
            let _ = fs::remove_file(dir.path().join("new"));
            codes[code as usize] += usize::from(args[0] == "verify");
        }
        let left: Vec<_> = fs::read_dir(dir.path()).expect("a directory").flatten().collect();
        assert_eq!(left.len(), 1, "seed {seed}: {left:?}");
    }
    println!("verify said fine, no, error: {codes:?}");
    assert!(codes[1] > 50 && codes[2] == 0, "{codes:?}");
}
