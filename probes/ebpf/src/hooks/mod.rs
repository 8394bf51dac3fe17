//! One file a family.

pub mod call;
pub mod cgroup;
pub mod close;
pub mod credentials;
pub mod entered;
pub mod hello;
pub mod io;
pub mod named;
pub mod network;
pub mod process;
pub mod syscall;
pub mod terminal;
pub mod udp;
pub mod unix;
pub mod uring;
pub mod uring_complete;
