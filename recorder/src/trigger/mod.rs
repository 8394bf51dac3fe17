//! Triggers: which events pull the cord, and the incidents that follow.
//!
//! An incident goes: trigger -> pin what the ring has -> wait for the after-window -> hand to the sealer. While one that
//! a rule opened is open in a container, whatever else is found there joins it, as long as its window can grow so far.
//!
//! ```text
//! rules       which rules are asked
//! watch       every event, asked about
//! storm       rules that match all the time
//! pause       what sealed a moment ago
//! ```

mod pause;
pub mod rules;
mod storm;
mod watch;

use crate::ring::Pin;
use crate::state::Pending;
use std::path::PathBuf;
use taffrail_trace::clock::BootNs;
use taffrail_trace::ids::ContainerKey;
use taffrail_trace::manifest::{self, Joined};
use tokio::sync::oneshot;

pub use pause::Pauses;
pub use watch::{Asked, Found, Surroundings, Watch};

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

impl Order {
    /// First moment of the window.
    pub fn from_ns(&self) -> BootNs {
        self.trigger.time_ns.saturating_sub(self.before_ns)
    }

    /// Last moment of the window.
    pub fn to_ns(&self) -> BootNs {
        self.trigger.time_ns.saturating_add(self.after_ns)
    }
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
    /// What these had of the time before the window.
    pub before_bytes: u64,
    /// A person asked for it.
    pub by_person: bool,
    /// The state of the container at the trigger, which is being looked at.
    pub state: Pending,
    /// Until when the ring had let go what was before it, by class, when it was held.
    pub evicted_until_ns: [Option<BootNs>; 2],
    /// However much joins it, its window ends no later than this.
    pub grows_until_ns: BootNs,
    /// The most severe of what joined it, where that is more severe than its trigger.
    pub most_severe: Option<Joined>,
}

impl Incident {
    /// First moment of the window.
    pub fn from_ns(&self) -> BootNs {
        self.order.from_ns()
    }

    /// Last moment of the window.
    pub fn to_ns(&self) -> BootNs {
        self.order.to_ns()
    }

    /// About what its bundle will take: what the files of its window take in the ring until now.
    pub fn bytes(&self) -> u64 {
        self.pin.bytes().saturating_sub(self.before_bytes)
    }

    /// Whether what is found in `container` belongs to it: a person's order stays as it was given.
    pub fn is_of(&self, container: ContainerKey) -> bool {
        self.order.container == container && !self.by_person
    }

    /// Whether it can take in what another order would have sealed, to the end of that.
    pub fn takes_in(&self, order: &Order) -> bool {
        self.is_of(order.container) && order.to_ns() <= self.grows_until_ns
    }

    /// Takes in another order, to both ends of its window: the pin holds all of the history.
    pub fn join(&mut self, order: &Order) {
        self.grow(order.to_ns());
        let before_ns = self.order.trigger.time_ns.saturating_sub(order.from_ns());
        if before_ns > self.order.before_ns {
            (self.order.before_ns, self.before_bytes) = (before_ns, 0);
        }
        let joined = &order.trigger;
        let severest = self.most_severe.as_ref().map_or(self.order.trigger.severity, |known| known.severity);
        if joined.severity > severest {
            let rule = joined.rule.clone();
            self.most_severe = Some(Joined { rule, severity: joined.severity, time_ns: joined.time_ns });
        }
    }

    /// Goes on until `to_ns`, or as long as it may.
    pub fn grow(&mut self, to_ns: BootNs) {
        let after_ns = to_ns.min(self.grows_until_ns).saturating_sub(self.order.trigger.time_ns);
        self.order.after_ns = self.order.after_ns.max(after_ns);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use taffrail_trace::event::Severity;

    const SECOND: u64 = 1_000_000_000;
    const KEY: ContainerKey = ContainerKey(1);

    fn order(rule: &str, severity: Severity, second: u64) -> Order {
        let time_ns = second * SECOND;
        let trigger = manifest::Trigger { rule: rule.to_owned(), severity, reason: String::new(), time_ns };
        let (before_ns, after_ns) = (300 * SECOND, 10 * SECOND);
        Order { container: KEY, trigger, before_ns, after_ns, out_dir: PathBuf::new(), reply: None }
    }

    fn incident(order: Order) -> Incident {
        Incident {
            grows_until_ns: order.to_ns() + 300 * SECOND,
            order,
            bundle: PathBuf::new(),
            id: String::new(),
            pin: Pin::new(1),
            before_bytes: 0,
            state: Pending::none("a test"),
            by_person: false,
            evicted_until_ns: [None; 2],
            most_severe: None,
        }
    }

    #[test]
    fn an_incident_takes_in_what_it_can_hold_to_its_end_and_nothing_more() {
        let mut open = incident(order("first", Severity::Warning, 1000));
        for second in (1005..=1300).step_by(5) {
            let next = order("next", Severity::Warning, second);
            assert!(open.takes_in(&next), "{second}");
            open.join(&next);
            assert_eq!(open.to_ns(), (second + 10) * SECOND);
        }
        let late = order("late", Severity::Critical, 1301);
        assert!(!open.takes_in(&late), "its last second would be missing");
        open.grow(late.to_ns());
        assert_eq!(open.to_ns(), 1310 * SECOND, "and it grows as far as it may");
        assert_eq!(open.most_severe, None);
    }

    #[test]
    fn what_lies_within_the_window_joins_without_changing_it() {
        let mut open = incident(Order { after_ns: 3600 * SECOND, ..order("long", Severity::Warning, 1000) });
        let next = order("next", Severity::Warning, 1001);
        assert!(open.takes_in(&next), "however long its own window is");
        open.join(&next);
        assert_eq!(open.to_ns(), 4600 * SECOND);
    }

    #[test]
    fn what_joins_and_wants_more_of_the_past_has_it() {
        let mut open = incident(order("rule", Severity::Warning, 1000));
        open.join(&Order { before_ns: 900 * SECOND, ..order("alarm", Severity::Info, 1005) });
        assert_eq!(open.from_ns(), 105 * SECOND);
        open.join(&order("later", Severity::Info, 1006));
        assert_eq!((open.from_ns(), open.order.trigger.time_ns), (105 * SECOND, 1000 * SECOND));
    }

    #[test]
    fn the_most_severe_of_what_joined_is_named_where_it_is_more_than_the_trigger() {
        let mut open = incident(order("shell", Severity::Warning, 1000));
        open.join(&order("another", Severity::Warning, 1001));
        assert_eq!(open.most_severe, None);
        open.join(&order("escape", Severity::Critical, 1002));
        open.join(&order("again", Severity::Critical, 1003));
        let named = Joined { rule: "escape".to_owned(), severity: Severity::Critical, time_ns: 1002 * SECOND };
        assert_eq!(open.most_severe, Some(named));
        assert_eq!(open.order.trigger.rule, "shell", "what began it stays the trigger");
    }

    #[test]
    fn a_persons_order_stays_as_it_was_given() {
        let mut open = incident(order("manual", Severity::Info, 1000));
        open.by_person = true;
        assert!(!open.takes_in(&order("rule", Severity::Critical, 1001)));
    }
}
