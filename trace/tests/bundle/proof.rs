//! What a bundle proves.

use crate::support::{key, members, signed, with_member, zipped};
use std::fs;
use taffrail_trace::bundle::proof::Signature;
use taffrail_trace::bundle::{self, Bundle, Ending, MANIFEST, Mismatch, SIGNATURE, SUMS, Verdict};
use taffrail_trace::event::Class;
use taffrail_trace::fixture;
use taffrail_trace::manifest::SegmentRef;
use taffrail_trace::signature::{NAMESPACE, SignedBy, Signer, Trusted, public_path};

#[test]
fn a_signed_bundle_says_who_signed_it_and_that_nothing_was_changed() {
    let dir = tempfile::tempdir().expect("a directory");
    let bundle = Bundle::open(&signed(dir.path())).expect("a bundle");
    let proof = bundle.prove().expect("a proof");
    assert_eq!(proof.verdict, Verdict::Intact(bundle.members().len() - 2));
    let Signature::By(by) = proof.signature else { panic!("{:?}", proof.signature) };
    assert_eq!(by.fingerprint(), key(dir.path(), "host").fingerprint());
    assert_eq!(bundle.manifest().signature_namespace.as_deref(), Some(NAMESPACE));
    let own = Trusted::key(&public_path(&dir.path().join("host"))).expect("the public half");
    assert_eq!(own.name_of(&by), Some("host"));
    key(dir.path(), "other");
    let other = Trusted::key(&public_path(&dir.path().join("other"))).expect("the public half");
    assert_eq!(other.name_of(&by), None);
}

#[test]
fn every_changed_member_is_named_and_so_is_what_was_added_or_taken_away() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = signed(dir.path());
    for (name, _) in members(&path) {
        if name == SUMS || name == SIGNATURE || name == MANIFEST {
            continue;
        }
        let changed = with_member(&path, &name, |bytes| bytes[5] ^= 1);
        let proof = Bundle::open(&changed).expect("a bundle").prove().expect("a proof");
        assert_eq!(proof.verdict, Verdict::Altered(vec![Mismatch::Changed(name.clone())]));
        assert!(matches!(proof.signature, Signature::By(_)), "the signature is of the sums, which are whole");
    }
    let mut all = members(&path);
    all.retain(|(name, _)| name != "events/file.parquet");
    all.push(("events/more.parquet".to_owned(), b"more".to_vec()));
    let changed = dir.path().join("other.evidence.zip");
    zipped(&changed, &all);
    let verdict = Bundle::open(&changed).expect("a bundle").verify().expect("a verdict");
    let added = Mismatch::Added("events/more.parquet".to_owned());
    assert_eq!(verdict, Verdict::Altered(vec![added, Mismatch::Missing("events/file.parquet".to_owned())]));
}

#[test]
fn sums_made_anew_are_not_signed_and_a_signature_taken_away_is_missed() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = signed(dir.path());
    let changed = with_member(&path, SUMS, |bytes| bytes.extend_from_slice(b"x"));
    let broken = Bundle::open(&changed).expect("a bundle").signature().expect("a signature");
    assert_eq!(broken, Signature::Broken("it is not the signature of this".to_owned()));
    let mut all = members(&path);
    all.retain(|(name, _)| name != SIGNATURE);
    zipped(&changed, &all);
    let gone = Bundle::open(&changed).expect("a bundle").signature().expect("a signature");
    assert!(matches!(gone, Signature::Broken(reason) if reason.contains("gone")));
    let unsigned = Bundle::open(&fixture::write_incident(dir.path())).expect("a bundle");
    assert_eq!(unsigned.signature().expect("a signature"), Signature::None);
}

