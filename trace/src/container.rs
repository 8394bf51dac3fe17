//! Which container an event happened in.

use crate::clock::BootNs;
use crate::ids::ContainerKey;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What is known of one container. Identity comes from its cgroup at once; the rest is bound when a runtime tells it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Container {
    /// Unique between boots.
    pub key: ContainerKey,
    /// The runtime's id: 64 hex digits from Docker, containerd, CRI-O and podman, a chosen name from runc, `host` for
    /// everything that runs outside containers.
    pub id: String,
    /// The runtime's name for it, else the first 12 characters of the id.
    pub name: String,
    /// Which runtime made it.
    pub runtime: Runtime,
    /// Path of its cgroup below the unified hierarchy's root.
    pub cgroup_path: String,
    /// Boot time at which its cgroup was made; `None` where it is older than the recorder.
    pub created_ns: Option<BootNs>,
    /// Image name as the runtime tells it.
    pub image: Option<String>,
    /// Image id or digest as the runtime tells it.
    pub image_digest: Option<String>,
    /// Labels as the runtime tells them.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// Names of users by their numbers, as its own `/etc/passwd` had them last; none where it was not read.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub users: BTreeMap<u32, String>,
    /// Names of groups by their numbers, likewise.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub groups: BTreeMap<u32, String>,
    /// How it was set up, where its runtime told.
    #[serde(default)]
    pub setup: Option<Box<Setup>>,
}

impl Container {
    /// A container of which no more is known than what its cgroup tells.
    pub fn new(key: ContainerKey, id: String, name: String, runtime: Runtime, cgroup_path: String) -> Self {
        Self {
            key,
            id,
            name,
            runtime,
            cgroup_path,
            created_ns: None,
            image: None,
            image_digest: None,
            labels: BTreeMap::new(),
            users: BTreeMap::new(),
            groups: BTreeMap::new(),
            setup: None,
        }
    }
}

/// How a container was set up, as its runtime tells it: what was asked for. What the kernel made of it is in the tables
/// `state_process` and `state_mount`, and in the manifest's `state.init`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Setup {
    /// Program and arguments: entry point and command together.
    pub command: Vec<String>,
    /// Working directory; `None` for `/`.
    pub working_dir: Option<String>,
    /// The user that it begins as, as in `www-data` or `1000:1000`; `None` for root.
    pub user: Option<String>,
    /// Every environment variable as `NAME=value`; a value that is not among those that the recorder keeps is `***`.
    pub environment: Vec<String>,
    /// Whether it was given everything that the host has.
    pub privileged: bool,
    /// Capabilities beyond the runtime's own choice.
    pub capabilities_added: Vec<String>,
    /// Capabilities taken from the runtime's own choice.
    pub capabilities_dropped: Vec<String>,
    /// What of the host is mounted into it.
    pub mounts: Vec<SetupMount>,
    /// Devices of the host, as `HOST PATH:PATH INSIDE:PERMISSIONS`.
    pub devices: Vec<String>,
    /// Whether its root file system cannot be written.
    pub read_only_root: bool,
    /// Its network: `bridge`, `none`, `host`, `container:ID` or the name of one.
    pub network_mode: Option<String>,
    /// Its pid namespace: `host`, `container:ID`; `None` for one of its own, as for all below.
    pub pid_mode: Option<String>,
    /// Its IPC namespace.
    pub ipc_mode: Option<String>,
    /// Its host name namespace.
    pub uts_mode: Option<String>,
    /// Its user namespace.
    pub user_namespace_mode: Option<String>,
    /// Its cgroup namespace.
    pub cgroup_namespace_mode: Option<String>,
    /// Ports of the host that lead into it, as in `0.0.0.0:8080 -> 80/tcp`.
    pub published_ports: Vec<String>,
    /// Options for security modules and system call filter, as in `seccomp=unconfined`; none for the runtime's defaults.
    pub security_options: Vec<String>,
    /// Its AppArmor profile.
    pub apparmor: Option<String>,
    /// When it was made, as the runtime says it (RFC 3339).
    pub created: Option<String>,
    /// When it was last started.
    pub started: Option<String>,
}

/// Something of the host in a container.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetupMount {
    /// `bind`, `volume` or `tmpfs`.
    pub kind: String,
    /// Where it is on the host.
    pub source: String,
    /// Where it is in the container.
    pub path: String,
    /// Whether it cannot be written.
    pub read_only: bool,
}

/// The name and id of everything that runs in no container.
pub const HOST: &str = "host";

/// A container runtime, told from the shape of a cgroup path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Runtime {
    /// No container at all.
    Host,
    /// Docker Engine.
    Docker,
    /// containerd through its CRI plugin.
    Containerd,
    /// CRI-O.
    Crio,
    /// podman (libpod).
    Podman,
    /// runc by itself.
    Runc,
    /// Kubernetes over a runtime that the path does not name.
    Kubernetes,
    /// The demo's own small container.
    Taffrail,
    /// A cgroup that was gone before it could be looked at.
    Unknown,
}

impl Runtime {
    /// The word used in tables and on the screen.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::Docker => "docker",
            Self::Containerd => "containerd",
            Self::Crio => "crio",
            Self::Podman => "podman",
            Self::Runc => "runc",
            Self::Kubernetes => "kubernetes",
            Self::Taffrail => "taffrail",
            Self::Unknown => "unknown",
        }
    }
}
