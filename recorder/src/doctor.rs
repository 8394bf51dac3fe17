//! What this machine offers a recorder: the kernel's side from the probes, the runtimes' side from here.

use std::path::Path;

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// What was looked at.
    pub name: String,
    /// Whether it is there.
    pub ok: bool,
    /// Whether recording needs it.
    pub needed: bool,
    /// What was found.
    pub detail: String,
    /// What to do where it is not ok.
    pub fix: Option<String>,
}

/// Sockets of container runtimes, and what each is asked for.
const RUNTIMES: [(&str, &str, &str); 5] = [
    ("Docker", "/var/run/docker.sock", "asked for names, images and labels"),
    ("containerd", "/run/containerd/containerd.sock", "told apart by cgroup, not asked for names yet"),
    ("CRI-O", "/var/run/crio/crio.sock", "told apart by cgroup, not asked for names yet"),
    ("podman", "/run/podman/podman.sock", "told apart by cgroup, not asked for names yet"),
    ("runc", "/run/runc", "told apart by cgroup and its state directory"),
];

/// Every check: the kernel, privileges and hooks, then the runtimes that are here.
pub fn doctor() -> Vec<Check> {
    let mut checks: Vec<Check> = taffrail_probes::doctor()
        .into_iter()
        .map(|check| Check {
            name: check.name,
            ok: check.ok,
            needed: check.needed,
            detail: check.detail,
            fix: check.fix,
        })
        .collect();
    checks.extend(RUNTIMES.iter().map(|(name, path, use_of_it)| {
        let ok = Path::new(path).exists();
        let detail = if ok { format!("{path}: {use_of_it}") } else { format!("not here ({path})") };
        Check { name: format!("runtime {name}"), ok, needed: false, detail, fix: None }
    }));
    checks
}
