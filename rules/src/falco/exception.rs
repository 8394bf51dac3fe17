//! Exceptions of a rule as the condition that they stand for: `and not (one of them)`.

use super::item::{Exception, Given, Shape};
use super::syntax::{Object, Operator, Subject, Syntax, Word};
use crate::problem::{Place, Problem, hint};

/// The condition under which one of `exceptions` holds; `None` where none of them has a value.
///
/// Every fault is put into `problems`.
pub fn condition(exceptions: &[Exception], problems: &mut Vec<Problem>) -> Option<Syntax> {
    let mut cases: Vec<Syntax> = Vec::new();
    for exception in exceptions {
        match &exception.fields {
            Some(Shape::One(field)) => single(exception, field, &mut cases, problems),
            Some(Shape::Many(fields)) => several(exception, fields, &mut cases, problems),
            None => {
                let message =
                    format!("the exception '{}' has no fields, and none of its name is there", exception.name.text);
                problems.push(Problem::new(&exception.name.place, message));
            }
        }
    }
    match cases.len() {
        0 => None,
        1 => cases.pop(),
        _ => Some(Syntax::Or(cases)),
    }
}

/// An exception of one field: each value is a value of it.
fn single(exception: &Exception, field: &Word, cases: &mut Vec<Syntax>, problems: &mut Vec<Problem>) {
    let operator = match &exception.comparisons {
        None => Some(Operator::In),
        Some(Shape::One(word)) => operator(word, problems),
        Some(Shape::Many(words)) => {
            let place = words.first().map_or(&exception.name.place, |word| &word.place);
            problems.push(Problem::new(place, "one field is compared in one way: expected a word, found a list"));
            None
        }
    };
    let Some(operator) = operator else { return };
    let mut words = Vec::new();
    exception.values.iter().for_each(|value| flatten(value, &mut words));
    if words.is_empty() {
        return;
    }
    if operator.takes_list() {
        cases.push(compare(field, operator, Object::List(words)));
    } else {
        cases.extend(words.into_iter().map(|word| compare(field, operator, Object::Word(word))));
    }
}

/// An exception of several fields: each value has one of each.
fn several(exception: &Exception, fields: &[Word], cases: &mut Vec<Syntax>, problems: &mut Vec<Problem>) {
    let operators: Option<Vec<Operator>> = match &exception.comparisons {
        None => Some(vec![Operator::Equal; fields.len()]),
        Some(Shape::Many(words)) if words.len() == fields.len() => {
            words.iter().map(|word| operator(word, problems)).collect()
        }
        Some(Shape::Many(words)) => {
            let place = words.first().map_or(&exception.name.place, |word| &word.place);
            problems.push(Problem::new(
                place,
                format!("expected {} comparisons, one a field, found {}", fields.len(), words.len()),
            ));
            None
        }
        Some(Shape::One(word)) => {
            problems.push(Problem::new(
                &word.place,
                "several fields are compared each in its way: expected a list, found a word",
            ));
            None
        }
    };
    let Some(operators) = operators else { return };
    for value in &exception.values {
        let Given::List(parts, place) = value else {
            wrong_length(value.place(), fields.len(), 1, problems);
            continue;
        };
        if parts.len() != fields.len() {
            wrong_length(place, fields.len(), parts.len(), problems);
            continue;
        }
        let tests = fields.iter().zip(&operators).zip(parts).filter_map(|((field, operator), part)| {
            object(*operator, part, problems).map(|object| compare(field, *operator, object))
        });
        let mut tests: Vec<Syntax> = tests.collect();
        match tests.len() {
            0 => {}
            1 => cases.extend(tests.pop()),
            _ => cases.push(Syntax::And(tests)),
        }
    }
}

fn wrong_length(place: &Place, expected: usize, found: usize, problems: &mut Vec<Problem>) {
    problems.push(Problem::new(place, format!("expected {expected} values, one a field, found {found}")));
}

fn object(operator: Operator, given: &Given, problems: &mut Vec<Problem>) -> Option<Object> {
    match given {
        Given::Word(word) if operator.takes_list() => Some(Object::List(vec![word.clone()])),
        Given::Word(word) => Some(Object::Word(word.clone())),
        Given::List(..) if operator.takes_list() => {
            let mut words = Vec::new();
            flatten(given, &mut words);
            Some(Object::List(words))
        }
        Given::List(_, place) => {
            problems.push(Problem::new(place, format!("'{}' takes one value, found a list", operator.as_str())));
            None
        }
    }
}

fn flatten(given: &Given, words: &mut Vec<Word>) {
    match given {
        Given::Word(word) => words.push(word.clone()),
        Given::List(inner, _) => inner.iter().for_each(|given| flatten(given, words)),
    }
}

fn compare(field: &Word, operator: Operator, object: Object) -> Syntax {
    Syntax::Compare(Subject { field: field.clone(), transforms: Vec::new() }, operator, object)
}

fn operator(word: &Word, problems: &mut Vec<Problem>) -> Option<Operator> {
    let known = || Operator::ALL.iter().copied();
    let found =
        known().find(|operator| operator.as_str() == word.text || *operator == Operator::Equal && word.text == "==");
    if found.is_none() {
        let hint = hint(&word.text, known().map(Operator::as_str));
        problems.push(Problem::new(&word.place, format!("'{}' is no comparison{hint}", word.text)));
    }
    found
}
