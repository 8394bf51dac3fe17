//! A tree of YAML to the items that it says.

use super::item::{Definition, Exception, Item, Mode, RuleItem};
use super::reader::{Reader, is_text};
use crate::problem::{Problem, hint};
use crate::rule::{Priority, Response};
use crate::source::Source;
use crate::yaml::{Data, Node};

const LIST_KEYS: &[&str] = &["list", "items", "append", "override"];
const MACRO_KEYS: &[&str] = &["macro", "condition", "append", "override"];
const RULE_KEYS: &[&str] = &[
    "rule",
    "desc",
    "condition",
    "output",
    "priority",
    "source",
    "enabled",
    "tags",
    "exceptions",
    "warn_evttypes",
    "skip-if-unknown-filter",
    "threshold",
    "sequence",
    "response",
    "append",
    "override",
    "capture",
    "capture_duration",
];
const EXCEPTION_KEYS: &[&str] = &["name", "fields", "comps", "values"];
/// Keys of a rule that `override` can add to.
const ADDABLE: &[&str] = &["condition", "output", "desc", "tags", "exceptions"];
/// Keys of a rule that `override` can replace.
const REPLACEABLE: &[&str] = &[
    "condition",
    "output",
    "desc",
    "tags",
    "exceptions",
    "priority",
    "enabled",
    "source",
    "warn_evttypes",
    "skip-if-unknown-filter",
    "threshold",
    "sequence",
    "response",
    "capture",
    "capture_duration",
];

/// The items of a document. Every fault is put into `problems`, and what has none is given all the same.
pub fn items(document: &Node, problems: &mut Vec<Problem>) -> Vec<Item> {
    let mut reader = Reader { problems };
    match &document.data {
        Data::List(nodes) => nodes.iter().filter_map(|node| reader.item(node)).collect(),
        Data::Scalar(text) if text.text().is_empty() => Vec::new(),
        _ => {
            reader.expected(document, "a list of rules, macros and lists");
            Vec::new()
        }
    }
}

