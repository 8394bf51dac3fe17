//! Search identifiers to the typed expression.

use super::Remarks;
use super::condition::{self, Selection};
use super::document::{RuleItem, Text};
use super::logsource::{Leads, Source, meaning};
use super::modifier::{Form, Modifiers, Wrong};
use super::operand;
use super::pattern::Glob;
use crate::call::{self, Calls};
use crate::expr::{Check, Expr, Relation, Test};
use crate::operand::{Operand, Transform};
use crate::pattern::Pattern;
use crate::problem::{Problem, hint};
use crate::value::{self, Network, Type};
use crate::yaml::{Data, Node};
use std::collections::BTreeMap;
use std::str::FromStr as _;
use syscalls::x86_64::Sysno;

/// The condition of a rule. Its faults, and what it asks for that is not there, are put into `remarks`.
pub fn rule(item: &RuleItem, source: Source, remarks: &mut Remarks) -> Expr {
    let mut reader = Reader { source, remarks };
    let mut selections = BTreeMap::new();
    for (name, node) in &item.selections {
        reader.audit(node);
        let expr = reader.selection(node);
        if selections.insert(name.text.clone(), Selection { expr, used: false }).is_some() {
            reader.fault(name, format!("two selections are called '{}'", name.text));
        }
    }
    let mut parts = Vec::new();
    for condition in &item.conditions {
        match condition::lower(condition, &mut selections) {
            Ok(expr) => parts.push(expr),
            Err(problem) => reader.remarks.problems.push(problem),
        }
    }
    if parts.len() == item.conditions.len() {
        for (name, _) in item.selections.iter().filter(|(name, _)| !name.text.starts_with('_')) {
            if selections.get(&name.text).is_some_and(|selection| !selection.used) {
                reader.fault(name, format!("no condition names the selection '{}'", name.text));
            }
        }
    }
    Expr::all(vec![source.events(), Expr::any(parts)])
}

struct Reader<'a> {
    source: Source,
    remarks: &'a mut Remarks,
}

