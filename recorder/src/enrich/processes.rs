//! The process table: the kernel's image key -> the image with its lineage.
//!
//! Invariants:
//! * An image stays known while anything alive descends from it, and while an open batch names it.
//! * An actor is never guessed: a key that does not match what is known becomes an image of its own, filled from
//!   `/proc` where the process still is there, and with nothing but its thread name where it is not.

use super::scan::{self, Found};
use crate::proc::Stat;
use std::collections::HashMap;
use std::sync::Arc;
use taffrail_probes::abi::process::Fork;
use taffrail_probes::abi::{Header, ImageKey};
use taffrail_trace::event::{Credentials, Entered, ExeFile, Image, Namespaces, Origin, Stdio};
use taffrail_trace::ids::{BootId, ContainerKey, ExecId, ProcessId};
use taffrail_trace::text;

/// How many ancestors are kept. An attacker who forks in a chain for ever must not make the table grow for ever; what
/// is cut away is the far end of the chain.
const ANCESTORS_MAX: u32 = 128;

/// An image and, through its creator, its whole lineage.
#[derive(Debug)]
pub struct Known {
    /// The image.
    pub image: Image,
    /// The image that made its process.
    pub parent: Option<Arc<Known>>,
    /// Whose history it belongs to.
    pub home: ContainerKey,
    depth: u32,
}

impl Known {
    /// An image that `parent` made, which lives in `home`.
    pub fn new(image: Image, parent: Option<Arc<Known>>, home: ContainerKey) -> Arc<Self> {
        let depth = parent.as_ref().map_or(0, |parent| parent.depth + 1);
        if depth < ANCESTORS_MAX {
            return Arc::new(Self { image, parent, home, depth });
        }
        let parent = parent.map(|parent| parent.nearest(ANCESTORS_MAX / 2));
        Arc::new(Self { image, parent, home, depth: ANCESTORS_MAX / 2 })
    }

    /// A copy of this image with only its nearest `keep` ancestors.
    fn nearest(&self, keep: u32) -> Arc<Self> {
        let chain: Vec<&Known> = self.lineage().take(keep as usize).collect();
        let copy = chain.into_iter().rev().fold(None, |parent, known| {
            let depth = parent.as_ref().map_or(0, |parent: &Arc<Self>| parent.depth + 1);
            Some(Arc::new(Self { image: known.image.clone(), parent, home: known.home, depth }))
        });
        copy.unwrap_or_else(|| Arc::new(Self { image: self.image.clone(), parent: None, home: self.home, depth: 0 }))
    }

    /// The image, its creator, its creator's creator and so on.
    pub fn lineage(&self) -> impl Iterator<Item = &Known> {
        std::iter::successors(Some(self), |known| known.parent.as_deref())
    }
}

/// All live processes.
#[derive(Debug)]
pub struct Processes {
    boot: BootId,
    by_pid: HashMap<u32, Process>,
}

#[derive(Debug)]
struct Process {
    id: ProcessId,
    /// The kernel's exec counter, once an event has told it.
    exec_seq: Option<u64>,
    /// Images known so far.
    images: u32,
    /// Threads made besides the first.
    threads: u32,
    current: Arc<Known>,
}

/// The container of a newcomer, as tables name it.
#[derive(Clone, Copy, Debug)]
pub struct In<'a> {
    /// The container.
    pub key: ContainerKey,
    /// Its id.
    pub container_id: &'a str,
    /// Its name so far.
    pub container_name: &'a str,
}

/// A container's key, id and name at this moment.
#[derive(Clone, Debug)]
pub struct Place {
    /// The container.
    pub key: ContainerKey,
    /// Its id.
    pub id: String,
    /// Its name so far.
    pub name: String,
}

impl Place {
    /// For a newcomer.
    pub fn within(&self) -> In<'_> {
        In { key: self.key, container_id: &self.id, container_name: &self.name }
    }
}

