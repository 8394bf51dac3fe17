//! The state of a container at a trigger: its processes, their memory and descriptors, its sockets and mounts, as `/proc`
//! tells them.
//!
//! ```text
//! look       whom to look at, and the look itself: what comes first, what is left out where there is too much
//! looks      a thread for each look, beside the recording; who waits for it
//! room       how long a look may take and what it may hold
//! descriptor map socket mount      the lines of the kernel, which may hold names that an attacker chose
//! ```
//!
//! Only processes in the container's own cgroups are read, and those that joined it from the host's. Nothing in the
//! container's file system is opened: what is there may hang for ever.

mod descriptor;
mod look;
mod looks;
mod map;
mod mount;
mod room;
mod socket;

pub use look::Wanted;
pub use looks::{Looks, Pending, Told};
