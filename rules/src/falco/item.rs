//! What a rule file has, item by item, before any of it means something.

use super::syntax::Word;
use crate::problem::Place;
use crate::rule::{Priority, Response};
use crate::source::Source;

/// An item of a rule file.
#[derive(Clone, Debug)]
pub enum Item {
    /// `- list:`
    List(Definition<Vec<Word>>),
    /// `- macro:`
    Macro(Definition<Source>),
    /// `- rule:`
    Rule(Box<RuleItem>),
}

/// A list or a macro.
#[derive(Clone, Debug)]
pub struct Definition<T> {
    /// Its name.
    pub name: Word,
    /// What it stands for.
    pub content: T,
    /// It adds to the one that is there.
    pub appends: bool,
}

/// A rule as a file says it; what is not said is `None`.
#[derive(Clone, Debug)]
pub struct RuleItem {
    /// Its name.
    pub name: Word,
    /// `desc`
    pub description: Option<Source>,
    /// `condition`
    pub condition: Option<Source>,
    /// `output`
    pub output: Option<Source>,
    /// `priority`
    pub priority: Option<Priority>,
    /// `source`
    pub source: Option<Word>,
    /// `enabled`
    pub enabled: Option<bool>,
    /// `tags`
    pub tags: Option<Vec<Word>>,
    /// `exceptions`
    pub exceptions: Option<Vec<Exception>>,
    /// `warn_evttypes`
    pub warns: Option<bool>,
    /// `skip-if-unknown-filter`
    pub skips: Option<bool>,
    /// `threshold`
    pub threshold: Option<ThresholdItem>,
    /// `sequence`
    pub sequence: Option<SequenceItem>,
    /// `response`
    pub response: Option<Response>,
    /// What is done with a rule that is there.
    pub mode: Mode,
}

/// What an item does with one of the same name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Takes its place.
    Define,
    /// `append: true`: adds condition and exceptions to it.
    Append,
    /// `override`: key by key; `true` adds, `false` replaces.
    Override(Vec<(String, bool)>),
}

/// An exception of a rule as a file says it.
#[derive(Clone, Debug)]
pub struct Exception {
    /// Its name.
    pub name: Word,
    /// The fields; `None` where it adds values to one that is there.
    pub fields: Option<Shape<Word>>,
    /// How each is compared.
    pub comparisons: Option<Shape<Word>>,
    /// The values of all fields, or each the value of the only one.
    pub values: Vec<Given>,
}

/// One, or a list of them: the difference means something.
#[derive(Clone, Debug)]
pub enum Shape<T> {
    /// One.
    One(T),
    /// A list.
    Many(Vec<T>),
}

/// A value of an exception.
#[derive(Clone, Debug)]
pub enum Given {
    /// A word.
    Word(Word),
    /// Several.
    List(Vec<Given>, Place),
}

impl Given {
    /// Where it stands.
    pub fn place(&self) -> &Place {
        match self {
            Self::Word(word) => &word.place,
            Self::List(_, place) => place,
        }
    }
}

/// `threshold` of a rule.
#[derive(Clone, Debug)]
pub struct ThresholdItem {
    /// How many.
    pub count: usize,
    /// The field whose different values are counted.
    pub distinct: Option<Word>,
    /// What the events have in common.
    pub by: Vec<Word>,
    /// In which time.
    pub within_ns: u64,
}

/// `sequence` of a rule.
#[derive(Clone, Debug)]
pub struct SequenceItem {
    /// The steps.
    pub steps: Vec<StepItem>,
    /// What they have in common.
    pub by: Vec<Word>,
    /// How many generations above its process the first step counts for.
    pub lineage: Option<usize>,
    /// In which time.
    pub within_ns: u64,
}

/// A step of a sequence.
#[derive(Clone, Debug)]
pub struct StepItem {
    /// Its name.
    pub name: Word,
    /// `condition`
    pub condition: Source,
    /// Fields of its own for `by`.
    pub by: Option<Vec<Word>>,
    /// What must not come between the step before and this one, with its own fields.
    pub not: Option<(Source, Option<Vec<Word>>)>,
}
