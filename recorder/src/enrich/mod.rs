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
//! accounts      names of users and groups, as containers have them; later and never in the way
//! naming        names, images and labels from the runtimes, later and never in the way
//! docker        Docker's API               oci    what containerd and CRI-O wrote for Kubernetes
//! ```

pub mod accounts;
pub mod cgroup;
pub mod containers;
pub mod convert;
pub mod digest;
pub mod docker;
pub mod environment;
pub mod files;
pub mod naming;
mod oci;
pub mod processes;
pub mod scan;
