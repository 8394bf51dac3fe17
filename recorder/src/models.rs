//! Models: which container has which, how old they are, and what deviates.
//!
//! ```text
//! models (this file)  container -> image -> model; events in, findings out
//! model               one image's model: learning, then dry run, then active
//! recent              findings that were told lately: each deviation once a container, then counted
//! finding             a deviation as a finding
//! store               models on disk, each whole or not at all, written by a thread of its own
//! request             what can be asked about models, and changed
//! ```
//!
//! ```text
//! learning  --model_learn_seconds-->  dry run  --model_dry_run_seconds-->  active
//!    ^                                                                        |
//!    '------------------------------ relearn ---------------------------------'
//! ```
//!
//! A model's time runs while a container of its image does and the recorder sees it; both ends of a restart of the
//! recorder fit together. Which image a container is of is told by its runtime, often after its first events: until
//! then these are kept aside, to be learned or judged when it is known.
//!
//! A container whose image nobody tells goes by its name, where it has one of its own; else it has no model. What runs in
//! no container has none either.

mod finding;
mod model;
mod recent;
mod request;
mod store;
#[cfg(test)]
mod tests;

pub use finding::SEVERITY;
pub use model::{Phase, Said};
pub use request::{ModelAnswer, ModelRequest, ModelShown, ModelStatus};

use crate::config::Config;
use crate::trigger::Found;
use model::{Model, Verdict};
use recent::Recent;
use std::cmp::Reverse;
use std::collections::HashMap;
use std::io;
use store::Store;
use taffrail_rules::model::{Profile, Reader};
use taffrail_rules::scene::Scene;
use taffrail_trace::clock::{Anchor, BootNs};
use taffrail_trace::container::{Container, Runtime};
use taffrail_trace::event::{Body, Finding, LifecycleOp};
use taffrail_trace::ids::ContainerKey;

/// The most images that have a model. The one whose containers ended the longest ago goes first.
const MODELS: usize = 256;
/// The most containers whose image is not known yet and whose first events are kept aside.
const EARLY: usize = 64;
/// How long a container's image may stay unknown before the container goes by its name, and how often a container for
/// whose model there was no room asks again.
const EARLY_NS: u64 = 10_000_000_000;
/// The longest time that one turn adds to a model's age: a recorder that was stopped saw nothing meanwhile.
const TURN_MAX_NS: u64 = 10_000_000_000;

/// All models, and the containers that they are for.
#[derive(Debug)]
pub struct Models {
    times: Times,
    models: Vec<Model>,
    containers: HashMap<ContainerKey, Seat>,
    reader: Reader,
    recent: Recent,
    store: Store,
    turned_ns: Option<BootNs>,
}

/// How long the first two phases last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Times {
    /// Learning, seconds.
    pub learn: u64,
    /// Dry run, seconds.
    pub dry_run: u64,
}

/// What models have to say of an event.
#[derive(Debug, Default)]
pub struct Judged {
    /// What is told.
    pub found: Vec<Found>,
    /// It deviates, and is only counted.
    pub is_counted: bool,
}

/// Where a container stands.
#[derive(Debug)]
enum Seat {
    /// Its image is not known yet.
    Early { profile: Box<Profile>, since_ns: BootNs },
    /// It is of the image with this key.
    Of(usize),
    /// Nobody told its image, and it has no name of its own.
    Unknown,
    /// All models were in use when it was looked for one.
    NoRoom { since_ns: BootNs },
    /// It ended. What is still told of it is neither learned nor judged.
    Ended,
}

impl Models {
    /// The models that an earlier recorder left in the state directory, to be gone on with.
    ///
    /// # Errors
    /// Where their directory cannot be made or read, or the writing thread not be started.
    pub fn open(config: &Config) -> io::Result<Self> {
        let (store, mut models) = Store::open(&config.state_dir)?;
        models.sort_by_key(|model| Reverse(model.state.seen_utc_seconds));
        models.truncate(MODELS);
        Ok(Self {
            times: Times { learn: config.model_learn_seconds, dry_run: config.model_dry_run_seconds },
            models,
            containers: HashMap::new(),
            reader: Reader::default(),
            recent: Recent::default(),
            store,
            turned_ns: None,
        })
    }

