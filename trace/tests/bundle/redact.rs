//! Bundles with less in them.

use crate::support::{bytes, key, member, signed, with_member};
use std::path::{Path, PathBuf};
use taffrail_trace::bundle::proof::Signature;
use taffrail_trace::bundle::redact::{Plan, RedactError, redact};
use taffrail_trace::bundle::{self, Bundle, CUSTODY, Ending, Verdict};
use taffrail_trace::custody;
use taffrail_trace::event::GapCause;
use taffrail_trace::fixture;
use taffrail_trace::schema::{FILE, GAP, PROCESS, TABLES};
use taffrail_trace::table::{Cell, Tables};

const TOOL: &str = "taffrail test";

fn made(original: &Path, plan: &Plan) -> (PathBuf, Bundle) {
    let dir = original.parent().expect("a directory");
    let to = dir.join("redacted.evidence.zip");
    let _ = std::fs::remove_file(&to);
    let signer = key(dir, "desk");
    let ending = Ending { more: None, signer: Some(&signer) };
    let bundle = Bundle::open(original).expect("a bundle");
    redact(&bundle, &to, plan, TOOL, ending).unwrap_or_else(|error| panic!("{error}"));
    let redacted = Bundle::open(&to).expect("a bundle");
    let proof = redacted.prove().expect("a proof");
    assert!(matches!(proof.verdict, Verdict::Intact(_)), "{:?}", proof.verdict);
    assert!(proof.inside.wrong.is_empty(), "{:?}", proof.inside.wrong);
    let Signature::By(by) = proof.signature else { panic!("{:?}", proof.signature) };
    assert_eq!(by.fingerprint(), signer.fingerprint());
    (to, redacted)
}

/// Every cell of a column as text.
fn column(bundle: &Bundle, table: &str, name: &str) -> Vec<String> {
    let mut cells = Vec::new();
    let member = format!("events/{table}.parquet");
    bundle
        .each_batch::<bundle::OpenError>(&member, usize::MAX, &mut |batch| {
            let column = batch.column_by_name(name).expect("a column").clone();
            let shown = arrow_array::RecordBatch::try_from_iter_with_nullable([(name, column, true)]).expect("a batch");
            for row in 0..shown.num_rows() {
                cells.push(format!("{:?}", shown.column(0).slice(row, 1)));
            }
            Ok(())
        })
        .expect("rows");
    cells
}

/// Whether a text is anywhere in what the tables say, or in the manifest.
fn says(bundle: &Bundle, what: &str) -> Vec<String> {
    let mut places = Vec::new();
    for name in bundle.members().keys().filter(|name| name.ends_with(".parquet")) {
        bundle
            .each_batch::<bundle::OpenError>(name, usize::MAX, &mut |batch| {
                for (field, column) in batch.schema().fields().iter().zip(batch.columns()) {
                    if format!("{column:?}").contains(what) {
                        places.push(format!("{name} {}", field.name()));
                    }
                }
                Ok(())
            })
            .expect("rows");
    }
    let manifest = String::from_utf8(bytes(bundle, "manifest.json")).expect("text");
    let value: serde_json::Value = serde_json::from_str(&manifest).expect("JSON");
    for key in ["container", "trigger"] {
        if value[key].to_string().contains(what) {
            places.push(format!("manifest {key}"));
        }
    }
    places
}

