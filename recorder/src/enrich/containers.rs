//! The directory of containers: cgroup id -> container, known before its first event.
//!
//! Cgroups are found three ways: walking the unified hierarchy at start, being told of each new one by the kernel, and,
//! where that record was lost, looking again. A cgroup that is gone by then is a container of its own with an unknown
//! runtime: its events are never given to somebody else.

use super::accounts::Accounts;
use super::cgroup::{self, Place};
use std::collections::{HashMap, HashSet, VecDeque};
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use taffrail_trace::clock::BootNs;
use taffrail_trace::container::{Container, HOST, Runtime, Setup};
use taffrail_trace::ids::{BootId, ContainerKey};

/// Id of the unified hierarchy's root cgroup: the inode of a kernfs root.
const ROOT_CGROUP: u64 = 1;
/// How often, at most, the hierarchy is walked for a cgroup that nobody told of.
const RESCAN: Duration = Duration::from_millis(200);
/// How long the id of a cgroup that is gone stays known, many times what an event can be late.
const GONE_KNOWN: Duration = Duration::from_secs(60);
/// How deep the hierarchy is walked, as deep as the kernel lets it be by default.
const DEPTH_MAX: usize = 254;
/// Where runc keeps the state of its containers, one directory a name.
const RUNC_STATE: &str = "/run/runc";

/// All containers of this host that have a live cgroup or a ring.
#[derive(Debug)]
pub struct Containers {
    boot: BootId,
    root: PathBuf,
    by_cgroup: HashMap<u64, ContainerKey>,
    known: HashMap<ContainerKey, Container>,
    removed: HashSet<ContainerKey>,
    /// Cgroups that are gone, in the order in which they went.
    gone: VecDeque<(Instant, u64)>,
    scanned: Option<Instant>,
}

/// What became known of a container by one look or record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// A container that was not known; it may be old.
    New(ContainerKey),
    /// Its own cgroup is gone.
    Removed(ContainerKey),
}

/// What a runtime says of a container.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Details {
    /// Its name.
    pub name: Option<String>,
    /// Image name.
    pub image: Option<String>,
    /// Image id or digest.
    pub image_digest: Option<String>,
    /// Labels.
    pub labels: std::collections::BTreeMap<String, String>,
    /// How it was set up.
    pub setup: Option<Box<Setup>>,
}

/// Where the unified hierarchy is mounted, from `/proc/mounts`.
pub fn unified_root() -> Option<PathBuf> {
    let mounts = fs::read_to_string("/proc/self/mounts").ok()?;
    mounts.lines().find_map(|line| {
        let mut fields = line.split(' ');
        let (_, point, kind) = (fields.next()?, fields.next()?, fields.next()?);
        (kind == "cgroup2").then(|| PathBuf::from(point))
    })
}

impl Containers {
    /// Walks the hierarchy at `root` and knows what is there.
    pub fn new(boot: BootId, root: PathBuf) -> (Self, Vec<Change>) {
        let host = ContainerKey::new(&boot, ROOT_CGROUP);
        let mut containers = Self {
            root,
            by_cgroup: HashMap::from([(ROOT_CGROUP, host)]),
            known: HashMap::from([(host, host_container(host))]),
            removed: HashSet::new(),
            gone: VecDeque::new(),
            scanned: None,
            boot,
        };
        let mut changes = vec![Change::New(host)];
        containers.scan(&mut changes);
        (containers, changes)
    }

    /// The host itself.
    pub fn host(&self) -> ContainerKey {
        ContainerKey::new(&self.boot, ROOT_CGROUP)
    }

    /// The container of a cgroup. New ones are put into `changes`.
    pub fn of(&mut self, cgroup_id: u64, changes: &mut Vec<Change>) -> ContainerKey {
        if let Some(key) = self.by_cgroup.get(&cgroup_id) {
            return *key;
        }
        if self.scanned.is_none_or(|at| at.elapsed() > RESCAN) {
            self.scan(changes);
        }
        if let Some(key) = self.by_cgroup.get(&cgroup_id) {
            return *key;
        }
        let key = ContainerKey::new(&self.boot, cgroup_id);
        let id = format!("cgroup-{cgroup_id}");
        self.add(cgroup_id, Place { path: String::new(), id, runtime: Runtime::Unknown }, key, None, changes);
        key
    }

