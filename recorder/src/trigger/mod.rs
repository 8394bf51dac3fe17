//! Triggers: which events pull the cord, and the incidents that follow.
//!
//! An incident goes: trigger -> pin what the ring has -> wait for the after-window -> hand to the sealer. While one that
//! a rule opened is open in a container, whatever else is found there joins it.
//!
//! ```text
//! rules       which rules are asked
//! watch       every event, asked about
//! storm       rules that match all the time
//! ```

pub mod rules;
mod storm;
mod watch;

use crate::ring::Pin;
use crate::state::Pending;
use std::path::PathBuf;
use taffrail_trace::clock::BootNs;
use taffrail_trace::ids::ContainerKey;
use taffrail_trace::manifest;
use tokio::sync::oneshot;

pub use watch::{Asked, Surroundings, Watch};

/// What somebody wants sealed.
#[derive(Debug)]
pub struct Order {
    /// Whose history.
    pub container: ContainerKey,
    /// Why.
    pub trigger: manifest::Trigger,
    /// How much before the trigger.
    pub before_ns: u64,
    /// How much after.
    pub after_ns: u64,
    /// Where to.
    pub out_dir: PathBuf,
    /// Who wants to be told.
    pub reply: Option<oneshot::Sender<Result<PathBuf, String>>>,
}

/// An order whose after-window is still running.
#[derive(Debug)]
pub struct Incident {
    /// The order.
    pub order: Order,
    /// The bundle it will become.
    pub bundle: PathBuf,
    /// Short id of the bundle.
    pub id: String,
    /// The ring's files, held.
    pub pin: Pin,
    /// A person asked for it.
    pub by_person: bool,
    /// The state of the container at the trigger, which is being looked at.
    pub state: Pending,
    /// Until when the ring had let go what was before it, by class, when it was held.
    pub evicted_until_ns: [Option<BootNs>; 2],
}

impl Incident {
    /// First moment of the window.
    pub fn from_ns(&self) -> BootNs {
        self.order.trigger.time_ns.saturating_sub(self.order.before_ns)
    }

    /// Last moment of the window.
    pub fn to_ns(&self) -> BootNs {
        self.order.trigger.time_ns.saturating_add(self.order.after_ns)
    }

    /// Whether what is found in `container` belongs to it: a person's order stays as it was given.
    pub fn takes_in(&self, container: ContainerKey) -> bool {
        self.order.container == container && !self.by_person
    }

    /// Goes on until `to_ns`, but no longer than `most_ns` after its trigger.
    pub fn grow(&mut self, to_ns: BootNs, most_ns: u64) {
        let after_ns = to_ns.saturating_sub(self.order.trigger.time_ns).min(most_ns);
        self.order.after_ns = self.order.after_ns.max(after_ns);
    }
}
