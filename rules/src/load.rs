//! Rule files, whatever language they are in.

use crate::problem::{Place, Problem};
use crate::rule::Rule;
use crate::yaml::{self, Data, Node};
use crate::{falco, sigma};
use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

/// What rule files came to.
#[derive(Debug, Default)]
pub struct Loaded {
    /// Rules that can be asked about events.
    pub rules: Vec<Rule>,
    /// Rules that cannot.
    pub unsupported: Vec<Unsupported>,
    /// Names of rules that are switched off.
    pub disabled: Vec<String>,
    /// Faults, by place. Where there is one, nothing should be done with the rest.
    pub problems: Vec<Problem>,
}

/// A rule that asks for what is not recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsupported {
    /// Its name.
    pub rule: String,
    /// Where it is defined.
    pub place: Place,
    /// What it asks for, and why that is not there.
    pub reasons: Vec<String>,
}

/// Loads files, each a name for messages and its text. A document that is a list is read as Falco's, one with a
/// `detection`, `correlation` or `logsource` as Sigma's. Falco's may change what those before them define.
pub fn load<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Loaded {
    let mut loaded = Loaded::default();
    let mut documents = Vec::new();
    for (name, text) in files {
        match yaml::parse(&Arc::from(name), text) {
            Ok(found) => documents.extend(found),
            Err(problem) => loaded.problems.push(problem),
        }
    }
    if !loaded.problems.is_empty() {
        // What the unread file defines would be missed everywhere.
        return loaded;
    }
    let (sigma, falco): (Vec<&Node>, Vec<&Node>) = documents.iter().partition(|document| is_sigma(document));
    falco::take(falco, &mut loaded);
    sigma::take(&sigma, &mut loaded);
    let names = loaded.rules.iter().map(|rule| (&rule.name, &rule.place));
    let mut first: HashMap<&str, &Place> = HashMap::new();
    for (name, place) in names.chain(loaded.unsupported.iter().map(|rule| (&rule.rule, &rule.place))) {
        match first.entry(name) {
            Entry::Occupied(known) => {
                loaded.problems.push(Problem::new(place, format!("another rule is called '{name}': {}", known.get())));
            }
            Entry::Vacant(free) => _ = free.insert(place),
        }
    }
    // In their order, and each once.
    loaded.problems = std::mem::take(&mut loaded.problems).into_iter().collect::<BTreeSet<_>>().into_iter().collect();
    loaded
}

fn is_sigma(document: &Node) -> bool {
    let Data::Map(entries) = &document.data else { return false };
    let keys = ["title", "detection", "correlation", "logsource", "action", "filter"];
    entries.iter().any(|(key, _)| key.text().is_some_and(|key| keys.contains(&key)))
}
