//! `threshold` and `sequence` of a rule: as a file says them, and what that means.

use super::item::{SequenceItem, StepItem, ThresholdItem};
use super::lower::{Lowered, Lowering};
use super::parse;
use super::reader::{Reader, is_text};
use super::syntax::Word;
use crate::expr::Expr;
use crate::operand::Operand;
use crate::sequence::{STEPS_MAX, Sequence, Step, Unless};
use crate::source::Source;
use crate::threshold::{COUNT_MAX, Counted, Counts, Threshold};
use crate::value;
use crate::yaml::{Data, Node};

const THRESHOLD_KEYS: &[&str] = &["count", "distinct", "by", "within"];
const SEQUENCE_KEYS: &[&str] = &["steps", "by", "lineage", "within"];
const STEP_KEYS: &[&str] = &["name", "condition", "by"];
const NOT_KEYS: &[&str] = &["not", "by"];
/// How far above a step's process its kin may begin.
const LINEAGE_MAX: usize = 16;

impl Reader<'_> {
    /// `threshold: {count: 20, distinct: fd.rport, by: [proc.pid], within: 10s}`
    pub fn threshold(&mut self, node: &Node) -> Option<ThresholdItem> {
        let entries = self.map(node, "'count', 'within' and what else a threshold has", THRESHOLD_KEYS)?;
        self.needs(node, entries, "threshold", &["count", "within"]);
        let count = self.get(entries, "count", |reader, node| reader.number(node, 2, COUNT_MAX));
        let distinct = self.get(entries, "distinct", Self::word);
        let by = self.get(entries, "by", Self::names).unwrap_or_default();
        let within_ns = self.get(entries, "within", Self::duration);
        Some(ThresholdItem { count: count?, distinct, by, within_ns: within_ns? })
    }

    /// `sequence: {steps: [...], by: [proc.pid], lineage: 1, within: 60s}`
    pub fn sequence(&mut self, node: &Node) -> Option<SequenceItem> {
        let entries = self.map(node, "'steps', 'within' and what else a sequence has", SEQUENCE_KEYS)?;
        self.needs(node, entries, "sequence", &["steps", "within"]);
        let steps = self.get(entries, "steps", Self::steps);
        let by = self.get(entries, "by", Self::names).unwrap_or_default();
        let lineage = self.get(entries, "lineage", |reader, node| reader.number(node, 0, LINEAGE_MAX));
        let within_ns = self.get(entries, "within", Self::duration);
        Some(SequenceItem { steps: steps?, by, lineage, within_ns: within_ns? })
    }

    fn steps(&mut self, node: &Node) -> Option<Vec<StepItem>> {
        let Data::List(nodes) = &node.data else {
            self.expected(node, "a list of steps");
            return None;
        };
        let mut steps: Vec<StepItem> = Vec::new();
        let mut not = None;
        for node in nodes {
            let is_not = matches!(&node.data, Data::Map(entries) if entries.iter().any(|(key, _)| is_text(key, "not")));
            let entries = self.map(node, "a step", if is_not { NOT_KEYS } else { STEP_KEYS })?;
            let by = self.get(entries, "by", Self::names);
            if is_not {
                if steps.is_empty() || not.is_some() {
                    self.wrong(&node.place, "'not' stands alone between two steps");
                }
                not = self.get(entries, "not", Self::source).map(|condition| (condition, by));
                continue;
            }
            self.needs(node, entries, "step", &["name", "condition"]);
            let name = self.get(entries, "name", Self::word)?;
            let condition = self.get(entries, "condition", Self::source)?;
            self.step_name(&name, &steps);
            steps.push(StepItem { name, condition, by, not: not.take() });
        }
        if not.is_some() {
            self.wrong(&node.place, "a 'not' is no last step: nothing tells when it did not happen");
        }
        if !(2..=STEPS_MAX).contains(&steps.len()) {
            self.wrong(&node.place, format!("expected 2 to {STEPS_MAX} steps, found {}", steps.len()));
            return None;
        }
        Some(steps)
    }

    fn step_name(&mut self, name: &Word, steps: &[StepItem]) {
        let text = &name.text;
        let family = format!("{text}.");
        let plain = text.chars().all(|ch| ch.is_ascii_alphanumeric() || ch == '_');
        if !plain || !text.starts_with(|ch: char| ch.is_ascii_alphabetic()) {
            self.wrong(&name.place, format!("expected a name of letters, digits and '_', found '{text}'"));
        } else if text == "threshold" || crate::field::all().any(|field| field.name.starts_with(&family)) {
            self.wrong(&name.place, format!("'{text}' is how fields begin: a step needs another name"));
        } else if steps.iter().any(|step| step.name == *name) {
            self.wrong(&name.place, format!("two steps are called '{text}'"));
        }
    }

    fn map<'n>(&mut self, node: &'n Node, what: &str, known: &[&str]) -> Option<&'n [(Node, Node)]> {
        let Data::Map(entries) = &node.data else {
            self.expected(node, what);
            return None;
        };
        self.keys(entries, known);
        Some(entries)
    }

    fn needs(&mut self, node: &Node, entries: &[(Node, Node)], what: &str, keys: &[&str]) {
        for key in keys {
            if !entries.iter().any(|(known, _)| is_text(known, key)) {
                self.wrong(&node.place, format!("this {what} has no '{key}'"));
            }
        }
    }

    /// One name or a list of them.
    fn names(&mut self, node: &Node) -> Option<Vec<Word>> {
        match &node.data {
            Data::List(_) => self.words(node),
            _ => self.word(node).map(|word| vec![word]),
        }
    }

    fn number(&mut self, node: &Node, least: usize, most: usize) -> Option<usize> {
        let number = self.word(node)?.text.parse().ok().filter(|number| (least..=most).contains(number));
        if number.is_none() {
            self.expected(node, &format!("a number from {least} to {most}"));
        }
        number
    }

    fn duration(&mut self, node: &Node) -> Option<u64> {
        let duration = value::duration(&self.word(node)?.text).filter(|duration| *duration > 0);
        if duration.is_none() {
            self.expected(node, "a length of time (500ms, 10s, 5m, 1h, 1d)");
        }
        duration
    }
}

