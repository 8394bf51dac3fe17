//! Text to [`Syntax`].
//!
//! ```text
//! or        = and { "or" and }
//! and       = not { "and" not }
//! not       = { "not" } primary
//! primary   = "(" or ")" | macro | subject "exists" | subject operator object
//! subject   = field | transform "(" subject ")"
//! object    = value | "(" values ")" | list | "val(" subject ")" | transform "(" subject ")"
//! ```
//!
//! What a word can be depends on where it stands (`evt.dir=<` compares with the value `<`), so text and grammar are
//! read in one pass.

use super::syntax::{Object, Operator, Subject, Syntax, Word, is_bare, unquoted};
use crate::operand::Transform;
use crate::problem::{Place, Problem, hint};
use crate::source::Source;
use crate::walk::Walk;

/// The condition that a text says.
///
/// # Errors
/// The first place where it says none: what was found there, and what was expected.
pub fn condition(source: &Source) -> Result<Syntax, Problem> {
    let mut parser = Parser { walk: Walk::new(source, 0) };
    let whole = parser.or()?;
    parser.walk.blanks();
    if !parser.walk.rest().is_empty() {
        return Err(parser.expected("'and', 'or' or the end"));
    }
    Ok(whole)
}

/// The field with what it goes through that a text begins with, and how long that is.
///
/// # Errors
/// As [`condition`].
pub fn subject(source: &Source, at: usize) -> Result<(Subject, usize), Problem> {
    let mut parser = Parser { walk: Walk::new(source, at) };
    let subject = parser.subject()?;
    Ok((subject, parser.walk.at))
}

struct Parser<'a> {
    walk: Walk<'a>,
}

impl<'a> Parser<'a> {
    /// A fault here: what stands here, and what should.
    fn expected(&self, what: &str) -> Problem {
        self.walk.expected(what, self.walk.run(is_bare))
    }

