//! Bundles in the shape of the samples: each sample's events over and over again, one after the other in time.
//!
//! Every repetition has identities of its own and pauses between its events that differ by half from the recorded ones,
//! so that nothing compresses which would not in a recording. Texts stay as they were recorded.

use crate::Outcome;
use datafusion::arrow::array::{Array as _, AsArray as _, RecordBatch};
use datafusion::arrow::datatypes::{Int32Type, Int64Type, TimestampNanosecondType, UInt16Type, UInt32Type, UInt64Type};
use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use taffrail_trace::bundle::{self, Bundle};
use taffrail_trace::schema::{Column, Kind, TABLES, Table};
use taffrail_trace::table::{Cell, Tables};

/// Columns that are identities: no two repetitions share one.
const IDS: [&str; 6] = ["exec_id", "process_id", "parent_exec_id", "entered_by", "flow_id", "session_id"];
/// The longest pause between two rows of a table. What was running before the recorder is not days away then.
const PAUSE_MAX_NS: i64 = 2_000_000_000;
/// The pause between two repetitions.
const BETWEEN_NS: i64 = 500_000_000;

pub struct Dataset {
    pub bundles: Vec<PathBuf>,
    /// The members as plain files, `<table>/bundle=<id>/host=<name>/<n>.parquet`.
    pub parquet: PathBuf,
    /// All of them.
    pub files: Vec<PathBuf>,
    pub events: u64,
    pub bytes: u64,
    /// Name, rows and bytes of each that has rows.
    pub tables: Vec<(&'static str, u64, u64)>,
}

/// A recorded row.
type Row = Vec<Value>;

/// A recorded value.
enum Value {
    Null,
    Time(i64),
    Id(u64),
    Text(String),
    List(Vec<String>),
    Bool(bool),
    U16(u16),
    U32(u32),
    U64(u64),
    I32(i32),
    I64(i64),
    Binary(Vec<u8>),
}

/// The bundles in a directory.
pub fn samples(dir: &Path) -> Outcome<Vec<PathBuf>> {
    let mut found: Vec<PathBuf> = fs::read_dir(dir)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<Vec<_>, _>>()?
        .into_iter()
        .filter(|path| path.to_string_lossy().ends_with(bundle::SUFFIX))
        .collect();
    found.sort();
    Ok(found)
}

fn is_event(table: &Table) -> bool {
    !table.name.starts_with("state_")
}

impl Dataset {
    /// Writes it anew.
    pub fn make(dir: &Path, samples_dir: &Path, events: u64) -> Outcome<Self> {
        let _ = fs::remove_dir_all(dir);
        fs::create_dir_all(dir.join("bundles"))?;
        let mut recorded = Vec::new();
        for path in samples(samples_dir)? {
            let bundle = Bundle::open(&path)?;
            let mut tables = Vec::new();
            for table in TABLES.into_iter().filter(|table| bundle.members().contains_key(&table.member())) {
                let mut rows = Vec::new();
                bundle.each_batch::<taffrail_trace::bundle::OpenError>(&table.member(), usize::MAX, &mut |batch| {
                    rows.extend(rows_of(table, &batch));
                    Ok(())
                })?;
                tables.push((table, rows));
            }
            recorded.push((path, bundle, tables));
        }
        let each: u64 = recorded
            .iter()
            .flat_map(|(.., tables)| tables)
            .filter(|(table, _)| is_event(table))
            .map(|(_, rows)| rows.len() as u64)
            .sum();
        let repetitions = events.div_ceil(each.max(1));
        for (path, bundle, tables) in &recorded {
            let mut written = Tables::default();
            let mut dice =
                Dice(path.to_string_lossy().bytes().fold(1, |seed, byte| seed * 31 % 1_000_003 + u64::from(byte)));
            let from = bundle.manifest().clock.utc(bundle.manifest().window.from_ns);
            let mut base = from;
            for repetition in 0..repetitions {
                let mut last = base;
                for (table, rows) in tables {
                    if is_event(table) || repetition == 0 {
                        last = last.max(repeat(&mut written, table, rows, (base, repetition), &mut dice)?);
                    }
                }
                base = last + BETWEEN_NS;
            }
            let mut manifest = bundle.manifest().clone();
            manifest.window.to_ns = manifest.window.from_ns + (base - from).unsigned_abs();
            manifest.segments.clear();
            let name = path.file_name().unwrap_or_default();
            bundle::write(&dir.join("bundles").join(name), &manifest, written)?;
        }
        Self::laid_out(dir)?;
        Self::found(dir)
    }

    /// The members of its bundles as plain files, where the other engine looks for them.
    fn laid_out(dir: &Path) -> Outcome<()> {
        for (number, path) in samples(&dir.join("bundles"))?.iter().enumerate() {
            let bundle = Bundle::open(path)?;
            let manifest = bundle.manifest();
            for table in TABLES {
                let Some(member) = bundle.members().get(&table.member()) else { continue };
                let place = dir
                    .join("parquet")
                    .join(table.name)
                    .join(format!("bundle={}", manifest.id))
                    .join(format!("host={}", manifest.host.hostname));
                fs::create_dir_all(&place)?;
                let mut bytes = Vec::new();
                bundle.reader(*member).read_to_end(&mut bytes)?;
                fs::write(place.join(format!("{number}.parquet")), bytes)?;
            }
        }
        Ok(())
    }

