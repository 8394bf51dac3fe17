//! The recorder: kernel records become events with identities, live in a ring per container, and are sealed into a
//! bundle when something triggers.
//!
//! ```text
//! config            what the operator can choose
//! record            the daemon: starts everything, ends on a signal
//! pipeline          the way of one event, on one page
//! enrich/           cgroup -> container, pid -> image, record -> event
//! trigger/          which events trigger, and what is done about it (incidents)
//! state/            what a container is like at a trigger
//! alarm/            what other programs say is wrong: over HTTP, from Docker
//! response/         what a rule has done to its container: frozen, killed
//! models/           what is normal for an image: learned, tried, judged by
//! ring/             batch -> segment -> file, bounded per container and class
//! salvage           histories on disk -> bundles, without a recorder
//! seal              pinned segments -> bundle, beside the recording
//! control/          the socket by which status and trigger talk to a running recorder
//! health            counters, and the status made of them
//! doctor            what this machine offers a recorder
//! ```
//!
//! Two threads record and serve: *recording* owns probes, identities and ring and never waits for anybody; *serving* is
//! a small async runtime for signals, the control socket and Docker's API. They talk through bounded channels. Each
//! seal is a process of its own that reads pinned files.

pub mod alarm;
pub mod config;
pub mod control;
mod doctor;
mod enrich;
mod health;
mod host;
pub mod models;
mod pipeline;
mod proc;
mod record;
mod response;
pub mod ring;
mod salvage;
mod seal;
mod state;
mod trigger;

pub use doctor::{Check, doctor};
pub use enrich::containers::unified_root;
pub use health::{ContainerStatus, Cost, Lowered, Models, Rules, Status};
pub use record::{RecordError, check, record};
pub use salvage::{Salvage, SalvageError, salvage};
pub use seal::serve as seal_for_recorder;
pub use trigger::rules::RulesError;
