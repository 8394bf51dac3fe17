//! A profile prepared for events: hash sets, and texts that are used again. Nothing is allocated where nothing deviates.

use super::fact::Said;
use super::peer::Peer;
use super::{Kind, Profile, Reader, wide};
use crate::scene::Scene;
use foldhash::fast::RandomState;
use std::collections::{HashMap, HashSet};

type Set = HashSet<Box<str>, RandomState>;

/// A profile, ready to be asked.
#[derive(Debug)]
pub struct Judge {
    profile: Profile,
    programs: HashMap<Box<str>, Known, RandomState>,
    reader: Reader,
    scratch: String,
}

/// What one program does, to look up.
#[derive(Debug, Default)]
struct Known {
    facts: [Set; Kind::ALL.len()],
    /// What wide facts of names and directories stand for.
    places: [Set; Kind::ALL.len()],
    /// Wide facts of connections.
    peers: Vec<Box<str>>,
}

/// Something that was never seen before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deviation {
    /// What sort of fact deviates.
    pub kind: Kind,
    /// The program that did it.
    pub program: String,
    /// What it did; `None` where the program itself was never seen.
    pub fact: Option<String>,
    /// What ran a program that was never seen, where that is what was seen of it.
    pub by: Option<String>,
}

impl Deviation {
    /// What tells it from others. A program that was never seen is one deviation, whatever ran it and whatever it does.
    pub fn key(&self) -> (Kind, &str, Option<&str>) {
        (self.kind, &self.program, self.fact.as_deref())
    }
}

impl Judge {
    /// A judge by a profile.
    pub fn new(profile: Profile) -> Self {
        let programs = profile.programs().map(|(name, habits)| (name.into(), Known::of(habits))).collect();
        Self { profile, programs, reader: Reader::default(), scratch: String::new() }
    }

    /// What it judges by.
    pub fn profile(&self) -> &Profile {
        &self.profile
    }

    /// The profile, to be learned on.
    pub fn into_profile(self) -> Profile {
        self.profile
    }

    /// What of a scene was never seen before; the first where there is more.
    pub fn deviation(&mut self, scene: &dyn Scene) -> Option<Deviation> {
        let Self { profile, programs, reader, scratch } = self;
        let mut found = None;
        reader.read(scene, &mut |said| {
            found = deviation(profile, programs, &said)
                .filter(|_| !said.called.is_some_and(|addr| profile.knows_name_of(said.program, scene, addr, scratch)));
            found.is_some()
        });
        found
    }

    /// What of another profile was never seen before, each once: of a container that was seen before its image was
    /// known.
    pub fn deviations(&self, other: &Profile) -> Vec<Deviation> {
        let mut found: Vec<Deviation> = Vec::new();
        for (program, kind, fact) in other.facts() {
            let said = Said { program, kind, fact, called: None };
            let new = deviation(&self.profile, &self.programs, &said);
            found.extend(new.filter(|new| !found.iter().any(|old| old.key() == new.key())));
        }
        found
    }
}

fn deviation(
    profile: &Profile,
    programs: &HashMap<Box<str>, Known, RandomState>,
    said: &Said<'_>,
) -> Option<Deviation> {
    if profile.is_full(said.kind) {
        return None;
    }
    let never_seen = |program: &str, by: Option<&str>| {
        let is_told = !profile.is_full(Kind::Runs);
        is_told.then(|| Deviation {
            kind: Kind::Runs,
            program: program.to_owned(),
            fact: None,
            by: by.map(str::to_owned),
        })
    };
    if said.kind == Kind::Runs && !programs.contains_key(said.fact) {
        return never_seen(said.fact, Some(said.program));
    }
    match programs.get(said.program) {
        None => never_seen(said.program, None),
        Some(known) if known.has(said.kind, said.fact) => None,
        Some(_) => Some(Deviation {
            kind: said.kind,
            program: said.program.to_owned(),
            fact: Some(said.fact.to_owned()),
            by: None,
        }),
    }
}

impl Known {
    fn of(habits: &super::Habits) -> Self {
        let mut known = Self::default();
        for kind in Kind::ALL {
            for fact in habits.of(kind) {
                if let Some(place) = wide::place(kind, fact) {
                    known.places[kind as usize].insert(place.into());
                }
                if kind == Kind::Connects && Peer::parse(fact).is_some_and(|peer| peer.is_wide()) {
                    known.peers.push(fact.as_str().into());
                }
                known.facts[kind as usize].insert(fact.as_str().into());
            }
        }
        known
    }

    fn has(&self, kind: Kind, fact: &str) -> bool {
        let places = &self.places[kind as usize];
        self.facts[kind as usize].contains(fact)
            || !places.is_empty() && wide::within(kind, fact).any(|place| places.contains(place))
            || kind == Kind::Connects && !self.peers.is_empty() && self.is_in_peer(fact)
    }

    fn is_in_peer(&self, fact: &str) -> bool {
        let Some(own) = Peer::parse(fact) else { return false };
        self.peers.iter().filter_map(|wide| Peer::parse(wide)).any(|wide| wide.covers(&own))
    }
}
