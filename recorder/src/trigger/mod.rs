//! Triggers: which events pull the cord, and the incidents that follow.
//!
//! An incident goes: trigger -> pin what the ring has -> wait for the after-window -> hand to the sealer. While one is
//! open, the same rule in the same container adds its finding and opens no second one.

mod reverse_shell;

use crate::ring::Pin;
use crate::state::Pending;
use std::path::PathBuf;
use taffrail_trace::clock::BootNs;
use taffrail_trace::event::{Body, Event, Finding};
use taffrail_trace::ids::ContainerKey;
use taffrail_trace::manifest;
use tokio::sync::oneshot;

/// What a rule has to say of an event, if anything.
pub fn judge(event: &Event) -> Option<Finding> {
    match &event.body {
        Body::Image(image) => reverse_shell::judge(image),
        _ => None,
    }
}

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

    /// Whether a finding of `rule` in `container` belongs to it.
    pub fn covers(&self, container: ContainerKey, rule: &str) -> bool {
        self.order.container == container && self.order.trigger.rule == rule
    }
}
