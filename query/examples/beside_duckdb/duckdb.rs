//! The other engine: a Python program that answers a line of JSON with a line of JSON.

use crate::Outcome;
use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

pub struct DuckDb {
    child: Child,
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
    pub version: String,
}

impl DuckDb {
    /// Starts it over the Parquet files below `parquet`, a directory a table.
    pub fn start(python: &Path, parquet: &Path) -> Outcome<Self> {
        let mut child = Command::new(python)
            .args(["-c", include_str!("duckdb.py")])
            .arg(parquet)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("cannot run {}: {error}", python.display()))?;
        let (Some(orders), Some(answers)) = (child.stdin.take(), child.stdout.take()) else {
            return Err("the other engine has no pipes".into());
        };
        let mut duckdb = Self { child, orders, answers: BufReader::new(answers), version: String::new() };
        let version = duckdb.line()?;
        version["version"].as_str().unwrap_or_default().clone_into(&mut duckdb.version);
        Ok(duckdb)
    }

    /// Milliseconds and rows of a question; `cold` with a connection of its own.
    pub fn ask(&mut self, sql: &str, cold: bool) -> Outcome<(f64, usize)> {
        let told = self.order(&json!({"sql": sql, "cold": cold}))?;
        match (told["ms"].as_f64(), told["rows"].as_u64()) {
            (Some(ms), Some(rows)) => Ok((ms, usize::try_from(rows)?)),
            _ => Err(format!("no answer to {sql}").into()),
        }
    }

    /// Puts files out of the page cache.
    pub fn evict(&mut self, files: &[PathBuf]) -> Outcome<()> {
        self.order(&json!({"evict": files}))?;
        Ok(())
    }

    fn order(&mut self, order: &Value) -> Outcome<Value> {
        writeln!(self.orders, "{order}")?;
        self.line()
    }

    fn line(&mut self) -> Outcome<Value> {
        let mut line = String::new();
        if self.answers.read_line(&mut line)? == 0 {
            return Err("the other engine has ended; what it said is above".into());
        }
        Ok(serde_json::from_str(&line)?)
    }
}

impl Drop for DuckDb {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
