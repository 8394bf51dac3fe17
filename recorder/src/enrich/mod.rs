//! Kernel records get identities: cgroup -> container, image key -> image, record -> event.
//!
//! ```text
//! cgroup        a cgroup path's shape -> runtime and container id
//! containers    the directory of containers, by cgroup id
//! processes     the table of processes, with lineages
//! scan          what /proc tells at start
//! convert       the fixed parts of records -> events
//! docker        names, images and labels from Docker's API, later and never in the way
//! ```

pub mod cgroup;
pub mod containers;
pub mod convert;
pub mod docker;
pub mod processes;
pub mod scan;
