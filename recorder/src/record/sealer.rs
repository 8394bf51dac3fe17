//! The thread that seals: one bundle after the other, when nobody else wants the CPU.
//!
//! One, because a seal holds its window in memory; what waits holds nothing but open files.

use crate::control::access::Access;
use crate::host;
use crate::seal::{self, Job, SealError};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use tokio::sync::oneshot;

/// The thread's name, by which its CPU time is told from that of recording.
pub const THREAD: &str = "seal";

/// How many jobs can wait.
const WAITING: usize = 256;

/// Who wants to be told of a bundle.
pub type Reply = oneshot::Sender<Result<PathBuf, String>>;

/// The asking side.
#[derive(Debug)]
pub struct Sealer {
    jobs: Option<mpsc::SyncSender<(Box<Job>, Option<Reply>)>>,
    thread: Option<JoinHandle<()>>,
    counts: Arc<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    waiting: AtomicU64,
    sealed: AtomicU64,
    failed: AtomicU64,
}

impl Sealer {
    /// Starts the thread. What it seals is readable for who may ask.
    ///
    /// # Errors
    /// Where no thread can be made.
    pub fn start(access: Access) -> io::Result<Self> {
        let (jobs, inbox) = mpsc::sync_channel::<(Box<Job>, Option<Reply>)>(WAITING);
        let counts = Arc::<Counts>::default();
        let thread = std::thread::Builder::new().name(THREAD.to_owned()).spawn({
            let counts = Arc::clone(&counts);
            move || {
                host::lowest_priority();
                for (job, reply) in inbox {
                    // What is wrong with one job must not keep the others from being sealed.
                    let sealed = catch_unwind(AssertUnwindSafe(|| seal::seal(*job)));
                    let sealed = sealed.unwrap_or_else(|_| Err(SealError::Panicked));
                    if let Ok(path) = &sealed
                        && let Err(error) = access.share(path)
                    {
                        tracing::warn!(%error, "the control group cannot read this bundle");
                    }
                    counts.done(sealed.map_err(|error| error.to_string()), reply);
                }
            }
        })?;
        Ok(Self { jobs: Some(jobs), thread: Some(thread), counts })
    }

    /// Has a bundle sealed.
    pub fn seal(&self, job: Job, reply: Option<Reply>) {
        self.counts.waiting.fetch_add(1, Ordering::Relaxed);
        let sent = self.jobs.as_ref().map(|jobs| jobs.try_send((Box::new(job), reply)));
        if let Some(Err(mpsc::TrySendError::Full((_, reply)) | mpsc::TrySendError::Disconnected((_, reply)))) = sent {
            self.counts.done(Err(format!("{WAITING} bundles wait to be sealed already")), reply);
        }
    }

    /// Bundles that wait or are at work, those that were sealed, and those that could not be.
    pub fn outcome(&self) -> (u64, u64, u64) {
        let Counts { waiting, sealed, failed } = &*self.counts;
        (waiting.load(Ordering::Relaxed), sealed.load(Ordering::Relaxed), failed.load(Ordering::Relaxed))
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
    fn done(&self, result: Result<PathBuf, String>, reply: Option<Reply>) {
        self.waiting.fetch_sub(1, Ordering::Relaxed);
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
