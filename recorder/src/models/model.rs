//! One image's model: it learns, is tried, and judges.

use super::store::Store;
use super::{Identity, Times};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use taffrail_rules::model::{Deviation, Judge, Kind, Profile, Reader};
use taffrail_rules::scene::Scene;
use taffrail_trace::clock::{Anchor, BootNs, UtcNs};

/// How often what was learned or counted is written down.
const SAVE_NS: u64 = 10_000_000_000;
/// How many different deviations of a dry run are kept in words.
const SAID: usize = 64;
/// How many are told from each other.
const TRIED: usize = 1024;
const SECOND_NS: u64 = 1_000_000_000;

/// What a model does with what it sees.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// It learns.
    #[default]
    Learning,
    /// It judges, counts what deviates, and tells nobody.
    DryRun,
    /// What deviates is a finding.
    Active,
}

impl Phase {
    /// Its word on the screen and in files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Learning => "learning",
            Self::DryRun => "dry-run",
            Self::Active => "active",
        }
    }
}

/// What a dry run would have told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    /// The deviation in words.
    pub words: String,
    /// How often it was seen.
    pub times: u64,
}

/// What is kept of a model besides what it learned.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct State {
    /// What the image is known by.
    pub key: String,
    /// What it does.
    pub phase: Phase,
    /// How long it has learned.
    pub learned_seconds: u64,
    /// How long its dry run has lasted.
    pub dry_run_seconds: u64,
    /// When a container of the image was seen last, seconds since 1970.
    pub seen_utc_seconds: i64,
    /// Facts that it had no room for.
    pub left_out: u64,
    /// Scenes that deviated.
    pub deviations: u64,
    /// Those that were told as findings.
    pub findings: u64,
    /// What the dry run would have told.
    pub said: Vec<Said>,
}

/// A model.
#[derive(Debug)]
pub(crate) struct Model {
    pub state: State,
    mind: Mind,
    /// Deviations of the dry run, and where they stand among what was said, if they do.
    tried: HashMap<(Kind, String, Option<String>), Option<usize>>,
    /// Containers of the image that run now.
    pub containers: usize,
    /// What of a second its time has not counted yet.
    rest_ns: u64,
    changed: bool,
    saved_ns: BootNs,
}

#[derive(Debug)]
enum Mind {
    Learns(Profile),
    Judges(Box<Judge>),
}

/// What a model has to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Nothing.
    Usual,
    /// This was never seen before.
    Deviates(Deviation),
}

impl Model {
    /// A model that knows nothing yet.
    pub fn new(identity: Identity, now_utc: UtcNs) -> Self {
        let key = identity.key().unwrap_or_default().to_owned();
        let mut profile = Profile::default();
        (profile.image, profile.digest) = (identity.image, identity.digest);
        let state = State { key, seen_utc_seconds: seconds(now_utc), ..State::default() };
        Self { changed: true, ..Self::of(state, profile) }
    }

    /// A model that goes on where it was.
    pub fn of(state: State, profile: Profile) -> Self {
        let mind = match state.phase {
            Phase::Learning => Mind::Learns(profile),
            Phase::DryRun | Phase::Active => Mind::Judges(Box::new(Judge::new(profile))),
        };
        Self { state, mind, tried: HashMap::new(), containers: 0, rest_ns: 0, changed: false, saved_ns: 0 }
    }

    /// What it knows.
    pub fn profile(&self) -> &Profile {
        match &self.mind {
            Mind::Learns(profile) => profile,
            Mind::Judges(judge) => judge.profile(),
        }
    }

    /// Its judge, once it has learned.
    pub fn judge(&self) -> Option<&Judge> {
        match &self.mind {
            Mind::Learns(_) => None,
            Mind::Judges(judge) => Some(judge),
        }
    }

    /// Learns a scene or judges it.
    pub fn see(&mut self, scene: &dyn Scene, reader: &mut Reader) -> Verdict {
        let deviation = match &mut self.mind {
            Mind::Learns(profile) => {
                let learned = profile.learn(reader, scene);
                self.changed |= learned.new > 0 || learned.left_out > 0;
                self.state.left_out += learned.left_out as u64;
                return Verdict::Usual;
            }
            Mind::Judges(judge) => judge.deviation(scene),
        };
        match deviation {
            None => Verdict::Usual,
            Some(deviation) if self.state.phase == Phase::Active => Verdict::Deviates(deviation),
            Some(deviation) => {
                self.try_out(&deviation);
                Verdict::Usual
            }
        }
    }

