//! What all files together define: later items replace and add to earlier ones.

use super::item::{Definition, Exception, Item, Mode, RuleItem, SequenceItem, ThresholdItem};
use super::syntax::Word;
use crate::problem::{Problem, hint};
use crate::rule::{Priority, Response};
use crate::source::Source;
use std::collections::BTreeMap;

/// Everything that is defined, after the last file.
#[derive(Debug, Default)]
pub struct Definitions {
    /// Lists by name.
    pub lists: BTreeMap<String, Vec<Word>>,
    /// Macros by name.
    pub macros: BTreeMap<String, Source>,
    /// Rules, in the order in which their names came up.
    pub rules: Vec<Defined>,
}

/// A rule, whole.
#[derive(Debug)]
pub struct Defined {
    /// Its name.
    pub name: Word,
    /// `desc`
    pub description: Source,
    /// `condition`; empty where a sequence has none beside those of its steps.
    pub condition: Source,
    /// `output`
    pub output: Source,
    /// `priority`
    pub priority: Priority,
    /// `source`; `syscall` where it is not said.
    pub source: Option<Word>,
    /// `enabled`
    pub enabled: bool,
    /// `tags`
    pub tags: Vec<Word>,
    /// `exceptions`
    pub exceptions: Vec<Exception>,
    /// `warn_evttypes`
    pub warns: bool,
    /// `skip-if-unknown-filter`
    pub skips: bool,
    /// `threshold`
    pub threshold: Option<ThresholdItem>,
    /// `sequence`
    pub sequence: Option<SequenceItem>,
    /// `response`
    pub response: Option<Response>,
}

impl Definitions {
    /// Takes an item in.
    pub fn take(&mut self, item: Item, problems: &mut Vec<Problem>) {
        let wrong = match item {
            Item::List(Definition { name, content, appends }) => match (appends, self.lists.get_mut(&name.text)) {
                (true, Some(items)) => {
                    items.extend(content);
                    None
                }
                (true, None) => Some((name, "list", self.lists.keys().map(String::as_str).collect::<Vec<_>>())),
                (false, _) => {
                    self.lists.insert(name.text, content);
                    None
                }
            },
            Item::Macro(Definition { name, content, appends }) => match (appends, self.macros.get_mut(&name.text)) {
                (true, Some(condition)) => {
                    condition.append(&content);
                    None
                }
                (true, None) => Some((name, "macro", self.macros.keys().map(String::as_str).collect())),
                (false, _) => {
                    self.macros.insert(name.text, content);
                    None
                }
            },
            Item::Rule(item) => return self.rule(*item, problems),
        };
        if let Some((name, what, known)) = wrong {
            let hint = hint(&name.text, known);
            let message = format!("the {what} '{}' is changed, but not defined before{hint}", name.text);
            problems.push(Problem::new(&name.place, message));
        }
    }

    fn rule(&mut self, item: RuleItem, problems: &mut Vec<Problem>) {
        let at = self.rules.iter().position(|rule| rule.name.text == item.name.text);
        let whole = item.condition.is_some() || item.output.is_some() || item.priority.is_some();
        // A rule with nothing but its name and `enabled` is switched on or off.
        let switches = item.mode == Mode::Define && !whole && item.enabled.is_some();
        if item.mode == Mode::Define && !switches {
            match (Defined::whole(item, problems), at) {
                (Some(rule), Some(at)) => self.rules[at] = rule,
                (Some(rule), None) => self.rules.push(rule),
                (None, _) => {}
            }
            return;
        }
        if let Some(at) = at {
            self.rules[at].change(item, problems);
        } else {
            let hint = hint(&item.name.text, self.rules.iter().map(|rule| rule.name.text.as_str()));
            let message = format!("the rule '{}' is changed, but not defined before{hint}", item.name.text);
            problems.push(Problem::new(&item.name.place, message));
        }
    }
}

