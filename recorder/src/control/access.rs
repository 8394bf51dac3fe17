//! Who may ask: root, the recorder's own user, and the members of one group where the configuration names it.
//!
//! ```text
//! state directory   root:group 0710   a member reaches what he knows the name of, and lists nothing
//!   control.sock    root:group 0660
//!   evidence/       root:group 0750   bundles 0640
//!   ring/           root 0700         live queries and salvage stay root's
//!   lock            root 0600         or a member could lock a recorder out
//! ```
//!
//! Without a group the state directory is closed (0700), and so is everything in it. The kernel keeps these modes; what
//! is asked of a peer here is the second look, for the day on which somebody has changed them.

use crate::config::Config;
use nix::unistd::{Gid, Group, geteuid};
use procfs::process::Process;
use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use tokio::net::unix::UCred;

/// Why the group of the configuration cannot be let in.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// Nobody knows the group.
    #[error(
        "configuration: control_group = {group:?}: this host has no such group; make it (`groupadd --system {group}`), or take the key out"
    )]
    Unknown {
        /// Its name.
        group: String,
    },
    /// The system could not say.
    #[error("configuration: control_group = {group:?}: the group cannot be looked up: {source}")]
    Lookup {
        /// Its name.
        group: String,
        /// What the system said.
        source: nix::Error,
    },
    /// A mode or an owner cannot be set.
    #[error("cannot set who may use {}: {source}; the file system must keep owners and modes", path.display())]
    Mode {
        /// The file or directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// Who may ask. By default nobody but root and the recorder's own user.
#[derive(Clone, Debug, Default)]
pub(crate) struct Access {
    group: Option<Members>,
}

#[derive(Clone, Debug)]
struct Members {
    name: String,
    gid: Gid,
    evidence_dir: PathBuf,
}

/// Who asks, and is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Asker {
    /// The user.
    pub uid: u32,
    /// Root or the recorder's own user, who may do what the recorder may; else a member of the group.
    pub is_root: bool,
}

impl Access {
    /// As configured.
    pub fn of(config: &Config) -> Result<Self, AccessError> {
        let Some(name) = config.control_group.clone() else { return Ok(Self::default()) };
        match Group::from_name(&name) {
            Ok(Some(group)) => {
                let members = Members { name, gid: group.gid, evidence_dir: config.evidence_dir() };
                Ok(Self { group: Some(members) })
            }
            Ok(None) => Err(AccessError::Unknown { group: name }),
            Err(source) => Err(AccessError::Lookup { group: name, source }),
        }
    }

    /// Opens to the group what it needs of a state directory that is closed, once everything is in it.
    pub fn open(&self, state_dir: &Path) -> Result<(), AccessError> {
        self.let_in(&Config::socket_of(state_dir))?;
        let Some(members) = &self.group else { return Ok(()) };
        set_mode(&state_dir.join("lock"), 0o600)?;
        set_mode(&state_dir.join("ring"), 0o700)?;
        members.own_evidence(state_dir)?;
        members.own(state_dir, 0o710)
    }

    /// Lets the group connect to a socket, and nobody else.
    pub fn let_in(&self, socket: &Path) -> Result<(), AccessError> {
        match &self.group {
            Some(members) => members.own(socket, 0o660),
            None => set_mode(socket, 0o600),
        }
    }

    /// Lets the group read a bundle that lies where evidence goes by itself. Others are their asker's.
    pub fn share(&self, bundle: &Path) -> Result<(), AccessError> {
        match &self.group {
            Some(members) if bundle.parent() == Some(&members.evidence_dir) => members.own(bundle, 0o640),
            _ => Ok(()),
        }
    }

    /// Says who a peer is, or why it is not answered.
    pub fn asker(&self, peer: &UCred) -> Result<Asker, String> {
        let uid = peer.uid();
        if uid == 0 || uid == geteuid().as_raw() {
            return Ok(Asker { uid, is_root: true });
        }
        let Some(members) = &self.group else {
            return Err("only root is answered; a group can be let in with `control_group`".to_owned());
        };
        let gid = members.gid.as_raw();
        if peer.gid() == gid || peer.pid().is_some_and(|pid| is_in(pid, uid, gid)) {
            return Ok(Asker { uid, is_root: false });
        }
        Err(format!("only root and the group {} are answered", members.name))
    }
}

impl Members {
    fn own(&self, path: &Path, mode: u32) -> Result<(), AccessError> {
        chown(path, None, Some(self.gid.as_raw())).map_err(|source| AccessError::Mode { path: path.into(), source })?;
        set_mode(path, mode)
    }

    /// A directory outside of the state directory that is there already keeps the mode that somebody gave it.
    fn own_evidence(&self, state_dir: &Path) -> Result<(), AccessError> {
        let dir = &self.evidence_dir;
        let made =
            dir.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| DirBuilder::new().mode(0o700).create(dir));
        match made {
            Ok(()) => self.own(dir, 0o750),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && dir.starts_with(state_dir) => {
                self.own(dir, 0o750)
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            Err(source) => Err(AccessError::Mode { path: dir.clone(), source }),
        }
    }
}

fn set_mode(path: &Path, mode: u32) -> Result<(), AccessError> {
    fs::set_permissions(path, Permissions::from_mode(mode))
        .map_err(|source| AccessError::Mode { path: path.to_owned(), source })
}

/// Whether a process has a group beside its first one. The peer may be gone and its pid another's by now: that one
/// counts only where it is the same user's, who then could have asked itself.
fn is_in(pid: i32, uid: u32, gid: u32) -> bool {
    let status = Process::new(pid).and_then(|process| process.status());
    status.is_ok_and(|status| status.euid == uid && status.groups.contains(&gid))
}
