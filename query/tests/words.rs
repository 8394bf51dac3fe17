//! What is asked of texts is the same however a file has them: as words, some of them in each row group, or plain.

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use support::{open, problem, rows};
use taffrail_query::{QueryError, Session};
use taffrail_trace::schema::FILE;
use taffrail_trace::table::{Cell, Tables};
use taffrail_trace::{bundle, fixture};

/// More than two row groups.
const ROWS: u64 = 300_000;

/// A row as the tests look at it.
struct Row {
    comm: String,
    /// Another one in each row: too many for a dictionary.
    path: String,
    new_path: Option<String>,
    result: i32,
}

fn row(index: u64) -> Row {
    let noise = index.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(17);
    Row {
        // Words come and go as time passes.
        comm: format!("program{}", index / 50_000 + noise % 3),
        path: format!("/srv/{noise:016x}"),
        new_path: (noise % 3 == 0).then(|| format!("{}", noise % 7)),
        result: if noise % 5 == 0 { -13 } else { 0 },
    }
}

fn all() -> impl Iterator<Item = Row> {
    (0..ROWS).map(row)
}

fn written(dir: &Path) -> PathBuf {
    let (manifest, _) = fixture::incident();
    let mut tables = Tables::default();
    let table = tables.of(&FILE).expect("a table");
    for (index, row) in all().enumerate() {
        let time = Cell::Time(1_773_478_800_000_000_000 + index as i64 * 1_000_000);
        let common = [time, Cell::Text(fixture::CONTAINER_ID), Cell::Text("web"), Cell::U64(index as u64 % 50)];
        let rest = [Cell::U32(7), Cell::U32(7), Cell::Text(&row.comm), Cell::Text("/bin/httpd"), Cell::U32(0)];
        let mut cells: Vec<Cell<'_>> = common.into_iter().chain(rest).collect();
        cells.extend(FILE.columns.iter().map(|column| match column.name {
            "op" => Cell::Text("rename"),
            "path" => Cell::Text(&row.path),
            "new_path" => row.new_path.as_deref().map_or(Cell::Null, Cell::Text),
            "path_source" => Cell::Text("kernel"),
            "flags" => Cell::Text(""),
            "other_mounts" | "made_executable" => Cell::Bool(false),
            "result" => Cell::I32(row.result),
            _ => Cell::Null,
        }));
        table.push(&cells).expect("a row");
    }
    let path = dir.join("words.evidence.zip");
    bundle::write(&path, &manifest, tables).expect("a bundle");
    path
}

fn session() -> (tempfile::TempDir, Session) {
    let dir = tempfile::tempdir().expect("a directory");
    let path = written(dir.path());
    let session = open(&[path]).expect("a session");
    (dir, session)
}

/// How many rows there are of each.
fn counted(of: impl Fn(&Row) -> Option<String>) -> Vec<String> {
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    all().filter_map(|row| of(&row)).for_each(|text| *counts.entry(text).or_default() += 1);
    counts.into_iter().map(|(text, count)| format!("{text} | {count}")).collect()
}

