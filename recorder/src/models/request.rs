//! What can be asked about models, and changed.

use super::model::{Model, Phase, Said, State};
use super::{Identity, Models};
use serde::{Deserialize, Serialize};
use taffrail_rules::model::{Kind, Profile};
use taffrail_trace::clock::Anchor;
use taffrail_trace::text;

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case", deny_unknown_fields)]
pub enum ModelRequest {
    /// Which there are.
    List,
    /// What one knows.
    Show {
        /// The image's name, its digest, or the beginning of that.
        image: String,
    },
    /// Judge by the one that follows this request, from now on.
    Import {
        /// How long it is.
        bytes: usize,
        /// Try it first.
        dry_run: bool,
    },
    /// Learn an image again.
    Relearn {
        /// The image's name, its digest, or the beginning of that.
        image: String,
        /// Add to what is known; else begin with nothing.
        keep: bool,
    },
}

impl ModelRequest {
    /// Whether it changes what is told from now on.
    pub fn changes(&self) -> bool {
        matches!(self, Self::Import { .. } | Self::Relearn { .. })
    }

    /// The length of the model that follows it.
    pub fn bytes_that_follow(&self) -> usize {
        match self {
            Self::Import { bytes, .. } => *bytes,
            _ => 0,
        }
    }
}

/// What is answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum ModelAnswer {
    /// How every model stands.
    List {
        /// By name.
        models: Vec<ModelStatus>,
    },
    /// One model.
    Shown(Box<ModelShown>),
    /// A model was changed; how it stands now.
    Changed(Box<ModelStatus>),
}

/// How a model stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelStatus {
    /// What it is kept under: the image's digest, else its name.
    pub key: String,
    /// The image's name.
    pub image: Option<String>,
    /// Its digest.
    pub digest: Option<String>,
    /// What it does.
    pub phase: Phase,
    /// How long the phase has lasted, while containers of the image ran, seconds.
    pub phase_seconds: u64,
    /// How long it will last; `None` for the last one.
    pub phase_length_seconds: Option<u64>,
    /// Containers of the image that run now.
    pub containers: usize,
    /// Programs it knows.
    pub programs: usize,
    /// Facts it knows.
    pub facts: usize,
    /// The kinds that are full, of which nothing deviates.
    pub full: Vec<Kind>,
    /// Facts that it had no room for.
    pub left_out: u64,
    /// Events that deviated.
    pub deviations: u64,
    /// Those that were told as findings; the others were like one told before, or of a dry run.
    pub findings: u64,
}

/// A model, with what it knows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelShown {
    /// How it stands.
    pub status: ModelStatus,
    /// What it knows, as a file.
    pub toml: String,
    /// What its dry run would have told.
    pub said: Vec<Said>,
}

impl Models {
    /// Does what is asked. `file` is the model that is imported.
    ///
    /// # Errors
    /// Why it cannot be done, in one line.
    pub fn answer(&mut self, request: &ModelRequest, file: &str, now: Anchor) -> Result<ModelAnswer, String> {
        Ok(match request {
            ModelRequest::List => ModelAnswer::List { models: self.list() },
            ModelRequest::Show { image } => ModelAnswer::Shown(Box::new(self.show(image)?)),
            ModelRequest::Import { dry_run, .. } => ModelAnswer::Changed(Box::new(self.import(file, *dry_run, now)?)),
            ModelRequest::Relearn { image, keep } => ModelAnswer::Changed(Box::new(self.relearn(image, *keep, now)?)),
        })
    }

    /// How every model stands, by name.
    pub fn list(&self) -> Vec<ModelStatus> {
        let mut all: Vec<ModelStatus> = self.models.iter().map(|model| self.status(model)).collect();
        all.sort_by(|a, b| (&a.image, &a.digest).cmp(&(&b.image, &b.digest)));
        all
    }

    /// One model.
    ///
    /// # Errors
    /// Where no image is called so, or several are; in words, with what there is.
    pub fn show(&self, image: &str) -> Result<ModelShown, String> {
        let model = &self.models[self.named(image)?];
        Ok(ModelShown { status: self.status(model), toml: model.profile().to_toml(), said: model.state.said.clone() })
    }

