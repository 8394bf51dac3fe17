//! One file a family of the ABI.

pub mod cgroup;
pub mod file;
pub mod network;
pub mod process;
