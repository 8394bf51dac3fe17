//! Conditions of the filter bar, asked about the session's bundles.

use crate::state::{Asker, Told};
use std::sync::Arc;
use taffrail_query::{Condition, Session};

/// After so many events the asking one is told how far it is.
const TOLD_EVERY: usize = 4_096;

/// Asks a session's bundles.
#[derive(Debug)]
pub struct Bundles(pub Arc<Session>);

impl Asker for Bundles {
    fn bundles(&self) -> usize {
        self.0.bundles().len()
    }

    fn ask(&self, text: &str, bundle: usize, each: &mut dyn FnMut(Told) -> bool) -> Result<(), String> {
        let condition = Condition::parse(text).map_err(|fault| fault.to_string())?;
        let Some(bundle) = self.0.bundles().get(bundle) else { return Ok(()) };
        let (mut events, mut waiting) = (0_usize, Vec::new());
        let asked = condition.ask(bundle, &mut |time, met| {
            waiting.extend(met);
            events += 1;
            !events.is_multiple_of(TOLD_EVERY) || each(Told { until: time, met: std::mem::take(&mut waiting) })
        });
        asked.map_err(|problem| problem.to_string())?;
        each(Told { until: i64::MAX, met: waiting });
        Ok(())
    }
}
