//! What is normal for one image.

use super::fact::Reader;
use super::peer::Peer;
use super::{Kind, general, wide};
use crate::scene::Scene;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// The most programs.
const PROGRAMS: usize = 256;

/// The facts of an image, by program.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Profile {
    /// The image's name, as the runtime told it.
    pub image: Option<String>,
    /// Its id or digest.
    pub digest: Option<String>,
    programs: BTreeMap<String, Habits>,
    full: BTreeSet<Kind>,
    counts: [usize; Kind::ALL.len()],
}

/// What one program does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Habits {
    facts: [BTreeSet<String>; Kind::ALL.len()],
}

/// What learning found in one scene.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Learned {
    /// Facts that are new.
    pub new: usize,
    /// Facts that there was no room for.
    pub left_out: usize,
}

impl Habits {
    /// Its facts of a kind.
    pub fn of(&self, kind: Kind) -> &BTreeSet<String> {
        &self.facts[kind as usize]
    }

    /// Whether a fact is among them, or a part of one.
    pub(super) fn has(&self, kind: Kind, fact: &str) -> bool {
        let facts = self.of(kind);
        facts.contains(fact) || !facts.is_empty() && is_part(kind, fact, facts)
    }
}

/// Whether one fact of many stands for `fact`.
fn is_part(kind: Kind, fact: &str, facts: &BTreeSet<String>) -> bool {
    match kind {
        Kind::Connects => Peer::parse(fact)
            .is_some_and(|own| facts.iter().filter_map(|it| Peer::parse(it)).any(|it| it.is_wide() && it.covers(&own))),
        Kind::Names | Kind::Writes => wide::is_covered(kind, facts, fact),
        _ => false,
    }
}

impl Profile {
    /// Learns what a scene says.
    pub fn learn(&mut self, reader: &mut Reader, scene: &dyn Scene) -> Learned {
        let mut learned = Learned::default();
        let mut name = String::new();
        reader.read(scene, &mut |said| {
            let is_excused = said.called.is_some_and(|addr| self.knows_name_of(said.program, scene, addr, &mut name));
            if !is_excused && !self.has(said.program, said.kind, said.fact) {
                if self.insert(said.program, said.kind, said.fact) {
                    learned.new += 1;
                } else {
                    learned.left_out += 1;
                }
            }
            false
        });
        learned
    }

    /// The programs, sorted.
    pub fn programs(&self) -> impl Iterator<Item = (&str, &Habits)> {
        self.programs.iter().map(|(name, habits)| (name.as_str(), habits))
    }

    /// What a program does.
    pub fn program(&self, name: &str) -> Option<&Habits> {
        self.programs.get(name)
    }

    /// Every fact: the program, the kind and what it says; sorted.
    pub fn facts(&self) -> impl Iterator<Item = (&str, Kind, &str)> {
        self.programs.iter().flat_map(|(program, habits)| {
            Kind::ALL
                .into_iter()
                .flat_map(move |kind| habits.of(kind).iter().map(move |fact| (program.as_str(), kind, fact.as_str())))
        })
    }

    /// How many facts there are.
    pub fn len(&self) -> usize {
        self.counts.iter().sum()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.programs.is_empty()
    }

    /// The kinds that had no room for a fact: nothing of them deviates.
    pub fn full(&self) -> impl Iterator<Item = Kind> {
        self.full.iter().copied()
    }

    /// Whether nothing of a kind deviates.
    pub fn is_full(&self, kind: Kind) -> bool {
        self.full.contains(&kind)
    }

    /// Whether a fact is known, or a part of one that is.
    pub fn has(&self, program: &str, kind: Kind, fact: &str) -> bool {
        self.programs.get(program).is_some_and(|habits| habits.has(kind, fact))
    }

    /// Takes over what another profile has: what was normal for either is normal for the result, whichever comes first.
    /// A name or digest that they do not agree about is left out.
    pub fn merge(&mut self, other: &Self) {
        self.image = agreed(self.image.take(), other.image.clone());
        self.digest = agreed(self.digest.take(), other.digest.clone());
        for (program, habits) in &other.programs {
            let own = self.programs.entry(program.clone()).or_default();
            for kind in Kind::ALL {
                own.facts[kind as usize].extend(habits.of(kind).iter().cloned());
            }
        }
        self.full.extend(&other.full);
        for habits in self.programs.values_mut() {
            for kind in [Kind::Names, Kind::Writes] {
                wide::settle(kind, &mut habits.facts[kind as usize]);
            }
        }
        self.bound();
    }

    /// Adds a program that does nothing else yet. `false` where there is no room.
    pub(super) fn insert_program(&mut self, program: &str) -> bool {
        if self.programs.contains_key(program) {
            return true;
        }
        if self.is_full(Kind::Runs) || self.programs.len() >= PROGRAMS {
            self.full.insert(Kind::Runs);
            return false;
        }
        self.programs.insert(program.to_owned(), Habits::default());
        true
    }

    /// Adds a fact that is not there yet. `false` where there is no room.
    pub(super) fn insert(&mut self, program: &str, kind: Kind, fact: &str) -> bool {
        if self.is_full(kind) || self.counts[kind as usize] >= kind.most() {
            self.full.insert(kind);
            return false;
        }
        // A program that was run is known from then on.
        if !self.insert_program(program) || kind == Kind::Runs && !self.insert_program(fact) {
            return false;
        }
        let Some(habits) = self.programs.get_mut(program) else { return false };
        let facts = &mut habits.facts[kind as usize];
        let before = facts.len();
        facts.insert(fact.to_owned());
        wide::collapse(kind, facts, fact);
        let count = &mut self.counts[kind as usize];
        *count = *count + facts.len() - before;
        true
    }

    /// Declares a kind to be full.
    pub(super) fn fill(&mut self, kind: Kind) {
        self.full.insert(kind);
    }

    /// Whether an address that was called has a name that the program asks for.
    pub(super) fn knows_name_of(&self, program: &str, scene: &dyn Scene, addr: IpAddr, scratch: &mut String) -> bool {
        let any_name = self.is_full(Kind::Names);
        let Some(habits) = self.programs.get(program) else { return false };
        scene.names_of(addr, &mut |name| {
            general::name(name, scratch);
            any_name || habits.has(Kind::Names, scratch)
        })
    }

    /// Brings every set back to its bound, and says what is full.
    fn bound(&mut self) {
        while self.programs.len() > PROGRAMS {
            self.programs.pop_last();
            self.full.insert(Kind::Runs);
        }
        for kind in Kind::ALL {
            let mut room = kind.most();
            for habits in self.programs.values_mut() {
                let facts = &mut habits.facts[kind as usize];
                while facts.len() > room {
                    facts.pop_last();
                    self.full.insert(kind);
                }
                room -= facts.len();
            }
            self.counts[kind as usize] = kind.most() - room;
        }
    }
}

fn agreed(one: Option<String>, other: Option<String>) -> Option<String> {
    match (one, other) {
        (Some(one), Some(other)) => (one == other).then_some(one),
        (one, other) => one.or(other),
    }
}
