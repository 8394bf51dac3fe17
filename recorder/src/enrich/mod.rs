//! Kernel records get identities: cgroup -> container, image key -> image, record -> event.
//!
//! ```text
//! cgroup        a cgroup path's shape -> runtime and container id
//! containers    the directory of containers, by cgroup id
//! processes     the table of processes, with lineages
//! scan          what /proc tells at start
//! files         open files, and what is new in the bytes that went through them
//! environment   which variables are kept, which of them masked
//! digest        SHA-256 of executables, later and never in the way
//! convert       records -> the bodies of events
//! docker        names, images and labels from Docker's API, later and never in the way
//! ```

pub mod cgroup;
pub mod containers;
pub mod convert;
pub mod digest;
pub mod docker;
pub mod environment;
pub mod files;
pub mod processes;
pub mod scan;