impl Reader<'_> {
    fn item(&mut self, node: &Node) -> Option<Item> {
        let Data::Map(entries) = &node.data else {
            self.expected(node, "a rule, a macro or a list");
            return None;
        };
        let has = |wanted: &str| entries.iter().any(|(key, _)| is_text(key, wanted));
        if has("rule") {
            self.rule(node, entries)
        } else if has("macro") {
            let name = self.keyed(node, entries, "macro", MACRO_KEYS)?;
            let appends = self.adds(entries, "condition");
            let content = self.required(node, entries, "condition", &name, Self::source)?;
            Some(Item::Macro(Definition { name, content, appends }))
        } else if has("list") {
            let name = self.keyed(node, entries, "list", LIST_KEYS)?;
            let appends = self.adds(entries, "items");
            let content = self.required(node, entries, "items", &name, Self::words)?;
            Some(Item::List(Definition { name, content, appends }))
        } else if has("required_engine_version") || has("required_plugin_versions") {
            // They are Falco's own, and say nothing of what a rule means.
            None
        } else {
            let first = entries.first().map_or_else(String::new, |(key, _)| key.described());
            let written = first.trim_matches('\'').to_owned();
            let known = ["rule", "macro", "list", "required_engine_version", "required_plugin_versions"];
            let hint = hint(&written, known);
            self.wrong(&node.place, format!("expected an item with 'rule', 'macro' or 'list', found {first}{hint}"));
            None
        }
    }

    /// Whether a list or a macro adds to the one that is there.
    fn adds(&mut self, entries: &[(Node, Node)], key: &str) -> bool {
        let appends = self.get(entries, "append", Self::truth).unwrap_or(false);
        let overrides = self.overrides(entries, &[key], &[key]);
        appends || overrides.is_some_and(|keys| keys.iter().any(|(_, adds)| *adds))
    }

    fn overrides(
        &mut self,
        entries: &[(Node, Node)],
        addable: &[&str],
        replaceable: &[&str],
    ) -> Option<Vec<(String, bool)>> {
        let (_, node) = entries.iter().find(|(key, _)| is_text(key, "override"))?;
        let Data::Map(pairs) = &node.data else {
            self.expected(node, "keys, each with 'append' or 'replace'");
            return None;
        };
        let mut overrides = Vec::new();
        for (key, how) in pairs {
            let (Some(name), Some(word)) = (self.word(key), self.word(how)) else { continue };
            let name = name.text;
            let allowed = match word.text.as_str() {
                "append" => addable,
                "replace" => replaceable,
                other => {
                    self.wrong(&how.place, format!("expected 'append' or 'replace', found '{other}'"));
                    continue;
                }
            };
            if !allowed.contains(&name.as_str()) {
                let hint = hint(&name, allowed.iter().copied());
                self.wrong(&key.place, format!("'{name}' is no key to {}{hint}", word.text));
            } else if !entries.iter().any(|(known, _)| is_text(known, &name)) {
                self.wrong(&key.place, format!("'{name}' is to be changed, but this item has no '{name}'"));
            } else {
                overrides.push((name, word.text == "append"));
            }
        }
        Some(overrides)
    }

    fn rule(&mut self, node: &Node, entries: &[(Node, Node)]) -> Option<Item> {
        let name = self.keyed(node, entries, "rule", RULE_KEYS)?;
        let overrides = self.overrides(entries, ADDABLE, REPLACEABLE);
        let appends = self.get(entries, "append", Self::truth).unwrap_or(false);
        let mode = match overrides {
            Some(keys) => Mode::Override(keys),
            None if appends => Mode::Append,
            None => Mode::Define,
        };
        let steps = entries.iter().any(|(key, _)| is_text(key, "sequence"));
        let condition = self.get(entries, "condition", Self::source);
        Some(Item::Rule(Box::new(RuleItem {
            description: self.get(entries, "desc", Self::source),
            // The steps of a sequence have theirs.
            condition: condition.or_else(|| steps.then(Source::default)),
            output: self.get(entries, "output", Self::source),
            priority: self.get(entries, "priority", Self::priority),
            source: self.get(entries, "source", Self::word),
            enabled: self.get(entries, "enabled", Self::truth),
            tags: self.get(entries, "tags", Self::words),
            exceptions: self.get(entries, "exceptions", Self::exceptions),
            warns: self.get(entries, "warn_evttypes", Self::truth),
            skips: self.get(entries, "skip-if-unknown-filter", Self::truth),
            threshold: self.get(entries, "threshold", Self::threshold),
            sequence: self.get(entries, "sequence", Self::sequence),
            response: self.get(entries, "response", Self::response),
            name,
            mode,
        })))
    }

    fn priority(&mut self, node: &Node) -> Option<Priority> {
        let word = self.word(node)?;
        let priority = Priority::named(word.text.trim());
        if priority.is_none() {
            let hint = hint(&word.text.to_uppercase(), Priority::ALL.map(Priority::as_str));
            self.wrong(&node.place, format!("'{}' is no priority{hint}", word.text));
        }
        priority
    }

    fn response(&mut self, node: &Node) -> Option<Response> {
        let word = self.word(node)?;
        let response = Response::ALL.into_iter().find(|response| response.as_str() == word.text);
        if response.is_none() {
            let hint = hint(&word.text, Response::ALL.map(Response::as_str));
            self.wrong(&node.place, format!("expected 'freeze' or 'kill', found '{}'{hint}", word.text));
        }
        response
    }

    fn exceptions(&mut self, node: &Node) -> Option<Vec<Exception>> {
        let Data::List(nodes) = &node.data else {
            self.expected(node, "a list of exceptions");
            return None;
        };
        Some(nodes.iter().filter_map(|node| self.exception(node)).collect())
    }

    fn exception(&mut self, node: &Node) -> Option<Exception> {
        let Data::Map(entries) = &node.data else {
            self.expected(node, "an exception");
            return None;
        };
        self.keys(entries, EXCEPTION_KEYS);
        let Some(name) = self.get(entries, "name", Self::word) else {
            self.wrong(&node.place, "this exception has no name");
            return None;
        };
        let values = self.get(entries, "values", |reader, node| {
            let Data::List(nodes) = &node.data else {
                reader.expected(node, "a list of values");
                return None;
            };
            Some(nodes.iter().filter_map(|node| reader.given(node)).collect())
        });
        Some(Exception {
            name,
            fields: self.get(entries, "fields", Self::shape),
            comparisons: self.get(entries, "comps", Self::shape),
            values: values.unwrap_or_default(),
        })
    }
}
