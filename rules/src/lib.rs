//! Rules: what of all that happened somebody should look at.
//!
//! ```text
//! scene                an event and what surrounds it: the trait that recorder and readers of evidence implement
//! kind, call           what sort of event it is; names of system calls over events that stand for several
//! field, value         the fields that rules speak of (proc.name, fd.sip), each over our events
//! operand, expr        the one typed expression that every rule language is lowered to
//! yaml, source         rule files as trees whose words know their places
//! falco, sigma         Falco's and Sigma's languages -> rules      load    files of either -> rules
//! pattern              regular expressions, bounded
//! rule, output         a rule, and what it says when it matches
//! compile, branch, lane    conditions -> a program that asks everything once
//! matcher              conditions asked about events, fast
//! judge, seen          rules asked about a stream of events, and what they remember of it
//! threshold, sequence, keyed    so many in so short a time; one thing after the other; both bounded
//! evidence             rules asked about a bundle
//! names                what addresses were said to be called
//! model                what is normal for an image, and what deviates from it
//! problem              faults of rule files, with file, line and column
//! ```
//!
//! ```no_run
//! use std::sync::Arc;
//! use taffrail_rules::{judge::Judge, load, matcher::RuleSet, scene::Scene};
//!
//! fn judge(text: &str, scenes: &[&dyn Scene]) {
//!     let loaded = load::load([("rules.yaml", text)]);
//!     for problem in &loaded.problems {
//!         // `rules.yaml:7:14: 'proc.nmae' is no field; did you mean 'proc.name'?`
//!         let _ = problem.to_string();
//!     }
//!     let mut judge = Judge::new(Arc::new(RuleSet::new(loaded.rules)));
//!     for scene in scenes {
//!         for found in judge.see(*scene) {
//!             // The rule, its events so far, and what it says: rendered from this scene, the last of them.
//!             let _ = (found.rule, found.events(), found.finding(*scene));
//!         }
//!     }
//! }
//! ```
//!
//! A [`Judge`](judge::Judge) is asked by one thread, about every event in its order: live as they come, offline sorted by
//! time. It has no clock but theirs, so both find the same. When a container is gone,
//! [`forget`](judge::Judge::forget) frees what is remembered of it; [`missed`](judge::Judge::missed) says what was late or
//! had to be forgotten. New rules make a new judge, which remembers nothing.
//!
//! # How a scene is made
//!
//! ```text
//! method          the live recorder                                a reader of evidence
//! event           the event, before it goes to the ring            of the segment, or made of a table's row
//! image           Known::lineage().nth(generation)                 by exec_id, then along parent_exec_id
//! ancestors       Known::lineage().skip(1)                         the same walk
//! container       Containers::get(key)                             the manifest's
//! utc             the last anchor                                  the manifest's Clock
//! descriptor      Files for the process and fd; no sockets yet     `file` and `io` rows before the event
//! names_of        a table to be kept, of the DNS answers seen      `dns` rows before the event
//! user_name, group_name    of the container, as read last           of the manifest's container
//! ```
//!
//! For an event in which an image came to be, image 0 is that image. Ask [`RuleSet::wants`](matcher::RuleSet::wants)
//! first: where it says no, no scene need be made. What one side can tell and the other cannot makes live and offline
//! differ; a name that a finding relies on belongs in the evidence.
//!
//! # Invariants
//!
//! * What a rule says of an event depends on the [`Scene`](scene::Scene) alone: live and offline give the same answers
//!   where their scenes do.
//! * A test of an unset field is false. No value is guessed: where something is not recorded, the field is missing, and
//!   a rule that asks for it is told as unsupported, by name and with the reason.
//! * What is remembered between events is bounded for each rule and container; what had to go is counted.
//! * Judging allocates nothing where no condition matches, once its buffers have grown. What is rarely asked for may: times
//!   as text, `evt.args`, Base64, a field beside a field.
//! * A [`Matcher`](matcher::Matcher) says what [`Expr::holds`](expr::Expr::holds) says; a test holds the two against
//!   each other.
//! * A rule file is read with bounds on its nesting, its size once macros are put in, and its patterns; no text makes
//!   it panic.
//!
//! Not here: where events come from, what is done about a finding, and how often.

pub mod branch;
pub mod call;
pub mod compile;
pub mod evidence;
pub mod expr;
pub mod falco;
pub mod field;
pub mod file;
pub mod judge;
pub mod keyed;
pub mod kind;
pub mod lane;
pub mod load;
pub mod matcher;
pub mod model;
pub mod names;
pub mod operand;
pub mod output;
pub mod pattern;
pub mod problem;
pub mod rule;
pub mod scene;
mod seen;
pub mod sequence;
pub mod sigma;
pub mod source;
pub mod threshold;
pub mod value;
mod walk;
mod yaml;

/// The rules that come with this program: names of files and their texts.
pub const DEFAULT: &[(&str, &str)] = &[
    ("default/words.yaml", include_str!("../default/words.yaml")),
    ("default/execution.yaml", include_str!("../default/execution.yaml")),
    ("default/credentials.yaml", include_str!("../default/credentials.yaml")),
    ("default/escape.yaml", include_str!("../default/escape.yaml")),
    ("default/persistence.yaml", include_str!("../default/persistence.yaml")),
    ("default/behaviour.yaml", include_str!("../default/behaviour.yaml")),
];