/// What an exec record says, decoded.
#[derive(Debug)]
pub struct Ran {
    /// The executable.
    pub exe: String,
    /// What it is beside its name.
    pub exe_file: ExeFile,
    /// What was asked to be run, where that is a script.
    pub script: Option<String>,
    /// The arguments.
    pub args: Vec<String>,
    /// The arguments were longer.
    pub args_cut: bool,
    /// The environment, or what is kept of it.
    pub environment: Vec<String>,
    /// The working directory.
    pub cwd: String,
    /// fd 0, 1 and 2.
    pub stdio: [Stdio; 3],
    /// Ids and capabilities.
    pub credentials: Credentials,
    /// Namespaces.
    pub namespaces: Namespaces,
    /// Who logged in.
    pub login_uid: Option<u32>,
    /// The controlling terminal.
    pub tty: Option<String>,
    /// The kernel's parent.
    pub parent: ImageKey,
}

impl Processes {
    /// An empty table.
    pub fn new(boot: BootId) -> Self {
        Self { boot, by_pid: HashMap::new() }
    }

    /// Puts what `/proc` showed at start into the table, parents before children. `place` tells the container of a
    /// cgroup path.
    pub fn adopt(&mut self, mut found: Vec<Found>, place: &mut dyn FnMut(&str) -> Place) -> Vec<Arc<Known>> {
        found.sort_by_key(|process| (process.told.start_ns, process.told.pid));
        let mut adopted = Vec::with_capacity(found.len());
        let mut later = Vec::new();
        // A parent can have started in the same tick as its child, or have adopted an older orphan.
        for process in found {
            let ppid = process.told.ppid;
            if ppid != 0 && !self.by_pid.contains_key(&ppid) {
                later.push(process);
            } else {
                adopted.push(self.adopt_one(process, place));
            }
        }
        for process in later {
            adopted.push(self.adopt_one(process, place));
        }
        adopted
    }

    fn adopt_one(&mut self, found: Found, place: &mut dyn FnMut(&str) -> Place) -> Arc<Known> {
        let Place { key, id: container_id, name: container_name } = place(&found.cgroup_path);
        let parent = self.by_pid.get(&found.told.ppid).map(|parent| Arc::clone(&parent.current));
        let (pid, start_ns) = (found.told.pid, found.told.start_ns);
        let image = found.image(parent.as_ref().map(|p| p.image.exec_id), container_id, container_name);
        self.begin(pid, start_ns, None, image, parent, key)
    }

    /// The actor's image. A newcomer (its fork was lost) is in `fresh`.
    pub fn of(&mut self, header: &Header, place: In<'_>, fresh: &mut Vec<Arc<Known>>) -> Arc<Known> {
        let key = header.image;
        let id = ProcessId::new(&self.boot, key.pid, key.start_boottime_ns);
        if let Some(process) = self.by_pid.get_mut(&key.pid).filter(|process| process.id == id) {
            if *process.exec_seq.get_or_insert(key.exec_seq) == key.exec_seq {
                return Arc::clone(&process.current);
            }
        }
        let known = self.stranger(header, id, place);
        fresh.push(Arc::clone(&known));
        known
    }

    /// An image of which no exec or fork was delivered.
    fn stranger(&mut self, header: &Header, id: ProcessId, place: In<'_>) -> Arc<Known> {
        let key = header.image;
        let (container_id, container_name) = (place.container_id.to_owned(), place.container_name.to_owned());
        let is_it = |stat: &Stat| ProcessId::new(&self.boot, key.pid, stat.start_ns()) == id;
        let found = scan::one(&self.boot, key.pid, is_it);
        let before = self.by_pid.get(&key.pid).filter(|process| process.id == id);
        let parent = match (&found, before) {
            (_, Some(before)) => before.current.parent.clone(),
            (Some(found), None) => self.by_pid.get(&found.told.ppid).map(|parent| Arc::clone(&parent.current)),
            (None, None) => None,
        };
        let parent_id = parent.as_ref().map(|parent| parent.image.exec_id);
        let mut image = match found {
            Some(found) => found.image(parent_id, container_id, container_name),
            None => scan::nobody(header, id, container_id, container_name),
        };
        image.time_ns = if before.is_some() { header.time_ns } else { key.start_boottime_ns };
        self.begin(key.pid, key.start_boottime_ns, Some(key.exec_seq), image, parent, place.key)
    }

