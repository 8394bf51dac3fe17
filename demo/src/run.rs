//! The demo from beginning to end.

use crate::container::Container;
use crate::recorder::{NotStarted, Recorder};
use crate::{intruder, story};
use anyhow::{Context as _, Result, bail};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;
use taffrail_query::Session;
use taffrail_trace::bundle::{Bundle, Verdict};

/// How much follows the alarm in the demo's evidence.
const AFTER: Duration = Duration::from_secs(4);
/// The same story as the demo plays, recorded by it, for machines that allow no recording.
const SAMPLE: &[u8] = include_bytes!("../../sample-traces/reverse-shell.evidence.zip");
const SAMPLE_NAME: &str = "reverse-shell.evidence.zip";

/// How the demo ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Recorded here and now; the bundle.
    Recorded(PathBuf),
    /// Recording is refused here; the bundle of the sample.
    Sample(PathBuf),
}

impl Ending {
    /// The bundle to replay.
    pub fn bundle(&self) -> &Path {
        match self {
            Self::Recorded(path) | Self::Sample(path) => path,
        }
    }
}

/// Plays the demo with `exe`, which is this program, and tells it on `out`. Without `host_ancestors` the evidence names
/// nothing that runs outside the container.
///
/// # Errors
/// Whatever did not happen as it says. The recorder, the container and all their files are gone then too.
pub async fn run(exe: &Path, host_ancestors: bool, out: &mut dyn Write) -> Result<Ending> {
    let evidence = tempfile::Builder::new()
        .prefix("taffrail-demo-")
        .tempdir()
        .context("cannot make a directory for the evidence")?;
    let work =
        tempfile::Builder::new().prefix("taffrail-demo-work-").tempdir().context("cannot make a work directory")?;
    let (state_dir, root) = (work.path().join("state"), work.path().join("root"));
    std::fs::create_dir(&state_dir)?;

    writeln!(out, "Starting a recorder of its own ...")?;
    out.flush()?;
    let recorder = match Recorder::start(exe, &state_dir, evidence.path(), AFTER, host_ancestors)? {
        Ok(recorder) => recorder,
        Err(NotStarted(reason)) => {
            writeln!(out, "Recording is refused here: {}", taffrail_trace::text::shown(&reason))?;
            return sample(evidence.keep(), out).await;
        }
    };
    writeln!(out, "  {} kernel hooks are attached; every container of this host is being recorded", recorder.hooks()?)?;
    let container = Container::start(exe, &root)?;
    writeln!(out, "Started a small container, {:?}: a web server in its own namespaces and cgroup", container.name)?;
    writeln!(out, "Playing an intrusion in it (harmless, loopback only) ...")?;
    out.flush()?;
    let intrusion = intruder::intrude(container.port)?;
    writeln!(out, "  the intruder is done; the alarm went off by itself when a shell met a network socket")?;
    writeln!(out, "Waiting for the seconds after the alarm to be recorded and sealed ...")?;
    out.flush()?;
    let bundle = recorder.bundle(AFTER)?;
    drop(container);
    drop(recorder);

    let members = intact(&bundle)?;
    let size = std::fs::metadata(&bundle)?.len() / 1024;
    writeln!(out, "  sealed and verified: {} ({size} KiB, {members} members match SHA256SUMS)", bundle.display())?;
    let session = Session::open(std::slice::from_ref(&bundle)).await?;
    story::tell(&session, &bundle, &intrusion.ports, host_ancestors, out).await?;
    // From here on the evidence is the person's.
    let _ = evidence.keep();
    Ok(Ending::Recorded(bundle))
}

/// Tells the same story from the bundle that travels in this binary.
async fn sample(dir: PathBuf, out: &mut dyn Write) -> Result<Ending> {
    let bundle = dir.join(SAMPLE_NAME);
    std::fs::write(&bundle, SAMPLE).with_context(|| format!("cannot write {}", bundle.display()))?;
    writeln!(out, "So here is the same story from a bundle that was recorded elsewhere: {}", bundle.display())?;
    intact(&bundle)?;
    let session = Session::open(std::slice::from_ref(&bundle)).await?;
    story::story(&session, &bundle, out).await?;
    Ok(Ending::Sample(bundle))
}

fn intact(path: &Path) -> Result<usize> {
    match Bundle::open(path)?.verify()? {
        Verdict::Intact(members) => Ok(members),
        Verdict::Altered(_) => bail!("{} does not verify", path.display()),
    }
}