impl Reader<'_> {
    fn fault(&mut self, at: &Text, message: String) -> Expr {
        self.remarks.problems.push(Problem::new(&at.place, message));
        Expr::Constant(false)
    }

    fn wrong(&mut self, node: &Node, message: String) -> Expr {
        self.remarks.problems.push(Problem::new(&node.place, message));
        Expr::Constant(false)
    }

    fn missing(&mut self, name: &str, reason: &str) -> Expr {
        self.remarks.missing.insert(if name.is_empty() { reason.to_owned() } else { format!("{name}: {reason}") });
        Expr::Constant(false)
    }

    /// In records of system calls `a0` to `a3` are numbers in hex, which are kept at level full only.
    fn audit(&mut self, node: &Node) {
        let Some(entries) = node.entries().filter(|_| self.source.is_audit()) else { return };
        let is_call = node.get("type").is_some_and(|value| value.text() == Some("SYSCALL"));
        let argument = |key: &Node| {
            let name = key.text()?.split('|').next()?;
            matches!(name, "a0" | "a1" | "a2" | "a3").then(|| name.to_owned())
        };
        if let Some(name) = entries.iter().find_map(|(key, _)| argument(key)).filter(|_| is_call) {
            self.missing(&name, "what a system call was given is kept as numbers at level full only");
        }
    }

    fn selection(&mut self, node: &Node) -> Expr {
        match &node.data {
            Data::Map(entries) if entries.is_empty() => self.wrong(node, "this selection is empty".to_owned()),
            Data::Map(entries) => Expr::all(entries.iter().map(|(key, value)| self.item(key, value)).collect()),
            Data::List(nodes) if nodes.is_empty() => self.wrong(node, "this selection is empty".to_owned()),
            Data::List(nodes) => Expr::any(nodes.iter().map(|node| self.selection(node)).collect()),
            Data::Scalar(_) => self.keyword(node, &Modifiers::default()),
        }
    }

    /// A field, its modifiers, and one of its values, or all of them.
    fn item(&mut self, key: &Node, value: &Node) -> Expr {
        let Some(written) = key.text() else { return self.wrong(key, "expected a field".to_owned()) };
        let mut names = written.split('|');
        let field = names.next().unwrap_or_default();
        let modifiers = match Modifiers::of(names, &key.place) {
            Ok(modifiers) => modifiers,
            Err(Wrong::Fault(problem)) => return self.wrong(key, problem.message),
            Err(Wrong::Unread(reason)) => return self.missing(field, &reason),
        };
        let nodes = match &value.data {
            Data::List(nodes) => nodes.as_slice(),
            Data::Scalar(_) => std::slice::from_ref(value),
            Data::Map(_) => return self.wrong(value, format!("expected a value, found {}", value.described())),
        };
        let parts = nodes.iter().map(|node| match field {
            "" => self.keyword(node, &modifiers),
            field => self.value(field, key, &modifiers, node),
        });
        let parts: Vec<Expr> = parts.collect();
        let expr = if modifiers.all { Expr::all(parts) } else { Expr::any(parts) };
        if modifiers.negated { Expr::negated(expr) } else { expr }
    }

    /// A word that is looked for in all texts of the event.
    fn keyword(&mut self, node: &Node, modifiers: &Modifiers) -> Expr {
        let Some(text) = node.text() else {
            return self.wrong(node, format!("expected a keyword, found {}", node.described()));
        };
        let operands = self.source.texts().iter().filter_map(|name| operand(name));
        let mut tests = Vec::new();
        for operand in operands {
            tests.push(match &modifiers.form {
                Form::Text => self.text(&operand, &Modifiers { before: true, behind: true, ..modifiers.clone() }, text),
                Form::Regex(flags) => self.regex(node, &operand, flags, text),
                _ => return self.wrong(node, "a keyword is a text or a regular expression".to_owned()),
            });
        }
        Expr::any(tests)
    }

    fn value(&mut self, field: &str, key: &Node, modifiers: &Modifiers, node: &Node) -> Expr {
        let Some(text) = node.text() else {
            return self.wrong(node, format!("expected a value, found {}", node.described()));
        };
        if let Some(operand) = self.source.operand(field) {
            return self.test(&operand, field, modifiers, node, text);
        }
        match self.source.field(field) {
            Some(Leads::Kind(words)) => match words.iter().find(|(known, _)| known.eq_ignore_ascii_case(text)) {
                Some((_, words)) if modifiers.form == Form::Text => meaning(words),
                _ => self.missing(field, &format!("no event of ours is '{text}'")),
            },
            Some(Leads::Call) => self.call(field, text),
            Some(Leads::Nowhere(reason)) => self.missing(field, reason),
            Some(Leads::To(_)) | None => {
                let hint = hint(field, self.source.names());
                let place = format!("{}:{}", key.place.line, key.place.column);
                self.missing(field, &format!("no field of these events{hint} ({place})"))
            }
        }
    }

    /// A system call by name or number.
    fn call(&mut self, field: &str, text: &str) -> Expr {
        let by_number = text.parse::<usize>().ok().and_then(Sysno::new).map(|call| call.name().to_owned());
        let name = by_number.unwrap_or_else(|| text.to_owned());
        if Sysno::from_str(&name).is_err() || call::meaning(&name).is_none() {
            return self.missing(field, &format!("'{text}' is no system call{}", hint(text, call::names())));
        }
        Expr::Calls(Calls::of([name.as_str()]))
    }

    fn test(&mut self, operand: &Operand, field: &str, modifiers: &Modifiers, node: &Node, text: &str) -> Expr {
        let looks = |check: Check| Expr::Test(Test { operand: operand.clone(), check });
        let is_null = !node.quoted && matches!(text, "" | "~" | "null" | "Null" | "NULL");
        match (&modifiers.form, operand.kind()) {
            (Form::Exists, _) => match value::flag(text) {
                Some(true) => looks(Check::Set),
                Some(false) => Expr::negated(looks(Check::Set)),
                None => self.wrong(node, format!("expected true or false, found {}", node.described())),
            },
            (Form::Field, _) => self.field(operand, modifiers, node, text),
            _ if is_null => Expr::negated(looks(Check::Set)),
            // Nothing and an empty text are not told apart by those who write logs.
            (Form::Text, Type::Text) if text.is_empty() => {
                Expr::any(vec![Expr::negated(looks(Check::Set)), looks(Check::Equal(vec![String::new()]))])
            }
            (Form::Text, Type::Text) => self.text(operand, modifiers, text),
            (Form::Regex(flags), Type::Text) => self.regex(node, operand, flags, text),
            (Form::Number(relation), Type::Number) => match value::number(text) {
                Some(number) => looks(Check::Related(*relation, number)),
                None => self.wrong(node, format!("{field} is a number, found '{text}'")),
            },
            (Form::Text, Type::Number) if !modifiers.before && !modifiers.behind => match value::number(text) {
                Some(number) => looks(Check::Number(vec![number])),
                None => self.missing(field, &format!("it is a number here, and '{text}' is none")),
            },
            (Form::Text, Type::Flag) => match value::flag(text) {
                Some(flag) => looks(Check::Flag(flag)),
                None => self.wrong(node, format!("{field} is true or false, found '{text}'")),
            },
            (Form::Text | Form::Network, Type::Address) => match network(modifiers, text) {
                Some(network) => looks(Check::Network(vec![network])),
                None if modifiers.form == Form::Network => {
                    self.wrong(node, format!("expected a network (10.0.0.0/8), found '{text}'"))
                }
                None => self.missing(field, &format!("it is an address here, and '{text}' is no network")),
            },
            (_, kind) => self.missing(field, &format!("it is {} here, which is not looked at so", kind.as_str())),
        }
    }

    fn text(&mut self, operand: &Operand, modifiers: &Modifiers, text: &str) -> Expr {
        let glob = Glob::read(text);
        let found = if modifiers.encodes() {
            let plain = glob.text().ok_or_else(|| "wildcards cannot be encoded".to_owned());
            plain
                .and_then(|plain| modifiers.texts(plain))
                .map(|texts| texts.iter().map(|text| Glob::plain(text)).collect())
        } else {
            modifiers.texts(text).map(|texts| texts.iter().map(|text| Glob::read(text)).collect::<Vec<_>>())
        };
        // What is encoded has its case.
        let cased = modifiers.cased || modifiers.encodes();
        let tests = found.and_then(|globs| {
            let looks = |glob: Glob| glob.within(modifiers.before, modifiers.behind).test(operand, cased);
            globs.into_iter().map(looks).collect::<Result<Vec<_>, _>>()
        });
        match tests {
            Ok(tests) => Expr::any(tests),
            Err(reason) => self.missing("", &reason),
        }
    }

    fn regex(&mut self, node: &Node, operand: &Operand, flags: &str, text: &str) -> Expr {
        let source = if flags.is_empty() { text.to_owned() } else { format!("(?{flags}){text}") };
        match Pattern::anywhere(&source) {
            Ok(pattern) => Expr::Test(Test { operand: operand.clone(), check: Check::Pattern(pattern) }),
            Err(error) => self.wrong(node, format!("no regular expression: {error}")),
        }
    }

    /// A value of another field.
    fn field(&mut self, operand: &Operand, modifiers: &Modifiers, node: &Node, name: &str) -> Expr {
        let Some(other) = self.source.operand(name) else {
            let hint = hint(name, self.source.names());
            return self.missing(name, &format!("no field of these events{hint}"));
        };
        if operand.kind() != other.kind() {
            return self.wrong(
                node,
                format!("{operand} is {}, but {other} is {}", operand.kind().as_str(), other.kind().as_str()),
            );
        }
        let relation = match (modifiers.before, modifiers.behind) {
            (false, false) => Relation::Equal,
            (true, true) => Relation::Contains,
            (false, true) => Relation::Prefix,
            (true, false) => Relation::Suffix,
        };
        let (mut first, mut second) = (operand.clone(), other);
        if first.kind() == Type::Text && !modifiers.cased {
            first.transforms.push(Transform::Lower);
            second.transforms.push(Transform::Lower);
        }
        Expr::Test(Test { operand: first, check: Check::Field(relation, second) })
    }
}

/// The addresses that a value means: a network, one address, or `10.` and all that begins so.
fn network(modifiers: &Modifiers, text: &str) -> Option<Network> {
    let begins = modifiers.behind && !modifiers.before;
    let begin = match text.strip_suffix('*') {
        Some(begin) if !modifiers.before => Some(begin),
        _ => begins.then_some(text),
    };
    let Some(begin) = begin else {
        return if modifiers.before { None } else { text.parse().ok() };
    };
    let octets: Vec<&str> = begin.strip_suffix('.')?.split('.').collect();
    let zeros = ["0"; 4].into_iter().take(4_usize.checked_sub(octets.len())?);
    let address: Vec<&str> = octets.iter().copied().chain(zeros).collect();
    format!("{}/{}", address.join("."), octets.len() * 8).parse().ok()
}
