//! Responses: what a rule has done to its container, where the operator allows it. Off by default.
//!
//! ```text
//! response (this file)   what may be done to whom, and in which words it is told
//! cgroup                 freeze, kill and thaw through one cgroup's files
//! hand                   does it, on a thread of its own, and tells what came of it
//! ```
//!
//! # Invariants
//!
//! * Nothing is done to the host, to the recorder's own cgroup or one above it, to a protected container or one that holds
//!   such, or to a cgroup that has no container's path.
//! * What is acted on is the cgroup that the container was recorded in: a new one under the same path is another one.
//! * A container whose name nobody has told cannot be told from a protected one, so it is left alone where any is.
//! * Every act and every refusal is a finding with source `response` in the container's history.

pub mod cgroup;
mod hand;

pub use hand::{Deed, Done, act};

use crate::enrich::cgroup::is_within;
use crate::proc::Proc;
use std::fmt;
use taffrail_rules::rule::Response;
use taffrail_trace::container::{Container, Runtime};
use taffrail_trace::event::{Finding, FindingSource, Severity};
use wildmatch::WildMatch;

/// What is done to a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Act {
    /// Its processes go on.
    Thaw,
    /// Its processes stand still.
    Freeze,
    /// Its processes are killed.
    Kill,
}

impl Act {
    /// Its word in findings.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Thaw => "thaw",
            Self::Freeze => "freeze",
            Self::Kill => "kill",
        }
    }
}

impl From<Response> for Act {
    fn from(response: Response) -> Self {
        match response {
            Response::Freeze => Self::Freeze,
            Response::Kill => Self::Kill,
        }
    }
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is done; what is to be added.
    Done(String),
    /// It was not tried; why.
    Refused(String),
    /// It was tried in vain; why.
    Failed(String),
}

impl Outcome {
    /// Its word in findings.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Done(_) => "done",
            Self::Refused(_) => "refused",
            Self::Failed(_) => "failed",
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::Done(more) | Self::Refused(more) | Self::Failed(more)) = self;
        write!(f, "{}: {more}", self.as_str())
    }
}

/// What is told of an act in the container's history. `rule` is the rule that asked for it, `manual` for a person.
pub fn finding(rule: &str, act: Act, outcome: &Outcome) -> Finding {
    let severity = if matches!(outcome, Outcome::Done(_)) { Severity::Info } else { Severity::Warning };
    let message = format!("{} {outcome}", act.as_str());
    let mut finding = Finding::new(rule, FindingSource::Response, severity, message);
    finding.tags = vec![act.as_str().to_owned(), outcome.as_str().to_owned()];
    finding
}

/// Who is left alone.
#[derive(Debug)]
pub struct Protection {
    patterns: Vec<(String, WildMatch)>,
    own_cgroup: String,
}

/// Whether something may be done to a container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It may.
    Yes,
    /// Why not.
    No(String),
    /// Nobody has told its name yet; it may be protected.
    NotYet,
}

impl Protection {
    /// Leaves alone who matches one of `patterns` and what this process lives in.
    pub fn new(patterns: &[String]) -> Self {
        let own_cgroup = Proc::open(std::process::id()).and_then(|own| own.cgroup());
        Self::with(patterns, own_cgroup.unwrap_or_default())
    }

    fn with(patterns: &[String], own_cgroup: String) -> Self {
        let patterns = patterns.iter().map(|pattern| (pattern.clone(), WildMatch::new(pattern))).collect();
        Self { patterns, own_cgroup }
    }

    /// Whether the container may be frozen or killed, with the containers that run inside of it.
    pub fn allows<'a>(&self, container: &Container, inside: impl Iterator<Item = &'a Container>) -> Answer {
        let mut answer = self.allows_one(container);
        for inner in inside {
            match (self.allows_one(inner), &answer) {
                (_, Answer::No(_)) => break,
                (Answer::No(why), _) => answer = Answer::No(format!("{} runs inside of it: {why}", inner.name)),
                (Answer::NotYet, _) => answer = Answer::NotYet,
                (Answer::Yes, _) => {}
            }
        }
        answer
    }

    fn allows_one(&self, container: &Container) -> Answer {
        let path = &container.cgroup_path;
        if container.runtime == Runtime::Host || !path.starts_with('/') || path.len() < 2 {
            return Answer::No("the host is never frozen or killed".to_owned());
        }
        if is_within(&self.own_cgroup, path) {
            return Answer::No("the recorder itself runs in it".to_owned());
        }
        if let Some((text, _)) = self.patterns.iter().find(|(_, pattern)| fits(pattern, container)) {
            return Answer::No(format!("protected by {text:?} of response_protect"));
        }
        let is_told = container.image.is_some() || matches!(container.runtime, Runtime::Runc | Runtime::Taffrail);
        if self.patterns.is_empty() || is_told { Answer::Yes } else { Answer::NotYet }
    }
}

