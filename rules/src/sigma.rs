//! Sigma's rule language (version 2), for what Linux hosts record.
//!
//! ```text
//! document      a YAML document -> a rule or a correlation, as written
//! logsource     which events a rule is about, and what Sigma's fields are called here: the one table
//! selection     search identifiers -> the typed expression          modifier     what stands behind a field's name
//! pattern       texts with wildcards                                condition    what is combined of selections
//! correlation   correlations -> thresholds and sequences
//! ```
//!
//! Everything is lowered to the expression that Falco's rules are lowered to. Faults have their places, all at once. A rule
//! that asks for what is not recorded is left out, by name and with the reason.
//!
//! Where Sigma leaves a choice:
//! * Texts are compared without regard to the case of ASCII letters, unless `cased` or `re` is said.
//! * `re` looks for a match anywhere in the text.
//! * A keyword is looked for in the texts that [`logsource`] names for the sort of event.
//! * A field whose name has a point (`container.name`) is one of ours, as Falco's rules know it.
//! * What a correlation refers to makes no findings of its own, unless `generate` says so.

mod condition;
mod correlation;
mod document;
mod logsource;
mod modifier;
mod pattern;
mod selection;

use crate::expr::Expr;
use crate::field::{self, Found};
use crate::load::{Loaded, Unsupported};
use crate::operand::Operand;
use crate::output::{Part, Template};
use crate::problem::Problem;
use crate::rule::{Rule, When};
use crate::yaml::Node;
use document::{Document, Head, RuleItem};
use logsource::Source;
use std::collections::BTreeSet;

/// What there is to say of a rule that is being read.
#[derive(Debug, Default)]
pub struct Remarks {
    /// Faults.
    pub problems: Vec<Problem>,
    /// What is asked for and not there, with the reason.
    pub missing: BTreeSet<String>,
}

/// A rule that was read, for correlations to refer to.
struct Read<'a> {
    item: &'a RuleItem,
    /// Which events it is about; `None` where there are none.
    source: Option<Source>,
    condition: Expr,
    remarks: Remarks,
}

/// Puts what documents of this language define into `loaded`.
pub(crate) fn take(documents: &[&Node], loaded: &mut Loaded) {
    let items: Vec<Document> =
        documents.iter().filter_map(|document| document::read(document, &mut loaded.problems)).collect();
    let rules: Vec<Read<'_>> = items
        .iter()
        .filter_map(|item| match item {
            Document::Rule(item) => Some(read(item)),
            Document::Correlation(_) => None,
        })
        .collect();
    let mut hidden: BTreeSet<usize> = BTreeSet::new();
    for item in &items {
        let Document::Correlation(item) = item else { continue };
        let mut remarks = Remarks::default();
        let (when, used) = correlation::lower(item, &rules, &mut remarks);
        if !item.generate {
            hidden.extend(used);
        }
        let output = title_alone(&item.head);
        put(&item.head, when, output, remarks, loaded);
    }
    for (at, rule) in rules.into_iter().enumerate() {
        let Read { item, source, condition, remarks } = rule;
        if hidden.contains(&at) {
            loaded.problems.extend(remarks.problems);
        } else {
            let output = source.map_or_else(|| title_alone(&item.head), |source| output(item, source));
            put(&item.head, Some(When::Event(condition)), output, remarks, loaded);
        }
    }
}

fn read(item: &RuleItem) -> Read<'_> {
    let mut remarks = Remarks::default();
    let source = match Source::of(&item.logsource) {
        Ok(source) => Some(source),
        Err(reason) => {
            remarks.missing.insert(reason);
            None
        }
    };
    let condition = match source {
        Some(source) => selection::rule(item, source, &mut remarks),
        // What is wrong with it nobody misses.
        None => Expr::Constant(false),
    };
    Read { item, source, condition, remarks }
}

/// Puts a rule where it belongs, or its faults among the problems.
fn put(head: &Head, when: Option<When>, output: Template, remarks: Remarks, loaded: &mut Loaded) {
    let faulty = !remarks.problems.is_empty();
    loaded.problems.extend(remarks.problems);
    let name = head.title.text.clone();
    let place = head.title.place.clone();
    if head.retired {
        loaded.disabled.push(name);
        return;
    }
    if !remarks.missing.is_empty() {
        loaded.unsupported.push(Unsupported { rule: name, place, reasons: remarks.missing.into_iter().collect() });
        return;
    }
    let Some(when) = when.filter(|_| !faulty) else { return };
    loaded.rules.push(Rule {
        description: head.description.clone(),
        place,
        when,
        output,
        priority: head.priority,
        tags: head.tags.clone(),
        response: None,
        notes: Vec::new(),
        name,
    });
}

/// What a rule says: its title and the fields that it names, or those that are usual for its events.
fn output(item: &RuleItem, source: Source) -> Template {
    let own = item.fields.iter().filter_map(|name| source.operand(name));
    let usual = source.shown().iter().filter_map(|name| operand(name));
    let fields: Vec<Operand> = if item.fields.is_empty() { usual.collect() } else { own.collect() };
    let mut parts = vec![Part::Text(item.head.title.text.clone())];
    for (at, operand) in fields.into_iter().enumerate() {
        let begin = if at == 0 { ":" } else { "" };
        parts.push(Part::Text(format!("{begin} {operand}=")));
        parts.push(Part::Field(operand));
    }
    Template { parts }
}

fn title_alone(head: &Head) -> Template {
    Template { parts: vec![Part::Text(head.title.text.clone())] }
}

/// One of our fields by its name.
fn operand(name: &str) -> Option<Operand> {
    match field::find(name) {
        Found::Field(field, argument) => Some(Operand::plain(field, argument)),
        _ => None,
    }
}
