//! The views: what people ask first, as SQL that they can read and copy.
//!
//! Each file begins with `--` lines: what a row is, `Question:` what it answers, and after an empty line what each column
//! means, as `-- name: meaning`. A column that a table has by the same name may go without.

use taffrail_trace::schema::TABLES;

/// A view: its name, and the SQL of it.
#[derive(Clone, Copy, Debug)]
pub struct View {
    /// Its name in SQL.
    pub name: &'static str,
    /// The whole file.
    pub sql: &'static str,
}

/// All views, in the order in which a person wants them.
pub const VIEWS: [View; 21] = [
    View { name: "timeline", sql: include_str!("views/timeline.sql") },
    View { name: "process_tree", sql: include_str!("views/process_tree.sql") },
    View { name: "ancestry", sql: include_str!("views/ancestry.sql") },
    View { name: "shells", sql: include_str!("views/shells.sql") },
    View { name: "sessions", sql: include_str!("views/sessions.sql") },
    View { name: "entered", sql: include_str!("views/entered.sql") },
    View { name: "connections", sql: include_str!("views/connections.sql") },
    View { name: "listeners", sql: include_str!("views/listeners.sql") },
    View { name: "listening", sql: include_str!("views/listening.sql") },
    View { name: "dns_lookups", sql: include_str!("views/dns_lookups.sql") },
    View { name: "file_changes", sql: include_str!("views/file_changes.sql") },
    View { name: "downloads", sql: include_str!("views/downloads.sql") },
    View { name: "dropped_and_run", sql: include_str!("views/dropped_and_run.sql") },
    View { name: "privilege_changes", sql: include_str!("views/privilege_changes.sql") },
    View { name: "kernel_touch", sql: include_str!("views/kernel_touch.sql") },
    View { name: "rewritten", sql: include_str!("views/rewritten.sql") },
    View { name: "first_seen", sql: include_str!("views/first_seen.sql") },
    View { name: "rare", sql: include_str!("views/rare.sql") },
    View { name: "entities", sql: include_str!("views/entities.sql") },
    View { name: "syscall_summary", sql: include_str!("views/syscall_summary.sql") },
    View { name: "coverage", sql: include_str!("views/coverage.sql") },
];

/// Names of before, which queries that people kept still use.
pub const OLD_NAMES: [(&str, &str); 1] = [("file_writes", "file_changes")];

impl View {
    /// What a row is, in one paragraph.
    pub fn doc(&self) -> String {
        let lines = self.comment().take_while(|line| !line.is_empty() && !line.starts_with("Question:"));
        lines.collect::<Vec<_>>().join(" ")
    }

    /// The question that it answers; empty where the file does not say.
    pub fn question(&self) -> String {
        let lines = self.comment().take_while(|line| !line.is_empty());
        let question = lines.skip_while(|line| !line.starts_with("Question:")).collect::<Vec<_>>().join(" ");
        question.trim_start_matches("Question:").trim().to_owned()
    }

    /// What a column means: as the file says, else as the first table says that has one of that name; empty where nobody
    /// says.
    pub fn column_doc(&self, column: &str) -> String {
        let mut lines = self.comment().skip_while(|line| !line.is_empty()).skip(1);
        let own = lines.by_ref().find_map(|line| line.strip_prefix(column)?.strip_prefix(": "));
        if let Some(own) = own {
            let more = lines.take_while(|line| line.starts_with("  ")).map(str::trim);
            return std::iter::once(own).chain(more).collect::<Vec<_>>().join(" ");
        }
        if let Some((_, doc)) = crate::tables::ADDED_COLUMNS.iter().find(|(name, _)| *name == column) {
            return (*doc).to_owned();
        }
        let columns = TABLES.iter().flat_map(|table| table.all_columns());
        columns.into_iter().find(|known| known.name == column).map(|known| known.doc.to_owned()).unwrap_or_default()
    }

    fn comment(&self) -> impl Iterator<Item = &'static str> {
        let lines = self.sql.lines().map_while(|line| line.strip_prefix("--"));
        lines.map(|line| line.strip_prefix(' ').unwrap_or(line))
    }
}
