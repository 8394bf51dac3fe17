//! One fact for many siblings: `/srv/cache/**` for its directories, `**.cdn.example` for its names.
//!
//! What a program makes up by itself (a directory an upload, a name a customer) has no end, and is known by where it
//! lies. So a directory with more than [`SIBLINGS`] different ones below it in the set, or a domain of at least two
//! labels, becomes one fact. The root and top-level domains never do.

use super::Kind;
use super::general::{BELOW, SUBDOMAINS};
use std::collections::BTreeSet;

/// The most different ones below one directory or domain.
const SIBLINGS: usize = 32;

/// What `fact` lies in, itself first, to the outermost that may become wide.
pub fn within(kind: Kind, fact: &str) -> impl Iterator<Item = &str> {
    let own = match kind {
        Kind::Writes => Some(fact.strip_suffix(BELOW).unwrap_or(fact)),
        Kind::Names => Some(fact.strip_prefix(SUBDOMAINS).unwrap_or(fact)),
        _ => None,
    };
    let out = std::iter::successors(own, move |inner| above(kind, inner));
    out.take_while(move |place| may_widen(kind, place))
}

/// The fact that stands for everything in `place`.
pub fn everything_in(kind: Kind, place: &str) -> String {
    match kind {
        Kind::Names => format!("{SUBDOMAINS}{place}"),
        _ => format!("{place}{BELOW}"),
    }
}

/// The place that a wide fact stands for.
pub fn place(kind: Kind, fact: &str) -> Option<&str> {
    match kind {
        Kind::Writes => fact.strip_suffix(BELOW),
        Kind::Names => fact.strip_prefix(SUBDOMAINS),
        _ => None,
    }
}

/// Whether a wide one of `facts` stands for `fact`.
pub fn is_covered(kind: Kind, facts: &BTreeSet<String>, fact: &str) -> bool {
    within(kind, fact).map(|place| everything_in(kind, place)).any(|wide| wide != fact && facts.contains(&wide))
}

/// Brings together what was learned apart: wide facts swallow what is in them, and crowds of both become one.
pub fn settle(kind: Kind, facts: &mut BTreeSet<String>) {
    loop {
        let before = facts.clone();
        facts.retain(|fact| !is_covered(kind, &before, fact));
        for fact in &before {
            collapse(kind, facts, fact);
        }
        if *facts == before {
            return;
        }
    }
}

/// Makes one fact of the siblings of `fact` where there are too many.
pub fn collapse(kind: Kind, facts: &mut BTreeSet<String>, fact: &str) {
    let crowded = within(kind, fact).skip(1).filter(|place| siblings(kind, facts, place) > SIBLINGS);
    // The outermost covers the others.
    let Some(place) = crowded.last().map(str::to_owned) else { return };
    facts.retain(|it| !within(kind, it).any(|inner| inner == place));
    facts.insert(everything_in(kind, &place));
}

/// How many different ones are right below `place`.
fn siblings(kind: Kind, facts: &BTreeSet<String>, place: &str) -> usize {
    let below = facts.iter().filter_map(|fact| {
        let mut inner = None;
        for it in within(kind, fact) {
            if it == place {
                return inner;
            }
            inner = Some(it);
        }
        None
    });
    below.collect::<BTreeSet<&str>>().len()
}

fn above<'a>(kind: Kind, inner: &&'a str) -> Option<&'a str> {
    match kind {
        Kind::Writes => inner.rsplit_once('/').map(|(above, _)| above),
        _ => inner.split_once('.').map(|(_, above)| above),
    }
}

fn may_widen(kind: Kind, place: &str) -> bool {
    match kind {
        Kind::Writes => place.len() > 1,
        _ => place.contains('.'),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn collapsed(kind: Kind, facts: impl Iterator<Item = String>) -> Vec<String> {
        let mut set = BTreeSet::new();
        for fact in facts {
            if !is_covered(kind, &set, &fact) {
                set.insert(fact.clone());
                collapse(kind, &mut set, &fact);
            }
        }
        let mut settled = set.clone();
        settle(kind, &mut settled);
        assert_eq!(settled, set);
        set.into_iter().collect()
    }

    #[test]
    fn a_crowd_of_siblings_becomes_one_fact_and_leaves_others_alone() {
        let letters = || ('a'..='z').flat_map(|a| ['x', 'y'].map(|b| format!("{a}{b}")));
        let kept = ["/srv/other".to_owned(), "/srv/cache-not".to_owned()];
        let found = collapsed(Kind::Writes, letters().map(|it| format!("/srv/cache/{it}/deep")).chain(kept));
        assert_eq!(found, ["/srv/cache-not", "/srv/cache/**", "/srv/other"]);
        let found = collapsed(Kind::Names, letters().map(|it| format!("{it}.cdn.example")));
        assert_eq!(found, ["**.cdn.example"]);
    }

    #[test]
    fn neither_the_root_nor_a_top_level_domain_becomes_one_fact() {
        let letters = || ('a'..='z').flat_map(|a| ['x', 'y'].map(|b| format!("{a}{b}")));
        assert_eq!(collapsed(Kind::Writes, letters().map(|it| format!("/{it}"))).len(), 52);
        assert_eq!(collapsed(Kind::Names, letters().map(|it| format!("{it}.example"))).len(), 52);
    }
}
