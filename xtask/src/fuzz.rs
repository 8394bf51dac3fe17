//! libFuzzer over every decoder of outside bytes (fuzz/), by cargo-fuzz on a nightly compiler.

use crate::test::say;
use anyhow::{Context as _, Result, bail};
use std::env;
use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const VERSION: &str = "0.13.2";
const TARGETS: [&str; 5] = ["zip", "manifest", "signature", "segment", "rules"];
/// Longer inputs are no new kinds of inputs, only slower ones.
const INPUT_MAX_BYTES: usize = 256 << 10;

/// What is kept of a target's corpus, unpacked, the shortest inputs first: it is part of every clone.
const KEPT_MAX_BYTES: u64 = 256 << 10;
/// Of bundles: they are longer, and so much alike that they pack to a thirtieth.
const BUNDLES_MAX_BYTES: u64 = 4 << 20;

/// What to fuzz.
#[derive(Debug, clap::Args)]
pub struct Fuzz {
    /// Which targets; all without one.
    #[arg(value_parser = TARGETS)]
    targets: Vec<String>,
    /// How long each.
    #[arg(long, default_value_t = 300)]
    seconds: u32,
}

/// Runs each target from its corpus (fuzz/corpus) and its seeds, and keeps the inputs that reach something new.
///
/// # Errors
/// When a target panics, hangs or takes too much memory (its input is in fuzz/artifacts), when tools cannot be installed.
pub fn run(fuzz: &Fuzz) -> Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz").canonicalize().context("there is no fuzz/")?;
    let program = program(&root)?;
    let seeds = root.join("target/seeds");
    let mut seed = Command::new("cargo");
    finished(seed.args(["run", "--release", "--quiet", "--", "seeds"]).arg(&seeds).current_dir(&root))?;
    let all = TARGETS.map(str::to_owned);
    for target in if fuzz.targets.is_empty() { &all[..] } else { &fuzz.targets } {
        let archive = root.join("corpus").join(format!("{target}.tar.gz"));
        let [corpus, found] = ["kept", "corpus"].map(|place| root.join("target").join(place).join(target));
        fs::create_dir_all(&found)?;
        emptied(&corpus)?;
        if archive.exists() {
            finished(Command::new("tar").arg("-xzf").arg(&archive).arg("-C").arg(&corpus))?;
        }
        say(&format!("{target}, {} s", fuzz.seconds))?;
        let cargo_fuzz = |verb: &str| {
            let mut command = Command::new(&program);
            // Its own target directory: what is built for coverage serves nobody else.
            command.env("CARGO_TARGET_DIR", root.join("target/fuzz")).env("RUSTUP_TOOLCHAIN", "nightly");
            command.args(["fuzz", verb, "--features", "libfuzzer", target]).current_dir(&root);
            command
        };
        let mut run = cargo_fuzz("run");
        run.arg(&found).arg(&corpus).arg(seeds.join(target)).arg("--");
        run.arg(format!("-max_total_time={}", fuzz.seconds)).arg(format!("-max_len={INPUT_MAX_BYTES}"));
        finished(run.args(["-timeout=5", "-rss_limit_mb=2048", "-print_final_stats=1", "-verbosity=0"]))?;
        // Of all that was found and kept, the fewest inputs that reach as much.
        let least = root.join("target/least").join(target);
        emptied(&least)?;
        let mut merge = cargo_fuzz("run");
        merge.arg(&least).arg(&found).arg(&corpus).args(["--", "-merge=1", "-verbosity=0"]);
        finished(merge.arg(format!("-max_len={INPUT_MAX_BYTES}")))?;
        keep(&least, &archive, if target == "zip" { BUNDLES_MAX_BYTES } else { KEPT_MAX_BYTES })?;
    }
    Ok(())
}

/// Packs a target's corpus anew: one file, since thousands of inputs are nobody's reading.
fn keep(from: &Path, archive: &Path, most: u64) -> Result<()> {
    let mut inputs: Vec<(u64, OsString)> = Vec::new();
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        inputs.push((entry.metadata()?.len(), entry.file_name()));
    }
    inputs.sort();
    let mut bytes = 0;
    inputs.retain(|(len, _)| {
        bytes += len;
        bytes <= most
    });
    let list = from.with_extension("list");
    fs::write(&list, inputs.iter().flat_map(|(_, name)| [name.as_bytes(), b"\n"].concat()).collect::<Vec<u8>>())?;
    let mut pack = Command::new("tar");
    pack.args(["--sort=name", "--mtime=@0", "--owner=0", "--group=0", "-czf"]).arg(archive);
    finished(pack.arg("-C").arg(from).arg("-T").arg(&list))
}

/// An empty directory.
fn emptied(dir: &Path) -> Result<()> {
    if dir.exists() {
        fs::remove_dir_all(dir)?;
    }
    Ok(fs::create_dir_all(dir)?)
}

/// cargo-fuzz, installed here where it is not there yet.
fn program(root: &Path) -> Result<PathBuf> {
    let toolchains = Command::new("rustup").args(["toolchain", "list"]).output().context("this needs rustup")?;
    if !String::from_utf8_lossy(&toolchains.stdout).contains("nightly") {
        bail!("this needs a nightly compiler: rustup toolchain install nightly");
    }
    let tools = root.join("target/tools");
    let program = tools.join("bin/cargo-fuzz");
    if !program.exists() {
        say(&format!("installing cargo-fuzz {VERSION}"))?;
        let mut install = Command::new("cargo");
        install.args(["install", "cargo-fuzz", "--locked", "--version", VERSION, "--root"]).arg(&tools);
        finished(&mut install)?;
    }
    Ok(program)
}

fn finished(command: &mut Command) -> Result<()> {
    let status = command.stdin(Stdio::null()).status().with_context(|| format!("cannot run {command:?}"))?;
    if status.success() { Ok(()) } else { bail!("{command:?} failed") }
}
