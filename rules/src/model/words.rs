//! A deviation said for a person, with what was expected.

use super::fact::called;
use super::{Deviation, Judge, Kind, OUTSIDE};
use std::borrow::Cow;

/// How many of what was expected are named.
const NAMED: usize = 8;

/// Shells and interpreters: what runs them can run anything.
const INTERPRETERS: [&str; 16] = [
    "ash", "bash", "csh", "dash", "fish", "ksh", "mksh", "sh", "tcsh", "zsh", "lua*", "node", "perl", "php", "python*",
    "ruby",
];
/// Directories in which a file is run, or lets somebody in, and the technique.
const DIRECTORIES: [(&str, &str); 7] = [
    ("/etc/cron", "T1053.003"),
    ("/var/spool/cron", "T1053.003"),
    ("/etc/systemd/system", "T1543.002"),
    ("/usr/lib/systemd/system", "T1543.002"),
    ("/etc/init.d", "T1037"),
    ("/etc/profile.d", "T1546.004"),
    ("/etc/pam.d", "T1556.003"),
];
/// What privileges are used for, by how the fact begins.
const PRIVILEGES: [(&str, &str); 12] = [
    ("setns", "T1611"),
    ("unshare", "T1611"),
    ("mount", "T1611"),
    ("move_mount", "T1611"),
    ("pivot_root", "T1611"),
    ("chroot", "T1611"),
    ("module_load", "T1547.006"),
    ("ptrace", "T1055.008"),
    ("process_vm_writev", "T1055"),
    ("memfd_create", "T1620"),
    ("setuid", "T1548"),
    ("packet socket", "T1040"),
];

impl Judge {
    /// What deviates and what was expected, in a sentence without its point.
    pub fn words(&self, deviation: &Deviation) -> String {
        let Deviation { kind, program, fact, by } = deviation;
        let who = called(program);
        let Some(fact) = fact else { return self.never_seen(program, by.as_deref()) };
        let expected = |kind| {
            let habits = self.profile().program(program);
            habits.map(|habits| shown(kind, habits.of(kind).iter().map(String::as_str))).unwrap_or_default()
        };
        if *kind == Kind::Runs && program == OUTSIDE {
            let what = called(fact);
            return match expected(*kind) {
                none if none.is_empty() => format!("{what} was never started from outside the container"),
                some => format!("{what} was never started from outside the container; what was: {some}"),
            };
        }
        let (verb, habit, nothing) = match kind {
            Kind::Runs => ("run", "it runs", "any other program"),
            Kind::Listens => ("listened on", "it listens on", "on any other port"),
            Kind::Connects => ("connected to", "it connects to", "to anything else"),
            Kind::Names => ("asked for", "it asks for", "for any other name"),
            Kind::Writes => ("written in", "it writes in", "anywhere else"),
            Kind::Privileges if fact == "root" => ("run as", "it uses", "used a privilege"),
            Kind::Privileges => ("used", "it uses", "any other privilege"),
        };
        let what = if *kind == Kind::Runs { called(fact) } else { fact };
        match expected(*kind) {
            none if none.is_empty() => format!("{who} has never {verb} {what}, nor {nothing}"),
            some => format!("{who} has never {verb} {what}; {habit}: {some}"),
        }
    }

    /// The ATT&CK technique that a deviation is natural for.
    pub fn technique(deviation: &Deviation) -> Option<&'static str> {
        let starts = |table: &[(&str, &'static str)], fact: &str| {
            table.iter().find(|(start, _)| fact.starts_with(start)).map(|(_, technique)| *technique)
        };
        match (deviation.kind, deviation.fact.as_deref()) {
            (Kind::Runs, fact) => {
                let ran = called(fact.unwrap_or(&deviation.program));
                INTERPRETERS.contains(&ran).then_some("T1059")
            }
            (Kind::Connects, Some(fact)) if fact.ends_with("docker.sock") || fact.ends_with("containerd.sock") => {
                Some("T1611")
            }
            (Kind::Connects, Some(_)) => Some("T1071"),
            (Kind::Names, Some(_)) => Some("T1071.004"),
            (Kind::Writes, Some(fact)) if fact.ends_with("/.ssh") => Some("T1098.004"),
            (Kind::Writes, Some(fact)) => starts(&DIRECTORIES, fact),
            (Kind::Privileges, Some(fact)) => starts(&PRIVILEGES, fact),
            _ => None,
        }
    }

    fn never_seen(&self, program: &str, by: Option<&str>) -> String {
        let who = called(program);
        let all = || {
            let all = self.profile().programs().map(|(name, _)| name).filter(|name| *name != OUTSIDE);
            shown(Kind::Runs, all)
        };
        let habits = by.and_then(|by| self.profile().program(by));
        let runs = habits.map(|habits| shown(Kind::Runs, habits.of(Kind::Runs).iter().map(String::as_str)));
        match (by, runs) {
            (Some(OUTSIDE), Some(runs)) if !runs.is_empty() => {
                format!("{who} was never started from outside the container; what was: {runs}")
            }
            (Some(OUTSIDE), _) => format!("{who} was never started from outside the container"),
            (Some(by), Some(runs)) if runs.is_empty() => {
                format!("{} has never run {who}, nor any other program", called(by))
            }
            (Some(by), Some(runs)) => format!("{} has never run {who}; it runs: {runs}", called(by)),
            (Some(by), None) => {
                format!("{} and {who}, which it ran, never ran in this image; what did: {}", called(by), all())
            }
            (None, _) => format!("{who} never ran in this image; what did: {}", all()),
        }
    }
}

/// The first of what was expected, and how many more. Programs go by their last name.
fn shown<'a>(kind: Kind, facts: impl Iterator<Item = &'a str>) -> String {
    let mut names: Vec<Cow<'_, str>> =
        facts.map(|fact| Cow::Borrowed(if kind == Kind::Runs { called(fact) } else { fact })).collect();
    names.sort();
    names.dedup();
    let more = names.len().saturating_sub(NAMED);
    names.truncate(NAMED);
    if more > 0 {
        names.push(format!("and {more} more").into());
    }
    names.join(", ")
}
