//! Conditions as written to the typed expression: macros and lists put in, fields found, values read as what they are.

use super::calls;
use super::check;
use super::definitions::Definitions;
use super::parse;
use super::syntax::{Object, Operator, Subject, Syntax, Word};
use crate::expr::{Check, Expr, Relation, Test};
use crate::field::{self, Found};
use crate::operand::Operand;
use crate::problem::{Place, Problem, hint};
use crate::value::Type;
use std::collections::{BTreeMap, BTreeSet};

/// How many tests a condition may come to: macros of macros can name more than memory holds.
const TESTS_MAX: usize = 20_000;
/// How deep macros and lists may name each other. Rules that people write go to about six.
const DEPTH_MAX: usize = 16;
/// How deep an expression may be nested, macros put in, so that none makes the stack overflow.
const NESTED_MAX: usize = 512;

/// A condition that was lowered.
#[derive(Clone, Debug)]
pub struct Lowered {
    /// What it says.
    pub expr: Expr,
    /// Fields that there is no data for, and why.
    pub missing: BTreeSet<String>,
    /// Names that no field has: faults, unless the rule says that it is to be skipped then.
    pub unknown: BTreeSet<Problem>,
    /// What is good to know.
    pub notes: BTreeSet<String>,
    /// How many tests it has.
    pub tests: usize,
}

impl Default for Lowered {
    fn default() -> Self {
        Self {
            expr: Expr::Constant(false),
            missing: BTreeSet::new(),
            unknown: BTreeSet::new(),
            notes: BTreeSet::new(),
            tests: 0,
        }
    }
}

/// What names mean while conditions are lowered.
pub struct Lowering<'a> {
    definitions: &'a Definitions,
    /// Macros that were lowered; `None` for one that is being.
    macros: BTreeMap<&'a str, Option<Lowered>>,
    depth: usize,
    /// What is wrong.
    pub problems: BTreeSet<Problem>,
}

impl<'a> Lowering<'a> {
    /// With these definitions.
    pub fn new(definitions: &'a Definitions) -> Self {
        Self { definitions, macros: BTreeMap::new(), depth: 0, problems: BTreeSet::new() }
    }

    /// Lowers every macro that no rule has asked for, so that its faults are told too.
    pub fn all_macros(&mut self) {
        for name in self.definitions.macros.keys() {
            if !self.macros.contains_key(name.as_str()) {
                let lowered = self.defined(name);
                self.problems.extend(lowered.unknown);
            }
        }
    }

    /// Lowers a condition. Its faults are put into `problems`; a part that has one is false.
    pub fn condition(&mut self, syntax: &Syntax, place: &Place) -> Lowered {
        let mut lowered = Lowered::default();
        lowered.expr = self.expr(syntax, &mut lowered);
        if lowered.expr.depth() > NESTED_MAX {
            lowered.expr = Expr::Constant(false);
            let message = format!("with its macros this condition is nested deeper than {NESTED_MAX} levels");
            self.problems.insert(Problem::new(place, message));
        }
        lowered
    }

    fn expr(&mut self, syntax: &Syntax, into: &mut Lowered) -> Expr {
        match syntax {
            Syntax::Or(parts) => Expr::any(parts.iter().map(|part| self.expr(part, into)).collect()),
            Syntax::And(parts) => Expr::all(parts.iter().map(|part| self.expr(part, into)).collect()),
            Syntax::Not(inner) => Expr::negated(self.expr(inner, into)),
            Syntax::Macro(name) => self.named(name, into),
            Syntax::Exists(subject) if calls::is_type(subject) || calls::is_direction(subject) => Expr::Constant(true),
            Syntax::Exists(subject) => {
                self.operand(subject, into).map_or(Expr::Constant(false), |operand| test(operand, Check::Set, into))
            }
            Syntax::Compare(subject, operator, object) => self.compare(subject, *operator, object, into),
        }
    }

    fn wrong(&mut self, word: &Word, message: impl Into<String>) -> Expr {
        self.problems.insert(Problem::new(&word.place, message));
        Expr::Constant(false)
    }

