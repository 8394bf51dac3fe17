//! Falco's language over real events: what it says, what it refuses, and where it says so.

mod default;
mod definitions;
mod faults;
mod fields;
mod language;
mod matching;
mod operators;
mod output;
mod samples;
mod sequences;
mod stage;
mod thresholds;
