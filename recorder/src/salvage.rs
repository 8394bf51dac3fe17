//! Histories on disk to bundles, without a recorder: of a machine that died, of a disk that was copied, and of a ring that
//! is being written this moment, which it does not disturb.

use crate::host;
use crate::ring::{OnDisk, RingError, histories};
use crate::seal::{self, Job, Proof, SealError};
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use taffrail_trace::bundle::More;
use taffrail_trace::clock::utc_now;
use taffrail_trace::event::Severity;
use taffrail_trace::ids::{BootId, bundle_id};
use taffrail_trace::manifest::{Host, Trigger, Window};
use taffrail_trace::text;

/// Why a salvaged bundle has no state of the container.
const NO_STATE: &str = "made from the history on disk: nobody looked at the container's processes";

/// What is to be salvaged.
#[derive(Clone, Debug)]
pub struct Salvage {
    /// The recorder's state directory, or a copy of it.
    pub state_dir: PathBuf,
    /// Where the bundles go.
    pub out_dir: PathBuf,
    /// Name or id of one container, or the beginning of its id; else all.
    pub container: Option<String>,
    /// Whether a recorder may be at work in the directory.
    pub live: bool,
    /// The private key that signs the bundles, where somebody does.
    pub signing_key: Option<PathBuf>,
}

/// Why nothing could be salvaged, or one history not.
#[derive(Debug, thiserror::Error)]
pub enum SalvageError {
    /// The ring or a history cannot be read.
    #[error("cannot read the ring: {0}")]
    Ring(#[from] RingError),
    /// A recorder is at work there.
    #[error("a recorder is using {}; ask it with `taffrail trigger`, or read beside it with `taffrail query --live`", path.display())]
    InUse {
        /// The state directory.
        path: PathBuf,
    },
    /// No history is of that container.
    #[error("no history of {wanted:?} is there; there are: {known}")]
    Unknown {
        /// What was asked for.
        wanted: String,
        /// Names of those there are.
        known: String,
    },
    /// A bundle cannot be sealed.
    #[error("{container}: {source}")]
    Seal {
        /// Whose.
        container: String,
        /// Why.
        source: SealError,
    },
}

/// Makes a bundle of every history that has an event; `more` makes further members of each. What cannot be read or sealed does not keep the others from it.
///
/// # Errors
/// Where nothing can be salvaged at all; each history's own errors stand in its place.
pub fn salvage(order: &Salvage, more: Option<&More<'_>>) -> Result<Vec<Result<PathBuf, SalvageError>>, SalvageError> {
    if !order.live {
        not_in_use(&order.state_dir)?;
    }
    let mut found = histories(&order.state_dir)?;
    if let Some(wanted) = &order.container {
        let known: Vec<String> = found.iter().flatten().map(|it| it.container.name.clone()).collect();
        found.retain(|it| it.as_ref().is_ok_and(|it| is_meant(it, wanted)));
        if found.is_empty() {
            let known = text::shown(&known.join(", ")).into_owned();
            return Err(SalvageError::Unknown { wanted: wanted.clone(), known });
        }
    }
    let numbered = (1_u32..).zip(found);
    Ok(numbered.filter_map(|(number, history)| one(order, number, history, more).transpose()).collect())
}

fn is_meant(history: &OnDisk, wanted: &str) -> bool {
    let container = &history.container;
    container.name == wanted || container.id == wanted || wanted.len() >= 4 && container.id.starts_with(wanted)
}

/// A recorder's lock goes with it: who can have it is alone. Of a copy that cannot be locked nobody is the recorder.
fn not_in_use(state_dir: &Path) -> Result<(), SalvageError> {
    let in_use =
        File::open(state_dir.join("lock")).is_ok_and(|lock| matches!(lock.try_lock(), Err(TryLockError::WouldBlock)));
    if in_use { Err(SalvageError::InUse { path: state_dir.to_owned() }) } else { Ok(()) }
}

fn one(
    order: &Salvage,
    number: u32,
    history: Result<OnDisk, RingError>,
    more: Option<&More<'_>>,
) -> Result<Option<PathBuf>, SalvageError> {
    let history = history?;
    let Some((from_ns, to_ns, anchor)) = history.reach else { return Ok(None) };
    let recorded_by = history.recorded_by;
    let unknown = || Host {
        hostname: "unknown".to_owned(),
        kernel: "unknown".to_owned(),
        arch: "unknown".to_owned(),
        boot_id: "unknown".to_owned(),
    };
    let config_sha256 = recorded_by.as_ref().and_then(|by| by.config_sha256.clone());
    let (machine, hooks, host_ancestors) =
        recorded_by.map_or_else(|| (unknown(), Vec::new(), false), |by| (by.host, by.hooks, by.host_ancestors));
    let name = text::shown(&history.container.name).into_owned();
    let damaged = match history.damaged {
        0 => String::new(),
        count => format!(", {count} damaged stretches"),
    };
    let (rule, reason) = if order.live {
        ("live", format!("the running history, {} events", history.events))
    } else {
        ("salvage", format!("salvaged without a recorder: {} events{damaged}", history.events))
    };
    let id = bundle_id(&BootId(machine.boot_id.clone()), host::boot_now(), number);
    let job = Job {
        bundle: order.out_dir.join(seal::file_name(&history.container, utc_now(), &id)),
        id,
        container: history.container,
        trigger: Trigger { rule: rule.to_owned(), severity: Severity::Info, reason, time_ns: to_ns },
        most_severe: None,
        window: Window { from_ns, to_ns },
        host: machine,
        hooks,
        files: history.files,
        waiting: history.waiting,
        live: Vec::new(),
        host_ancestors,
        gaps: history.gaps,
        anchor,
        state: Err(NO_STATE.to_owned()),
        // The directory may be a copy, and is only read.
        proof: Proof { signing_key: order.signing_key.clone(), custody: None, config_sha256 },
    };
    seal::seal(job, more).map(Some).map_err(|source| SalvageError::Seal { container: name, source })
}
