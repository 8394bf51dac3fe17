//! Which environment variables of a program are kept, and which of them without their value.

use crate::config::Config;
use wildmatch::WildMatch;

/// What stands for a value that is kept back.
const MASK: &str = "***";

/// The configured choice.
#[derive(Debug)]
pub struct Selection {
    kept: Vec<WildMatch>,
    masked: Vec<WildMatch>,
}

impl Selection {
    /// The choice that a configuration makes.
    pub fn of(config: &Config) -> Self {
        let patterns = |names: &[String]| names.iter().map(|name| WildMatch::new(&name.to_uppercase())).collect();
        Self { kept: patterns(&config.environment), masked: patterns(&config.environment_masked) }
    }

    /// Whether nothing is kept.
    pub fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// What is kept of an environment, secrets masked.
    pub fn of_program(&self, environment: &[String]) -> Vec<String> {
        let any = |patterns: &[WildMatch], name: &str| patterns.iter().any(|pattern| pattern.matches(name));
        let chosen = environment.iter().filter_map(|variable| {
            let (name, _) = variable.split_once('=')?;
            let upper = name.to_uppercase();
            if any(&self.masked, &upper) {
                return Some(format!("{name}={MASK}"));
            }
            any(&self.kept, &upper).then(|| variable.clone())
        });
        chosen.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_keeps_its_name_and_loses_its_value() {
        let selection = Selection::of(&Config::default());
        let environment = [
            "PATH=/bin",
            "LD_PRELOAD=/tmp/x.so",
            "MY_SECRET_THING=hunter2",
            "aws_access_key_id=AKIA",
            "KUBERNETES_EXEC_AUDIT_ID=1-2-3",
            "SOMETHING_ELSE=1",
            "no equals sign",
        ]
        .map(str::to_owned);
        let kept = selection.of_program(&environment);
        assert_eq!(
            kept,
            [
                "PATH=/bin",
                "LD_PRELOAD=/tmp/x.so",
                "MY_SECRET_THING=***",
                "aws_access_key_id=***",
                "KUBERNETES_EXEC_AUDIT_ID=1-2-3"
            ]
        );
    }
}
