//! Conditions in Falco's language, asked about the events of a bundle: what the replay's filter says and `taffrail hunt`
//! asks is read by the same crate.

use crate::error::QueryError;
use std::sync::Arc;
use taffrail_rules::evidence::Evidence;
use taffrail_rules::expr::Expr;
use taffrail_rules::matcher::{Matcher, RuleSet};
use taffrail_rules::output::Template;
use taffrail_rules::problem::Place;
use taffrail_rules::rule::{Priority, Rule, When};
use taffrail_rules::scene::Scene as _;
use taffrail_rules::{call, falco, field};
use taffrail_trace::bundle::Bundle;
use taffrail_trace::clock::UtcNs;
use taffrail_trace::event::{Body, FlowPhase};
use taffrail_trace::recall::RecallError;

/// A condition, ready to be asked.
#[derive(Clone, Debug)]
pub struct Condition {
    rules: Arc<RuleSet>,
}

/// What is wrong with a condition, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("character {column}: {message}")]
pub struct Fault {
    /// The character of the text, from 1.
    pub column: usize,
    /// What was found there, and what was expected.
    pub message: String,
}

/// What sort of row an event is told by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Sort {
    /// An image came to be.
    Start,
    /// A process ended.
    End,
    /// A file operation.
    File,
    /// Bytes went through a file.
    Io,
    /// A flow began, or a socket was used.
    Flow,
    /// A flow ended.
    Close,
    /// A DNS message.
    Dns,
    /// A call on privileges.
    Privilege,
    /// A call on the kernel itself.
    Kernel,
    /// Bytes went over a terminal.
    Terminal,
    /// A moment of the container's life.
    Lifecycle,
}

/// An event that met a condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Met {
    /// When.
    pub time: UtcNs,
    /// Whose.
    pub exec_id: Option<u64>,
    /// What sort of row it is told by.
    pub sort: Sort,
}

impl Condition {
    /// The condition that a text says.
    ///
    /// # Errors
    /// The first [`Fault`]; a field that nothing is recorded for is one.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        let expr = falco::filter(text).map_err(|problems| {
            let first = problems.into_iter().min_by_key(|problem| problem.place.column);
            first.map_or_else(
                || Fault { column: 1, message: "expected a condition".to_owned() },
                |problem| Fault { column: problem.place.column, message: problem.message },
            )
        })?;
        Ok(Self { rules: Arc::new(RuleSet::new(vec![rule(expr)])) })
    }

    /// Asks it about every event of a bundle, by time. `each` is told the time of every event, and the event where the
    /// condition holds for it; it says whether to go on.
    ///
    /// # Errors
    /// [`QueryError::Asked`] where a table cannot be read; what was found until then has been told.
    pub fn ask(&self, bundle: &Bundle, each: &mut dyn FnMut(UtcNs, Option<Met>) -> bool) -> Result<(), QueryError> {
        let failed = |reason: RecallError| QueryError::Asked(reason.to_string());
        let mut matcher = Matcher::new(Arc::clone(&self.rules));
        let mut evidence = Evidence::of(bundle).map_err(failed)?;
        while let Some(scene) = evidence.next_scene().map_err(failed)? {
            let event = scene.event();
            let time = scene.utc(event.time_ns);
            let holds = !matcher.matching(&scene).is_empty();
            let exec_id = event.actor.as_ref().map(|actor| actor.exec_id.0);
            let met = sort(&event.body).filter(|_| holds).map(|sort| Met { time, exec_id, sort });
            if !each(time, met) {
                break;
            }
        }
        Ok(())
    }
}

fn rule(condition: Expr) -> Rule {
    Rule {
        name: "filter".to_owned(),
        description: String::new(),
        place: Place { file: Arc::from("filter"), line: 1, column: 1 },
        when: When::Event(condition),
        output: Template::default(),
        priority: Priority::Informational,
        tags: Vec::new(),
        notes: Vec::new(),
        response: None,
    }
}

/// What sort of row tells an event; `None` of what no row of its own tells.
fn sort(body: &Body) -> Option<Sort> {
    match body {
        Body::Image(_) => Some(Sort::Start),
        Body::Exit(_) => Some(Sort::End),
        Body::File(_) => Some(Sort::File),
        Body::Io(_) => Some(Sort::Io),
        Body::Flow(flow) if flow.phase == FlowPhase::Begin => Some(Sort::Flow),
        Body::Flow(_) => Some(Sort::Close),
        Body::Socket(_) => Some(Sort::Flow),
        Body::Dns(_) => Some(Sort::Dns),
        Body::Privilege(_) => Some(Sort::Privilege),
        Body::Kernel(_) => Some(Sort::Kernel),
        Body::Terminal(_) => Some(Sort::Terminal),
        Body::Lifecycle(_) => Some(Sort::Lifecycle),
        _ => None,
    }
}

/// The names of all fields that conditions can speak of.
pub fn fields() -> impl Iterator<Item = &'static str> {
    field::all().map(|field| field.name)
}

/// The names of calls that `evt.type` can be.
pub fn calls() -> impl Iterator<Item = &'static str> {
    call::names()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_told_with_its_place_in_the_text() {
        let fault = Condition::parse("proc.name = nc and proc.nmae = x").expect_err("no such field");
        assert_eq!(fault.column, 20);
        assert!(fault.message.contains("did you mean 'proc.name'"), "{fault}");
        let fault = Condition::parse("proc.name = ").expect_err("no value");
        assert_eq!(fault.column, 13, "{fault}");
        let fault = Condition::parse("").expect_err("no condition");
        assert_eq!(fault.column, 1);
    }

    #[test]
    fn a_condition_finds_the_events_that_meet_it() {
        let dir = tempfile::tempdir().expect("a directory");
        let bundle = Bundle::open(&taffrail_trace::fixture::write_incident(dir.path())).expect("a bundle");
        let condition = Condition::parse("evt.type = connect and fd.sport = 4444").expect("a condition");
        let (mut all, mut met) = (0, Vec::new());
        let asked = condition.ask(&bundle, &mut |_, found| {
            all += 1;
            met.extend(found);
            true
        });
        asked.expect("it is asked");
        let begun: Vec<_> = met.iter().filter(|met| met.sort == Sort::Flow).collect();
        assert!(all > 50 && begun.len() == 2, "{met:?}");
        assert!(begun.iter().all(|met| met.exec_id.is_some()));
    }
}
