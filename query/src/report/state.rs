//! The container as it was at the trigger: its processes, sockets and mounts, the telling ones first.

use super::facts::Cut;
use super::foreign::Foreign;
use super::rows::{Row, rows};
use super::story::Word;
use super::{markdown, page, units};
use datafusion::arrow::array::RecordBatch;
use maud::{Markup, html};
use std::fmt::Write as _;
use taffrail_trace::manifest::Manifest;

/// The most lines of each table.
const LINES_MAX: usize = 12;

/// What was looked at.
#[derive(Debug, Default)]
pub struct State {
    /// When, UTC nanoseconds; nothing where nobody looked.
    looked_ns: Option<i64>,
    /// Why there is none, or what the tables lack.
    said: Vec<Word>,
    sheets: Vec<Sheet>,
}

/// One table of it.
#[derive(Debug)]
struct Sheet {
    kind: &'static Kind,
    lines: Cut<Line>,
}

#[derive(Debug)]
struct Line {
    hostile: bool,
    cells: Vec<Word>,
}

/// What a table is made of. The query gives `hostile`, `total` and what `line` reads; `{hostile}` is the condition that a
/// program is of the branch.
#[derive(Debug)]
pub struct Kind {
    title: &'static str,
    heads: &'static [&'static str],
    names: (&'static str, &'static str),
    table: &'static str,
    query: &'static str,
    line: fn(Row<'_>) -> Vec<Word>,
}

/// The tables, in the order in which they are told.
pub const KINDS: [&Kind; 3] = [&PROCESSES, &SOCKETS, &MOUNTS];

/// Those of the branch first, then those whose executable has no name any more, then the youngest.
const PROCESSES: Kind = Kind {
    title: "Processes at the trigger",
    heads: &["Pid", "User", "Command", "Executable", "Memory"],
    names: ("process", "processes"),
    table: "state_process",
    query: "SELECT pid, uid, coalesce(nullif(cmdline, ''), comm) AS line, exe, exe_deleted, resident_bytes,
                {hostile} AS hostile, count(*) OVER () AS total
            FROM state_process WHERE {bundle}
            ORDER BY hostile DESC, coalesce(exe_deleted, false) DESC, start_time DESC, pid",
    line: |row| {
        let gone = if row.flag("exe_deleted") { " (deleted)" } else { "" };
        vec![
            plain(row.number("pid")),
            plain(row.number("uid")),
            Word::Quoted(row.text("line")),
            Word::Quoted(row.text("exe").followed(&Foreign::new(gone))),
            Word::Plain(
                row.number("resident_bytes").map_or_else(String::new, |_| units::bytes(row.count("resident_bytes"))),
            ),
        ]
    },
};

/// Those of the branch first, then those that listen; unix sockets come last.
const SOCKETS: Kind = Kind {
    title: "Sockets at the trigger",
    heads: &["Protocol", "State", "Local", "Remote", "Program"],
    names: ("socket", "sockets"),
    table: "state_socket",
    query: "SELECT protocol, state, coalesce(endpoint(local_addr, local_port), path) AS local,
                endpoint(remote_addr, remote_port) AS remote, comm, pid, {hostile} AS hostile, count(*) OVER () AS total
            FROM state_socket WHERE {bundle}
            ORDER BY protocol = 'unix', hostile DESC, state <> 'LISTEN', protocol, local_port, inode",
    line: |row| {
        let pid = row.number("pid").map_or_else(String::new, |pid| format!(" {pid}"));
        vec![
            Word::Quoted(row.text("protocol")),
            Word::Quoted(row.text("state")),
            Word::Quoted(row.text("local")),
            Word::Quoted(row.text("remote")),
            Word::Quoted(row.text("comm").followed(&Foreign::new(&pid))),
        ]
    },
};

/// What can hold data first: what every container has of the kernel's own comes last.
const MOUNTS: Kind = Kind {
    title: "Mounts at the trigger",
    heads: &["Where", "File system", "Source", "Options"],
    names: ("mount", "mounts"),
    table: "state_mount",
    query: "SELECT path, filesystem, source, root, options, false AS hostile, count(*) OVER () AS total
            FROM state_mount WHERE {bundle}
            ORDER BY filesystem IN ('proc', 'sysfs', 'devpts', 'mqueue', 'cgroup', 'cgroup2', 'devtmpfs', 'tmpfs'),
                path, mount_id",
    line: |row| {
        let root = if row.raw("root") == "/" { "" } else { row.raw("root") };
        let from = if root.is_empty() { String::new() } else { format!(" {root}") };
        vec![
            Word::Quoted(row.text("path")),
            Word::Quoted(row.text("filesystem")),
            Word::Quoted(row.text("source").followed(&Foreign::new(&from))),
            Word::Quoted(row.text("options")),
        ]
    },
};

