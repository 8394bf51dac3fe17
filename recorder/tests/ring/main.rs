//! The ring, by question: does it keep what it is given, do its laws hold, what does damage cost, where are its limits,
//! and does it do what a simple model of it does.

mod basic;
mod damage;
mod invariants;
mod limits;
mod model;
mod support;
