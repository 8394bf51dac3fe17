//! The documents that the program writes itself: docs/EVENTS.md, docs/QUERIES.md and the README's pictures.

use crate::test;
use anyhow::Result;

/// Writes them, or with `check` only compares.
pub fn run(check: bool) -> Result<()> {
    let root = test::root()?;
    let mode = if check { "check" } else { "write" };
    test::cargo(&root, &["run", "--quiet", "--release", "--example", "docs", "--", mode])
}
