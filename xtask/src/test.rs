//! `cargo xtask test`: sets up what the tests need, runs all of them, and takes down what it started.

pub mod docker;

use anyhow::{Context as _, Result, bail};
use docker::Docker;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Sets up and runs; `args` go to the test runner.
pub fn run(args: &[String]) -> Result<()> {
    let root = root()?;
    let docker = Docker::ready()?;
    crate::bpf::run(true)?;
    let result = checks(&root, args);
    docker.stop();
    result
}

fn checks(root: &Path, args: &[String]) -> Result<()> {
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    if args.is_empty() {
        cargo(root, &["fmt", "--all", "--check"])?;
    }
    let nextest = Command::new("cargo")
        .args(["nextest", "--version"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    if nextest {
        cargo(root, &[&["nextest", "run", "--release", "--workspace"], args.as_slice()].concat())?;
    } else {
        say("cargo-nextest is not here, so plain cargo test runs the tests")?;
        cargo(root, &[&["test", "--release", "--workspace"], args.as_slice()].concat())?;
    }
    if args.is_empty() {
        crate::docs::run(true)?;
    }
    Ok(())
}

/// Runs cargo in the checkout.
pub fn cargo(root: &Path, args: &[&str]) -> Result<()> {
    let status = Command::new("cargo").args(args).current_dir(root).status().context("cannot run cargo")?;
    if !status.success() {
        bail!("cargo {} failed", args.join(" "));
    }
    Ok(())
}

/// The checkout.
pub fn root() -> Result<PathBuf> {
    let here = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    let here = here.map_or_else(std::env::current_dir, Ok)?;
    let found = here.ancestors().find(|dir| dir.join("probes/abi").is_dir());
    found.map(Path::to_owned).context("run this inside a checkout of Taffrail")
}

/// A file's bytes.
pub fn read(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).with_context(|| format!("reading {}", path.display()))
}

/// A line for the person.
pub fn say(line: &str) -> Result<()> {
    writeln!(std::io::stderr(), "xtask: {line}").context("standard error is gone")
}

/// Where cargo puts what it builds.
pub fn target(root: &Path) -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from)
}