#[test]
fn a_redacted_bundle_says_what_went_and_from_which_original() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = signed(dir.path());
    let original = Bundle::open(&path).expect("a bundle");
    let plan = Plan {
        tables: vec!["dns".to_owned()],
        columns: vec!["process.exe_sha256".to_owned(), "file.inode".to_owned()],
        terminal: true,
        ..Plan::default()
    };
    let (to, redacted) = made(&path, &plan);
    let manifest = redacted.manifest();
    let redaction = manifest.redaction.as_ref().expect("it says so");
    assert_eq!(redaction.original_id, original.manifest().id);
    assert_eq!(redaction.original_sums_sha256, original.sums_sha256().expect("sums"));
    assert_eq!(redaction.tool, TOOL);
    assert_ne!(manifest.id, original.manifest().id);
    let removed: Vec<(&str, &str)> = redaction.removed.iter().map(|it| (it.what.as_str(), it.name.as_str())).collect();
    assert!(removed.contains(&("table", "dns")) && removed.contains(&("terminal", "terminal")), "{removed:?}");
    assert!(removed.contains(&("column", "file.inode")), "{removed:?}");
    assert!(redaction.removed.iter().filter(|it| it.what != "table").all(|it| it.rows.is_some_and(|rows| rows > 0)));
    assert!(
        !redacted.members().contains_key("events/dns.parquet") && manifest.tables.iter().all(|it| it.name != "dns")
    );
    assert!(column(&redacted, "file", "inode").iter().all(|cell| cell.contains("null")));
    // What nothing was taken from is the same to the byte.
    for table in ["network", "privilege", "gap", "finding"] {
        let name = format!("events/{table}.parquet");
        assert_eq!(bytes(&redacted, &name), bytes(&original, &name), "{table}");
    }
    // Its custody travels in it, signed, and goes on in the next.
    let log = String::from_utf8(bytes(&redacted, CUSTODY)).expect("text");
    let checked = custody::check(&log);
    assert_eq!(checked.len(), 1);
    let deed = &checked[0].entry.as_ref().expect("a line").deed;
    assert_eq!(deed.original_sums_sha256.as_ref(), Some(&redaction.original_sums_sha256));
    let again = dir.path().join("again");
    std::fs::create_dir(&again).expect("a directory");
    let first = again.join("first.evidence.zip");
    std::fs::rename(&to, &first).expect("moved");
    let (_, twice) = made(&first, &Plan { tables: vec!["network".to_owned()], ..Plan::default() });
    let log = String::from_utf8(bytes(&twice, CUSTODY)).expect("text");
    let checked = custody::check(&log);
    assert_eq!(checked.len(), 2);
    assert!(checked.iter().all(|line| line.is_linked && matches!(line.signature, Ok(Some(_)))));
    assert_eq!(twice.manifest().redaction.as_ref().expect("it says so").original_id, manifest.id);
}

#[test]
fn a_column_that_cannot_be_null_takes_its_table_along_and_that_is_said() {
    let dir = tempfile::tempdir().expect("a directory");
    let plan = Plan { columns: vec!["privilege.detail".to_owned()], ..Plan::default() };
    let (_, redacted) = made(&signed(dir.path()), &plan);
    assert!(!redacted.members().contains_key("events/privilege.parquet"));
    let removed = &redacted.manifest().redaction.as_ref().expect("it says so").removed;
    assert_eq!((removed[0].what.as_str(), removed[0].name.as_str()), ("table", "privilege"));
    assert!(removed[0].note.as_ref().is_some_and(|note| note.contains("privilege.detail cannot be NULL")));
}

#[test]
fn of_a_path_that_was_dropped_nothing_is_left_anywhere() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = signed(dir.path());
    let original = Bundle::open(&path).expect("a bundle");
    let before = says(&original, "/tmp/.x");
    assert!(before.len() > 4, "{before:?}");
    let (_, redacted) = made(&path, &Plan { paths: vec!["/tmp/.x".to_owned()], ..Plan::default() });
    assert_eq!(says(&redacted, "/tmp/.x"), Vec::<String>::new());
    assert!(says(&redacted, "/etc/").len() > 1, "the others are there");
    let rows = |bundle: &Bundle| bundle.rows(&FILE.member()).expect("rows");
    assert!(rows(&redacted) < rows(&original));
    assert_eq!(redacted.rows(&PROCESS.member()).expect("rows"), original.rows(&PROCESS.member()).expect("rows"));
    let removed = &redacted.manifest().redaction.as_ref().expect("it says so").removed;
    let gone = removed.iter().find(|it| it.name == "/tmp/.x").expect("the path");
    assert_eq!(gone.rows, Some(rows(&original) - rows(&redacted)));
}

#[test]
fn masked_arguments_leave_the_programs_names() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = signed(dir.path());
    let (_, redacted) = made(&path, &Plan { arguments: true, ..Plan::default() });
    for secret in ["beacon.example", "/entrypoint.sh"] {
        let places = says(&redacted, secret);
        assert!(places.iter().all(|place| !place.contains("process")), "{secret}: {places:?}");
    }
    let lines = column(&redacted, "process", "cmdline");
    assert!(lines.iter().any(|line| line.contains("httpd [masked]")), "{lines:?}");
    let args = column(&redacted, "process", "args");
    assert!(args.iter().any(|args| args.contains("\"httpd\"") && args.contains("[masked]")), "{args:?}");
    assert!(column(&redacted, "finding", "message").iter().all(|message| message.contains("[redacted]")));
    assert_eq!(redacted.manifest().trigger.reason, "[redacted]");
}