    /// Takes a model from a file and judges by it from now on, or tries it first.
    ///
    /// # Errors
    /// Where the file is no model or names no image.
    pub fn import(&mut self, toml: &str, dry_run: bool, now: Anchor) -> Result<ModelStatus, String> {
        let profile = Profile::from_toml(toml).map_err(|error| error.to_string())?;
        let identity = Identity { image: profile.image.clone(), digest: profile.digest.clone() };
        let Some(key) = identity.key().map(str::to_owned) else {
            return Err("the model names no image; add `image = \"...\"` or `digest = \"...\"`".to_owned());
        };
        let at = match self.models.iter().position(|model| model.state.key == key) {
            Some(at) => at,
            None if self.models.len() < super::MODELS => {
                self.models.push(Model::new(identity, now.utc_ns));
                self.models.len() - 1
            }
            None => return Err(format!("there are {} models already, and no room for more", self.models.len())),
        };
        let seen_utc_seconds = now.utc_ns / 1_000_000_000;
        let phase = if dry_run { Phase::DryRun } else { Phase::Active };
        let model = &mut self.models[at];
        model.state = State { key, phase, seen_utc_seconds, ..State::default() };
        model.set(profile);
        model.save(&mut self.store, now.boot_ns, false);
        Ok(self.status(&self.models[at]))
    }

    /// Has an image learned again.
    ///
    /// # Errors
    /// As [`Self::show`].
    pub fn relearn(&mut self, image: &str, keep: bool, now: Anchor) -> Result<ModelStatus, String> {
        let at = self.named(image)?;
        let model = &mut self.models[at];
        let mut profile = Profile::default();
        if keep {
            profile = model.profile().clone();
        } else {
            (profile.image, profile.digest) = (model.profile().image.clone(), model.profile().digest.clone());
        }
        let State { key, seen_utc_seconds, .. } = std::mem::take(&mut model.state);
        model.state = State { key, seen_utc_seconds, ..State::default() };
        model.set(profile);
        model.save(&mut self.store, now.boot_ns, false);
        Ok(self.status(&self.models[at]))
    }

    fn status(&self, model: &Model) -> ModelStatus {
        let (profile, state) = (model.profile(), &model.state);
        let (phase_seconds, phase_length_seconds) = match state.phase {
            Phase::Learning => (state.learned_seconds, Some(self.times.learn)),
            Phase::DryRun => (state.dry_run_seconds, Some(self.times.dry_run)),
            Phase::Active => (0, None),
        };
        ModelStatus {
            key: state.key.clone(),
            image: profile.image.clone(),
            digest: profile.digest.clone(),
            phase: state.phase,
            phase_seconds,
            phase_length_seconds,
            containers: model.containers,
            programs: profile.programs().count(),
            facts: profile.len(),
            full: profile.full().collect(),
            left_out: state.left_out,
            deviations: state.deviations,
            findings: state.findings,
        }
    }

    /// The one model that a person means.
    fn named(&self, text: &str) -> Result<usize, String> {
        let is_digest = |digest: &str| {
            let hex = digest.split_once(':').map_or(digest, |(_, hex)| hex);
            text.len() >= 4 && (digest.starts_with(text) || hex.starts_with(text))
        };
        let of_name = |model: &Model| model.profile().image.as_deref() == Some(text) || model.state.key == text;
        let of_digest = |model: &Model| model.profile().digest.as_deref().is_some_and(is_digest);
        let found = |fits: &dyn Fn(&Model) -> bool| -> Vec<usize> {
            self.models.iter().enumerate().filter(|(_, model)| fits(model)).map(|(at, _)| at).collect()
        };
        let mut all = found(&of_name);
        if all.is_empty() {
            all = found(&of_digest);
        }
        let name = text::shown(text);
        let list = |at: &mut dyn Iterator<Item = &Model>| {
            let keys: Vec<&str> = at.take(20).map(|model| model.state.key.as_str()).collect();
            text::shown(&keys.join(", ")).into_owned()
        };
        match all.as_slice() {
            [one] => Ok(*one),
            [] if self.models.is_empty() => Err("there is no model yet: no container of an image was seen".to_owned()),
            [] => {
                let names = |model: &Model| model.profile().image.clone().unwrap_or_else(|| model.state.key.clone());
                let all: Vec<String> = self.models.iter().take(20).map(names).collect();
                Err(format!("there is no model of {name}; there are: {}", text::shown(&all.join(", "))))
            }
            several => {
                let keys = list(&mut several.iter().map(|at| &self.models[*at]));
                Err(format!("several models are of {name}; name one by its digest: {keys}"))
            }
        }
    }
}
