//! Bundles as files: what they prove, what can be taken out of them, and what is refused.

#![allow(clippy::print_stdout, reason = "a test prints the figure that it measured")]

mod hostile;
mod mutated;
mod proof;
mod redact;
mod stock;
mod support;
