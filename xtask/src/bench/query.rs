//! `cargo xtask bench query`: how fast questions are answered, beside DuckDB over the same Parquet files.

use super::Query;
use crate::test;
use anyhow::{Context as _, Result, ensure};
use std::path::Path;
use std::process::Command;

/// What the other engine is made of, from the Python package index.
const PACKAGES: [&str; 2] = ["duckdb==2.0.0", "pyarrow==26.0.1"];

/// Sets the other engine up, builds ours, and asks both.
pub fn run(options: &Query) -> Result<()> {
    let root = test::root()?;
    let dir = root.join("target/bench-query");
    let python = venv(&dir)?;
    let [dir, samples, python] = [&dir.join(options.events.to_string()), &root.join("sample-traces"), &python]
        .map(|path| path.display().to_string());
    let (events, rounds) = (options.events.to_string(), options.rounds.to_string());
    let mut args = vec!["run", "--quiet", "--release", "-p", "taffrail-query", "--example", "beside_duckdb", "--"];
    args.extend(["--events", &events, "--rounds", &rounds, "--dir", &dir, "--samples", &samples, "--python", &python]);
    if options.reuse {
        args.push("--reuse");
    }
    if let Some(only) = &options.only {
        args.extend(["--only", only]);
    }
    test::cargo(&root, &args)
}

/// A Python of its own with the packages; made once.
fn venv(dir: &Path) -> Result<std::path::PathBuf> {
    let place = dir.join("venv");
    let python = place.join("bin/python");
    if !python.exists() {
        let made = Command::new("python3").args(["-m", "venv"]).arg(&place).status();
        ensure!(
            made.context("cannot run python3")?.success(),
            "python3 -m venv failed; on Debian it is in python3-venv"
        );
    }
    let mut pip = Command::new(&python);
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]).args(PACKAGES);
    ensure!(
        pip.status().context("cannot run pip")?.success(),
        "pip install failed; without a network this bench has nobody beside it"
    );
    Ok(python)
}
