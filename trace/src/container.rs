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