    /// A process was made by `creator`.
    pub fn forked(
        &mut self,
        header: &Header,
        fork: &Fork,
        creator: &Arc<Known>,
        namespaces: Namespaces,
        place: In<'_>,
    ) -> Arc<Known> {
        let child = fork.child;
        let image = Image {
            origin: Origin::Fork,
            parent_exec_id: Some(creator.image.exec_id),
            time_ns: header.time_ns,
            pid: child.pid,
            ppid: header.image.pid,
            uid: fork.child_uid,
            namespaces: Some(namespaces),
            comm: comm(header),
            stdio: [Stdio::Unknown; 3],
            entered: None,
            container_id: place.container_id.to_owned(),
            container_name: place.container_name.to_owned(),
            ..creator.image.clone()
        };
        let creator = Some(Arc::clone(creator));
        self.begin(child.pid, child.start_boottime_ns, Some(child.exec_seq), image, creator, place.key)
    }

    /// The image that made a process, which the record of its exec names by the kernel's parent as well.
    pub fn creator(&self, process: ImageKey, parent: ImageKey) -> Option<Arc<Known>> {
        let id = ProcessId::new(&self.boot, process.pid, process.start_boottime_ns);
        match self.by_pid.get(&process.pid).filter(|process| process.id == id) {
            Some(process) => process.current.parent.clone(),
            None => self.current(parent),
        }
    }

    /// A process ran another image.
    pub fn ran(&mut self, header: &Header, ran: Ran, entered: Option<Entered>, place: In<'_>) -> Arc<Known> {
        let key = header.image;
        let creator = self.creator(key, ran.parent);
        // An exec ends all threads but one.
        if let Some(process) = self.by_pid.get_mut(&key.pid) {
            process.threads = 0;
        }
        let image = Image {
            exec_id: ExecId(0),
            process_id: ProcessId::new(&self.boot, key.pid, key.start_boottime_ns),
            parent_exec_id: creator.as_ref().map(|creator| creator.image.exec_id),
            origin: Origin::Exec,
            time_ns: header.time_ns,
            pid: key.pid,
            ppid: ran.parent.pid,
            uid: header.uid,
            gid: header.gid,
            credentials: Some(ran.credentials),
            namespaces: Some(ran.namespaces),
            login_uid: ran.login_uid,
            tty: ran.tty,
            comm: comm(header),
            exe: ran.exe,
            exe_file: Some(ran.exe_file),
            script: ran.script,
            environment: ran.environment,
            entered,
            args: ran.args,
            args_cut: ran.args_cut,
            cwd: ran.cwd,
            stdio: ran.stdio,
            container_id: place.container_id.to_owned(),
            container_name: place.container_name.to_owned(),
        };
        self.begin(key.pid, key.start_boottime_ns, Some(key.exec_seq), image, creator, place.key)
    }

    /// A process made a thread.
    pub fn threaded(&mut self, key: ImageKey) {
        if let Some(process) = self.by_pid.get_mut(&key.pid) {
            process.threads = process.threads.saturating_add(1);
        }
    }

    /// How many threads a process made besides its first.
    pub fn threads(&self, key: ImageKey) -> u32 {
        self.by_pid.get(&key.pid).map_or(0, |process| process.threads)
    }

    /// The process is over; its image lives on as long as somebody refers to it.
    pub fn ended(&mut self, key: ImageKey) {
        let id = ProcessId::new(&self.boot, key.pid, key.start_boottime_ns);
        if self.by_pid.get(&key.pid).is_some_and(|process| process.id == id) {
            self.by_pid.remove(&key.pid);
        }
    }

    /// The current images of all live processes.
    pub fn live(&self) -> impl Iterator<Item = &Arc<Known>> {
        self.by_pid.values().map(|process| &process.current)
    }

    /// What the live process of this key runs, whatever its exec counter.
    pub fn current(&self, key: ImageKey) -> Option<Arc<Known>> {
        let id = ProcessId::new(&self.boot, key.pid, key.start_boottime_ns);
        self.by_pid.get(&key.pid).filter(|process| process.id == id).map(|process| Arc::clone(&process.current))
    }

    /// Makes `image` the current one of its process and names it.
    fn begin(
        &mut self,
        pid: u32,
        start_ns: u64,
        exec_seq: Option<u64>,
        mut image: Image,
        parent: Option<Arc<Known>>,
        home: ContainerKey,
    ) -> Arc<Known> {
        let id = ProcessId::new(&self.boot, pid, start_ns);
        let before = self.by_pid.get(&pid).filter(|process| process.id == id);
        let (images, threads) = before.map_or((0, 0), |process| (process.images, process.threads));
        image.process_id = id;
        image.exec_id = id.image(&self.boot, images);
        let current = Known::new(image, parent, home);
        let process = Process { id, exec_seq, images: images + 1, threads, current: Arc::clone(&current) };
        self.by_pid.insert(pid, process);
        current
    }
}