    /// Learns or judges what a container did before its image was known. Gives what is to be told.
    pub fn see_early(&mut self, early: &Profile) -> Vec<Deviation> {
        let deviations = match &mut self.mind {
            Mind::Learns(profile) => {
                let (image, digest) = (profile.image.clone(), profile.digest.clone());
                profile.merge(early);
                (profile.image, profile.digest) = (image, digest);
                self.changed = true;
                return Vec::new();
            }
            Mind::Judges(judge) => judge.deviations(early),
        };
        if self.state.phase == Phase::Active {
            return deviations;
        }
        deviations.iter().for_each(|deviation| self.try_out(deviation));
        Vec::new()
    }

    /// Counts a deviation, and whether it was told.
    pub fn count(&mut self, is_told: bool) {
        self.state.deviations += 1;
        self.state.findings += u64::from(is_told);
        self.changed = true;
    }

    /// Lets time pass while its containers run.
    pub fn age(&mut self, passed_ns: u64, times: Times, now: Anchor) {
        self.rest_ns += passed_ns;
        let passed = self.rest_ns / SECOND_NS;
        self.rest_ns %= SECOND_NS;
        if passed > 0 {
            self.state.seen_utc_seconds = seconds(now.utc_ns);
            self.changed = true;
        }
        if self.state.phase == Phase::Learning {
            self.state.learned_seconds += passed;
            if self.state.learned_seconds >= times.learn {
                self.become_phase(Phase::DryRun);
            }
        } else if self.state.phase == Phase::DryRun {
            self.state.dry_run_seconds += passed;
        }
        if self.state.phase == Phase::DryRun && self.state.dry_run_seconds >= times.dry_run {
            self.become_phase(Phase::Active);
        }
    }

    /// Begins a phase, with what it knows.
    pub fn become_phase(&mut self, phase: Phase) {
        let (image, key) = (self.profile().image.clone(), self.state.key.clone());
        tracing::info!(image, key, phase = phase.as_str(), facts = self.profile().len(), "a model's phase begins");
        self.state.phase = phase;
        let profile = self.take();
        self.set(profile);
    }

    /// Replaces what it knows. Its phase stays.
    pub fn set(&mut self, profile: Profile) {
        self.mind = match self.state.phase {
            Phase::Learning => Mind::Learns(profile),
            Phase::DryRun | Phase::Active => Mind::Judges(Box::new(Judge::new(profile))),
        };
        self.tried.clear();
        (self.changed, self.saved_ns) = (true, 0);
    }

    /// Hands what it has to be written, where that is due or `now_or_never`.
    pub fn save(&mut self, store: &mut Store, now_ns: BootNs, now_or_never: bool) {
        let is_due = now_or_never || self.saved_ns == 0 || now_ns.saturating_sub(self.saved_ns) >= SAVE_NS;
        if self.changed && is_due && store.write(&self.state, self.profile(), now_or_never) {
            (self.changed, self.saved_ns) = (false, now_ns.max(1));
        }
    }

    /// Notes what an active model would have told. What comes again costs no words.
    fn try_out(&mut self, deviation: &Deviation) {
        self.state.deviations += 1;
        self.changed = true;
        let (kind, program, fact) = deviation.key();
        let key = (kind, program.to_owned(), fact.map(str::to_owned));
        if let Some(at) = self.tried.get(&key) {
            if let Some(said) = at.and_then(|at| self.state.said.get_mut(at)) {
                said.times += 1;
            }
            return;
        }
        let Some(judge) = self.judge().filter(|_| self.tried.len() < TRIED) else { return };
        let words = judge.words(deviation);
        let said = &mut self.state.said;
        // A recorder before this one may have noted it.
        let mut at = said.iter().position(|said| said.words == words);
        if let Some(at) = at {
            said[at].times += 1;
        } else if said.len() < SAID {
            at = Some(said.len());
            said.push(Said { words, times: 1 });
        }
        self.tried.insert(key, at);
    }

    fn take(&mut self) -> Profile {
        match std::mem::replace(&mut self.mind, Mind::Learns(Profile::default())) {
            Mind::Learns(profile) => profile,
            Mind::Judges(judge) => judge.into_profile(),
        }
    }
}

fn seconds(utc_ns: UtcNs) -> i64 {
    utc_ns / 1_000_000_000
}
