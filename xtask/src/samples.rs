//! Records the sample traces anew: real bundles of real runs, with nothing of the recording machine's own in them.
//!
//! ```text
//! demo         the reverse shell, as `taffrail demo` plays it
//! harbour      the other stories: incidents of the workloads, each in a container of its own
//! recorder     the recorder that they have
//! ```

mod recorder;

use crate::test::{self, docker::Docker};
use anyhow::{Context as _, Result, bail};
use recorder::Recorder;
use sha2::{Digest as _, Sha256};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use taffrail_workloads::harbour::Harbour;
use taffrail_workloads::incident::{self, BENIGN};

const DIR: &str = "sample-traces";
/// What all samples together may have, in bytes.
const BYTES_MAX: u64 = 8 << 20;
/// The incidents that make a sample each.
const STORIES: [&str; 6] = ["dropped-miner", "docker-socket", "host-mount", "theft-and-scan", "io-uring", "fileless"];
/// The sample of what nobody should be woken for.
const DAY: &str = "day-in-the-life";

/// Builds the program, and lets it record every story.
pub fn run() -> Result<()> {
    let root = test::root()?;
    test::cargo(&root, &["build", "--release"])?;
    let docker = Docker::ready()?;
    let work = std::env::temp_dir().join(format!("taffrail-samples-{}", std::process::id()));
    fs::create_dir(&work)?;
    let done = record(&root, &work);
    docker.stop();
    fs::remove_dir_all(&work)?;
    let dir = done?;
    sums(&dir)
}

/// A copy of the program under a name that says nothing of this machine records; gives where the bundles are.
fn record(root: &Path, work: &Path) -> Result<PathBuf> {
    let (program, dir) = (work.join("taffrail"), root.join(DIR));
    fs::copy(test::target(root).join("release/taffrail"), &program)?;
    demo(&program, work, &dir)?;
    let harbour = Harbour::build().context("cannot make the containers' network")?;
    let recorder = Recorder::start(&program, work)?;
    let keep = |container: &str, story: &str| -> Result<()> {
        let bundle = recorder.bundle(container, &format!("the sample {story} was recorded"))?;
        // The content alone: a recorder's own bundles are for root only.
        fs::write(dir.join(format!("{story}.evidence.zip")), fs::read(bundle)?)?;
        test::say(&format!("recorded {story}"))
    };
    for name in STORIES {
        let incident = incident::named(name).with_context(|| format!("there is no incident {name}"))?;
        let container = harbour.container(name, incident)?;
        harbour.play(&container, incident).with_context(|| format!("the story {name}"))?;
        keep(&container.name, name)?;
    }
    keep(&harbour.made(), "docker-socket-maintenance")?;
    let container = harbour.container(DAY, &BENIGN[0])?;
    for part in BENIGN {
        harbour.play(&container, part).with_context(|| format!("the day's {}", part.name))?;
    }
    keep(&container.name, DAY)?;
    Ok(dir)
}

fn demo(program: &Path, work: &Path, dir: &Path) -> Result<()> {
    let status = recorder::on_node(program)
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
    fs::write(dir.join("reverse-shell.evidence.zip"), fs::read(bundle)?)?;
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
    let (mut text, mut bytes) = (String::new(), 0);
    for name in names {
        let bundle = fs::read(dir.join(&name))?;
        bytes += bundle.len() as u64;
        for byte in Sha256::digest(bundle) {
            write!(text, "{byte:02x}")?;
        }
        writeln!(text, "  {name}")?;
    }
    fs::write(dir.join("SHA256SUMS"), text)?;
    if bytes > BYTES_MAX {
        bail!("the samples have {bytes} bytes together, and may have {BYTES_MAX}");
    }
    Ok(())
}