    /// The name that stands here, without taking it.
    fn name(&mut self) -> &'a str {
        self.walk.blanks();
        self.walk.run(|ch| ch.is_ascii_alphanumeric() || ch == '_')
    }

    /// Takes `word` if it stands here as a whole.
    fn keyword(&mut self, word: &str) -> bool {
        let stands = self.name() == word;
        if stands {
            self.walk.at += word.len();
        }
        stands
    }

    fn deeper<T>(&mut self, parse: impl FnOnce(&mut Self) -> Result<T, Problem>) -> Result<T, Problem> {
        self.walk.deeper()?;
        let parsed = parse(self);
        self.walk.out();
        parsed
    }

    fn or(&mut self) -> Result<Syntax, Problem> {
        self.row("or", Self::and, Syntax::Or)
    }

    fn and(&mut self) -> Result<Syntax, Problem> {
        self.row("and", Self::not, Syntax::And)
    }

    fn row(
        &mut self,
        between: &str,
        part: fn(&mut Self) -> Result<Syntax, Problem>,
        whole: fn(Vec<Syntax>) -> Syntax,
    ) -> Result<Syntax, Problem> {
        let first = part(self)?;
        if !self.keyword(between) {
            return Ok(first);
        }
        let mut parts = vec![first, part(self)?];
        while self.keyword(between) {
            parts.push(part(self)?);
        }
        Ok(whole(parts))
    }

    fn not(&mut self) -> Result<Syntax, Problem> {
        if self.keyword("not") {
            let inner = self.deeper(Self::not)?;
            return Ok(Syntax::Not(Box::new(inner)));
        }
        self.primary()
    }

    fn primary(&mut self) -> Result<Syntax, Problem> {
        if self.walk.sign("(") {
            let inner = self.deeper(Self::or)?;
            return if self.walk.sign(")") { Ok(inner) } else { Err(self.expected("'and', 'or' or ')'")) };
        }
        let (place, name) = (self.place_after_blanks(), self.name());
        if name.is_empty() || matches!(name, "and" | "or") {
            return Err(self.expected("a field, a macro, 'not' or '('"));
        }
        let next = self.walk.rest()[name.len()..].chars().next();
        let is_transform = Transform::ALL.iter().any(|transform| transform.as_str() == name);
        if matches!(next, Some('.' | '[')) || is_transform && next == Some('(') {
            return self.compare();
        }
        if next == Some('(') {
            let known = Transform::ALL.map(Transform::as_str);
            let message = format!("'{name}' is no function{}", hint(name, known));
            return Err(self.walk.problem(message));
        }
        self.walk.at += name.len();
        self.walk.blanks();
        // Somebody who compares a macro has forgotten the family of a field.
        if let Some(operator) = self.operator_here() {
            let message = format!("'{name}' is compared with '{}', but it is no field", operator.as_str());
            return Err(Problem::new(&place, message));
        }
        Ok(Syntax::Macro(Word { text: name.to_owned(), quoted: false, place }))
    }

    fn place_after_blanks(&mut self) -> Place {
        self.walk.blanks();
        self.walk.place()
    }

    fn compare(&mut self) -> Result<Syntax, Problem> {
        let subject = self.subject()?;
        if self.keyword("exists") {
            return Ok(Syntax::Exists(subject));
        }
        self.walk.blanks();
        let Some(operator) = self.operator_here() else {
            let name = self.name();
            let known = Operator::ALL.iter().map(|operator| operator.as_str()).chain(["exists"]);
            let mut problem = self.expected("an operator");
            problem.message.push_str(&hint(name, known));
            return Err(problem);
        };
        self.walk.at += if self.walk.rest().starts_with("==") { 2 } else { operator.as_str().len() };
        let object = if operator.takes_list() { self.list()? } else { self.value()? };
        Ok(Syntax::Compare(subject, operator, object))
    }

    /// The operator that stands here, without taking it.
    fn operator_here(&mut self) -> Option<Operator> {
        let (rest, name) = (self.walk.rest(), self.name());
        Operator::ALL.iter().copied().find(|operator| {
            let word = operator.as_str();
            if word.starts_with(|ch: char| ch.is_ascii_alphabetic()) { name == word } else { rest.starts_with(word) }
        })
    }

    fn subject(&mut self) -> Result<Subject, Problem> {
        let name = self.name();
        if let Some(transform) = Transform::ALL.into_iter().find(|transform| transform.as_str() == name)
            && self.walk.rest()[name.len()..].starts_with('(')
        {
            self.walk.at += name.len() + 1;
            let mut inner = self.deeper(Self::subject)?;
            if !self.walk.sign(")") {
                return Err(self.expected("')'"));
            }
            inner.transforms.push(transform);
            return Ok(inner);
        }
        Ok(Subject { field: self.field()?, transforms: Vec::new() })
    }

    /// A field's name with the argument behind it.
    fn field(&mut self) -> Result<Word, Problem> {
        let place = self.place_after_blanks();
        let name = self.walk.run(|ch| ch.is_ascii_alphanumeric() || matches!(ch, '_' | '.' | '-'));
        if !name.contains('.') || !name.starts_with(|ch: char| ch.is_ascii_alphabetic()) {
            return Err(self.expected("a field"));
        }
        // A sentence of an output may end behind a field.
        let mut text = name.trim_end_matches(['.', '-']).to_owned();
        self.walk.at += text.len();
        if self.walk.rest().starts_with('[') {
            let Some(close) = self.walk.rest().find(']') else {
                return Err(self.expected("']' somewhere behind '['"));
            };
            text.push_str(&self.walk.rest()[..=close]);
            self.walk.at += close + 1;
        }
        Ok(Word { text, quoted: false, place })
    }

    fn value(&mut self) -> Result<Object, Problem> {
        if let Some(field) = self.other_field()? {
            return Ok(field);
        }
        self.walk.blanks();
        if self.walk.rest().starts_with('(') {
            return Err(self.expected("one value"));
        }
        self.word().map(Object::Word)
    }

    /// `val(field)` or a transformed field, if it stands here.
    fn other_field(&mut self) -> Result<Option<Object>, Problem> {
        let name = self.name();
        let calls = self.walk.rest()[name.len()..].starts_with('(');
        if calls && name == "val" {
            self.walk.at += name.len() + 1;
            let subject = self.subject()?;
            return if self.walk.sign(")") { Ok(Some(Object::Field(subject))) } else { Err(self.expected("')'")) };
        }
        if calls && Transform::ALL.iter().any(|transform| transform.as_str() == name) {
            return Ok(Some(Object::Field(self.subject()?)));
        }
        Ok(None)
    }

    fn list(&mut self) -> Result<Object, Problem> {
        if let Some(field) = self.other_field()? {
            return Ok(field);
        }
        if !self.walk.sign("(") {
            let (place, name) = (self.place_after_blanks(), self.name());
            if name.is_empty() {
                return Err(self.expected("'(' or the name of a list"));
            }
            self.walk.at += name.len();
            return Ok(Object::Named(Word { text: name.to_owned(), quoted: false, place }));
        }
        let mut words = Vec::new();
        if self.walk.sign(")") {
            return Ok(Object::List(words));
        }
        loop {
            words.push(self.word()?);
            if self.walk.sign(")") {
                return Ok(Object::List(words));
            }
            if !self.walk.sign(",") {
                return Err(self.expected("',' or ')'"));
            }
        }
    }

    fn word(&mut self) -> Result<Word, Problem> {
        let place = self.place_after_blanks();
        let rest = self.walk.rest();
        if let Some(quote) = rest.chars().next().filter(|ch| matches!(ch, '"' | '\'')) {
            let Some(end) = closing(&rest[1..], quote) else {
                return Err(self.walk.problem(format!("expected a closing {quote}, found the end of the condition")));
            };
            self.walk.at += end + 2;
            return Ok(Word { text: unquoted(&rest[1..=end]), quoted: true, place });
        }
        let bare = self.walk.run(is_bare);
        if bare.is_empty() {
            return Err(self.expected("a value"));
        }
        self.walk.at += bare.len();
        Ok(Word { text: bare.to_owned(), quoted: false, place })
    }
}

/// Where the closing quote stands in what follows the opening one.
fn closing(text: &str, quote: char) -> Option<usize> {
    let mut escaped = false;
    text.char_indices().find_map(|(at, ch)| {
        let closes = ch == quote && !escaped;
        escaped = ch == '\\' && !escaped;
        closes.then_some(at)
    })
}
