//! Output texts with `%fields` in them.

use super::lower::{Lowered, Lowering};
use super::parse;
use super::syntax::Subject;
use crate::output::{Part, Template};
use crate::problem::{Place, Problem};
use crate::rule::When;
use crate::source::Source;

/// The template that a text says; what it shows of a sequence's steps is noted in `when`. A field that we have no data for stays in it as such; faults, names that no field has
/// among them, are in what `lowering` has found and in the second half of what is given.
pub fn read(source: &Source, when: &mut When, lowering: &mut Lowering<'_>) -> (Template, Lowered) {
    let mut parts: Vec<Part> = Vec::new();
    let mut text = String::new();
    let mut facts = Lowered::default();
    let whole = source.text().trim_end();
    // A star says that a text with unset fields is to be shown too; it always is.
    let mut at = usize::from(whole.starts_with('*'));
    while let Some(rest) = whole.get(at..).filter(|rest| !rest.is_empty()) {
        let Some(sign) = rest.find('%') else {
            text.push_str(rest);
            break;
        };
        text.push_str(&rest[..sign]);
        at += sign + 1;
        let behind = &rest[sign + 1..];
        if behind.starts_with('%') {
            text.push('%');
            at += 1;
            continue;
        }
        if !behind.starts_with(|ch: char| ch.is_ascii_alphabetic()) {
            text.push('%');
            continue;
        }
        match parse::subject(source, at) {
            Ok((subject, end)) => {
                push_text(&mut parts, &mut text);
                parts.push(field(subject, when, lowering, &mut facts));
                at = end;
            }
            Err(problem) => {
                // The rest is read on, so that the next fault is told too.
                lowering.problems.insert(Problem::new(
                    &place(source, at - 1, &problem),
                    "expected a field behind '%'; a plain '%' is written '%%'",
                ));
                text.push('%');
            }
        }
    }
    push_text(&mut parts, &mut text);
    (Template { parts }, facts)
}

fn place(source: &Source, at: usize, problem: &Problem) -> Place {
    source.place(at).unwrap_or_else(|| problem.place.clone())
}

fn push_text(parts: &mut Vec<Part>, text: &mut String) {
    if !text.is_empty() {
        parts.push(Part::Text(std::mem::take(text)));
    }
}

fn field(mut subject: Subject, when: &mut When, lowering: &mut Lowering<'_>, facts: &mut Lowered) -> Part {
    match (when, subject.field.text.split_once('.')) {
        (When::Threshold(_), Some(("threshold", "count"))) => Part::Count,
        (When::Threshold(threshold), Some(("threshold", "values"))) if threshold.distinct => Part::Values,
        (When::Sequence(sequence), Some((name, field))) if sequence.steps.iter().any(|step| step.name == name) => {
            let at = sequence.steps.iter().position(|step| step.name == name).unwrap_or_default();
            subject.field.text = field.to_owned();
            let Some(operand) = lowering.operand(&subject, facts) else { return Part::Missing };
            let shown = &mut sequence.steps[at].shown;
            let known = shown.iter().position(|known| *known == operand);
            let field = known.unwrap_or_else(|| {
                shown.push(operand);
                shown.len() - 1
            });
            Part::Step { step: at, field }
        }
        _ => lowering.operand(&subject, facts).map_or(Part::Missing, Part::Field),
    }
}