#[test]
fn what_cannot_be_done_is_said_and_nothing_is_written() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = signed(dir.path());
    let original = Bundle::open(&path).expect("a bundle");
    let to = dir.path().join("never.evidence.zip");
    let refused = |original: &Bundle, plan: Plan| {
        let error = redact(original, &to, &plan, TOOL, Ending::default()).expect_err("refused").to_string();
        assert!(!to.exists(), "{error}");
        error
    };
    let table = |name: &str| Plan { tables: vec![name.to_owned()], ..Plan::default() };
    assert!(refused(&original, table("proces")).contains("there are dns, "));
    assert!(refused(&original, table("gap")).contains("what is missing"));
    let column = |name: &str| Plan { columns: vec![name.to_owned()], ..Plan::default() };
    assert!(refused(&original, column("exe")).contains("table.column"));
    assert!(refused(&original, column("process.nothing")).contains("no column"));
    assert!(refused(&original, Plan { paths: vec![String::new()], ..Plan::default() }).contains("empty"));
    let changed = with_member(&path, "events/file.parquet", |bytes| bytes[9] ^= 1);
    assert!(refused(&Bundle::open(&changed).expect("a bundle"), table("dns")).contains("only an intact bundle"));
    std::fs::write(&to, b"mine").expect("written");
    let error = redact(&original, &to, &table("dns"), TOOL, Ending::default()).expect_err("it is there");
    assert!(matches!(error, RedactError::Plan(_)) && std::fs::read(&to).expect("mine") == b"mine");
}

#[test]
fn members_that_were_made_of_the_whole_do_not_stay() {
    let dir = tempfile::tempdir().expect("a directory");
    let (manifest, tables) = fixture::incident();
    let path = dir.path().join("report.evidence.zip");
    let more = |_: &Bundle| vec![("report.html".to_owned(), b"all of /tmp/.x".to_vec())];
    bundle::seal(&path, &manifest, tables, Ending { more: Some(&more), signer: None }).expect("a bundle");
    let (_, redacted) = made(&path, &Plan { terminal: true, ..Plan::default() });
    assert!(!redacted.members().contains_key("report.html"));
    let removed = &redacted.manifest().redaction.as_ref().expect("it says so").removed;
    assert!(removed.iter().any(|it| it.what == "member" && it.name == "report.html"));
}

/// A bundle with `count` opened files, a millisecond from each other, around the trigger.
fn busy(dir: &Path, count: u64) -> PathBuf {
    let (mut manifest, mut tables) = fixture::incident();
    let begin = manifest.clock.utc(manifest.window.from_ns);
    manifest.trigger.time_ns = manifest.window.from_ns + count * 700_000;
    manifest.window.to_ns = manifest.window.from_ns + count * 1_000_000;
    let names: Vec<String> =
        (0..count).map(|at| format!("/srv/{:x}", at.wrapping_mul(0x9E37_79B9_7F4A_7C15))).collect();
    let mut made = Tables::default();
    for table in TABLES {
        if table.name == FILE.name {
            for (at, name) in (0_i64..).zip(&names) {
                let cells: Vec<Cell<'_>> = FILE
                    .all_columns()
                    .map(|column| match column.name {
                        "time" => Cell::Time(begin + at * 1_000_000),
                        "op" => Cell::Text(if at % 10 == 0 { "unlink" } else { "open" }),
                        "path" => Cell::Text(name),
                        "other_mounts" | "made_executable" => Cell::Bool(false),
                        _ if column.nullable => Cell::Null,
                        _ => Cell::Text(""),
                    })
                    .collect();
                made.of(&FILE).expect("a table").push(&cells).expect("a row");
            }
        } else {
            std::mem::swap(made.of(table).expect("a table"), tables.of(table).expect("a table"));
        }
    }
    manifest.tables.iter_mut().filter(|table| table.name == FILE.name).for_each(|table| table.rows = count);
    let path = dir.join("busy.evidence.zip");
    bundle::write(&path, &manifest, made).expect("a bundle");
    path
}

