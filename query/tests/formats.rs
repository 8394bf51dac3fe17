//! Rows on their way out: exact for machines, safe for terminals.

mod support;

use std::sync::Arc;
use support::{incident, wait, written};
use taffrail_query::arrow::array::{ArrayRef, RecordBatch, StringArray, UInt64Array};
use taffrail_query::{Format, QueryError, Style, write};
use taffrail_trace::fixture::HOSTILE;

const ODD: &str = "SELECT time, pid, comm, exec_id, ppid, args, args_cut, exit_signal FROM process WHERE pid = 5015 AND origin = 'exec'";

#[test]
fn a_format_has_one_name() {
    for format in Format::ALL {
        assert_eq!(format.to_string().parse::<Format>().expect("its own name"), format);
    }
    assert!("xml".parse::<Format>().is_err());
}

#[test]
fn no_format_for_a_terminal_carries_a_byte_that_acts_on_one() {
    let (_dir, session) = incident();
    let sql = "SELECT args AS \"evil\u{1b}[2J\", cmdline, comm FROM process; SELECT * FROM timeline; SELECT * FROM process_tree; SELECT * FROM terminal; SELECT * FROM dns_lookups; SELECT * FROM sessions";
    for format in [Format::Table, Format::Csv, Format::Json, Format::Ndjson] {
        for width in [None, Some(20), Some(80), Some(400)] {
            let text = written(&session, sql, Style { format, for_terminal: true, width }).expect("text");
            let acting = text.chars().find(|ch| (ch.is_control() && *ch != '\n') || *ch == '\u{202e}');
            assert_eq!(acting, None, "{format} {width:?}");
            assert!(text.contains("owned"), "{format}: the text itself is there");
        }
    }
}

#[test]
fn json_loses_nothing() {
    let (_dir, session) = incident();
    let text = written(&session, ODD, Style::new(Format::Json)).expect("text");
    let value: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let row = &value[0];
    assert_eq!(row["args"][0], HOSTILE);
    assert_eq!(row["args"][1], "plain");
    assert_eq!(row["time"], "2026-03-14T09:00:11.500000000Z");
    assert_eq!(row["pid"], 5015);
    assert_eq!(row["args_cut"], false);
    assert_eq!(row["exit_signal"], serde_json::Value::Null);
    let id = row["exec_id"].as_str().expect("ids are text, because readers round numbers beyond 2^53");
    let again = written(&session, &format!("SELECT pid FROM process WHERE exec_id = {id}"), Style::new(Format::Csv));
    assert_eq!(again.expect("text"), "pid\n5015\n");
    let lines = written(&session, "SELECT pid FROM process", Style::new(Format::Ndjson)).expect("text");
    assert!(lines.lines().count() > 10 && lines.lines().all(|line| line.starts_with("{\"pid\":")));
    assert_eq!(written(&session, "SELECT 1 WHERE false", Style::new(Format::Json)).expect("text"), "[]\n");
}

#[test]
fn bytes_are_hex_and_references_to_images_are_text() {
    let (_dir, session) = incident();
    let sql = "SELECT t.data, t.bytes, p.entered_by FROM terminal t JOIN process p ON p.exec_id = t.exec_id ORDER BY t.time LIMIT 1";
    let text = written(&session, sql, Style::new(Format::Json)).expect("text");
    let value: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!((&value[0]["data"], &value[0]["bytes"]), (&"2f202320".into(), &4.into()));
    assert!(value[0]["entered_by"].is_string());
    assert!(written(&session, sql, Style::new(Format::Csv)).expect("text").contains("\n2f202320,4,"));
}

#[test]
fn json_keys_are_never_the_same_twice() {
    let (_dir, session) = incident();
    let sql = "SELECT a.pid, b.pid FROM (SELECT 1 AS pid) a, (SELECT 2 AS pid) b";
    assert_eq!(written(&session, sql, Style::new(Format::Ndjson)).expect("text"), "{\"pid\":1,\"pid_2\":2}\n");
}

#[test]
fn csv_is_exact_in_a_pipe() {
    let (_dir, session) = incident();
    let sql = "SELECT 'a,\"b\"' AS x, '' AS empty, NULL AS nothing, 1.5 AS n, make_array('p', 'q\n') AS list";
    let text = written(&session, sql, Style::new(Format::Csv)).expect("text");
    assert_eq!(text, "x,empty,nothing,n,list\n\"a,\"\"b\"\"\",\"\",,1.5,\"[\"\"p\"\",\"\"q\\n\"\"]\"\n");
    let comm =
        written(&session, "SELECT comm FROM process WHERE pid = 5015 AND origin = 'exec'", Style::new(Format::Csv));
    assert!(comm.expect("text").contains('\u{1b}'));
}

#[test]
fn a_table_fits_the_terminal_or_becomes_blocks() {
    let (_dir, session) = incident();
    let sql = "SELECT time, pid, cmdline FROM process ORDER BY time";
    let whole = written(&session, sql, Style::new(Format::Table)).expect("text");
    assert!(whole.contains("mv /tmp/.part /tmp/.x; chmod 755 /tmp/.x; /tmp/.x") && !whole.contains('…'));
    let style = Style { format: Format::Table, for_terminal: true, width: Some(80) };
    let cut = written(&session, sql, style).expect("text");
    assert!(cut.lines().all(|line| line.chars().count() <= 80), "{cut}");
    assert!(cut.contains('…') && cut.lines().next().is_some_and(|head| head.starts_with("time")));
    let blocks = written(&session, "SELECT * FROM process LIMIT 1", style).expect("text");
    assert!(blocks.starts_with("── row 1\ntime "), "{blocks}");
}

#[test]
fn a_long_answer_keeps_its_order_and_count() {
    let (_dir, session) = incident();
    let sql = "SELECT value FROM range(5000) ORDER BY value";
    let text = written(&session, sql, Style::new(Format::Table)).expect("text");
    let numbers: Vec<u32> = text.lines().skip(2).map(|line| line.trim().parse().expect("a number")).collect();
    assert_eq!(numbers, (0..5000).collect::<Vec<_>>());
}

#[test]
fn parquet_can_be_read_again_and_is_not_for_terminals() {
    let (_dir, session) = incident();
    let mut out = Vec::new();
    let batches = wait(session.sql("SELECT * FROM process")).expect("rows");
    let written = write(&batches, &Style::new(Format::Parquet), &mut out).expect("Parquet");
    let reader = parquet::arrow::arrow_reader::ParquetRecordBatchReader::try_new(bytes::Bytes::from(out), 1024);
    let rows: usize = reader.expect("Parquet").map(|batch| batch.expect("a batch").num_rows()).sum();
    assert_eq!(rows as u64, written.rows);
    let style = Style { format: Format::Parquet, for_terminal: true, width: None };
    assert!(matches!(write(&batches, &style, &mut Vec::new()), Err(QueryError::Output(_))));
}

#[test]
fn batches_of_ones_own_can_be_written() {
    let columns: [(&str, ArrayRef); 2] = [
        ("name", Arc::new(StringArray::from(vec![Some("a"), None]))),
        ("bytes", Arc::new(UInt64Array::from(vec![7, u64::MAX]))),
    ];
    let batch = RecordBatch::try_from_iter(columns).expect("a batch");
    let mut out = Vec::new();
    let written = write(&[batch], &Style::new(Format::Table), &mut out).expect("text");
    assert_eq!(written.rows, 2);
    assert_eq!(
        String::from_utf8(out).expect("text"),
        "name                 bytes\n────  ────────────────────\na                        7\n      18446744073709551615\n"
    );
}