    /// Learns from an event or judges it. With the first event of which the image is known, what was before is judged too,
    /// and comes first.
    pub fn see(&mut self, scene: &dyn Scene) -> Judged {
        let container = scene.container();
        if container.runtime == Runtime::Host {
            return Judged::default();
        }
        match &scene.event().body {
            Body::Lifecycle(moment) if moment.op == LifecycleOp::Removed => {
                self.gone(container.key);
                return Judged::default();
            }
            Body::Lifecycle(_) | Body::Finding(_) | Body::Gap(_) => return Judged::default(),
            _ => {}
        }
        let (at, late) = match self.containers.get(&container.key) {
            Some(Seat::Of(at)) => (Some(*at), None),
            Some(Seat::Ended) => (None, None),
            _ => self.settle(scene).unzip(),
        };
        let mut judged = Judged { found: late.flatten().into_iter().collect(), is_counted: false };
        if let Some(at) = at {
            self.judge(at, scene, &mut judged);
        }
        judged
    }

    /// Adds what one model has to say.
    fn judge(&mut self, at: usize, scene: &dyn Scene, judged: &mut Judged) {
        let Some(model) = self.models.get_mut(at) else { return };
        let Verdict::Deviates(deviation) = model.see(scene, &mut self.reader) else { return };
        let told = self.recent.tell(scene.container().key, &deviation, scene.event().time_ns);
        model.count(told.is_some());
        match told {
            Some(unsaid) => {
                let finding = finding::of(model, &deviation, scene, unsaid);
                judged.found.push(Found { finding, cause: finding::cause(&deviation) });
            }
            None => judged.is_counted = true,
        }
    }

    /// Findings that stand for deviations that were not told by themselves, of which the time to be told came.
    pub fn overdue(&mut self, now_ns: BootNs) -> Vec<(ContainerKey, BootNs, Finding)> {
        let due = self.recent.overdue(now_ns).into_iter();
        due.map(|(key, untold)| (key, untold.last_ns, finding::untold(untold.count))).collect()
    }

    /// The finding that stands for what deviated in a container and was not told until now.
    pub fn untold(&mut self, key: ContainerKey) -> Option<(BootNs, Finding)> {
        self.recent.untold(key).map(|untold| (untold.last_ns, finding::untold(untold.count)))
    }

    /// Containers of which something deviated lately.
    pub fn deviating(&self) -> impl Iterator<Item = ContainerKey> {
        self.recent.containers()
    }

    /// How many models there are, how many there can be, and how many containers have none for want of room.
    pub fn room(&self) -> (usize, usize, usize) {
        let without = self.containers.values().filter(|seat| matches!(seat, Seat::NoRoom { .. })).count();
        (self.models.len(), MODELS, without)
    }

    /// A container ended: its model's time stands still until there is another.
    pub fn gone(&mut self, key: ContainerKey) {
        if let Some(Seat::Of(at)) = self.containers.insert(key, Seat::Ended)
            && let Some(model) = self.models.get_mut(at)
        {
            model.containers = model.containers.saturating_sub(1);
        }
        self.recent.ended(key);
    }

    /// Forgets a container of which nothing will be told any more.
    pub fn forget(&mut self, key: ContainerKey) {
        self.gone(key);
        self.recent.forget(key);
        self.containers.remove(&key);
    }

    /// Lets time pass: models grow older, and what changed is written down. To be called about once a second.
    pub fn tick(&mut self, now: Anchor) {
        let turned_ns = self.turned_ns.replace(now.boot_ns).unwrap_or(now.boot_ns);
        let passed_ns = now.boot_ns.saturating_sub(turned_ns).min(TURN_MAX_NS);
        for model in &mut self.models {
            if model.containers > 0 {
                model.age(passed_ns, self.times, now);
            }
            model.save(&mut self.store, now.boot_ns, false);
        }
    }

    /// Writes down everything that is not yet, and waits for it.
    pub fn close(&mut self, now: Anchor) {
        self.tick(now);
        for model in &mut self.models {
            model.save(&mut self.store, now.boot_ns, true);
        }
        self.store.close();
    }

