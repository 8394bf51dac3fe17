//! Falco's rule language.
//!
//! ```text
//! reader        pieces of the tree: words, texts, lists
//! document      the tree -> the items of `item`                       definitions  items -> what they define together
//! window        threshold and sequence, as written and as meant
//! parse         a condition's text -> syntax                          exception    exceptions -> syntax
//! lower         syntax -> the typed expression                        check, calls, glob    values and names
//! template      an output text -> its parts
//! ```
//!
//! Every fault of all files is told at once. A rule that needs what is not recorded is no fault: it is left out, by
//! name and with the reason, and the others are loaded.
//!
//! Where we read rules otherwise than Falco does:
//! * An event tells of a call's beginning and of its end: `evt.dir` holds for both directions.
//! * `open`, `openat` and the like are one event, so each of these names means all of them (see [`call`](crate::call)).
//! * Macros and lists may be used before they are defined; what was defined last counts everywhere.
//! * An unknown key is a fault.
//! * In an output, a name whose field is unset (`(user=0 tty=%proc.tty)`) is left out with it.

mod calls;
mod check;
mod definitions;
mod document;
mod exception;
mod glob;
mod item;
mod lower;
pub mod parse;
mod reader;
pub mod syntax;
mod template;
mod window;

use crate::expr::Expr;
use crate::load::{Loaded, Unsupported};
use crate::problem::{Place, Problem};
use crate::rule::{Rule, When};
use crate::source::Source;
use crate::yaml::Node;
use definitions::{Defined, Definitions};
use lower::Lowering;
use std::sync::Arc;
use syntax::Syntax;

/// Puts what documents of this language define into `loaded`, in this order: later ones change what earlier ones define.
pub(crate) fn take<'a>(documents: impl IntoIterator<Item = &'a Node>, loaded: &mut Loaded) {
    let mut definitions = Definitions::default();
    for document in documents {
        for item in document::items(document, &mut loaded.problems) {
            definitions.take(item, &mut loaded.problems);
        }
    }
    let mut lowering = Lowering::new(&definitions);
    for rule in &definitions.rules {
        put(rule, &mut lowering, loaded);
    }
    lowering.all_macros();
    loaded.problems.extend(lowering.problems);
}

/// One expression of this language by itself, as `--filter` takes it.
///
/// # Errors
/// Its faults; a field that there is no data for is one here.
pub fn filter(text: &str) -> Result<Expr, Vec<Problem>> {
    let file: Arc<str> = Arc::from("filter");
    let place = Place { file, line: 1, column: 1 };
    let definitions = Definitions::default();
    let mut lowering = Lowering::new(&definitions);
    let source = Source::at(text, place.clone());
    let syntax = parse::condition(&source).map_err(|problem| vec![problem])?;
    let lowered = lowering.condition(&syntax, &place);
    let missing = lowered.missing.iter().map(|reason| Problem::new(&place, reason.as_str()));
    let faults: Vec<Problem> = lowering.problems.into_iter().chain(lowered.unknown).chain(missing).collect();
    if faults.is_empty() { Ok(lowered.expr) } else { Err(faults) }
}

/// Puts a rule where it belongs, or its faults among the problems. One that is switched off is checked all the same.
fn put(rule: &Defined, lowering: &mut Lowering<'_>, loaded: &mut Loaded) {
    let name = rule.name.text.clone();
    let unsupported =
        |reasons: Vec<String>| Unsupported { rule: rule.name.text.clone(), place: rule.name.place.clone(), reasons };
    if let Some(source) = rule.source.as_ref().filter(|source| source.text != "syscall") {
        loaded.unsupported.push(unsupported(vec![format!("source {}: only syscall is recorded", source.text)]));
        return;
    }
    let mut parts = Vec::new();
    if !rule.condition.text().is_empty() {
        match parse::condition(&rule.condition) {
            Ok(syntax) => parts.push(syntax),
            Err(problem) => {
                lowering.problems.insert(problem);
                return;
            }
        }
    }
    let mut faults = Vec::new();
    if let Some(exceptions) = exception::condition(&rule.exceptions, &mut faults) {
        parts.push(Syntax::Not(Box::new(exceptions)));
    }
    lowering.problems.extend(faults);
    let mut lowered = lowering.condition(&Syntax::And(parts), &rule.name.place);
    let when = match (&rule.threshold, &rule.sequence) {
        (None, None) => Some(When::Event(lowered.expr.clone())),
        (Some(threshold), None) => lowering.threshold(threshold, &mut lowered).map(When::Threshold),
        (None, Some(sequence)) => lowering.sequence(sequence, &mut lowered).map(When::Sequence),
        (Some(_), Some(_)) => {
            let message = format!("the rule '{name}' has both a threshold and a sequence");
            lowering.problems.insert(Problem::new(&rule.name.place, message));
            None
        }
    };
    // What has a fault is false; its faults are among the problems.
    let mut when = when.unwrap_or(When::Event(Expr::Constant(false)));
    let (output, said) = template::read(&rule.output, &mut when, lowering);
    if rule.skips {
        lowered.missing.extend(lowered.unknown.iter().map(|problem| problem.message.clone()));
    } else {
        lowering.problems.extend(lowered.unknown);
    }
    lowering.problems.extend(said.unknown);
    if !rule.enabled {
        loaded.disabled.push(name);
    } else if !lowered.missing.is_empty() {
        loaded.unsupported.push(unsupported(lowered.missing.into_iter().collect()));
    } else {
        let unshown = said.missing.iter().map(|reason| format!("not in the output: {reason}"));
        let mut notes: Vec<String> = lowered.notes.into_iter().chain(unshown).collect();
        if rule.warns && when.conditions().any(|part| crate::compile::kinds(part) == crate::kind::Kinds::JUDGED) {
            notes.push("asked about every event: evt.type is not among its conditions".to_owned());
        }
        loaded.rules.push(Rule {
            description: rule.description.text().trim().to_owned(),
            place: rule.name.place.clone(),
            when,
            output,
            priority: rule.priority,
            tags: rule.tags.iter().map(|tag| tag.text.clone()).collect(),
            response: rule.response,
            notes,
            name,
        });
    }
}
