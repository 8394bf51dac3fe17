//! Drives the real executable on the real kernel, with real containers. As root, with Docker: `cargo xtask test` sets
//! both up. Nothing here skips: where something is missing the test fails and says what.

#![allow(clippy::print_stdout, reason = "a test prints the figure that it measured")]

mod accounts;
mod alarms;
mod attacks;
mod bad_input;
mod config;
mod control;
mod cost;
mod demo;
mod disk;
mod docker;
mod documents;
mod families;
mod incidents;
mod kills;
mod layering;
mod losses;
mod model;
mod pods;
mod proof;
mod recorder;
mod report;
mod response;
mod rules;
mod salvage;
mod state;
mod storms;
mod support;
mod terminal;
mod wrong_rules;