    /// The one that is there.
    pub fn found(dir: &Path) -> Outcome<Self> {
        let bundles = samples(&dir.join("bundles"))?;
        let mut tables: BTreeMap<&'static str, (u64, u64)> = BTreeMap::new();
        let mut bytes = 0;
        for path in &bundles {
            bytes += fs::metadata(path)?.len();
            let bundle = Bundle::open(path)?;
            for table in TABLES.into_iter().filter(|table| is_event(table)) {
                let Some(member) = bundle.members().get(&table.member()) else { continue };
                let sums = tables.entry(table.name).or_default();
                *sums = (sums.0 + bundle.rows(&table.member())?, sums.1 + member.len);
            }
        }
        let parquet = dir.join("parquet");
        let mut files = Vec::new();
        let mut left = vec![parquet.clone()];
        while let Some(place) = left.pop() {
            if place.is_dir() {
                left.extend(
                    fs::read_dir(&place)?
                        .map(|entry| entry.map(|entry| entry.path()))
                        .collect::<Result<Vec<_>, _>>()?,
                );
            } else {
                files.push(place);
            }
        }
        let events = tables.values().map(|(rows, _)| rows).sum();
        let tables = tables
            .into_iter()
            .filter(|(_, (rows, _))| *rows > 0)
            .map(|(name, (rows, bytes))| (name, rows, bytes))
            .collect();
        Ok(Self { bundles, parquet, files, events, bytes, tables })
    }
}

/// One repetition of a table's rows; gives when its last row is.
fn repeat(
    tables: &mut Tables,
    table: &'static Table,
    rows: &[Row],
    (base, repetition): (i64, u64),
    dice: &mut Dice,
) -> Outcome<i64> {
    let into = tables.of(table)?;
    let mut before: Option<i64> = None;
    let mut now = base;
    for row in rows {
        let Some(Value::Time(recorded)) = row.first() else { return Err("a row without a time".into()) };
        let pause = before.map_or(0, |before| (recorded - before).clamp(0, PAUSE_MAX_NS));
        before = Some(*recorded);
        // Between half and one and a half of it.
        now += pause / 2 + (i128::from(pause) * i128::from(dice.next() >> 32) >> 32) as i64;
        let cells: Vec<Cell<'_>> = row.iter().map(|value| value.cell(now - recorded, repetition)).collect();
        into.push(&cells)?;
    }
    Ok(now)
}

impl Value {
    /// As a later repetition has it.
    fn cell(&self, later_ns: i64, repetition: u64) -> Cell<'_> {
        match self {
            Self::Null => Cell::Null,
            Self::Time(time) => Cell::Time(time + later_ns),
            Self::Id(id) => {
                Cell::U64(if *id == 0 { 0 } else { Dice(id ^ repetition.wrapping_mul(0x9E37_79B9_7F4A_7C15)).next() })
            }
            Self::Text(text) => Cell::Text(text),
            Self::List(list) => Cell::TextList(list),
            Self::Bool(value) => Cell::Bool(*value),
            Self::U16(value) => Cell::U16(*value),
            Self::U32(value) => Cell::U32(*value),
            Self::U64(value) => Cell::U64(*value),
            Self::I32(value) => Cell::I32(*value),
            Self::I64(value) => Cell::I64(*value),
            Self::Binary(bytes) => Cell::Binary(bytes),
        }
    }

    fn of(column: &Column, batch: &RecordBatch, row: usize) -> Self {
        let Some(array) = batch.column_by_name(column.name).filter(|array| array.is_valid(row)) else {
            return Self::Null;
        };
        match column.kind {
            Kind::Time => Self::Time(array.as_primitive::<TimestampNanosecondType>().value(row)),
            Kind::Text => Self::Text(array.as_string::<i32>().value(row).to_owned()),
            Kind::TextList => {
                let values = array.as_list::<i32>().value(row);
                Self::List(values.as_string::<i32>().iter().flatten().map(str::to_owned).collect())
            }
            Kind::Bool => Self::Bool(array.as_boolean().value(row)),
            Kind::U16 => Self::U16(array.as_primitive::<UInt16Type>().value(row)),
            Kind::U32 => Self::U32(array.as_primitive::<UInt32Type>().value(row)),
            Kind::U64 if IDS.contains(&column.name) => Self::Id(array.as_primitive::<UInt64Type>().value(row)),
            Kind::U64 => Self::U64(array.as_primitive::<UInt64Type>().value(row)),
            Kind::I32 => Self::I32(array.as_primitive::<Int32Type>().value(row)),
            Kind::I64 => Self::I64(array.as_primitive::<Int64Type>().value(row)),
            Kind::Binary => Self::Binary(array.as_binary::<i32>().value(row).to_vec()),
        }
    }
}

fn rows_of(table: &Table, batch: &RecordBatch) -> Vec<Row> {
    (0..batch.num_rows()).map(|row| table.all_columns().map(|column| Value::of(column, batch, row)).collect()).collect()
}

/// Numbers that look random and are the same every time (SplitMix64).
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }
}