fn plain(number: Option<i64>) -> Word {
    Word::Plain(number.map_or_else(String::new, |number| number.to_string()))
}

impl Kind {
    /// What to ask, given the condition that a program is of the branch.
    pub fn query(&self, hostile: &str) -> String {
        format!("{} LIMIT {LINES_MAX}", self.query.replace("{hostile}", hostile))
    }
}

impl State {
    /// Of a bundle with this manifest, before its tables.
    pub fn of(manifest: &Manifest) -> Self {
        let state = &manifest.state;
        let mut said = Vec::new();
        if let Some(missing) = &state.missing {
            said.extend([Word::Plain("Nobody looked: ".to_owned()), Word::Quoted(Foreign::new(missing))]);
        }
        for left in state.left_out.iter().take(LINES_MAX) {
            let rows = left.rows.map_or_else(|| "some".to_owned(), units::number);
            let begin = if said.is_empty() { "Left out: " } else { "; " };
            said.extend([
                Word::Plain(format!("{begin}{rows} rows of ")),
                Word::Quoted(Foreign::new(&left.table)),
                Word::Plain(", ".to_owned()),
                Word::Quoted(Foreign::new(&left.reason)),
            ]);
        }
        let looked_ns = state.looked.map(|looked| manifest.clock.utc(looked.from_ns));
        Self { looked_ns, said, sheets: Vec::new() }
    }

    /// Takes the answer to [`Kind::query`].
    pub fn add(&mut self, kind: &'static Kind, answer: &[RecordBatch]) {
        let total = rows(answer).map(|row| row.count("total")).next();
        let line = |row: Row<'_>| Line { hostile: row.flag("hostile"), cells: (kind.line)(row) };
        let lines = Cut::new(rows(answer).map(line).collect(), LINES_MAX, total);
        if !lines.shown.is_empty() {
            self.sheets.push(Sheet { kind, lines });
        }
    }

    /// The page's section; nothing for a bundle of a format that had no state.
    pub fn html(&self) -> Markup {
        if self.sheets.is_empty() && self.said.is_empty() {
            return html! {};
        }
        html! {
            section {
                h2 { "As it was at the trigger" }
                @if let Some(at) = self.looked_ns { p { "Read from " code { "/proc" } " from " (units::clock(at)) " on." } }
                @if !self.said.is_empty() { p class="none" { (page::words(&self.said)) } }
                @for sheet in &self.sheets {
                    h3 { (sheet.kind.title) }
                    table {
                        thead { tr { @for head in sheet.kind.heads { th { (head) } } } }
                        tbody {
                            @for line in &sheet.lines.shown {
                                tr class=(if line.hostile { "hostile" } else { "" }) {
                                    @for (head, cell) in sheet.kind.heads.iter().zip(&line.cells) {
                                        td data-label=(head) class=(if matches!(cell, Word::Plain(_)) { "number" } else { "" }) { (page::words(std::slice::from_ref(cell))) }
                                    }
                                }
                            }
                        }
                    }
                    @if let Some(rest) = sheet.rest() { p class="more" { (rest) ": " code { (sheet.all()) } } }
                }
            }
        }
    }

    /// The same in Markdown.
    pub fn markdown(&self, out: &mut String) -> std::fmt::Result {
        if self.sheets.is_empty() && self.said.is_empty() {
            return Ok(());
        }
        writeln!(out, "\n## As it was at the trigger\n")?;
        if let Some(at) = self.looked_ns {
            writeln!(out, "Read from `/proc` from {} on.", units::clock(at))?;
        }
        if !self.said.is_empty() {
            writeln!(out, "\n{}", markdown::words(&self.said))?;
        }
        for Sheet { kind, lines } in &self.sheets {
            writeln!(out, "\n{}:\n\n| {} |\n|{}", kind.title, kind.heads.join(" | "), "---|".repeat(kind.heads.len()))?;
            for line in &lines.shown {
                let cells: Vec<String> =
                    line.cells.iter().map(|cell| markdown::words(std::slice::from_ref(cell))).collect();
                writeln!(out, "| {} |", cells.join(" | "))?;
            }
        }
        for sheet in &self.sheets {
            if let Some(rest) = sheet.rest() {
                writeln!(out, "\n{rest}: `{}`", sheet.all())?;
            }
        }
        Ok(())
    }
}

impl Sheet {
    fn rest(&self) -> Option<String> {
        units::rest(&self.lines, self.kind.names.0, self.kind.names.1)
    }

    fn all(&self) -> String {
        format!("SELECT * FROM {}", self.kind.table)
    }
}