    /// The container of a cgroup path, as `/proc/PID/cgroup` shows it.
    pub fn of_path(&mut self, path: &str, changes: &mut Vec<Change>) -> ContainerKey {
        match self.id_of(path) {
            Some(id) => self.of(id, changes),
            None => self.host(),
        }
    }

    /// The kernel made a cgroup.
    pub fn made(&mut self, cgroup_id: u64, path: &str, time_ns: BootNs, changes: &mut Vec<Change>) -> ContainerKey {
        self.insert(cgroup_id, path, Some(time_ns), changes)
    }

    /// The kernel removed a cgroup. Its id stays known for a while: late events still find their container.
    pub fn gone(&mut self, cgroup_id: u64, path: &str, changes: &mut Vec<Change>) -> ContainerKey {
        let key = self.insert(cgroup_id, path, None, changes);
        self.gone.push_back((Instant::now(), cgroup_id));
        let own = self.known.get(&key).is_some_and(|container| container.cgroup_path == path);
        if own && self.removed.insert(key) {
            changes.push(Change::Removed(key));
        }
        key
    }

    /// Forgets cgroups that went long ago: hosts make and remove them for ever.
    pub fn prune(&mut self) {
        while let Some((_, id)) = self.gone.pop_front_if(|(since, _)| since.elapsed() > GONE_KNOWN) {
            self.by_cgroup.remove(&id);
        }
    }

    /// A container that is known.
    pub fn get(&self, key: ContainerKey) -> Option<&Container> {
        self.known.get(&key)
    }

    /// The cgroups of a container: its own and those below it.
    pub fn cgroups_of(&self, key: ContainerKey) -> Vec<u64> {
        self.by_cgroup.iter().filter(|(_, known)| **known == key).map(|(id, _)| *id).collect()
    }

    /// Where its cgroup is.
    pub fn dir_of(&self, container: &Container) -> PathBuf {
        self.root.join(container.cgroup_path.trim_start_matches('/'))
    }

    /// Whether its cgroup is gone.
    pub fn is_removed(&self, key: ContainerKey) -> bool {
        self.removed.contains(&key)
    }

    /// Binds what a runtime said.
    pub fn bind(&mut self, key: ContainerKey, details: Details) -> Option<&Container> {
        let container = self.known.get_mut(&key)?;
        if let Some(name) = details.name {
            container.name = name;
        }
        container.image = details.image.or(container.image.take());
        container.image_digest = details.image_digest.or(container.image_digest.take());
        container.labels.extend(details.labels);
        container.setup = details.setup.or(container.setup.take());
        Some(container)
    }

    /// Binds the names that a container has for its users and groups; `None` where they are what they were.
    pub fn bind_accounts(&mut self, key: ContainerKey, accounts: Accounts) -> Option<&Container> {
        let container = self.known.get_mut(&key)?;
        if (&container.users, &container.groups) == (&accounts.users, &accounts.groups) {
            return None;
        }
        (container.users, container.groups) = (accounts.users, accounts.groups);
        Some(container)
    }

    /// Takes over a container that an earlier recorder knew. Where it is not there any more it counts as removed.
    pub fn adopt(&mut self, container: Container) {
        if !self.known.contains_key(&container.key) {
            self.removed.insert(container.key);
            self.known.insert(container.key, container);
        }
    }

    /// The container that a person means: by name, id, or at least 4 characters of an id that only one has.
    pub fn find(&self, text: &str) -> Option<ContainerKey> {
        let exact = |container: &&Container| container.name == text || container.id == text;
        let alive = |container: &&Container| !self.removed.contains(&container.key);
        let named: Vec<&Container> = self.known.values().filter(exact).collect();
        if let Some(container) = named.iter().copied().find(|c| alive(c)).or(named.first().copied()) {
            return Some(container.key);
        }
        let mut by_prefix = self.known.values().filter(|c| text.len() >= 4 && c.id.starts_with(text));
        match (by_prefix.next(), by_prefix.next()) {
            (Some(only), None) => Some(only.key),
            _ => None,
        }
    }

    /// Every known container.
    pub fn iter(&self) -> impl Iterator<Item = &Container> {
        self.known.values()
    }

