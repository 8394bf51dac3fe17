//! `taffrail demo`: the main job in one command, with nothing simulated.
//!
//! ```text
//! run          starts a recorder, plays the intrusion, waits for the evidence, tells the story
//! container    a small container of its own: namespaces, cgroup, a root with one static program
//! intruder     the outside: visits, breaks in, types into the shell that calls back
//! recorder     a real recorder as a child process, with a state directory of its own
//! story        the acts, each proved by a query on the sealed bundle
//! ```
//!
//! `program/main.rs` is what runs in the container; the build compiles it and it travels inside this binary.
//! Every process, cgroup and directory that the demo makes is gone at its end, but for the evidence.

pub mod container;
mod intruder;
mod recorder;
mod run;
mod story;

pub use run::{Ending, run};
