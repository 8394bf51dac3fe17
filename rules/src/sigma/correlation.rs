//! Correlations to thresholds and sequences.
//!
//! ```text
//! event_count         threshold of events                     value_count         threshold of different values
//! temporal            threshold of different rules: all       temporal_ordered    sequence
//! ```

use super::document::{CorrelationItem, Text};
use super::{Read, Remarks};
use crate::expr::Expr;
use crate::operand::Operand;
use crate::problem::{Problem, hint};
use crate::rule::When;
use crate::sequence::{STEPS_MAX, Sequence, Step};
use crate::threshold::{COUNT_MAX, Counted, Counts, Threshold};

const KINDS: [&str; 4] = ["event_count", "value_count", "temporal", "temporal_ordered"];
/// Other kinds that Sigma has.
const SUMS: [&str; 4] = ["value_sum", "value_avg", "value_percentile", "value_median"];

/// What a correlation says, and which of `rules` it is about.
pub(super) fn lower(item: &CorrelationItem, rules: &[Read<'_>], remarks: &mut Remarks) -> (Option<When>, Vec<usize>) {
    let used: Vec<Option<usize>> = item.rules.iter().map(|name| find(name, rules, remarks)).collect();
    let found: Vec<usize> = used.iter().copied().flatten().collect();
    if found.len() < item.rules.len() || found.is_empty() {
        return (None, found);
    }
    for at in &found {
        let rule = &rules[*at];
        if !rule.remarks.missing.is_empty() {
            remarks.missing.insert(format!("the rule '{}', which is not supported", rule.item.head.title.text));
        }
    }
    let mut reader = Reader { item, rules, used: &found, remarks };
    let when = match item.kind.text.as_str() {
        "event_count" | "value_count" => reader.count(),
        "temporal" => reader.temporal().map(When::Threshold),
        "temporal_ordered" => reader.ordered().map(When::Sequence),
        kind if SUMS.contains(&kind) => {
            reader.remarks.missing.insert(format!("type {kind}: values are counted, not added up"));
            None
        }
        kind => reader.fault(&item.kind, format!("'{kind}' is no type of correlation{}", hint(kind, KINDS))),
    };
    (when, found)
}

/// The rule that a correlation names.
fn find(name: &Text, rules: &[Read<'_>], remarks: &mut Remarks) -> Option<usize> {
    let is = |rule: &Read<'_>| {
        let head = &rule.item.head;
        let names = [head.id.as_deref(), head.name.as_deref(), Some(head.title.text.as_str())];
        names.contains(&Some(name.text.as_str()))
    };
    let found = rules.iter().position(is);
    if found.is_none() {
        let names = rules.iter().filter_map(|rule| rule.item.head.name.as_deref());
        let message = format!("no rule of these files is called '{}'{}", name.text, hint(&name.text, names));
        remarks.problems.push(Problem::new(&name.place, message));
    }
    found
}

struct Reader<'a> {
    item: &'a CorrelationItem,
    rules: &'a [Read<'a>],
    used: &'a [usize],
    remarks: &'a mut Remarks,
}

