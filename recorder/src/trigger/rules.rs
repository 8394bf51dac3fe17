//! Which rules the recorder asks: those that come with it, and the operator's.

use crate::config::Config;
use std::sync::Arc;
use taffrail_rules::file::{self, FileError};
use taffrail_rules::matcher::RuleSet;

/// Reads what the configuration names; rules that ask for what is not recorded are said and left out.
///
/// # Errors
/// [`FileError`], with all that is wrong at once.
pub fn load(config: &Config) -> Result<Arc<RuleSet>, FileError> {
    let loaded = file::load(config.default_rules, &config.rules)?;
    for rule in loaded.unsupported {
        tracing::warn!(rule = rule.rule, reason = rule.reasons.join("; "), "a rule is left out");
    }
    Ok(Arc::new(RuleSet::new(loaded.rules)))
}
