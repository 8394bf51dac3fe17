//! Which rules the recorder asks: those that come with it, and the operator's.

use crate::config::Config;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use taffrail_rules::load::{self, Loaded};
use taffrail_rules::matcher::RuleSet;

/// A rule file is no longer than this.
const FILE_MAX_BYTES: u64 = 16 << 20;

/// Why rules cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RulesError {
    /// A file cannot be read.
    #[error("cannot read the rules in {}: {reason}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        reason: String,
    },
    /// What is in them is wrong: a line each, with file, line and column.
    #[error("{0}")]
    Wrong(String),
    /// A response is configured for a rule that is not there.
    #[error("configuration: response: there is no rule {name:?}; `taffrail rules check` prints their names")]
    NoRule {
        /// The name.
        name: String,
    },
}

/// Reads what the configuration names; rules that ask for what is not recorded are said and left out.
///
/// # Errors
/// [`RulesError`], with all that is wrong at once.
pub fn load(config: &Config) -> Result<Arc<RuleSet>, RulesError> {
    let mut files: Vec<(String, String)> = Vec::new();
    if config.default_rules {
        files.extend(taffrail_rules::DEFAULT.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())));
    }
    for path in &config.rules {
        files.push((path.display().to_string(), read(path)?));
    }
    let Loaded { mut rules, unsupported, disabled, problems } =
        load::load(files.iter().map(|(name, text)| (name.as_str(), text.as_str())));
    if !problems.is_empty() {
        let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
        return Err(RulesError::Wrong(lines.join("\n")));
    }
    // The operator's word comes before the rule's own.
    for (name, response) in &config.response {
        match rules.iter_mut().find(|rule| rule.name == *name) {
            Some(rule) => rule.response = Some(*response),
            None if disabled.contains(name) || unsupported.iter().any(|rule| rule.rule == *name) => {}
            None => return Err(RulesError::NoRule { name: name.clone() }),
        }
    }
    for rule in unsupported {
        tracing::warn!(rule = rule.rule, reason = rule.reasons.join("; "), "a rule is left out");
    }
    Ok(Arc::new(RuleSet::new(rules)))
}

fn read(path: &Path) -> Result<String, RulesError> {
    let problem = |reason: String| RulesError::Read { path: path.to_owned(), reason };
    let file = fs::File::open(path).map_err(|error| problem(error.to_string()))?;
    let mut text = String::new();
    let read = file.take(FILE_MAX_BYTES + 1).read_to_string(&mut text).map_err(|error| problem(error.to_string()))?;
    if read as u64 > FILE_MAX_BYTES {
        return Err(problem(format!("it is longer than {FILE_MAX_BYTES} bytes")));
    }
    Ok(text)
}