    /// Forgets a container whose ring is gone.
    pub fn forget(&mut self, key: ContainerKey) {
        self.known.remove(&key);
        self.removed.remove(&key);
        self.by_cgroup.retain(|_, known| *known != key);
    }

    fn insert(&mut self, id: u64, path: &str, created: Option<BootNs>, changes: &mut Vec<Change>) -> ContainerKey {
        let runc = |name: &str| Path::new(RUNC_STATE).join(name).join("state.json").exists();
        let Some(place) = cgroup::place(path, &runc) else {
            let host = self.host();
            self.by_cgroup.insert(id, host);
            return host;
        };
        let own_id = if place.path == path { Some(id) } else { self.id_of(&place.path) };
        let key = ContainerKey::new(&self.boot, own_id.unwrap_or(id));
        self.add(id, place, key, created, changes);
        key
    }

    fn add(&mut self, id: u64, place: Place, key: ContainerKey, created: Option<BootNs>, changes: &mut Vec<Change>) {
        self.by_cgroup.insert(id, key);
        if self.known.contains_key(&key) {
            return;
        }
        let name = if place.id.len() == 64 { place.id[..12].to_owned() } else { place.id.clone() };
        let container =
            Container { created_ns: created, ..Container::new(key, place.id, name, place.runtime, place.path) };
        self.known.insert(key, container);
        changes.push(Change::New(key));
    }

    fn id_of(&self, path: &str) -> Option<u64> {
        fs::metadata(self.root.join(path.trim_start_matches('/'))).ok().map(|meta| meta.ino())
    }

    fn scan(&mut self, changes: &mut Vec<Change>) {
        self.scanned = Some(Instant::now());
        let mut open = vec![(self.root.clone(), String::new(), 0)];
        while let Some((dir, path, depth)) = open.pop() {
            // A directory that vanishes while it is walked is a cgroup that was removed.
            let Ok(entries) = fs::read_dir(&dir) else { continue };
            for entry in entries.flatten() {
                let Ok(meta) = entry.metadata() else { continue };
                if !meta.is_dir() || depth >= DEPTH_MAX {
                    continue;
                }
                let child = format!("{path}/{}", entry.file_name().to_string_lossy());
                if !self.by_cgroup.contains_key(&meta.ino()) {
                    self.insert(meta.ino(), &child, None, changes);
                }
                open.push((entry.path(), child, depth + 1));
            }
        }
    }
}

fn host_container(key: ContainerKey) -> Container {
    Container::new(key, HOST.to_owned(), HOST.to_owned(), Runtime::Host, "/".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn empty() -> Containers {
        let root = tempfile::tempdir().expect("tempdir");
        Containers::new(BootId("b".to_owned()), root.path().to_owned()).0
    }

    #[test]
    fn a_container_is_known_by_its_cgroup_before_anybody_names_it() {
        let (mut containers, mut changes) = (empty(), Vec::new());
        let id = "ab".repeat(32);
        let made = containers.made(40, &format!("/docker/{id}"), 5, &mut changes);
        assert_eq!(containers.of(40, &mut changes), made);
        assert_eq!(changes, [Change::New(made)]);
        assert_eq!(containers.get(made).expect("known").name, id[..12]);
        containers.bind(made, Details { name: Some("web".to_owned()), ..Details::default() });
        for name in ["web", &id, &id[..12], &id[..4]] {
            assert_eq!(containers.find(name), Some(made), "{name}");
        }
    }

    #[test]
    fn a_cgroup_that_nobody_told_of_is_never_given_to_somebody_else() {
        let (mut containers, mut changes) = (empty(), Vec::new());
        let lost = containers.of(99, &mut changes);
        assert_ne!(lost, containers.host());
        assert_eq!(containers.get(lost).expect("known").runtime, Runtime::Unknown);
    }

    #[test]
    fn a_removed_container_still_owns_its_late_events() {
        let (mut containers, mut changes) = (empty(), Vec::new());
        let path = format!("/docker/{}", "ab".repeat(32));
        let key = containers.made(40, &path, 5, &mut changes);
        containers.gone(40, &path, &mut changes);
        assert_eq!(changes, [Change::New(key), Change::Removed(key)]);
        assert_eq!(containers.of(40, &mut changes), key);
    }
}