impl Lowering<'_> {
    /// What a threshold of events that meet `lowered` says.
    pub fn threshold(&mut self, item: &ThresholdItem, lowered: &mut Lowered) -> Option<Threshold> {
        let value = match &item.distinct {
            Some(word) => Counts::Field(self.field(word, lowered)?),
            None => Counts::Event,
        };
        let counted = Counted { condition: lowered.expr.clone(), by: self.fields(&item.by, lowered)?, value };
        Some(Threshold {
            counted: vec![counted],
            count: item.count,
            distinct: item.distinct.is_some(),
            within_ns: item.within_ns,
        })
    }

    /// What a sequence says, all of whose steps meet `lowered` too.
    pub fn sequence(&mut self, item: &SequenceItem, lowered: &mut Lowered) -> Option<Sequence> {
        let steps: Vec<Option<Step>> = item.steps.iter().map(|step| self.step(step, &item.by, lowered)).collect();
        let steps: Vec<Step> = steps.into_iter().collect::<Option<_>>()?;
        Some(Sequence { steps, lineage: item.lineage, within_ns: item.within_ns })
    }

    fn step(&mut self, item: &StepItem, by: &[Word], lowered: &mut Lowered) -> Option<Step> {
        let common = lowered.expr.clone();
        let condition = self.part(&item.condition, lowered);
        let own = self.own(&item.name, item.by.as_deref(), by, lowered);
        let not = item.not.as_ref().map(|(condition, not_by)| {
            let condition = Expr::all(vec![common.clone(), self.part(condition, lowered)]);
            Some(Unless { condition, by: self.own(&item.name, not_by.as_deref(), by, lowered)? })
        });
        Some(Step {
            name: item.name.text.clone(),
            condition: Expr::all(vec![common, condition]),
            by: own?,
            not: match not {
                Some(not) => Some(not?),
                None => None,
            },
            shown: Vec::new(),
        })
    }

    /// The fields that a step has in common with the others: its own, or those of the sequence.
    fn own(&mut self, name: &Word, own: Option<&[Word]>, by: &[Word], lowered: &mut Lowered) -> Option<Vec<Operand>> {
        let own = own.unwrap_or(by);
        if own.len() != by.len() {
            let place = &own.first().unwrap_or(name).place;
            let message = format!("expected {} fields, as the sequence has, found {}", by.len(), own.len());
            self.problems.insert(crate::problem::Problem::new(place, message));
        }
        self.fields(own, lowered)
    }

    fn part(&mut self, source: &Source, lowered: &mut Lowered) -> Expr {
        let syntax = match parse::condition(source) {
            Ok(syntax) => syntax,
            Err(problem) => {
                self.problems.insert(problem);
                return Expr::Constant(false);
            }
        };
        let Some(place) = source.place(0) else { return Expr::Constant(false) };
        let part = self.condition(&syntax, &place);
        lowered.missing.extend(part.missing);
        lowered.unknown.extend(part.unknown);
        lowered.notes.extend(part.notes);
        part.expr
    }

    fn fields(&mut self, words: &[Word], lowered: &mut Lowered) -> Option<Vec<Operand>> {
        let fields: Vec<Option<Operand>> = words.iter().map(|word| self.field(word, lowered)).collect();
        fields.into_iter().collect()
    }

    /// A field by itself, as `by` and `distinct` name it.
    fn field(&mut self, word: &Word, lowered: &mut Lowered) -> Option<Operand> {
        let source = Source::at(word.text.as_str(), word.place.clone());
        match parse::subject(&source, 0) {
            Ok((subject, end)) if end == word.text.len() => self.operand(&subject, lowered),
            _ => {
                let message = format!("expected a field, found '{}'", word.text);
                self.problems.insert(crate::problem::Problem::new(&word.place, message));
                None
            }
        }
    }
}