#[test]
fn a_bundle_of_a_given_size_keeps_what_is_vital_and_what_is_nearest_to_the_trigger() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = busy(dir.path(), 40_000);
    let whole = std::fs::metadata(&path).expect("a file").len();
    let max = whole / 2;
    let (to, redacted) = made(&path, &Plan { max_bytes: Some(max), ..Plan::default() });
    let len = std::fs::metadata(&to).expect("a file").len();
    println!("{whole} bytes, allowed {max}, made {len}");
    assert!(len <= max && len > max * 8 / 10, "{len} of {max}");
    let ops = column(&redacted, "file", "op");
    let count = |op: &str| ops.iter().filter(|cell| cell.contains(&format!("\"{op}\""))).count();
    assert_eq!(count("unlink"), 4000, "nothing vital goes");
    let removed = &redacted.manifest().redaction.as_ref().expect("it says so").removed;
    let opened = removed.iter().find(|it| it.what == "size" && it.name == "file").and_then(|it| it.rows);
    assert_eq!(opened, Some(36_000 - count("open") as u64));
    // The questions and calls of the incident are bulk too, and far away.
    let left_out: u64 = removed.iter().filter_map(|it| it.rows).sum();
    assert!(left_out > 5000, "{left_out}");
    let loss = redacted.manifest().losses.iter().find(|loss| loss.cause == GapCause::Redacted).copied();
    assert_eq!(loss.expect("a loss").lost, left_out);
    let gaps = redacted.prove().expect("a proof").inside.gaps.expect("gaps");
    let gaps: Vec<_> = gaps.iter().filter(|gap| gap.cause == "redacted").collect();
    assert_eq!(gaps.iter().filter_map(|gap| gap.lost).sum::<u64>(), left_out);
    let trigger = redacted.manifest().clock.utc(redacted.manifest().trigger.time_ns);
    assert!(gaps.iter().all(|gap| gap.to_utc_ns < trigger || gap.from_utc_ns > trigger), "{gaps:?}");
    let before = gaps.iter().find(|gap| gap.to_utc_ns < trigger).expect("the oldest went");
    let kept_ns = trigger - before.to_utc_ns;
    assert!(kept_ns > 0 && before.lost.is_some_and(|lost| lost > 0));
    assert_eq!(redacted.rows(&GAP.member()).expect("rows"), 1 + gaps.len() as u64);
    assert_eq!(member(&redacted, &GAP.member()).len > 0, true);
}

#[test]
fn a_bundle_that_fits_loses_nothing_and_vital_events_alone_can_be_too_much() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = busy(dir.path(), 5000);
    let whole = std::fs::metadata(&path).expect("a file").len();
    let (_, redacted) = made(&path, &Plan { max_bytes: Some(whole * 2), ..Plan::default() });
    assert_eq!(redacted.rows(&FILE.member()).expect("rows"), 5000);
    assert!(redacted.manifest().redaction.as_ref().expect("it says so").removed.is_empty());
    let to = dir.path().join("small.evidence.zip");
    let plan = Plan { max_bytes: Some(20_000), ..Plan::default() };
    let error = redact(&Bundle::open(&path).expect("a bundle"), &to, &plan, TOOL, Ending::default());
    let error = error.expect_err("too much").to_string();
    assert!(error.contains("more than the 20000 allowed") && error.contains("of process"), "{error}");
    assert!(!to.exists());
}

/// What a bundle made as [`made`] does takes at least, as the refusal of less says.
fn least(original: &Path) -> u64 {
    let dir = original.parent().expect("a directory");
    let to = dir.join("redacted.evidence.zip");
    let _ = std::fs::remove_file(&to);
    let ending = Ending { more: None, signer: Some(&key(dir, "desk")) };
    let plan = Plan { max_bytes: Some(1), ..Plan::default() };
    match redact(&Bundle::open(original).expect("a bundle"), &to, &plan, TOOL, ending) {
        Err(RedactError::TooLarge { least, .. }) => least,
        other => panic!("{other:?}"),
    }
}

