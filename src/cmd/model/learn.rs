//! Models of evidence: `taffrail model learn`.

use super::write;
use crate::Outcome;
use crate::cli::ModelLearnArgs;
use anyhow::{Context as _, Result};
use std::path::Path;
use taffrail_rules::evidence::Evidence;
use taffrail_rules::model::{Profile, Reader};
use taffrail_trace::bundle::Bundle;
use taffrail_trace::text;

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
    let bundle = Bundle::open_stated(path)?;
    let container = &bundle.manifest().container;
    let mut profile = Profile::default();
    (profile.image, profile.digest) = (container.image.clone(), container.image_digest.clone());
    let (mut evidence, mut reader) = (Evidence::of(&bundle)?, Reader::default());
    while let Some(scene) = evidence.next_scene()? {
        profile.learn(&mut reader, &scene);
    }
    Ok(profile)
}
