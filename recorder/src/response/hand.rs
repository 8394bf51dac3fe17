//! The hand that acts: a thread for each deed, since a kernel may take its time over it and the recording must not wait.

use super::cgroup::{Cgroup, CgroupError};
use super::{Act, Outcome};
use crate::host;
use std::path::PathBuf;
use std::sync::mpsc::Sender;
use std::time::Duration;
use taffrail_trace::clock::BootNs;
use taffrail_trace::ids::{BootId, ContainerKey};

/// A container that is to be killed stands still for so long before that, so that it can be looked at.
const LOOKED_AT: Duration = Duration::from_secs(1);

/// Something to be done.
#[derive(Clone, Debug)]
pub struct Deed {
    /// What.
    pub act: Act,
    /// To whom.
    pub container: ContainerKey,
    /// The container's id at its runtime.
    pub id: String,
    /// The container's cgroup.
    pub dir: PathBuf,
    /// Where the old freezer's hierarchy is mounted, if it is.
    pub freezer_root: Option<PathBuf>,
    /// The boot that the container's key is of.
    pub boot: BootId,
    /// The rule that asked for it; `manual` for a person.
    pub rule: String,
    /// When the event happened that asked for it.
    pub asked_ns: BootNs,
}

/// What came of it.
#[derive(Debug)]
pub struct Done {
    /// What was to be done.
    pub deed: Deed,
    /// What came of it.
    pub outcome: Outcome,
    /// When.
    pub time_ns: BootNs,
}

/// Does it, and tells `to`. Returns at once.
pub fn act(deed: Deed, to: &Sender<Done>) {
    let spare = (deed.clone(), to.clone());
    let answer = to.clone();
    let thread = std::thread::Builder::new().name("response".to_owned()).spawn(move || {
        let outcome = attempt(&deed);
        // A recorder that is ending asks no more.
        let _ = answer.send(Done { deed, outcome, time_ns: host::boot_now() });
    });
    if let Err(error) = thread {
        let (deed, to) = spare;
        let outcome = Outcome::Failed(format!("no thread to do it: {error}"));
        let _ = to.send(Done { deed, outcome, time_ns: host::boot_now() });
    }
}

fn attempt(deed: &Deed) -> Outcome {
    let is_it = |id| ContainerKey::new(&deed.boot, id) == deed.container;
    let opened = Cgroup::open(&deed.dir, is_it);
    let opened = opened.map(|cgroup| cgroup.with_freezer(deed.freezer_root.as_deref(), &deed.id));
    let result = opened.and_then(|cgroup| match deed.act {
        Act::Freeze => cgroup.freeze(),
        Act::Thaw => cgroup.thaw(),
        Act::Kill => {
            // What cannot be frozen is killed all the same.
            if cgroup.freeze().is_ok() {
                std::thread::sleep(LOOKED_AT);
            }
            cgroup.kill()
        }
    });
    match (result, deed.act) {
        (Ok(()), act) => {
            let after_ms = host::boot_now().saturating_sub(deed.asked_ns) / 1_000_000;
            Outcome::Done(match act {
                Act::Freeze => format!("its processes stand still, {after_ms} ms after the match"),
                Act::Kill => format!("its processes are gone, {after_ms} ms after the match"),
                Act::Thaw => "its processes go on".to_owned(),
            })
        }
        (Err(CgroupError::Gone), Act::Kill) => Outcome::Done("its processes were gone already".to_owned()),
        (Err(error), _) => Outcome::Failed(error.to_string()),
    }
}
