//! Every family of events, each act of the workloads asked for exactly: one act, its rows, nothing more.

mod calls;
mod file;
mod levels;
mod network;
mod process;