/// Whether a pattern fits a container's name, id, image or one of its labels as `name=value`.
pub fn fits(pattern: &WildMatch, container: &Container) -> bool {
    let known = [Some(container.name.as_str()), Some(container.id.as_str()), container.image.as_deref()];
    known.into_iter().flatten().any(|text| pattern.matches(text))
        || container.labels.iter().any(|(name, value)| pattern.matches(&format!("{name}={value}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;
    use taffrail_trace::ids::ContainerKey;

    fn container(runtime: Runtime, path: &str) -> Container {
        Container {
            image: Some("registry.example/shop/web:3".to_owned()),
            labels: BTreeMap::from([("tier".to_owned(), "front".to_owned())]),
            ..Container::new(ContainerKey(7), "ab".repeat(32), "web-1".to_owned(), runtime, path.to_owned())
        }
    }

    fn allows(patterns: &[&str], container: &Container) -> Answer {
        let patterns: Vec<String> = patterns.iter().map(|&pattern| pattern.to_owned()).collect();
        Protection::with(&patterns, "/docker/self/inner".to_owned()).allows(container, std::iter::empty())
    }

    #[test]
    fn who_holds_a_protected_container_is_protected_with_it() {
        let outer = Container { name: "outer".to_owned(), ..container(Runtime::Docker, "/docker/x") };
        let inner = container(Runtime::Docker, "/docker/x/docker/y");
        let protection = Protection::with(&["web-1".to_owned()], String::new());
        assert_eq!(protection.allows(&outer, std::iter::empty()), Answer::Yes);
        let Answer::No(why) = protection.allows(&outer, [&inner].into_iter()) else { panic!("it is protected") };
        assert!(why.starts_with("web-1 runs inside of it: protected by"), "{why}");
        let unnamed = Container { name: "y".to_owned(), image: None, ..inner };
        assert_eq!(protection.allows(&outer, [&unnamed].into_iter()), Answer::NotYet);
    }

    #[test]
    fn nothing_is_ever_done_to_the_host_or_to_what_has_no_cgroup_of_its_own() {
        for path in ["/", "", "docker/x"] {
            assert!(matches!(allows(&[], &container(Runtime::Unknown, path)), Answer::No(_)), "{path:?}");
        }
        assert!(matches!(allows(&[], &container(Runtime::Host, "/docker/x")), Answer::No(_)));
    }

    #[test]
    fn nothing_is_ever_done_to_the_recorder_s_own_cgroup_or_one_above_it() {
        for (path, expected) in
            [("/docker/self/inner", false), ("/docker/self", false), ("/docker", false), ("/docker/sel", true)]
        {
            let answer = allows(&[], &container(Runtime::Docker, path));
            assert_eq!(answer == Answer::Yes, expected, "{path}: {answer:?}");
        }
    }

    #[test]
    fn a_container_is_protected_by_its_name_id_image_or_label() {
        let web = container(Runtime::Docker, "/docker/x");
        for pattern in ["web-*", "abab*", "*/shop/*", "tier=front", "*"] {
            assert!(matches!(allows(&["other", pattern], &web), Answer::No(_)), "{pattern}");
        }
        for pattern in ["we", "tier", "shop", "db-*"] {
            assert_eq!(allows(&[pattern], &web), Answer::Yes, "{pattern}");
        }
    }

    #[test]
    fn a_container_that_nobody_has_named_waits_where_any_is_protected() {
        let web = Container { image: None, ..container(Runtime::Docker, "/docker/x") };
        assert_eq!(allows(&["db-*"], &web), Answer::NotYet);
        assert_eq!(allows(&[], &web), Answer::Yes);
        let runc = Container { runtime: Runtime::Runc, ..web };
        assert_eq!(allows(&["db-*"], &runc), Answer::Yes, "runc's names are its ids");
    }
}