/// The thread's name in a header.
pub fn comm(header: &Header) -> String {
    let end = header.comm.iter().position(|byte| *byte == 0).unwrap_or(header.comm.len());
    text::from_bytes(&header.comm[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: In<'static> = In { key: ContainerKey(1), container_id: "c", container_name: "c" };

    fn header(pid: u32, start: u64, seq: u64) -> Header {
        let image = ImageKey { start_boottime_ns: start, exec_seq: seq, pid, pad: 0 };
        Header { image, time_ns: start + 1, ..Header::default() }
    }

    fn ran(exe: &str, parent: ImageKey) -> Ran {
        let strings = crate::enrich::convert::process::Strings { args: exe.as_bytes(), ..Default::default() };
        let exec = taffrail_probes::abi::process::Exec { parent, ..Default::default() };
        Ran { exe: exe.to_owned(), ..crate::enrich::convert::process::exec(&Header::default(), &exec, &strings) }
    }

    fn fork(child: ImageKey) -> Fork {
        Fork { child, ..Fork::default() }
    }

    /// Pids that no test machine has, so that nothing is found in /proc.
    const PID: u32 = 4_000_000;

    fn table() -> Processes {
        Processes::new(BootId("b".to_owned()))
    }

    #[test]
    fn a_lineage_survives_the_death_of_everybody_in_it() {
        let mut table = table();
        let init = table.ran(&header(PID, 1_000_000_000, 1), ran("/init", ImageKey::default()), None, HERE);
        let child_key = ImageKey { start_boottime_ns: 2_000_000_000, exec_seq: 1, pid: PID + 1, pad: 0 };
        table.forked(&header(PID, 1_000_000_000, 1), &fork(child_key), &init, Namespaces::default(), HERE);
        let orphan = ImageKey { pid: 1, ..ImageKey::default() };
        let shell = table.ran(&header(PID + 1, 2_000_000_000, 2), ran("/bin/sh", orphan), None, HERE);
        table.ended(header(PID, 1_000_000_000, 1).image);
        drop(init);
        let names: Vec<&str> = shell.lineage().map(|known| known.image.exe.as_str()).collect();
        assert_eq!(names, ["/bin/sh", "/init"], "the creator counts, not the reaper");
    }

    #[test]
    fn a_reused_pid_gets_no_events_of_the_one_before() {
        let mut table = table();
        let old = table.ran(&header(PID, 1_000_000_000, 1), ran("/old", ImageKey::default()), None, HERE);
        let mut fresh = Vec::new();
        let new = table.of(&header(PID, 9_000_000_000, 1), HERE, &mut fresh);
        assert_ne!(old.image.exec_id, new.image.exec_id);
        assert_eq!(new.image.exe, "");
        assert_eq!(fresh.len(), 1);
    }

    #[test]
    fn an_exec_that_was_lost_shows_as_another_image_and_not_as_the_old_program() {
        let mut table = table();
        let before = table.ran(&header(PID, 1_000_000_000, 1), ran("/bin/sh", ImageKey::default()), None, HERE);
        let mut fresh = Vec::new();
        let after = table.of(&header(PID, 1_000_000_000, 2), HERE, &mut fresh);
        assert_eq!(before.image.process_id, after.image.process_id);
        assert_ne!(before.image.exec_id, after.image.exec_id);
        assert_eq!(after.image.exe, "", "nothing is known of it");
    }

    #[test]
    fn a_chain_of_forks_does_not_grow_for_ever() {
        let mut table = table();
        let mut last = table.ran(&header(PID, 1_000_000_000, 1), ran("/init", ImageKey::default()), None, HERE);
        for link in 1..2_000_u32 {
            let start = 1_000_000_000 + u64::from(link) * 20_000_000;
            let child = ImageKey { start_boottime_ns: start, exec_seq: 1, pid: PID + link, pad: 0 };
            last = table.forked(&header(PID + link - 1, start, 1), &fork(child), &last, Namespaces::default(), HERE);
        }
        assert!(last.lineage().count() <= ANCESTORS_MAX as usize + 1);
    }
}
