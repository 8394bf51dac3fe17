//! Models of evidence: `taffrail model learn`.

use super::write;
use crate::Outcome;
use crate::cli::ModelLearnArgs;
use anyhow::{Context as _, Result};
use std::collections::HashMap;
use std::net::IpAddr;
use std::path::Path;
use taffrail_rules::model::{Profile, Reader};
use taffrail_rules::scene::Scene;
use taffrail_trace::bundle::Bundle;
use taffrail_trace::clock::{BootNs, UtcNs};
use taffrail_trace::container::Container;
use taffrail_trace::event::{Body, Event, Image};
use taffrail_trace::manifest::Manifest;
use taffrail_trace::recall::Recall;
use taffrail_trace::text;

/// The most addresses whose names are remembered.
const ADDRESSES: usize = 65_536;

/// Learns what the containers of bundles did, and writes it as one model.
pub fn run(args: &ModelLearnArgs) -> Result<Outcome> {
    let mut all: Option<Profile> = None;
    for path in &args.bundles {
        let learned =
            learn(path).with_context(|| format!("cannot learn from {}", text::shown(&path.to_string_lossy())))?;
        match &mut all {
            Some(all) => all.merge(&learned),
            None => all = Some(learned),
        }
    }
    write(&all.unwrap_or_default().to_toml(), args.out.as_deref())?;
    Ok(Outcome::Fine)
}

/// What is normal for the container of a bundle, as far as the bundle tells.
fn learn(path: &Path) -> Result<Profile> {
    let bundle = Bundle::open(path)?;
    let manifest = bundle.manifest();
    let mut profile = Profile::default();
    (profile.image, profile.digest) = (manifest.container.image.clone(), manifest.container.image_digest.clone());
    let mut recall = Recall::of(&bundle)?;
    let mut reader = Reader::default();
    let mut names: HashMap<IpAddr, Vec<String>> = HashMap::new();
    while let Some(event) = recall.next_event()? {
        told(&event, &mut names);
        profile.learn(&mut reader, &Moment { event: &event, recall: &recall, manifest, names: &names });
    }
    Ok(profile)
}

/// Remembers the addresses that a name was answered with.
fn told(event: &Event, names: &mut HashMap<IpAddr, Vec<String>>) {
    let Body::Dns(dns) = &event.body else { return };
    for addr in dns.answers.iter().filter_map(|answer| answer.parse().ok()) {
        if names.len() >= ADDRESSES {
            return;
        }
        let known: &mut Vec<String> = names.entry(addr).or_default();
        if !known.contains(&dns.name) {
            known.push(dns.name.clone());
        }
    }
}

/// An event of a bundle where it happened.
struct Moment<'a> {
    event: &'a Event,
    recall: &'a Recall,
    manifest: &'a Manifest,
    names: &'a HashMap<IpAddr, Vec<String>>,
}

impl Scene for Moment<'_> {
    fn event(&self) -> &Event {
        self.event
    }

    fn image(&self, generation: usize) -> Option<&Image> {
        let own = self.recall.image(self.event.actor.as_ref()?.exec_id);
        (0..generation).try_fold(own?, |image, _| self.recall.parent(image))
    }

    fn container(&self) -> &Container {
        &self.manifest.container
    }

    fn utc(&self, boot_ns: BootNs) -> UtcNs {
        self.manifest.clock.utc(boot_ns)
    }

    fn names_of(&self, addr: IpAddr, eye: &mut dyn FnMut(&str) -> bool) -> bool {
        self.names.get(&addr).is_some_and(|names| names.iter().any(|name| eye(name)))
    }
}
