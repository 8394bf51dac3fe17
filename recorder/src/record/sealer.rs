//! Has bundles sealed, one after the other, each by a process of its own.
//!
//! One, because a seal holds its window in memory; what waits holds nothing but open files.

use super::evidence::{Evidence, Promised};
use crate::control::access::Access;
use crate::seal::{self, Job};
use crate::state::Pending;
use std::fmt::Display;
use std::io::{self, BufWriter};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::oneshot;

/// What the program is told so that it seals.
const SUBCOMMAND: &str = "seal";

/// How many jobs can wait.
const WAITING: usize = 256;

/// While there is nothing to seal, what evidence takes is looked at so often: somebody may have made room.
const RECOUNT: Duration = Duration::from_secs(10);

/// Who wants to be told of a bundle.
pub type Reply = oneshot::Sender<Result<PathBuf, String>>;

/// A bundle that is wanted.
#[derive(Debug)]
struct Order {
    job: Box<Job>,
    /// The state at the trigger.
    state: Pending,
    /// Who wants to be told.
    reply: Option<Reply>,
}

/// The asking side.
#[derive(Debug)]
pub struct Sealer {
    jobs: Option<mpsc::SyncSender<Order>>,
    thread: Option<JoinHandle<()>>,
    counts: Arc<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    sealed: AtomicU64,
    failed: AtomicU64,
    /// The bundles in the recorder's own directory.
    evidence: Mutex<Evidence>,
    /// Those that wait or are at work.
    promised: Mutex<Vec<(PathBuf, Promised)>>,
}

impl Sealer {
    /// Starts the thread. What it seals is readable for who may ask; what `evidence` has is counted.
    ///
    /// # Errors
    /// Where no thread can be made.
    pub fn start(access: Access, evidence: PathBuf) -> io::Result<Self> {
        let (jobs, inbox) = mpsc::sync_channel::<Order>(WAITING);
        let counts = Arc::<Counts>::default();
        *held(&counts.evidence) = Evidence::of(&evidence);
        let thread = std::thread::Builder::new().name("seal".to_owned()).spawn({
            let counts = Arc::clone(&counts);
            move || loop {
                let done = match inbox.recv_timeout(RECOUNT) {
                    Ok(Order { mut job, state, reply }) => {
                        job.state = state.wait();
                        let bundle = job.bundle.clone();
                        let sealed = by_another_process(&job);
                        if let Ok(path) = &sealed
                            && let Err(error) = access.share(path)
                        {
                            tracing::warn!(%error, "the control group cannot read this bundle");
                        }
                        Some((bundle, sealed, reply))
                    }
                    Err(mpsc::RecvTimeoutError::Timeout) => None,
                    Err(mpsc::RecvTimeoutError::Disconnected) => return,
                };
                let now = Evidence::of(&evidence);
                *held(&counts.evidence) = now;
                if let Some((bundle, sealed, reply)) = done {
                    counts.done(&bundle, sealed, reply);
                }
            }
        })?;
        Ok(Self { jobs: Some(jobs), thread: Some(thread), counts })
    }

    /// Has a bundle sealed, with the state at its trigger when that is known. It takes about so many bytes.
    pub fn seal(&self, job: Job, bytes: u64, state: Pending, reply: Option<Reply>) {
        let promised = Promised { container: seal::name_in_file(&job.container), bytes };
        held(&self.counts.promised).push((job.bundle.clone(), promised));
        let sent = self.jobs.as_ref().map(|jobs| jobs.try_send(Order { job: Box::new(job), state, reply }));
        if let Some(Err(mpsc::TrySendError::Full(order) | mpsc::TrySendError::Disconnected(order))) = sent {
            let full = Err(format!("{WAITING} bundles wait to be sealed already"));
            self.counts.done(&order.job.bundle, full, order.reply);
        }
    }

    /// Bundles that wait or are at work, those that were sealed, and those that could not be.
    pub fn outcome(&self) -> (u64, u64, u64) {
        let Counts { promised, sealed, failed, .. } = &*self.counts;
        (held(promised).len() as u64, sealed.load(Ordering::Relaxed), failed.load(Ordering::Relaxed))
    }

    /// Whether there is room for more evidence of a container, whose name is as file names have it, beside that of
    /// incidents that are `open` and what waits here.
    ///
    /// # Errors
    /// What is full.
    pub fn room(&self, container: &str, mut open: Vec<Promised>, most_bytes: u64) -> Result<(), &'static str> {
        open.extend(held(&self.counts.promised).iter().map(|(_, promised)| promised.clone()));
        held(&self.counts.evidence).room(container, &open, most_bytes)
    }

    /// Waits until everything is sealed.
    pub fn finish(&mut self) {
        self.jobs = None;
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the sealing thread panicked, which is a bug");
        }
    }
}

impl Counts {
    fn done(&self, bundle: &Path, result: Result<PathBuf, String>, reply: Option<Reply>) {
        held(&self.promised).retain(|(path, _)| path != bundle);
        match &result {
            Ok(path) => {
                self.sealed.fetch_add(1, Ordering::Relaxed);
                tracing::info!(path = %path.display(), "evidence sealed");
            }
            Err(error) => {
                self.failed.fetch_add(1, Ordering::Relaxed);
                tracing::error!(error, "evidence could not be sealed; the ring still has it");
            }
        }
        if let Some(reply) = reply {
            // An asker who went away finds the bundle where the log says.
            let _ = reply.send(result);
        }
    }
}

/// Held for a look at most: nobody reads a disk meanwhile.
fn held<T>(what: &Mutex<T>) -> MutexGuard<'_, T> {
    what.lock().unwrap_or_else(PoisonError::into_inner)
}

/// This program again, with the job as its input; see [`crate::seal::serve`].
fn by_another_process(job: &Job) -> Result<PathBuf, String> {
    let failed = |what: &str, error: &dyn Display| format!("{what}: {error}");
    let mut child = Command::new("/proc/self/exe")
        .arg(SUBCOMMAND)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        // An interrupt from a terminal is for the recorder, which then waits for this.
        .process_group(0)
        .spawn()
        .map_err(|error| failed("no process for sealing", &error))?;
    let handed_over = child.stdin.take().map(|order| serde_json::to_writer(BufWriter::new(order), job));
    let output = child.wait_with_output().map_err(|error| failed("the sealing process is lost", &error))?;
    match serde_json::from_slice(&output.stdout) {
        Ok(sealed) => sealed,
        Err(_) => match handed_over {
            Some(Err(error)) if output.status.success() => Err(failed("the job could not be handed over", &error)),
            _ => Err(failed("the sealing process ended without a word", &output.status)),
        },
    }
}