#[test]
fn a_grouping_by_texts_has_each_of_them_and_those_without_one() {
    let (_dir, session) = session();
    let by = |sql: &str| rows(&session, sql);
    assert_eq!(
        by("SELECT comm, count(*) FROM file GROUP BY comm ORDER BY comm"),
        counted(|row| Some(row.comm.clone()))
    );
    let shown = |text: &Option<String>| text.clone().unwrap_or_else(|| "null".to_owned());
    assert_eq!(
        by(
            "SELECT new_path, comm, count(*) FROM file WHERE result < 0 GROUP BY new_path, comm ORDER BY new_path, comm"
        ),
        counted(|row| (row.result < 0).then(|| format!("{} | {}", shown(&row.new_path), row.comm)))
    );
    // Three texts and a number, named in another order than they are grouped in.
    assert_eq!(
        by("SELECT result, comm, op, new_path, count(*) FROM file GROUP BY op, new_path, result, comm
            ORDER BY result, comm, new_path"),
        counted(|row| Some(format!("{} | {} | rename | {}", row.result, row.comm, shown(&row.new_path))))
    );
    let paths: BTreeSet<String> = all().map(|row| row.path).collect();
    let first: Vec<String> = paths.iter().take(3).map(|path| format!("{path} | 1")).collect();
    assert_eq!(by("SELECT path, count(*) FROM file GROUP BY path ORDER BY path LIMIT 3"), first);
    assert_eq!(
        by("SELECT count(*), count(new_path), count(DISTINCT new_path), count(DISTINCT path), min(new_path) FROM file"),
        [format!("{ROWS} | {} | 7 | {} | 0", all().filter(|row| row.new_path.is_some()).count(), paths.len())]
    );
    assert_eq!(
        by("SELECT bundle, host, count(DISTINCT comm) AS n FROM file GROUP BY bundle, host HAVING bundle LIKE '0bad%'"),
        ["0badcafe | quay | 8"]
    );
    assert_eq!(by("SELECT DISTINCT new_path FROM file WHERE new_path > '4' ORDER BY 1"), ["5", "6"]);
}

#[test]
fn texts_are_grouped_by_across_a_join_as_without_one() {
    let (_dir, session) = session();
    let joined = rows(
        &session,
        "SELECT one.comm, other.new_path, count(*) FROM file AS one JOIN file AS other ON one.path = other.path
         GROUP BY one.comm, other.new_path ORDER BY 1, 2",
    );
    let alone = rows(&session, "SELECT comm, new_path, count(*) FROM file GROUP BY comm, new_path ORDER BY 1, 2");
    assert_eq!(joined, alone);
}

#[test]
fn a_condition_on_a_text_chooses_the_rows_that_meet_it() {
    let (_dir, session) = session();
    let count = |condition: &str, of: &dyn Fn(&Row) -> bool| {
        let expected = all().filter(of).count().to_string();
        // Few columns and many: rows are chosen behind the decoder and inside it.
        for sql in [
            format!("SELECT count(*) FROM file WHERE {condition}"),
            format!(
                "SELECT count(*) FROM (SELECT time, pid, op, flags, path, comm FROM file WHERE {condition} ORDER BY time LIMIT 1000000)"
            ),
            format!("SELECT count(result) FROM file WHERE {condition} AND result <= 0"),
        ] {
            assert_eq!(rows(&session, &sql), [expected.clone()], "{sql}");
        }
    };
    count("comm LIKE '%m3'", &|row| row.comm == "program3");
    count("comm IN ('program1', 'program4')", &|row| ["program1", "program4"].contains(&row.comm.as_str()));
    count("path LIKE '/srv/00%'", &|row| row.path.starts_with("/srv/00"));
    count("starts_with(path, '/srv/ff') OR comm = 'program2'", &|row| {
        row.path.starts_with("/srv/ff") || row.comm == "program2"
    });
    count("new_path IS NULL", &|row| row.new_path.is_none());
    count("coalesce(new_path, 'none') = 'none'", &|row| row.new_path.is_none());
    count("NOT new_path = '3'", &|row| row.new_path.as_ref().is_some_and(|text| text != "3"));
    count("upper(comm) ~ 'M[12]$'", &|row| ["program1", "program2"].contains(&row.comm.as_str()));
    count("basename(path) < '1'", &|row| row.path.as_str() < "/srv/1");
}

#[test]
fn a_word_that_no_row_chosen_has_is_no_error() {
    let (_dir, session) = session();
    let sum = "SELECT sum(CAST(new_path AS BIGINT) + 1) FROM file WHERE comm = 'program0' AND new_path <> '3'";
    let expected: u64 = all()
        .filter(|row| row.comm == "program0" && row.new_path.as_ref().is_some_and(|text| text != "3"))
        .map(|row| row.new_path.and_then(|text| text.parse::<u64>().ok()).unwrap_or(0) + 1)
        .sum();
    assert_eq!(rows(&session, sum), [expected.to_string()]);
    let wrong = problem(&session, "SELECT sum(CAST(comm AS BIGINT) + 1) FROM file");
    assert!(matches!(wrong, QueryError::Sql(_) | QueryError::Failed(_)), "{wrong:?}");
}
