//! A bundle of a busy container: three in four events open a file, the others read, write and connect.

use std::error::Error;
use std::path::Path;
use taffrail_trace::bundle;
use taffrail_trace::fixture::incident;
use taffrail_trace::schema::{FILE, Kind, NETWORK, PROCESS, Table};
use taffrail_trace::table::{Cell, Tables};

const SECOND: i64 = 1_000_000_000;
/// An hour.
const WINDOW: i64 = 3_600 * SECOND;
const PROCESSES: i64 = 2_000;

/// A row of a table, of which some cells are given and the others are NULL or empty.
struct Row<'a> {
    names: Vec<&'static str>,
    cells: Vec<Cell<'a>>,
}

impl<'a> Row<'a> {
    fn of(table: &'static Table) -> Self {
        let empty = |column: &taffrail_trace::schema::Column| match (column.nullable, column.kind) {
            (true, _) => Cell::Null,
            (_, Kind::Time) => Cell::Time(0),
            (_, Kind::Text) => Cell::Text(""),
            (_, Kind::TextList) => Cell::TextList(&[]),
            (_, Kind::Bool) => Cell::Bool(false),
            (_, Kind::U16) => Cell::U16(0),
            (_, Kind::U32) => Cell::U32(0),
            (_, Kind::U64) => Cell::U64(0),
            (_, Kind::I32) => Cell::I32(0),
            (_, Kind::I64) => Cell::I64(0),
            (_, Kind::Binary) => Cell::Binary(&[]),
        };
        let names = table.all_columns().map(|column| column.name).collect();
        Self { names, cells: table.all_columns().map(empty).collect() }
    }

    fn set<const N: usize>(mut self, cells: [(&str, Cell<'a>); N]) -> Self {
        for (name, cell) in cells {
            if let Some(at) = self.names.iter().position(|known| *known == name) {
                self.cells[at] = cell;
            }
        }
        self
    }

    fn again(&self) -> Self {
        Self { names: self.names.clone(), cells: self.cells.clone() }
    }
}

/// Writes it, each event at the place in time that `place_of` gives for its number.
pub fn write(events: i64, path: &Path, place_of: impl Fn(i64) -> i64) -> Result<(), Box<dyn Error>> {
    let (mut manifest, _) = incident();
    let from = manifest.clock.utc(manifest.window.from_ns);
    manifest.window.to_ns = manifest.window.from_ns + WINDOW as u64;
    manifest.trigger.time_ns = manifest.window.to_ns - 1_000 * SECOND as u64;
    let mut tables = Tables::default();
    let id = manifest.container.id.clone();
    let common = |table| {
        Row::of(table).set([
            ("container_id", Cell::Text(&id)),
            ("container_name", Cell::Text("busy")),
            ("comm", Cell::Text("worker")),
            ("exe", Cell::Text("/usr/bin/worker")),
            ("uid", Cell::U32(33)),
        ])
    };
    let lines: Vec<String> = (0..PROCESSES).map(|number| format!("worker --number {number}")).collect();
    for (number, line) in (0..PROCESSES).zip(&lines) {
        let start = from + number * WINDOW / PROCESSES;
        let row = common(&PROCESS).set([
            ("time", Cell::Time(start)),
            ("exec_id", Cell::U64(number as u64 + 1)),
            ("process_id", Cell::U64(number as u64 + 1)),
            ("parent_exec_id", if number > 0 { Cell::U64(1) } else { Cell::Null }),
            ("pid", Cell::U32(100 + number as u32)),
            ("origin", Cell::Text("exec")),
            ("cmdline", Cell::Text(line)),
            ("start_time", Cell::Time(start)),
            ("end_time", if number % 2 == 1 { Cell::Time(start + 10 * SECOND) } else { Cell::Null }),
            ("exit_code", if number % 2 == 1 { Cell::I32(0) } else { Cell::Null }),
            ("stdin", Cell::Text("pipe")),
            ("stdout", Cell::Text("pipe")),
        ]);
        tables.of(&PROCESS)?.push(&row.cells)?;
    }
    let paths: Vec<String> =
        (0..20_000).map(|number| format!("/srv/cache/{:02}/{number}.html", number % 100)).collect();
    let hosts: Vec<String> = (0..200).map(|number| format!("10.0.{}.{}", number / 50, number % 50)).collect();
    let file = common(&FILE).set([("path_source", Cell::Text("kernel")), ("fd", Cell::I32(3))]);
    let open = file.again().set([
        ("op", Cell::Text("open")),
        ("flags", Cell::Text("O_RDONLY")),
        ("result", Cell::I32(0)),
        ("abi", Cell::Text("x86_64")),
    ]);
    let io = file.set([("op", Cell::Text("io")), ("bytes_read", Cell::U64(100)), ("closed", Cell::Bool(true))]);
    let flow = common(&NETWORK).set([
        ("op", Cell::Text("connect")),
        ("protocol", Cell::Text("tcp")),
        ("source", Cell::Text("kernel")),
        ("local_addr", Cell::Text("172.17.0.2")),
        ("remote_port", Cell::U16(443)),
        ("result", Cell::I32(0)),
    ]);
    let place = |row: &Row<'_>, name: &str| row.names.iter().position(|known| *known == name).unwrap_or(0);
    let (time, exec_id, pid) = (place(&open, "time"), place(&open, "exec_id"), place(&open, "pid"));
    let (path_at, written, remote, flow_id) =
        (place(&open, "path"), place(&open, "bytes_written"), place(&flow, "remote_addr"), place(&flow, "flow_id"));
    let (mut open, mut io, mut flow) = (open, io, flow);
    for number in 0..events {
        let own = number * PROCESSES / events.max(1);
        let (table, row): (_, &mut Row<'_>) = match number % 16 {
            0 => {
                flow.cells[remote] = Cell::Text(&hosts[(number / 16 % 200) as usize]);
                flow.cells[flow_id] = Cell::U64(number as u64);
                (&NETWORK, &mut flow)
            }
            turn => {
                let row = if turn <= 3 { &mut io } else { &mut open };
                row.cells[path_at] = Cell::Text(&paths[(number * 7_919 % 20_000) as usize]);
                if turn <= 3 {
                    row.cells[written] = Cell::U64((number % 2) as u64);
                }
                (&FILE, row)
            }
        };
        row.cells[time] = Cell::Time(from + place_of(number) * (WINDOW / events.max(1)));
        row.cells[exec_id] = Cell::U64(own as u64 + 1);
        row.cells[pid] = Cell::U32(100 + own as u32);
        tables.of(table)?.push(&row.cells)?;
    }
    bundle::write(path, &manifest, tables)?;
    Ok(())
}
