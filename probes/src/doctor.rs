//! Says what this machine offers a recorder, one check at a time.

use std::path::Path;

use crate::{
    btf::{Btf, VMLINUX},
    hook::HookState,
    load::{Options, Probes},
    load_error::LoadError,
    offsets,
    preflight::{KERNEL_MIN, kernel_release, unified_root},
};

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// What was looked at.
    pub name: String,
    /// Whether it is as it must be.
    pub ok: bool,
    /// Whether recording does without it where it is not ok.
    pub needed: bool,
    /// What was found.
    pub detail: String,
    /// What to do where it is not ok.
    pub fix: Option<String>,
}

impl Check {
    fn new(name: &str, result: Result<String, (String, &str)>) -> Check {
        let (ok, detail, fix) = match result {
            Ok(detail) => (true, detail, None),
            Err((detail, fix)) => (false, detail, Some(fix.to_owned())),
        };
        Check { name: name.to_owned(), ok, needed: true, detail, fix }
    }
}

/// Looks at the kernel, its BTF, the privileges, the cgroup hierarchy, and tries every hook.
pub fn doctor() -> Vec<Check> {
    let mut checks = vec![
        Check::new("kernel", kernel()),
        Check::new("architecture", architecture()),
        Check::new("kernel types (BTF)", types()),
        Check::new("privileges", privileges()),
        Check::new("cgroup hierarchy", cgroups()),
    ];
    checks.extend(hooks());
    checks
}

fn kernel() -> Result<String, (String, &'static str)> {
    match kernel_release() {
        (release, Some(version)) if version >= KERNEL_MIN => Ok(format!("Linux {release}")),
        (release, _) => Err((format!("Linux {release}"), "install Linux 5.11 or newer")),
    }
}

fn architecture() -> Result<String, (String, &'static str)> {
    let found = std::env::consts::ARCH.to_owned();
    if found == "x86_64" { Ok(found) } else { Err((found, "only x86-64 is recorded so far")) }
}

fn types() -> Result<String, (String, &'static str)> {
    Btf::read(Path::new(VMLINUX))
        .and_then(|btf| offsets::from_btf(&btf))
        .map(|_| format!("{VMLINUX} has every field that is needed"))
        .map_err(|error| (error.to_string(), "use a kernel built with CONFIG_DEBUG_INFO_BTF=y"))
}

fn privileges() -> Result<String, (String, &'static str)> {
    /// Numbers of `linux/capability.h`.
    const CAPABILITIES: [(&str, u32); 3] = [("CAP_BPF", 39), ("CAP_PERFMON", 38), ("CAP_SYS_ADMIN", 21)];
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let effective = status
        .lines()
        .find_map(|line| line.strip_prefix("CapEff:"))
        .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .unwrap_or(0);
    let [bpf, perfmon, admin] = CAPABILITIES.map(|(_, bit)| effective >> bit & 1 == 1);
    let names: Vec<&str> =
        CAPABILITIES.iter().filter(|(_, bit)| effective >> bit & 1 == 1).map(|(name, _)| *name).collect();
    let found = if names.is_empty() { "none of those needed".to_owned() } else { names.join(", ") };
    if admin || bpf && perfmon {
        Ok(found)
    } else {
        Err((found, "run as root, or give the program CAP_BPF and CAP_PERFMON (CAP_SYS_ADMIN alone does as well)"))
    }
}

fn cgroups() -> Result<String, (String, &'static str)> {
    unified_root().map(|path| format!("unified (v2) at {}", path.display())).ok_or_else(|| {
        ("no unified (v2) hierarchy is mounted".to_owned(), "mount -t cgroup2 none /sys/fs/cgroup/unified")
    })
}

fn hooks() -> Vec<Check> {
    let options = Options { vital_bytes: 1 << 16, bulk_bytes: 1 << 16, ..Options::default() };
    match Probes::load(&options) {
        Ok(probes) => probes
            .hooks()
            .iter()
            .map(|hook| {
                let result = match &hook.state {
                    HookState::Attached => Ok("loads and attaches".to_owned()),
                    HookState::Refused { reason } | HookState::Unsupported { reason } if hook.optional => {
                        Err((reason.clone(), "none is needed: names of changed files are as programs passed them"))
                    }
                    HookState::Refused { reason } => {
                        Err((reason.clone(), "see why the kernel refuses: lockdown, privileges"))
                    }
                    HookState::Unsupported { reason } => {
                        Err((reason.clone(), "events of this hook are not recorded on this kernel"))
                    }
                };
                Check { needed: !hook.optional, ..Check::new(hook.name, result) }
            })
            .collect(),
        Err(error @ LoadError::Verifier { .. }) => {
            vec![Check::new("kernel programs", Err((error.to_string(), "report this as a bug")))]
        }
        Err(error) => vec![Check::new("kernel programs", Err((error.to_string(), "mend what the checks above say")))],
    }
}
