//! Conditions on `evt.type` and `evt.dir`, which are settled before any event is seen.

use super::lower::Lowered;
use super::syntax::{Operator, Subject, Word};
use crate::call::{self, Calls, Meaning};
use crate::expr::{Check, Expr};
use crate::field::{self, Found};
use crate::operand::Operand;
use crate::problem::{Problem, hint};
use crate::value::Value;

/// Whether a subject is the name of the event's call.
pub fn is_type(subject: &Subject) -> bool {
    subject.transforms.is_empty() && matches!(subject.field.text.as_str(), "evt.type" | "syscall.type")
}

/// Whether a subject is the event's direction.
pub fn is_direction(subject: &Subject) -> bool {
    subject.transforms.is_empty() && subject.field.text == "evt.dir"
}

/// What a comparison of the call's name says. Names of calls that are not recorded are noted, or are missing data where
/// there is no other name.
///
/// # Errors
/// Names that no call has, and operators that do not compare names.
pub fn lower(operator: Operator, words: &[Word], into: &mut Lowered) -> Result<Expr, Vec<Problem>> {
    into.tests += 1;
    let exact = matches!(operator, Operator::Equal | Operator::NotEqual | Operator::In | Operator::Intersects);
    if !exact {
        return by_part(operator, words);
    }
    let unknown = words.iter().filter(|word| call::meaning(&word.text).is_none());
    let problems: Vec<Problem> = unknown
        .map(|word| {
            let hint = hint(&word.text, call::names());
            Problem::new(&word.place, format!("'{}' is no type of event{hint}", word.text))
        })
        .collect();
    if !problems.is_empty() {
        return Err(problems);
    }
    let is = |meaning: Meaning| words.iter().all(|word| call::meaning(&word.text) == Some(meaning));
    let names = || words.iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(", ");
    if operator != Operator::NotEqual && !words.is_empty() {
        if is(Meaning::Nothing) {
            into.missing.insert(format!("evt.type {}: no event of ours is one", names()));
        } else if is(Meaning::AtLevelFull) {
            into.notes.insert(format!("{}: recorded in containers at level full only", names()));
        }
    }
    let calls = Expr::Calls(Calls::of(words.iter().map(|word| word.text.as_str())));
    Ok(if operator == Operator::NotEqual { Expr::negated(calls) } else { calls })
}

/// An operator that looks at parts of names: the names that it holds for.
fn by_part(operator: Operator, words: &[Word]) -> Result<Expr, Vec<Problem>> {
    let Found::Field(field, argument) = field::find("evt.type") else { return Ok(Expr::Constant(false)) };
    let operand = Operand::plain(field, argument);
    let checks = super::check::of(&operand, operator, words).map_err(|misfits| {
        let place = |misfit: &super::check::Misfit| {
            misfit.place.clone().or_else(|| words.first().map(|word| word.place.clone()))
        };
        misfits.iter().filter_map(|misfit| Some(Problem::new(&place(misfit)?, &*misfit.message))).collect::<Vec<_>>()
    })?;
    let held = |name: &&str| checks.iter().any(|check: &Check| check.holds_alone(Value::Text(name)));
    Ok(Expr::Calls(Calls::of(call::names().filter(held))))
}
