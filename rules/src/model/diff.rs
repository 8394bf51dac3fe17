//! What one profile has and another lacks.

use super::{Kind, Profile};
use std::collections::BTreeSet;

/// A difference, in the order of program, kind and text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Difference {
    /// The program.
    pub program: String,
    /// The kind and the fact; `None` for the program itself.
    pub fact: Option<(Kind, String)>,
    /// The second has it and the first does not; else the other way round.
    pub is_new: bool,
}

/// What is in `old` or `new` alone. A fact that a wider one of the other stands for is no difference.
pub fn diff(old: &Profile, new: &Profile) -> Vec<Difference> {
    let mut all: BTreeSet<Difference> = BTreeSet::new();
    for (one, other, is_new) in [(old, new, false), (new, old, true)] {
        let programs = one.programs().filter(|(program, _)| other.program(program).is_none());
        all.extend(programs.map(|(program, _)| Difference { program: program.to_owned(), fact: None, is_new }));
        let facts = one.facts().filter(|(program, kind, fact)| !other.has(program, *kind, fact));
        all.extend(facts.map(|(program, kind, fact)| Difference {
            program: program.to_owned(),
            fact: Some((kind, fact.to_owned())),
            is_new,
        }));
    }
    all.into_iter().collect()
}

impl std::fmt::Display for Difference {
    /// `+ /usr/sbin/nginx listens tcp 8080`
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", if self.is_new { '+' } else { '-' }, self.program)?;
        match &self.fact {
            Some((kind, fact)) => write!(f, " {kind} {fact}"),
            None => Ok(()),
        }
    }
}
