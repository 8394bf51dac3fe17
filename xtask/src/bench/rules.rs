//! `cargo xtask bench rules`: how fast rules are asked, in a package of its own.

use crate::test;
use anyhow::Result;

/// Builds it and runs it.
pub fn run() -> Result<()> {
    test::cargo(&test::root()?, &["run", "--release", "--locked", "--manifest-path", "rules/bench/Cargo.toml"])
}
