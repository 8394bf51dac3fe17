//! Rules over real events: what they say, what is refused, and where it is said so.

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
mod sigma;
mod stage;
mod thresholds;