    /// Finds out which model a container has, and has it learn or judge what was kept aside. `None` while that is open.
    fn settle(&mut self, scene: &dyn Scene) -> Option<(usize, Option<Found>)> {
        let container = scene.container();
        let now_ns = scene.event().time_ns;
        let seat = self.containers.get(&container.key);
        let waited_ns = match seat {
            Some(Seat::Early { since_ns, .. }) => now_ns.saturating_sub(*since_ns),
            Some(Seat::Unknown) => EARLY_NS,
            Some(Seat::NoRoom { since_ns }) if now_ns.saturating_sub(*since_ns) < EARLY_NS => return None,
            Some(Seat::NoRoom { .. }) => EARLY_NS,
            _ => 0,
        };
        let Some(identity) = identity(container, waited_ns >= EARLY_NS) else {
            self.keep_aside(scene, waited_ns >= EARLY_NS);
            return None;
        };
        let Some(at) = self.model_of(identity, scene) else {
            self.no_room(container, now_ns);
            return None;
        };
        let seat = self.containers.insert(container.key, Seat::Of(at));
        let model = self.models.get_mut(at)?;
        model.containers += 1;
        let late = match seat {
            Some(Seat::Early { profile, .. }) => model.see_early(&profile),
            _ => Vec::new(),
        };
        let mut told = late;
        told.retain(|deviation| {
            let is_told = self.recent.tell(container.key, deviation, now_ns).is_some();
            model.count(is_told);
            is_told
        });
        let finding = finding::late(model, &told);
        Some((at, finding.map(|finding| Found { cause: finding::LATE.to_owned(), finding })))
    }

    /// Nothing is learned of a container as long as it has no model. That is said once, and counted.
    fn no_room(&mut self, container: &Container, now_ns: BootNs) {
        let is_first = !self.containers.values().any(|seat| matches!(seat, Seat::NoRoom { .. }));
        if is_first {
            let name = &container.name;
            tracing::warn!(name, models = MODELS, "a container has no model: all are in use by containers that run");
        }
        self.containers.insert(container.key, Seat::NoRoom { since_ns: now_ns });
    }

    /// Learns what a container does whose image is not known, until that is given up.
    fn keep_aside(&mut self, scene: &dyn Scene, is_given_up: bool) {
        let key = scene.container().key;
        if !self.containers.contains_key(&key) {
            let early = self.containers.values().filter(|seat| matches!(seat, Seat::Early { .. })).count();
            let since_ns = scene.event().time_ns;
            let has_room = early < EARLY;
            let seat = if has_room { Seat::Early { profile: Box::default(), since_ns } } else { Seat::Unknown };
            self.containers.insert(key, seat);
        }
        match self.containers.get_mut(&key) {
            Some(seat) if is_given_up => *seat = Seat::Unknown,
            Some(Seat::Early { profile, .. }) => drop(profile.learn(&mut self.reader, scene)),
            _ => {}
        }
    }

    /// The model of an image, a new one where there is none. `None` where all are in use.
    fn model_of(&mut self, identity: Identity, scene: &dyn Scene) -> Option<usize> {
        if let Some(at) = self.find(&identity) {
            return Some(at);
        }
        let new = Model::new(identity, scene.utc(scene.event().time_ns));
        if self.models.len() < MODELS {
            self.models.push(new);
            return Some(self.models.len() - 1);
        }
        let idle = self.models.iter().enumerate().filter(|(_, model)| model.containers == 0);
        let (at, _) = idle.min_by_key(|(_, model)| model.state.seen_utc_seconds)?;
        self.store.remove(&self.models[at].state.key);
        self.models[at] = new;
        Some(at)
    }

    /// The model of an image by its digest; by its name where the model has no digest.
    fn find(&self, identity: &Identity) -> Option<usize> {
        let by_digest = |model: &Model| identity.digest.is_some() && model.profile().digest == identity.digest;
        let by_name = |model: &Model| model.profile().digest.is_none() && model.profile().image == identity.image;
        self.models.iter().position(by_digest).or_else(|| self.models.iter().position(by_name))
    }
}

/// What an image is known by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    image: Option<String>,
    digest: Option<String>,
}

impl Identity {
    /// The text that models are kept under: the digest, else the name.
    fn key(&self) -> Option<&str> {
        self.digest.as_deref().or(self.image.as_deref())
    }
}

/// What a container's image is known by, or the container itself where nobody told its image in time.
fn identity(container: &Container, is_late: bool) -> Option<Identity> {
    let Container { image, image_digest: digest, name, .. } = container;
    if image.is_some() || digest.is_some() {
        return Some(Identity { image: image.clone(), digest: digest.clone() });
    }
    let is_number = name.len() >= 12 && name.bytes().all(|byte| byte.is_ascii_hexdigit());
    let has_name = !is_number && container.runtime != Runtime::Unknown;
    (is_late && has_name).then(|| Identity { image: Some(name.clone()), digest: None })
}