    fn named(&mut self, name: &Word, into: &mut Lowered) -> Expr {
        let Some((known, _)) = self.definitions.macros.get_key_value(&name.text) else {
            let macros = self.definitions.macros.keys().map(String::as_str);
            let hint = hint(&name.text, macros);
            let message = if self.definitions.lists.contains_key(&name.text) {
                format!("'{}' is a list, which is no condition: expected a field that is 'in' it", name.text)
            } else {
                format!("'{}' is no macro{hint}", name.text)
            };
            return self.wrong(name, message);
        };
        if let Some(None) = self.macros.get(known.as_str()) {
            return self.wrong(name, format!("the macro '{}' names itself", name.text));
        }
        if self.depth > DEPTH_MAX {
            return self.wrong(name, format!("macros name each other deeper than {DEPTH_MAX} levels"));
        }
        let lowered = self.defined(known);
        into.missing.extend(lowered.missing);
        into.unknown.extend(lowered.unknown);
        into.notes.extend(lowered.notes);
        into.tests += lowered.tests;
        if into.tests > TESTS_MAX {
            return self.wrong(name, format!("this condition comes to more than {TESTS_MAX} tests"));
        }
        lowered.expr
    }

    /// What a macro that is defined says.
    fn defined(&mut self, name: &'a str) -> Lowered {
        if let Some(Some(lowered)) = self.macros.get(name) {
            return lowered.clone();
        }
        let Some(source) = self.definitions.macros.get(name) else { return Lowered::default() };
        self.macros.insert(name, None);
        self.depth += 1;
        let lowered = match parse::condition(source) {
            Ok(syntax) => source.place(0).map_or_else(Lowered::default, |place| self.condition(&syntax, &place)),
            Err(problem) => {
                self.problems.insert(problem);
                Lowered::default()
            }
        };
        self.depth -= 1;
        self.macros.insert(name, Some(lowered.clone()));
        lowered
    }

    /// The operand that a subject names; `None` where it has a fault, or there is no data for it.
    pub fn operand(&mut self, subject: &Subject, into: &mut Lowered) -> Option<Operand> {
        let written = &subject.field;
        match field::find(&written.text) {
            Found::Field(field, argument) => {
                let mut operand = Operand::plain(field, argument);
                for transform in &subject.transforms {
                    if operand.kind() != Type::Text {
                        let message = format!(
                            "{}() takes text, but {operand} is {}",
                            transform.as_str(),
                            operand.kind().as_str()
                        );
                        self.wrong(written, message);
                        return None;
                    }
                    operand.transforms.push(*transform);
                }
                Some(operand)
            }
            Found::Missing(reason) => {
                into.missing.insert(format!("{}: {reason}", written.text));
                None
            }
            Found::BadArgument(expected) => {
                self.wrong(
                    written,
                    format!(
                        "'{}' takes {expected}",
                        written.text.split(['[', '.']).take(2).collect::<Vec<_>>().join(".")
                    ),
                );
                None
            }
            Found::Unknown => {
                let hint = hint(&written.text, field::all().map(|field| field.name));
                into.unknown.insert(Problem::new(&written.place, format!("'{}' is no field{hint}", written.text)));
                None
            }
        }
    }

    fn compare(&mut self, subject: &Subject, operator: Operator, object: &Object, into: &mut Lowered) -> Expr {
        if let Object::Field(other) = object {
            return self.compare_fields(subject, operator, other, into);
        }
        let words = self.words(object);
        if calls::is_direction(subject) {
            return match words.iter().find(|word| !matches!(word.text.as_str(), "<" | ">")) {
                Some(word) => self.wrong(word, format!("expected '<' or '>', found '{}'", word.text)),
                // One event tells of both directions.
                None => Expr::Constant(true),
            };
        }
        if calls::is_type(subject) {
            return match calls::lower(operator, &words, into) {
                Ok(expr) => expr,
                Err(problems) => {
                    self.problems.extend(problems);
                    Expr::Constant(false)
                }
            };
        }
        let Some(operand) = self.operand(subject, into) else { return Expr::Constant(false) };
        if words.is_empty() {
            return Expr::Constant(false);
        }
        match check::of(&operand, operator, &words) {
            Ok(checks) => {
                let tests = checks.into_iter().map(|check| test(operand.clone(), check, into)).collect();
                if operator == Operator::NotEqual {
                    let set = test(operand, Check::Set, into);
                    return Expr::all(vec![set, Expr::negated(Expr::any(tests))]);
                }
                Expr::any(tests)
            }
            Err(problems) => {
                self.problems.extend(problems.into_iter().map(|problem| match problem.place {
                    Some(place) => Problem::new(&place, problem.message),
                    None => Problem::new(&subject.field.place, problem.message),
                }));
                Expr::Constant(false)
            }
        }
    }

