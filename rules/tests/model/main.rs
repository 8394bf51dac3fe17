//! Models: what is learned, what deviates from it, and in which words.

#[allow(dead_code, reason = "the rules' tests ask it for more")]
#[path = "../rules/stage.rs"]
mod stage;

mod document;
mod learning;
mod properties;
mod words;
mod world;