#[test]
fn what_is_no_signature_is_said_and_stops_nothing() {
    let dir = tempfile::tempdir().expect("a directory");
    let signer = key(dir.path(), "host");
    let good = signer.sign(NAMESPACE, b"this").expect("a signature");
    assert!(SignedBy::check(good.as_bytes(), NAMESPACE, b"this").is_ok());
    let other = SignedBy::check(good.as_bytes(), "file", b"this").expect_err("another namespace");
    assert!(other.contains("taffrail-evidence") && other.contains("file"), "{other}");
    for text in [
        String::new(),
        "-----BEGIN SSH SIGNATURE-----".to_owned(),
        "-----BEGIN SSH SIGNATURE-----\nAAAA\n-----END SSH SIGNATURE-----\n".to_owned(),
        good.replace('U', "V"),
        good[..good.len() / 2].to_owned(),
        "A".repeat(1 << 20),
    ] {
        assert!(SignedBy::check(text.as_bytes(), NAMESPACE, b"this").is_err());
    }
}

#[test]
fn a_list_of_allowed_signers_is_kept_to() {
    let dir = tempfile::tempdir().expect("a directory");
    let signer = key(dir.path(), "host");
    let public = signer.public().expect("a key");
    let text = signer.sign(NAMESPACE, b"this").expect("a signature");
    let by = SignedBy::check(text.as_bytes(), NAMESPACE, b"this").expect("good");
    let path = dir.path().join("allowed");
    let name = |list: &str| {
        fs::write(&path, list).expect("written");
        Trusted::allowed_signers(&path).map(|trusted| trusted.name_of(&by).map(str::to_owned))
    };
    let known = |list: &str| name(list).expect("a list");
    assert_eq!(known(&format!("# ours\n\nops@example {public}\n")).as_deref(), Some("ops@example"));
    assert_eq!(known(&format!("ops namespaces=\"git, x,taffrail-evidence\" {public}")).as_deref(), Some("ops"));
    assert_eq!(known(&format!("ops namespaces=\"git\" {public}")), None, "for something else");
    assert_eq!(known("ops ssh-rsa AAAAB3NzaC1yc2E= rsa\n"), None, "another kind of key");
    let refused = name(&format!("a {public}\nops valid-before=\"20200101\" {public}")).expect_err("an option");
    assert!(refused.to_string().contains("line 2") && refused.to_string().contains("valid-before"), "{refused}");
    assert!(name("nobody").is_err() && name("ops ssh-ed25519 AAAA").is_err());
}

#[test]
fn a_key_that_cannot_sign_is_refused_with_what_to_do() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("key");
    let refused = || Signer::read(&path).expect_err("no key").to_string();
    assert!(refused().contains("cannot use the key"));
    let write = |text: &str| {
        fs::write(&path, text).expect("written");
        fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).expect("mode");
    };
    write("nothing");
    assert!(refused().contains("ssh-keygen -t ed25519"));
    key(dir.path(), "host");
    write(&fs::read_to_string(dir.path().join("host.pub")).expect("public"));
    assert!(refused().contains("not a private key"));
    let private = Trusted::key(&dir.path().join("host")).expect_err("private").to_string();
    assert!(private.contains("private key"), "{private}");
    fs::set_permissions(dir.path().join("host"), std::os::unix::fs::PermissionsExt::from_mode(0o640)).expect("mode");
    let open = Signer::read(&dir.path().join("host")).expect_err("open").to_string();
    assert!(open.contains("chmod 600"), "{open}");
}

#[test]
fn a_key_is_made_once_closed_to_others_with_its_public_half_beside_it() {
    let dir = tempfile::tempdir().expect("a directory");
    let first = key(dir.path(), "host");
    assert_eq!(key(dir.path(), "host").fingerprint(), first.fingerprint());
    let mode = |name: &str| {
        std::os::unix::fs::PermissionsExt::mode(&fs::metadata(dir.path().join(name)).expect("a file").permissions())
    };
    assert_eq!(mode("host") & 0o777, 0o600);
    assert_eq!(fs::read_to_string(dir.path().join("host.pub")).expect("public").trim(), first.public().expect("a key"));
    assert_ne!(key(dir.path(), "other").fingerprint(), first.fingerprint());
}

