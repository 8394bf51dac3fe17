//! Which environment variables of a program are kept, and which of them without their value.

use crate::config::Config;
use wildmatch::WildMatch;

/// What stands for a value that is kept back.
const MASK: &str = "***";

/// The configured choice.
#[derive(Clone, Debug)]
pub struct Selection {
    kept: Vec<WildMatch>,
    masked: Vec<WildMatch>,
}

/// What becomes of a variable.
enum Choice {
    /// It is kept without its value.
    Masked,
    /// It is kept.
    Kept,
    /// Nobody asked for it.
    Neither,
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
        let chosen = environment.iter().filter_map(|variable| {
            let (name, _) = variable.split_once('=')?;
            match self.choice(name) {
                Choice::Masked => Some(format!("{name}={MASK}")),
                Choice::Kept => Some(variable.clone()),
                Choice::Neither => None,
            }
        });
        chosen.collect()
    }

    /// The environment that a container was given: every name, and the values that are kept of a program's too.
    pub fn of_container(&self, environment: &[String]) -> Vec<String> {
        let shown = environment.iter().map(|variable| match variable.split_once('=') {
            Some((name, _)) if !matches!(self.choice(name), Choice::Kept) => format!("{name}={MASK}"),
            _ => variable.clone(),
        });
        shown.collect()
    }

    fn choice(&self, name: &str) -> Choice {
        let upper = name.to_uppercase();
        let any = |patterns: &[WildMatch]| patterns.iter().any(|pattern| pattern.matches(&upper));
        if any(&self.masked) {
            return Choice::Masked;
        }
        if any(&self.kept) { Choice::Kept } else { Choice::Neither }
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
