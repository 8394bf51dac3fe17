//! The views: what people ask first, as SQL that they can read and copy.

use crate::error::QueryError;
use datafusion::datasource::ViewTable;
use datafusion::prelude::SessionContext;
use std::sync::Arc;

/// A view: its name, and the SQL of it, which begins with `--` lines that say what a row is.
#[derive(Clone, Copy, Debug)]
pub struct View {
    /// Its name in SQL.
    pub name: &'static str,
    /// The whole file.
    pub sql: &'static str,
}

/// All views, in the order in which a person wants them and one can build on another.
pub const VIEWS: [View; 12] = [
    View { name: "timeline", sql: include_str!("views/timeline.sql") },
    View { name: "process_tree", sql: include_str!("views/process_tree.sql") },
    View { name: "entered", sql: include_str!("views/entered.sql") },
    View { name: "connections", sql: include_str!("views/connections.sql") },
    View { name: "listening", sql: include_str!("views/listening.sql") },
    View { name: "dns_lookups", sql: include_str!("views/dns_lookups.sql") },
    View { name: "file_writes", sql: include_str!("views/file_writes.sql") },
    View { name: "rewritten", sql: include_str!("views/rewritten.sql") },
    View { name: "privilege_changes", sql: include_str!("views/privilege_changes.sql") },
    View { name: "sessions", sql: include_str!("views/sessions.sql") },
    View { name: "syscall_summary", sql: include_str!("views/syscall_summary.sql") },
    View { name: "coverage", sql: include_str!("views/coverage.sql") },
];

impl View {
    /// The comment that the file begins with: what a row is, and what its columns mean.
    pub fn doc(&self) -> String {
        let lines = self.sql.lines().map_while(|line| line.strip_prefix("--"));
        lines.map(|line| line.strip_prefix(' ').unwrap_or(line)).collect::<Vec<_>>().join("\n")
    }
}

/// Puts the views in place, over tables that are there already.
///
/// # Errors
/// [`QueryError::Setup`], a fault of this program.
pub async fn register(context: &SessionContext) -> Result<(), QueryError> {
    for view in VIEWS {
        let plan = context.state().create_logical_plan(view.sql).await?;
        context.register_table(view.name, Arc::new(ViewTable::new(plan, Some(view.sql.to_owned()))))?;
    }
    Ok(())
}