impl Defined {
    fn whole(item: RuleItem, problems: &mut Vec<Problem>) -> Option<Self> {
        let RuleItem { name, description, condition, output, priority, .. } = item;
        let missing: Vec<&str> = [
            ("desc", description.is_none()),
            ("condition", condition.is_none()),
            ("output", output.is_none()),
            ("priority", priority.is_none()),
        ]
        .into_iter()
        .filter_map(|(key, missing)| missing.then_some(key))
        .collect();
        let (Some(description), Some(condition), Some(output), Some(priority)) =
            (description, condition, output, priority)
        else {
            let message = format!("the rule '{}' has no valid {}", name.text, missing.join(", no valid "));
            problems.push(Problem::new(&name.place, message));
            return None;
        };
        Some(Self {
            name,
            description,
            condition,
            output,
            priority,
            source: item.source,
            enabled: item.enabled.unwrap_or(true),
            tags: item.tags.unwrap_or_default(),
            exceptions: item.exceptions.unwrap_or_default(),
            warns: item.warns.unwrap_or(true),
            skips: item.skips.unwrap_or(false),
            threshold: item.threshold,
            sequence: item.sequence,
            response: item.response,
        })
    }

    fn change(&mut self, item: RuleItem, problems: &mut Vec<Problem>) {
        let keys = match &item.mode {
            Mode::Define => vec![("enabled".to_owned(), false)],
            Mode::Append => vec![("condition".to_owned(), true), ("exceptions".to_owned(), true)],
            Mode::Override(keys) => keys.clone(),
        };
        let said = item.condition.is_some() || item.exceptions.is_some();
        if item.mode == Mode::Append && !said {
            let message = format!("the rule '{}' is added to, but with no condition and no exceptions", item.name.text);
            problems.push(Problem::new(&item.name.place, message));
        }
        let RuleItem {
            description,
            condition,
            output,
            priority,
            source,
            enabled,
            tags,
            exceptions,
            warns,
            skips,
            threshold,
            sequence,
            response,
            ..
        } = item;
        let mode = |key: &str| keys.iter().find(|(known, _)| known == key).map(|(_, adds)| *adds);
        put(mode("desc"), description, &mut self.description, Source::append);
        put(mode("condition"), condition, &mut self.condition, Source::append);
        put(mode("output"), output, &mut self.output, Source::append);
        put(mode("priority"), priority, &mut self.priority, |_, _| {});
        put(mode("source"), source.map(Some), &mut self.source, |_, _| {});
        put(mode("enabled"), enabled, &mut self.enabled, |_, _| {});
        put(mode("tags"), tags, &mut self.tags, |tags, more| tags.extend(more.iter().cloned()));
        put(mode("warn_evttypes"), warns, &mut self.warns, |_, _| {});
        put(mode("skip-if-unknown-filter"), skips, &mut self.skips, |_, _| {});
        put(mode("threshold"), threshold.map(Some), &mut self.threshold, |_, _| {});
        put(mode("sequence"), sequence.map(Some), &mut self.sequence, |_, _| {});
        put(mode("response"), response.map(Some), &mut self.response, |_, _| {});
        put(mode("exceptions"), exceptions, &mut self.exceptions, |known, more| {
            for exception in more {
                add(known, exception);
            }
        });
    }
}

/// Puts what an item says for a key where it belongs: not at all, behind what is there, or in its place.
fn put<T>(adds: Option<bool>, said: Option<T>, own: &mut T, append: impl FnOnce(&mut T, &T)) {
    match (adds, said) {
        (Some(true), Some(said)) => append(own, &said),
        (Some(false), Some(said)) => *own = said,
        _ => {}
    }
}

/// An exception of a name that is known adds its values; fields it may leave out, or say again.
fn add(known: &mut Vec<Exception>, exception: &Exception) {
    match known.iter_mut().find(|known| known.name == exception.name) {
        Some(known) => known.values.extend(exception.values.iter().cloned()),
        None => known.push(exception.clone()),
    }
}
