//! What the tests share: bundles made up on the spot, and answers as text.
#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use taffrail_query::{Format, QueryError, Session, Style};
use taffrail_trace::bundle;
use taffrail_trace::fixture;
use taffrail_trace::schema::FILE;
use taffrail_trace::table::{Cell, Tables};
use tempfile::TempDir;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// Runs a future to its end.
pub fn wait<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().expect("a runtime").block_on(work)
}

/// A session over the fixture's incident.
pub fn incident() -> (TempDir, Session) {
    let dir = tempfile::tempdir().expect("a directory");
    let path = fixture::write_incident(dir.path());
    let session = open(&[path]).expect("a session");
    (dir, session)
}

pub fn open(paths: &[PathBuf]) -> Result<Session, QueryError> {
    wait(Session::open(paths))
}

/// The answer in a format, as text.
pub fn written(session: &Session, sql: &str, style: Style) -> Result<String, QueryError> {
    let mut out = Vec::new();
    wait(session.run(sql, &style, &mut out))?;
    Ok(String::from_utf8(out).expect("text"))
}

/// The answer's rows, each as one line of values with ` | ` between them. Values must not contain commas.
pub fn rows(session: &Session, sql: &str) -> Vec<String> {
    let text = written(session, sql, Style::new(Format::Ndjson)).expect(sql);
    let value = |value: &serde_json::Value| match value {
        serde_json::Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let row = |line: &str| {
        let pairs: Vec<(String, serde_json::Value)> = ordered(line);
        pairs.iter().map(|(_, cell)| value(cell)).collect::<Vec<_>>().join(" | ")
    };
    text.lines().map(row).collect()
}

/// The pairs of a JSON object in the order in which they were written.
fn ordered(line: &str) -> Vec<(String, serde_json::Value)> {
    use serde::de::{Deserializer as _, MapAccess, Visitor};
    struct Pairs;
    impl<'de> Visitor<'de> for Pairs {
        type Value = Vec<(String, serde_json::Value)>;
        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("an object")
        }
        fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
            let mut pairs = Vec::new();
            while let Some(pair) = map.next_entry()? {
                pairs.push(pair);
            }
            Ok(pairs)
        }
    }
    serde_json::Deserializer::from_str(line).deserialize_map(Pairs).expect("an object a line")
}

pub fn problem(session: &Session, sql: &str) -> QueryError {
    wait(session.sql(sql)).expect_err(sql)
}

/// A bundle with `count` opened files, whose paths do not compress well.
pub fn large(dir: &Path, count: u64) -> PathBuf {
    let (manifest, _) = fixture::incident();
    let mut tables = Tables::default();
    let table = tables.of(&FILE).expect("a table");
    for index in 0..count {
        let noise = index.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let path = format!("/srv/{noise:016x}/{:016x}", noise.rotate_left(23).wrapping_mul(0xff51_afd7_ed55_8ccd));
        let time = Cell::Time(1_773_478_800_000_000_000 + index as i64 * 1_000_000);
        let common = [time, Cell::Text(fixture::CONTAINER_ID), Cell::Text("web"), Cell::U64(noise % 50), Cell::U32(7)];
        let rest = [Cell::U32(7), Cell::Text("httpd"), Cell::Text("/bin/httpd"), Cell::U32(0)];
        let mut cells: Vec<Cell<'_>> = common.into_iter().chain(rest).collect();
        cells.extend(FILE.columns.iter().map(|column| match column.name {
            "op" => Cell::Text("open"),
            "path" => Cell::Text(&path),
            "path_source" => Cell::Text("kernel"),
            "flags" => Cell::Text("O_RDONLY"),
            "other_mounts" | "made_executable" => Cell::Bool(false),
            "result" => Cell::I32(0),
            "fd" => Cell::I32(3),
            "inode" => Cell::U64(noise),
            _ => Cell::Null,
        }));
        table.push(&cells).expect("a row");
    }
    let path = dir.join("large.evidence.zip");
    bundle::write(&path, &manifest, tables).expect("a bundle");
    path
}

/// A bundle with the fixture's manifest and these members and no other.
pub fn crafted(dir: &Path, members: &[(&str, Vec<u8>)]) -> PathBuf {
    let (manifest, _) = fixture::incident();
    let path = dir.join("crafted.evidence.zip");
    let mut zip = ZipWriter::new(File::create(&path).expect("a file"));
    let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    zip.start_file(bundle::MANIFEST, stored).expect("a member");
    zip.write_all(&serde_json::to_vec(&manifest).expect("JSON")).expect("written");
    for (name, bytes) in members {
        zip.start_file(*name, stored).expect("a member");
        zip.write_all(bytes).expect("written");
    }
    zip.finish().expect("a ZIP");
    path
}

pub fn size(path: &Path) -> u64 {
    fs::metadata(path).expect("a file").len()
}
