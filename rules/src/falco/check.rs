//! Values as written to what a test looks for.

use super::glob;
use super::syntax::{Operator, Word};
use crate::expr::{Check, Relation};
use crate::operand::Operand;
use crate::pattern::Pattern;
use crate::problem::Place;
use crate::value::{self, Network, Type};
use taffrail_trace::text;

/// A value or an operator that does not fit.
#[derive(Debug)]
pub struct Misfit {
    /// Where; `None` for the field that is compared.
    pub place: Option<Place>,
    /// What was found, and what was expected.
    pub message: String,
}

/// What is looked for when `operand` is compared so with `words`: one of these. For `!=` it is what must not be.
///
/// # Errors
/// Everything that does not fit.
pub fn of(operand: &Operand, operator: Operator, words: &[Word]) -> Result<Vec<Check>, Vec<Misfit>> {
    match operand.kind() {
        Type::Text => texts(operand, operator, words),
        Type::Number => numbers(operand, operator, words),
        Type::Flag => flags(operand, operator, words),
        Type::Address => networks(operand, operator, words),
    }
}

fn is_equality(operator: Operator) -> bool {
    matches!(operator, Operator::Equal | Operator::NotEqual | Operator::In | Operator::Intersects)
}

fn relation(operator: Operator) -> Option<Relation> {
    Some(match operator {
        Operator::Less => Relation::Less,
        Operator::LessOrEqual => Relation::LessOrEqual,
        Operator::Greater => Relation::Greater,
        Operator::GreaterOrEqual => Relation::GreaterOrEqual,
        _ => return None,
    })
}

/// Every word read by `read`, or all that cannot be.
fn each<T>(words: &[Word], read: impl Fn(&str) -> Result<T, String>) -> Result<Vec<T>, Vec<Misfit>> {
    let (mut good, mut bad) = (Vec::new(), Vec::new());
    for word in words {
        match read(&word.text) {
            Ok(value) => good.push(value),
            Err(message) => bad.push(Misfit { place: Some(word.place.clone()), message }),
        }
    }
    if bad.is_empty() { Ok(good) } else { Err(bad) }
}

fn sorted<T: Ord>(mut values: Vec<T>) -> Vec<T> {
    values.sort_unstable();
    values.dedup();
    values
}

fn unfit(operand: &Operand, operator: Operator) -> Vec<Misfit> {
    let kind = operand.kind().as_str();
    vec![Misfit {
        place: None,
        message: format!("'{}' does not compare {operand}, which is {kind}", operator.as_str()),
    }]
}

fn not_a(operand: &Operand, found: &str) -> String {
    format!("{operand} is {}, found '{found}'", operand.kind().as_str())
}

fn texts(operand: &Operand, operator: Operator, words: &[Word]) -> Result<Vec<Check>, Vec<Misfit>> {
    let plain = || sorted(words.iter().map(|word| word.text.clone()).collect());
    let one = |check: Check| Ok(vec![check]);
    match operator {
        operator if is_equality(operator) => one(Check::Equal(plain())),
        Operator::Contains => one(Check::Contains(plain())),
        Operator::ContainsFolded => one(Check::ContainsFolded(plain())),
        Operator::StartsWith => one(Check::Prefix(plain())),
        Operator::EndsWith => one(Check::Suffix(plain())),
        Operator::ContainsBytes => Ok(vec![Check::Contains(sorted(each(words, bytes)?))]),
        Operator::StartsWithBytes => Ok(vec![Check::Prefix(sorted(each(words, bytes)?))]),
        Operator::Glob | Operator::GlobFolded => {
            let folded = operator == Operator::GlobFolded;
            Ok(each(words, |text| glob::pattern(text, folded))?.into_iter().map(Check::Pattern).collect())
        }
        Operator::Regex => {
            let patterns =
                each(words, |text| Pattern::new(text).map_err(|error| format!("no regular expression: {error}")))?;
            Ok(patterns.into_iter().map(Check::Pattern).collect())
        }
        Operator::PathMatch => paths(words),
        operator => {
            // Arguments are texts here, whatever they are to their call.
            let relation = relation(operator).filter(|_| operand.field.name.ends_with("arg"));
            let Some(relation) = relation else { return Err(unfit(operand, operator)) };
            let numbers =
                each(words, |text| value::number(text).ok_or_else(|| format!("expected a number, found '{text}'")))?;
            Ok(numbers.into_iter().map(|number| Check::Related(relation, number)).collect())
        }
    }
}

/// A path, and all below it.
fn paths(words: &[Word]) -> Result<Vec<Check>, Vec<Misfit>> {
    let (globs, plain): (Vec<&Word>, Vec<&Word>) = words.iter().partition(|word| glob::is_glob(&word.text));
    let trimmed = |word: &&Word| word.text.trim_end_matches('/').to_owned();
    let mut checks = Vec::new();
    if !plain.is_empty() {
        checks.push(Check::Equal(sorted(plain.iter().map(trimmed).collect())));
        checks.push(Check::Prefix(sorted(plain.iter().map(|word| trimmed(word) + "/").collect())));
    }
    let globs: Vec<Word> = globs.into_iter().cloned().collect();
    checks.extend(each(&globs, |text| glob::below(text.trim_end_matches('/')))?.into_iter().map(Check::Pattern));
    Ok(checks)
}

/// Bytes in hex as the text that they are recorded as.
fn bytes(hex: &str) -> Result<String, String> {
    let wrong = || format!("expected bytes in hex, found '{hex}'");
    if !hex.is_ascii() || !hex.len().is_multiple_of(2) || hex.is_empty() {
        return Err(wrong());
    }
    let pairs = (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16));
    let bytes: Vec<u8> = pairs.collect::<Result<_, _>>().map_err(|_| wrong())?;
    Ok(text::from_bytes(&bytes))
}

fn numbers(operand: &Operand, operator: Operator, words: &[Word]) -> Result<Vec<Check>, Vec<Misfit>> {
    let numbers = || each(words, |text| value::number(text).ok_or_else(|| not_a(operand, text)));
    match relation(operator) {
        Some(relation) => Ok(numbers()?.into_iter().map(|number| Check::Related(relation, number)).collect()),
        None if is_equality(operator) => Ok(vec![Check::Number(sorted(numbers()?))]),
        None => Err(unfit(operand, operator)),
    }
}

fn flags(operand: &Operand, operator: Operator, words: &[Word]) -> Result<Vec<Check>, Vec<Misfit>> {
    if !is_equality(operator) {
        return Err(unfit(operand, operator));
    }
    let flags = each(words, |text| value::flag(text).ok_or_else(|| not_a(operand, text)))?;
    Ok(sorted(flags).into_iter().map(Check::Flag).collect())
}

fn networks(operand: &Operand, operator: Operator, words: &[Word]) -> Result<Vec<Check>, Vec<Misfit>> {
    if !is_equality(operator) {
        return Err(unfit(operand, operator));
    }
    let networks = each(words, |text| text.parse::<Network>().map_err(|()| not_a(operand, text)))?;
    Ok(vec![Check::Network(sorted(networks))])
}
