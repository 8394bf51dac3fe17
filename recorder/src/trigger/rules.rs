//! Which rules the recorder asks: those that come with it, and the operator's.

use crate::config::Config;
use std::sync::Arc;
use taffrail_rules::file::{self, FileError};
use taffrail_rules::matcher::RuleSet;

/// Why rules cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RulesError {
    /// Their files cannot be read, or are wrong.
    #[error(transparent)]
    File(#[from] FileError),
    /// A response is configured for a rule that is not there.
    #[error("configuration: response: there is no rule {name:?}; `taffrail rules check` prints their names")]
    NoRule {
        /// The name.
        name: String,
    },
}

/// Reads what the configuration names; rules that ask for what is not recorded are said and left out. No rule has a
/// response where the operator allows none.
///
/// # Errors
/// [`RulesError`], with all that is wrong in the files at once.
pub fn load(config: &Config) -> Result<Arc<RuleSet>, RulesError> {
    let mut loaded = file::load(config.default_rules, &config.rules)?;
    // The operator's word comes before the rule's own.
    for (name, response) in &config.response {
        let is_left_out = loaded.disabled.contains(name) || loaded.unsupported.iter().any(|rule| rule.rule == *name);
        match loaded.rules.iter_mut().find(|rule| rule.name == *name) {
            Some(rule) => rule.response = Some(*response),
            None if is_left_out => {}
            None => return Err(RulesError::NoRule { name: name.clone() }),
        }
    }
    if !config.responses {
        loaded.rules.iter_mut().for_each(|rule| rule.response = None);
    }
    for rule in loaded.unsupported {
        tracing::warn!(rule = rule.rule, reason = rule.reasons.join("; "), "a rule is left out");
    }
    Ok(Arc::new(RuleSet::new(loaded.rules)))
}