    fn compare_fields(&mut self, subject: &Subject, operator: Operator, other: &Subject, into: &mut Lowered) -> Expr {
        let (first, second) = (self.operand(subject, into), self.operand(other, into));
        let (Some(first), Some(second)) = (first, second) else { return Expr::Constant(false) };
        if first.kind() != second.kind() {
            let message = format!("{first} is {}, but {second} is {}", first.kind().as_str(), second.kind().as_str());
            return self.wrong(&other.field, message);
        }
        let ordered = first.kind() == Type::Number;
        let relation = match operator {
            Operator::Equal | Operator::NotEqual | Operator::In | Operator::Intersects => Relation::Equal,
            Operator::Less if ordered => Relation::Less,
            Operator::LessOrEqual if ordered => Relation::LessOrEqual,
            Operator::Greater if ordered => Relation::Greater,
            Operator::GreaterOrEqual if ordered => Relation::GreaterOrEqual,
            Operator::Contains if !ordered => Relation::Contains,
            Operator::ContainsFolded if !ordered => Relation::ContainsFolded,
            Operator::StartsWith if !ordered => Relation::Prefix,
            Operator::EndsWith if !ordered => Relation::Suffix,
            _ => {
                let message = format!("'{}' does not compare {first} with another field", operator.as_str());
                return self.wrong(&subject.field, message);
            }
        };
        let equal = test(first.clone(), Check::Field(relation, second.clone()), into);
        if operator != Operator::NotEqual {
            return equal;
        }
        let sets = [test(first, Check::Set, into), test(second, Check::Set, into)];
        Expr::all(sets.into_iter().chain([Expr::negated(equal)]).collect())
    }

    /// The values of an object, lists by name put in.
    fn words(&mut self, object: &Object) -> Vec<Word> {
        let mut words = Vec::new();
        match object {
            Object::Word(word) => words.push(word.clone()),
            Object::List(items) => items.iter().for_each(|item| self.item(item, &mut Vec::new(), &mut words)),
            Object::Named(name) if self.definitions.lists.contains_key(&name.text) => {
                self.item(name, &mut Vec::new(), &mut words);
            }
            Object::Named(name) => {
                let hint = hint(&name.text, self.definitions.lists.keys().map(String::as_str));
                self.wrong(name, format!("expected '(' or the name of a list, found '{}'{hint}", name.text));
            }
            Object::Field(_) => {}
        }
        words
    }

    fn item(&mut self, word: &Word, within: &mut Vec<&'a str>, words: &mut Vec<Word>) {
        let list = self.definitions.lists.get_key_value(&word.text).filter(|_| !word.quoted);
        let Some((name, items)) = list else {
            words.push(word.clone());
            return;
        };
        if within.contains(&name.as_str()) {
            self.wrong(word, format!("the list '{name}' has itself among its items"));
        } else if within.len() > DEPTH_MAX || words.len() > TESTS_MAX {
            self.wrong(word, format!("the list '{name}' comes to more than is read"));
        } else {
            within.push(name);
            for item in items {
                self.item(item, within, words);
            }
            within.pop();
        }
    }
}

fn test(operand: Operand, check: Check, into: &mut Lowered) -> Expr {
    into.tests += 1;
    // What is kept of some things is less than Falco has; whoever relies on the rule should know.
    let note = match (operand.field.name, &check) {
        ("user.name" | "user.loginname" | "group.name", Check::Set) => None,
        ("evt.buffer", _) => Some("evt.buffer is kept of terminals only"),
        ("proc.env" | "proc.aenv", _) => {
            Some("of the environment only the variables that the configuration keeps are there")
        }
        ("user.name" | "user.loginname" | "group.name", _) => {
            Some("names of users other than root are known where the host tells them")
        }
        ("fd.nameraw" | "fs.path.nameraw", _) => {
            Some("the name as the program wrote it is kept only where the kernel's own is not: of opens that failed")
        }
        ("container.privileged", _) => Some("container.privileged is told from the program's bounding capabilities"),
        ("fd.sip.name" | "fd.rip.name" | "fd.cip.name" | "fd.lip.name", _) => {
            Some("names of addresses are those that the container asked DNS for")
        }
        _ => None,
    };
    into.notes.extend(note.map(str::to_owned));
    Expr::Test(Test { operand, check })
}
