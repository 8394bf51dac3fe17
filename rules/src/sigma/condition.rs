//! How selections are combined.
//!
//! ```text
//! or       = and { "or" and }                   and   = not { "and" not }
//! not      = { "not" } primary                  primary = "(" or ")" | name | ( "1" | "any" | "all" ) "of" ( "them" | pattern )
//! ```

use crate::expr::Expr;
use crate::problem::{Problem, hint};
use crate::source::Source;
use crate::walk::Walk;
use std::collections::BTreeMap;

/// How many tests it may come to: every name can be named again and again.
const TESTS_MAX: usize = 20_000;

/// A selection: what it says, and how many tests that are.
pub struct Selection {
    /// What it says.
    pub expr: Expr,
    /// It is named by a condition.
    pub used: bool,
}

/// What a condition says of these selections.
///
/// # Errors
/// The first place where it says nothing: what was found there, and what was expected.
pub fn lower(source: &Source, selections: &mut BTreeMap<String, Selection>) -> Result<Expr, Problem> {
    let mut parser = Parser { walk: Walk::new(source, 0), tests: 0, selections };
    let expr = parser.or()?;
    parser.walk.blanks();
    match parser.walk.rest().chars().next() {
        None => Ok(expr),
        Some('|') => Err(parser.walk.problem("aggregations behind '|' are not read: write a correlation")),
        Some(_) => Err(parser.expected("'and', 'or' or the end")),
    }
}

struct Parser<'a> {
    walk: Walk<'a>,
    tests: usize,
    selections: &'a mut BTreeMap<String, Selection>,
}

impl<'a> Parser<'a> {
    fn expected(&self, what: &str) -> Problem {
        self.walk.expected(what, self.word())
    }

    /// The word that stands here.
    fn word(&self) -> &'a str {
        self.walk.run(|ch| !ch.is_whitespace() && !matches!(ch, '(' | ')' | '|'))
    }

    /// Takes a word if it stands here, in either case.
    fn keyword(&mut self, wanted: &str) -> bool {
        self.walk.blanks();
        let stands = self.word().eq_ignore_ascii_case(wanted);
        if stands {
            self.walk.at += wanted.len();
        }
        stands
    }

    fn deeper(&mut self, parse: fn(&mut Self) -> Result<Expr, Problem>) -> Result<Expr, Problem> {
        self.walk.deeper()?;
        let parsed = parse(self);
        self.walk.out();
        parsed
    }

    fn or(&mut self) -> Result<Expr, Problem> {
        let mut parts = vec![self.and()?];
        while self.keyword("or") {
            parts.push(self.and()?);
        }
        Ok(Expr::any(parts))
    }

    fn and(&mut self) -> Result<Expr, Problem> {
        let mut parts = vec![self.not()?];
        while self.keyword("and") {
            parts.push(self.not()?);
        }
        Ok(Expr::all(parts))
    }

    fn not(&mut self) -> Result<Expr, Problem> {
        if self.keyword("not") {
            return self.deeper(Self::not).map(Expr::negated);
        }
        self.primary()
    }

    fn primary(&mut self) -> Result<Expr, Problem> {
        if self.walk.sign("(") {
            let inner = self.deeper(Self::or)?;
            return if self.walk.sign(")") { Ok(inner) } else { Err(self.expected("'and', 'or' or ')'")) };
        }
        let word = self.word();
        let begin = self.walk.at;
        if ["1", "any", "all"].iter().any(|amount| word.eq_ignore_ascii_case(amount)) {
            self.walk.at += word.len();
            if self.keyword("of") {
                let parts = self.several()?;
                return Ok(if word.eq_ignore_ascii_case("all") { Expr::all(parts) } else { Expr::any(parts) });
            }
            self.walk.at = begin;
        }
        if word.is_empty() || word.eq_ignore_ascii_case("and") || word.eq_ignore_ascii_case("or") {
            return Err(self.expected("a selection, 'not', '1 of', 'all of' or '('"));
        }
        let Some(selection) = self.selections.get_mut(word) else {
            let hint = hint(word, self.selections.keys().map(String::as_str));
            return Err(self.walk.problem(format!("'{word}' is no selection{hint}")));
        };
        selection.used = true;
        let expr = selection.expr.clone();
        self.count(&expr)?;
        self.walk.at += word.len();
        Ok(expr)
    }

    /// The selections that stand behind `of`.
    fn several(&mut self) -> Result<Vec<Expr>, Problem> {
        self.walk.blanks();
        let pattern = self.word();
        let them = pattern.eq_ignore_ascii_case("them");
        let parts: Vec<Expr> = self
            .selections
            .iter_mut()
            .filter(|(name, _)| if them { !name.starts_with('_') } else { matches(pattern, name) })
            .map(|(_, selection)| {
                selection.used = true;
                selection.expr.clone()
            })
            .collect();
        if parts.is_empty() {
            return Err(self.expected("'them' or a pattern of selections ('selection_*')"));
        }
        parts.iter().try_for_each(|part| self.count(part))?;
        self.walk.at += pattern.len();
        Ok(parts)
    }

    fn count(&mut self, expr: &Expr) -> Result<(), Problem> {
        self.tests += tests(expr);
        if self.tests > TESTS_MAX {
            return Err(self.walk.problem(format!("this condition comes to more than {TESTS_MAX} tests")));
        }
        Ok(())
    }
}

/// How many tests an expression has.
fn tests(expr: &Expr) -> usize {
    match expr {
        Expr::All(parts) | Expr::Any(parts) => parts.iter().map(tests).sum(),
        Expr::Not(inner) => tests(inner),
        Expr::Constant(_) | Expr::Calls(_) | Expr::Test(_) => 1,
    }
}

/// Whether a name is as a pattern with stars says.
fn matches(pattern: &str, name: &str) -> bool {
    let Some((begin, mut rest)) = pattern.split_once('*') else { return pattern == name };
    let Some(mut name) = name.strip_prefix(begin) else { return false };
    while let Some((part, next)) = rest.split_once('*') {
        let Some(at) = name.find(part) else { return false };
        name = &name[at + part.len()..];
        rest = next;
    }
    name.ends_with(rest)
}
