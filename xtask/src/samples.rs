//! Records the sample traces anew: real bundles of real runs, with nothing of the recording machine's own in them.

use crate::test;
use anyhow::{Context as _, Result, bail};
use sha2::{Digest as _, Sha256};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

const DIR: &str = "sample-traces";

/// Builds the program and lets the demo record its story.
pub fn run() -> Result<()> {
    let root = test::root()?;
    test::cargo(&root, &["build", "--release"])?;
    let work = std::env::temp_dir().join(format!("taffrail-samples-{}", std::process::id()));
    fs::create_dir(&work)?;
    let done = demo(&root, &work);
    fs::remove_dir_all(&work)?;
    done?;
    sums(&root.join(DIR))
}

/// A copy of the program under a name that says nothing of this machine plays the demo.
fn demo(root: &Path, work: &Path) -> Result<()> {
    let program = work.join("taffrail");
    fs::copy(test::target(root).join("release/taffrail"), &program)?;
    let status = Command::new(&program)
        .args(["demo", "--no-replay", "--no-host-ancestors"])
        .env("TMPDIR", work)
        .current_dir(work)
        .status()
        .context("cannot run the demo")?;
    if !status.success() {
        bail!("the demo failed, so there is nothing to keep");
    }
    let found = fs::read_dir(work)?
        .flatten()
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .filter_map(|dir| fs::read_dir(dir.path()).ok())
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .find(|path| path.to_string_lossy().ends_with(".evidence.zip"));
    let bundle = found.context("the demo left no bundle")?;
    fs::copy(bundle, root.join(DIR).join("reverse-shell.evidence.zip"))?;
    Ok(())
}

/// `SHA256SUMS` of every bundle, as `sha256sum -c` reads it.
fn sums(dir: &Path) -> Result<()> {
    let mut names: Vec<_> = fs::read_dir(dir)?
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .filter(|name| name.ends_with(".evidence.zip"))
        .collect();
    names.sort_unstable();
    let mut text = String::new();
    for name in names {
        for byte in Sha256::digest(fs::read(dir.join(&name))?) {
            write!(text, "{byte:02x}")?;
        }
        writeln!(text, "  {name}")?;
    }
    fs::write(dir.join("SHA256SUMS"), text)?;
    Ok(())
}