#[test]
fn what_is_missing_inside_is_said_by_number_and_by_time() {
    let dir = tempfile::tempdir().expect("a directory");
    let (mut manifest, tables) = fixture::incident();
    let segment = |seq: u64, previous: u64| SegmentRef {
        class: Class::Vital,
        seq,
        events: 1,
        sha256: format!("{seq:064x}"),
        previous: Some(format!("{previous:064x}")),
    };
    manifest.segments = vec![segment(4, 3), segment(5, 4), segment(8, 7), segment(9, 77)];
    let path = dir.path().join("gaps.evidence.zip");
    bundle::write(&path, &manifest, tables).expect("a bundle");
    let inside = Bundle::open(&path).expect("a bundle").prove().expect("a proof").inside;
    let chain = &inside.chains[0];
    assert_eq!((chain.first, chain.last, chain.segments), (4, 9, 4));
    assert_eq!((&chain.missing[..], &chain.broken[..]), (&[(6, 7)][..], &[9][..]));
    assert!(!chain.is_whole() && chain.is_linked);
    let gaps = inside.gaps.expect("a gap table");
    assert_eq!(gaps.iter().map(|gap| (gap.cause.as_str(), gap.lost)).collect::<Vec<_>>(), [("ring_full", Some(3))]);
    let percent = |class| inside.coverage.iter().find(|it| it.class == class).expect("a class").percent;
    assert!((percent(Class::Vital) - 100.0).abs() < 1e-9);
    assert!(percent(Class::Bulk) < 100.0 && percent(Class::Bulk) > 90.0, "{}", percent(Class::Bulk));
}

#[test]
fn what_is_made_of_the_tables_is_in_the_sums_and_before_the_signature() {
    let dir = tempfile::tempdir().expect("a directory");
    let (manifest, tables) = fixture::incident();
    let path = dir.path().join("report.evidence.zip");
    let more = |bundle: &Bundle| {
        let rows = bundle.rows("events/process.parquet").expect("rows");
        assert!(!bundle.members().contains_key(SUMS));
        vec![("report.md".to_owned(), format!("{rows} programs").into_bytes())]
    };
    let signer = key(dir.path(), "host");
    let ending = Ending { more: Some(&more), signer: Some(&signer) };
    bundle::seal(&path, &manifest, tables, ending).expect("a bundle");
    let bundle = Bundle::open(&path).expect("a bundle");
    assert!(matches!(bundle.verify(), Ok(Verdict::Intact(_))));
    assert!(matches!(bundle.signature(), Ok(Signature::By(_))));
    let report = String::from_utf8(crate::support::bytes(&bundle, "report.md")).expect("text");
    assert!(report.ends_with(" programs") && !report.starts_with('0'), "{report}");
    let order: Vec<u64> = ["report.md", SUMS, SIGNATURE].map(|name| bundle.members()[name].offset).to_vec();
    assert!(order.is_sorted(), "{order:?}");
    for name in [SUMS, SIGNATURE, "../evil", "a//b", ""] {
        let (manifest, tables) = fixture::incident();
        let more = |_: &Bundle| vec![(name.to_owned(), Vec::new())];
        let other = dir.path().join("bad.evidence.zip");
        let ending = Ending { more: Some(&more), signer: None };
        assert!(bundle::seal(&other, &manifest, tables, ending).is_err(), "{name}");
        assert!(!other.exists() && !dir.path().join("bad.evidence.partial").exists());
    }
}

#[test]
fn an_older_bundle_verifies_as_before() {
    let old = concat!(env!("CARGO_MANIFEST_DIR"), "/../query/tests/old/format-1.evidence.zip");
    let proof = Bundle::open(old.as_ref()).expect("a bundle").prove().expect("a proof");
    assert!(matches!(proof.verdict, Verdict::Intact(_)));
    assert_eq!(proof.signature, Signature::None);
    assert!(proof.inside.chains.iter().all(|chain| !chain.is_linked && chain.broken.is_empty()));
    assert!(proof.inside.wrong.is_empty(), "{:?}", proof.inside.wrong);
}