impl Reader<'_> {
    fn fault<T>(&mut self, at: &Text, message: String) -> Option<T> {
        self.remarks.problems.push(Problem::new(&at.place, message));
        None
    }

    fn count(&mut self) -> Option<When> {
        let count = self.least()?;
        let field = self.item.condition.iter().find(|(key, _)| key.text == "field").map(|(_, field)| field);
        let distinct = self.item.kind.text == "value_count";
        if distinct && field.is_none() {
            return self.fault(&self.item.kind, "value_count needs a 'field' in its condition".to_owned());
        }
        let mut counted = Vec::new();
        for at in self.used {
            let value = match field.filter(|_| distinct) {
                Some(field) => Counts::Field(self.operand(field, *at)?),
                None => Counts::Event,
            };
            counted.push(Counted { condition: self.rules[*at].condition.clone(), by: self.by(*at)?, value });
        }
        if count == 1 {
            // One event is enough.
            return Some(When::Event(Expr::any(counted.into_iter().map(|sort| sort.condition).collect())));
        }
        Some(When::Threshold(Threshold { counted, count, distinct, within_ns: self.item.within_ns }))
    }

    /// How many are enough.
    fn least(&mut self) -> Option<usize> {
        let mut least = None;
        for (key, value) in &self.item.condition {
            let number = || value.text.parse::<usize>().ok();
            match (key.text.as_str(), number()) {
                ("field", _) => {}
                ("gte", Some(number)) => least = Some((value, number)),
                ("gt", Some(number)) => least = Some((value, number.saturating_add(1))),
                ("gte" | "gt", None) => {
                    return self.fault(value, format!("expected a number, found '{}'", value.text));
                }
                ("lt" | "lte" | "eq" | "neq", _) => {
                    let reason = "that there were not more can only be said when the time is over";
                    self.remarks.missing.insert(format!("condition {}: {reason}", key.text));
                    return None;
                }
                (other, _) => {
                    let hint = hint(other, ["gt", "gte", "lt", "lte", "eq", "neq", "field"]);
                    return self.fault(key, format!("'{other}' is no condition{hint}"));
                }
            }
        }
        match least {
            None => {
                self.fault(&self.item.kind, format!("{} needs a condition with 'gte' or 'gt'", self.item.kind.text))
            }
            Some((at, 0)) => self.fault(at, "expected a number from 1".to_owned()),
            Some((_, number)) if number > COUNT_MAX => {
                self.remarks.missing.insert(format!("condition: more than {COUNT_MAX} are not counted"));
                None
            }
            Some((_, number)) => Some(number),
        }
    }

    fn temporal(&mut self) -> Option<Threshold> {
        if let Some((key, _)) = self.item.condition.first() {
            let message = format!("'{}': a temporal correlation is about all of its rules", key.text);
            return self.fault(key, message);
        }
        if self.used.len() < 2 {
            return self.fault(&self.item.kind, "expected at least two rules".to_owned());
        }
        let mut counted = Vec::new();
        for at in self.used {
            let value = Counts::Name(self.rules[*at].item.head.title.text.clone());
            counted.push(Counted { condition: self.rules[*at].condition.clone(), by: self.by(*at)?, value });
        }
        Some(Threshold { counted, count: self.used.len(), distinct: true, within_ns: self.item.within_ns })
    }

    fn ordered(&mut self) -> Option<Sequence> {
        if !(2..=STEPS_MAX).contains(&self.used.len()) {
            return self.fault(&self.item.kind, format!("expected 2 to {STEPS_MAX} rules, found {}", self.used.len()));
        }
        let mut steps = Vec::new();
        for at in self.used {
            steps.push(Step {
                name: self.rules[*at].item.head.title.text.clone(),
                condition: self.rules[*at].condition.clone(),
                by: self.by(*at)?,
                not: None,
                shown: Vec::new(),
            });
        }
        Some(Sequence { steps, lineage: None, within_ns: self.item.within_ns })
    }

    /// What events of a rule have in common with the others'.
    fn by(&mut self, rule: usize) -> Option<Vec<Operand>> {
        let item = self.item;
        item.group_by.iter().map(|field| self.operand(field, rule)).collect()
    }

    /// What a field, or an alias, is in events of a rule.
    fn operand(&mut self, field: &Text, rule: usize) -> Option<Operand> {
        let head = &self.rules[rule].item.head;
        let names = [head.id.as_deref(), head.name.as_deref(), Some(head.title.text.as_str())];
        let alias = self
            .item
            .aliases
            .iter()
            .find(|(alias, known, _)| *alias == field.text && names.contains(&Some(known.text.as_str())));
        let name = alias.map_or(field.text.as_str(), |(_, _, name)| name.text.as_str());
        let source = self.rules[rule].source?;
        let operand = source.operand(name);
        if operand.is_none() {
            let reason =
                format!("{name}: events of '{}' have no such field{}", head.title.text, hint(name, source.names()));
            self.remarks.missing.insert(reason);
        }
        operand
    }
}