#[test]
fn whatever_size_is_asked_for_the_bundle_is_no_larger_and_what_fits_as_it_is_loses_nothing() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = busy(dir.path(), 6000);
    let len = |path: &Path| std::fs::metadata(path).expect("a file").len();
    let (to, whole) = made(&path, &Plan { max_bytes: Some(u64::MAX), ..Plan::default() });
    let whole_len = len(&to);
    assert!(whole.manifest().redaction.as_ref().expect("it says so").removed.is_empty());
    let (to, same) = made(&path, &Plan { max_bytes: Some(whole_len + 400), ..Plan::default() });
    assert_eq!(
        (len(&to), same.manifest().losses.len()),
        (whole_len, whole.manifest().losses.len()),
        "it fits as it is"
    );
    let least = least(&path);
    let mut fullest = 0.0_f64;
    for step in 0..=30 {
        let max = least + (whole_len - least) * step / 30;
        let (to, _) = made(&path, &Plan { max_bytes: Some(max), ..Plan::default() });
        assert!(len(&to) <= max, "{} of {max}", len(&to));
        fullest = fullest.max(len(&to) as f64 / max as f64);
    }
    assert!(fullest > 0.97, "the room is used: {fullest}");
}

#[test]
fn what_is_made_of_the_rest_is_in_it_where_there_is_room() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = signed(dir.path());
    let original = Bundle::open(&path).expect("a bundle");
    let signer = key(dir.path(), "desk");
    let page = |_: &Bundle| vec![("report.html".to_owned(), vec![b'x'; 30_000])];
    let to = dir.path().join("sized.evidence.zip");
    let sized = |max: Option<u64>| {
        let _ = std::fs::remove_file(&to);
        let ending = Ending { more: Some(&page), signer: Some(&signer) };
        let plan = Plan { max_bytes: max, terminal: true, ..Plan::default() };
        redact(&original, &to, &plan, TOOL, ending).unwrap_or_else(|error| panic!("{error}"));
        let bundle = Bundle::open(&to).expect("a bundle");
        assert!(matches!(bundle.prove().expect("a proof").verdict, Verdict::Intact(_)));
        (std::fs::metadata(&to).expect("a file").len(), bundle.members().contains_key("report.html"))
    };
    let (whole, has_page) = sized(None);
    assert!(has_page);
    assert_eq!(sized(Some(whole + 1000)), (whole, true));
    let (len, has_page) = sized(Some(whole - 1));
    assert!(len < whole - 30_000 && !has_page, "{len} of {whole}");
}

#[test]
fn every_sample_fits_where_its_vital_events_do_and_loses_none_of_them() {
    let samples = concat!(env!("CARGO_MANIFEST_DIR"), "/../sample-traces");
    let mut thinned = 0;
    for entry in std::fs::read_dir(samples).expect("the samples").flatten() {
        let path = entry.path();
        if path.extension().is_none_or(|extension| extension != "zip") {
            continue;
        }
        let dir = tempfile::tempdir().expect("a directory");
        let copy = dir.path().join("sample.evidence.zip");
        std::fs::copy(&path, &copy).expect("copied");
        let original = Bundle::open(&copy).expect("a bundle");
        let least = least(&copy);
        for more in [0, 2_000, 10_000, 10_000_000] {
            let (to, redacted) = made(&copy, &Plan { max_bytes: Some(least + more), ..Plan::default() });
            let len = std::fs::metadata(&to).expect("a file").len();
            assert!(len <= least + more, "{}: {len} of {}", path.display(), least + more);
            for name in original.members().keys().filter(|name| name.ends_with(".parquet")) {
                if !["dns", "file", "gap", "syscall"].iter().any(|table| name.ends_with(&format!("/{table}.parquet"))) {
                    assert_eq!(bytes(&redacted, name), bytes(&original, name), "{name}");
                }
            }
            let vital = |bundle: &Bundle| {
                let ops = column(bundle, "file", "op");
                let is_bulk =
                    |cell: &str| ["open", "create", "io"].iter().any(|op| cell.contains(&format!("\"{op}\"")));
                ops.iter().filter(|cell| !is_bulk(cell)).count()
            };
            assert_eq!(vital(&redacted), vital(&original), "{}", path.display());
            let removed = &redacted.manifest().redaction.as_ref().expect("it says so").removed;
            let left_out: u64 = removed.iter().filter(|it| it.what == "size").filter_map(|it| it.rows).sum();
            let gaps = redacted.prove().expect("a proof").inside.gaps.expect("gaps");
            let told: u64 = gaps.iter().filter(|gap| gap.cause == "redacted").filter_map(|gap| gap.lost).sum();
            assert_eq!(told, left_out, "what was left out is told");
            thinned += u64::from(left_out > 0);
        }
    }
    assert!(thinned > 1, "{thinned} were thinned");
}
