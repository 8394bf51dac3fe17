//! Bundles that no recorder wrote: an error or an answer, never a panic, never a hang.

mod support;

use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use std::fs;
use std::sync::Arc;
use support::{crafted, open, rows, wait};
use taffrail_query::arrow::array::{
    ArrayRef, DictionaryArray, Int32Array, RecordBatch, StringArray, TimestampNanosecondArray, UInt64Array,
};
use taffrail_query::arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use taffrail_query::{QueryError, Session};
use taffrail_trace::bundle::{self, Bundle};
use taffrail_trace::fixture;
use taffrail_trace::schema::{Column, Kind, PROCESS};
use taffrail_trace::table::{Cell, Tables};

#[test]
fn an_altered_parquet_page_is_an_error_and_not_a_panic() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = fixture::write_incident(dir.path());
    let intact = fs::read(&path).expect("bytes");
    let member = Bundle::open(&path).expect("a bundle").members()[&PROCESS.member()];
    let (begin, len) = (member.offset as usize, member.len as usize);
    let mut errors = 0;
    for step in 0..256 {
        let at = begin + len * step / 256;
        let mut altered = intact.clone();
        altered[at..(at + 2).min(begin + len)].iter_mut().for_each(|byte| *byte = !*byte);
        fs::write(&path, &altered).expect("written");
        let answer = open(std::slice::from_ref(&path)).map(|session| wait(session.sql("SELECT * FROM process")));
        errors += usize::from(!matches!(answer, Ok(Ok(_))));
    }
    // The rest fell on statistics or names, which `verify` finds and a reader cannot.
    assert!(errors > 128, "{errors} of 256");
}

#[test]
fn an_altered_page_says_that_the_evidence_is_damaged() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = fixture::write_incident(dir.path());
    let member = Bundle::open(&path).expect("a bundle").members()[&PROCESS.member()];
    let mut bytes = fs::read(&path).expect("bytes");
    bytes[member.offset as usize + 4..][..2000].fill(0);
    fs::write(&path, bytes).expect("written");
    let session = open(&[path]).expect("a session");
    let problem = wait(session.sql("SELECT * FROM process")).expect_err("zeros are no page");
    assert!(matches!(problem, QueryError::Damaged(_)), "{problem:?}");
    assert_eq!(rows(&session, "SELECT count(*) FROM finding"), ["2"], "other tables still answer");
}

#[test]
fn what_lies_about_its_lengths_is_refused_by_the_names_of_its_bundle_and_table() {
    let dir = tempfile::tempdir().expect("a directory");
    // Forty MiB in a page of a few kB.
    let text = StringArray::from(vec!["a".repeat(40 << 20)]);
    let schema = Arc::new(Schema::new(vec![Field::new("cmdline", DataType::Utf8, false)]));
    let batch = RecordBatch::try_new(Arc::clone(&schema), vec![Arc::new(text)]).expect("a batch");
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_statistics_enabled(EnabledStatistics::None)
        .set_dictionary_enabled(false);
    let mut writer = ArrowWriter::try_new(Vec::new(), schema, Some(properties.build())).expect("a writer");
    writer.write(&batch).expect("written");
    let bomb = writer.into_inner().expect("Parquet");
    let footer_too_long = b"PAR1\0\0\0\0\xff\xff\0\0PAR1".to_vec();
    for bytes in [bomb, footer_too_long] {
        let path = crafted(dir.path(), &[("events/process.parquet", bytes)]);
        let session = open(std::slice::from_ref(&path)).expect("a session");
        let problem = wait(session.sql("SELECT cmdline FROM process")).expect_err("a lie");
        assert!(matches!(problem, QueryError::Damaged(_)), "{problem:?}");
        let (said, file) = (problem.to_string(), path.display().to_string());
        assert!(said.contains(&file) && said.contains("events/process.parquet"), "{said}");
        assert_eq!(rows(&session, "SELECT count(*) FROM file"), ["0"], "other tables answer");
    }
}

#[test]
fn a_long_text_that_a_small_file_repeats_is_refused_before_an_order_copies_it() {
    let dir = tempfile::tempdir().expect("a directory");
    let words = StringArray::from_iter_values((0..100).map(|at| format!("word {at}")).chain(["a".repeat(1 << 20)]));
    let keys = Int32Array::from_iter_values((0..100_000).map(|row| row.min(100)));
    let texts = DictionaryArray::new(keys, Arc::new(words));
    let batch = RecordBatch::try_from_iter([("cmdline", Arc::new(texts) as ArrayRef)]).expect("a batch");
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_statistics_enabled(EnabledStatistics::None)
        .set_dictionary_page_size_limit(4 << 20);
    let options = ArrowWriterOptions::new().with_properties(properties.build()).with_skip_arrow_metadata(true);
    let mut writer = ArrowWriter::try_new_with_options(Vec::new(), batch.schema(), options).expect("a writer");
    writer.write(&batch).expect("written");
    let repeated = writer.into_inner().expect("Parquet");
    assert!(repeated.len() < 20_000, "{}", repeated.len());
    let path = crafted(dir.path(), &[("events/process.parquet", repeated)]);
    let session = open(std::slice::from_ref(&path)).expect("a session");
    for sql in ["SELECT cmdline FROM process ORDER BY cmdline", "SELECT max(cmdline) FROM process"] {
        let problem = wait(session.sql(sql)).expect_err("a hundred GB of texts");
        assert!(matches!(problem, QueryError::Damaged(_)), "{problem:?}");
        let said = problem.to_string();
        assert!(said.contains("events/process.parquet") && said.contains("a word of 1048576 bytes"), "{said}");
    }
}

#[test]
fn a_bundle_whose_manifest_was_changed_is_refused_and_among_others_named_and_left_out() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = fixture::write_incident(dir.path());
    let mut bytes = fs::read(&path).expect("bytes");
    let member = Bundle::open(&path).expect("a bundle").members()["manifest.json"];
    let text = &mut bytes[member.offset as usize..][..member.len as usize];
    let at = text.windows(4).position(|four| four == b"quay").expect("the host's name");
    text[at] = b'k';
    let changed = dir.path().join("changed.evidence.zip");
    fs::write(&changed, bytes).expect("written");
    let said = open(std::slice::from_ref(&changed)).expect_err("another manifest").to_string();
    assert!(
        said.contains("changed.evidence.zip") && said.contains("manifest.json is not what SHA256SUMS says"),
        "{said}"
    );
    let (session, left_out) = wait(Session::open_readable(&[changed, path])).expect("one of them");
    assert_eq!((session.bundles().len(), left_out.len()), (1, 1));
    assert!(left_out[0].to_string().contains("changed.evidence.zip"), "{}", left_out[0]);
}

#[test]
fn an_empty_or_foreign_member_is_damage_and_not_an_empty_table() {
    let dir = tempfile::tempdir().expect("a directory");
    let footer_too_long = b"PAR1\0\0\0\0\xff\xff\0\0PAR1".to_vec();
    for bytes in [Vec::new(), vec![0], b"PAR1PAR1".to_vec(), footer_too_long, vec![b'x'; 5000]] {
        let path = crafted(dir.path(), &[("events/process.parquet", bytes)]);
        let session = open(&[path]).expect("a session");
        let problem = wait(session.sql("SELECT * FROM process")).expect_err("no table");
        assert!(matches!(problem, QueryError::Damaged(_)), "{problem:?}");
    }
}

#[test]
fn an_older_bundle_without_a_table_or_a_column_still_answers() {
    let dir = tempfile::tempdir().expect("a directory");
    let time = DataType::Timestamp(TimeUnit::Nanosecond, Some("UTC".into()));
    let schema = Arc::new(Schema::new(vec![
        Field::new("time", time, false),
        Field::new("exec_id", DataType::UInt64, true),
        Field::new("cmdline", DataType::Utf8, false),
        Field::new("a_column_of_the_future", DataType::Utf8, false),
    ]));
    let batch = RecordBatch::try_new(
        Arc::clone(&schema),
        vec![
            Arc::new(TimestampNanosecondArray::from(vec![5]).with_timezone("UTC")),
            Arc::new(UInt64Array::from(vec![9])),
            Arc::new(StringArray::from(vec!["sh"])),
            Arc::new(StringArray::from(vec!["?"])),
        ],
    )
    .expect("a batch");
    let mut writer = ArrowWriter::try_new(Vec::new(), schema, None).expect("a writer");
    writer.write(&batch).expect("written");
    let path = crafted(dir.path(), &[("events/process.parquet", writer.into_inner().expect("Parquet"))]);
    let session = open(&[path]).expect("a session");
    assert_eq!(
        rows(&session, "SELECT exec_id, cmdline, exe, args, bundle FROM process"),
        ["9 | sh | null | null | 0badcafe"]
    );
    assert_eq!(rows(&session, "SELECT count(*) FROM network"), ["0"]);
    assert_eq!(rows(&session, "SELECT depth, tree FROM process_tree"), ["0 | sh"]);
    assert_eq!(rows(&session, "SELECT summary FROM timeline"), ["running sh"]);
}

#[test]
fn a_circle_of_parents_neither_hangs_nor_hides_anyone() {
    let dir = tempfile::tempdir().expect("a directory");
    let (manifest, _) = fixture::incident();
    let mut tables = Tables::default();
    let mut add = |id: u64, parent: u64| {
        let name = format!("p{id}");
        tables.of(&PROCESS).expect("a table").push(&process(id, parent, &name)).expect("a row");
    };
    // 1 is its own parent, 2 and 3 are each other's, 10 to 209 are one long line, 9 comes three times.
    add(1, 1);
    add(2, 3);
    add(3, 2);
    (10..210).for_each(|id| add(id, id - 1));
    (0..3).for_each(|_| add(9, 8));
    let path = dir.path().join("circle.evidence.zip");
    bundle::write(&path, &manifest, tables).expect("a bundle");
    let session = open(&[path]).expect("a session");
    assert_eq!(rows(&session, "SELECT count(*), max(depth) FROM process_tree"), ["206 | 64"]);
    assert_eq!(rows(&session, "SELECT count(*) FROM process_tree WHERE exec_id < 4 AND depth = 0"), ["3"]);
}

fn process(id: u64, parent: u64, name: &str) -> Vec<Cell<'_>> {
    let cell = |column: &'static Column| match column.name {
        "time" | "start_time" => Cell::Time(1_773_478_800_000_000_000 + id as i64),
        "exec_id" | "process_id" => Cell::U64(id),
        "parent_exec_id" => Cell::U64(parent),
        "comm" | "cmdline" => Cell::Text(name),
        "origin" => Cell::Text("exec"),
        _ if column.nullable => Cell::Null,
        _ => match column.kind {
            Kind::Text => Cell::Text(""),
            Kind::TextList => Cell::TextList(&[]),
            Kind::Bool => Cell::Bool(false),
            Kind::U32 => Cell::U32(0),
            kind => panic!("{} is {kind:?}", column.name),
        },
    };
    PROCESS.all_columns().map(cell).collect()
}
