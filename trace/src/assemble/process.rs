//! The lives of program images: who each was, when it ended, and who its ancestors were.

use crate::clock::BootNs;
use crate::event::{Body, Event, ExeFile, Exit, Image};
use crate::ids::{ExecId, ProcessId};
use crate::manifest::Window;
use std::collections::{HashMap, HashSet};

/// Every image that the events and the live lists tell of.
#[derive(Debug)]
pub struct Processes<'a> {
    images: HashMap<ExecId, &'a Image>,
    ends: HashMap<ExecId, End>,
    /// What became of the images whose file was to be read; `None` where it could not be.
    digests: HashMap<ExecId, Option<&'a [u8; 32]>>,
    /// The same by file, for other images of it; `None` where two contents have the same key.
    digests_by_file: HashMap<FileKey, Option<&'a [u8; 32]>>,
}

/// One content of one file: inode, device and change time.
type FileKey = (u64, u32, u64);

/// How and when an image ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct End {
    /// When.
    pub time_ns: BootNs,
    /// How its process ended; `None` where the process ran another image.
    pub exit: Option<Exit>,
}

/// One image from beginning to end.
#[derive(Clone, Copy, Debug)]
pub struct Life<'a> {
    /// The image.
    pub image: &'a Image,
    /// Its end, where it has been seen.
    pub end: Option<End>,
}

impl<'a> Processes<'a> {
    /// Collects images from `live` and `events`. An image ends where the next one of its process begins, or its process
    /// exits.
    pub fn of(live: &'a [Image], events: &'a [Event]) -> Self {
        let mut images: HashMap<ExecId, &'a Image> = live.iter().map(|image| (image.exec_id, image)).collect();
        let mut ends = HashMap::new();
        let mut digests = HashMap::new();
        let mut digests_by_file: HashMap<FileKey, Option<&'a [u8; 32]>> = HashMap::new();
        for event in events {
            match (&event.body, &event.actor) {
                (Body::Image(image), _) => {
                    images.entry(image.exec_id).or_insert(image);
                }
                (Body::Exit(exit), Some(actor)) => {
                    ends.insert(actor.exec_id, End { time_ns: event.time_ns, exit: Some(*exit) });
                }
                (Body::Digest(digest), actor) => {
                    let sha256 = digest.sha256.as_ref().ok();
                    digests.extend(actor.as_ref().map(|actor| (actor.exec_id, sha256)));
                    if let Some(sha256) = sha256 {
                        let key = (digest.inode, digest.dev, digest.ctime_ns);
                        let known = digests_by_file.entry(key).or_insert(Some(sha256));
                        *known = known.filter(|known| *known == sha256);
                    }
                }
                _ => {}
            }
        }
        let mut by_process: HashMap<ProcessId, Vec<&'a Image>> = HashMap::new();
        for image in images.values() {
            by_process.entry(image.process_id).or_default().push(image);
        }
        for mut lives in by_process.into_values() {
            lives.sort_by_key(|image| image.time_ns);
            for pair in lives.windows(2) {
                ends.insert(pair[0].exec_id, End { time_ns: pair[1].time_ns, exit: None });
            }
        }
        Self { images, ends, digests, digests_by_file }
    }

    /// The image with this identity.
    pub fn image(&self, exec_id: ExecId) -> Option<&'a Image> {
        self.images.get(&exec_id).copied()
    }

    /// The image that each process ran at the moment that is asked for it, where one is known.
    pub fn running(&self, at: &HashMap<ProcessId, BootNs>) -> HashMap<ProcessId, ExecId> {
        let mut newest: HashMap<ProcessId, (BootNs, ExecId)> = HashMap::new();
        for image in self.images.values() {
            let id = image.process_id;
            if at.get(&id).is_some_and(|at_ns| image.time_ns <= *at_ns) {
                let one = newest.entry(id).or_insert((image.time_ns, image.exec_id));
                *one = (*one).max((image.time_ns, image.exec_id));
            }
        }
        newest.into_iter().map(|(process, (_, exec_id))| (process, exec_id)).collect()
    }

    /// SHA-256 of an image's executable as it was when it was run, where that could be read.
    pub fn digest(&self, image: &Image) -> Option<&'a [u8; 32]> {
        let ExeFile { inode, dev, ctime_ns, .. } = image.exe_file?;
        match self.digests.get(&image.exec_id) {
            Some(own) => *own,
            None => self.digests_by_file.get(&(inode, dev, ctime_ns)).copied().flatten(),
        }
    }

    /// The images that were alive in the window or that `named` asks for, the ancestors of all of them, and those that
    /// sent one of them into the container, by time.
    pub fn within(&self, window: Window, named: &HashSet<ExecId>) -> Vec<Life<'a>> {
        let alive = |image: &Image| {
            image.time_ns <= window.to_ns
                && self.ends.get(&image.exec_id).is_none_or(|end| end.time_ns >= window.from_ns)
        };
        let mut wanted: HashSet<ExecId> = HashSet::new();
        let mut next: Vec<ExecId> = self
            .images
            .values()
            .filter(|image| alive(image) || named.contains(&image.exec_id))
            .map(|image| image.exec_id)
            .collect();
        while let Some(id) = next.pop() {
            if let Some(image) = self.image(id).filter(|_| wanted.insert(id)) {
                next.extend(image.parent_exec_id);
                next.extend(image.entered.and_then(|entered| entered.by));
            }
        }
        let mut lives: Vec<Life<'a>> = wanted
            .iter()
            .filter_map(|id| self.image(*id))
            .map(|image| Life { image, end: self.ends.get(&image.exec_id).copied() })
            .collect();
        lives.sort_by_key(|life| (life.image.time_ns, life.image.exec_id));
        lives
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Actor, Origin, Stdio};

    fn image(exec_id: u64, process: u64, parent: Option<u64>, time_ns: BootNs) -> Image {
        Image {
            exec_id: ExecId(exec_id),
            process_id: ProcessId(process),
            parent_exec_id: parent.map(ExecId),
            origin: Origin::Exec,
            time_ns,
            pid: 1,
            ppid: 0,
            uid: 0,
            gid: 0,
            credentials: None,
            namespaces: None,
            login_uid: None,
            tty: None,
            comm: String::new(),
            exe: String::new(),
            exe_file: None,
            script: None,
            environment: Vec::new(),
            entered: None,
            args: Vec::new(),
            args_cut: false,
            cwd: String::new(),
            stdio: [Stdio::Unknown; 3],
            container_id: String::new(),
            container_name: String::new(),
        }
    }

    fn event(image: &Image) -> Event {
        Event { time_ns: image.time_ns, actor: None, body: Body::Image(Box::new(image.clone())) }
    }

    fn ends(live: &[Image], events: &[Event]) -> Vec<(u64, Option<BootNs>)> {
        let window = Window { from_ns: 0, to_ns: 100 };
        let lives = Processes::of(live, events).within(window, &HashSet::new());
        lives.iter().map(|life| (life.image.exec_id.0, life.end.map(|end| end.time_ns))).collect()
    }

    #[test]
    fn an_image_ends_where_the_next_of_its_process_begins_whoever_tells_of_it() {
        let (forked, ran) = (image(1, 7, None, 10), image(2, 7, None, 20));
        let expected = vec![(1, Some(20)), (2, None)];
        assert_eq!(ends(&[], &[event(&forked), event(&ran)]), expected);
        assert_eq!(
            ends(&[ran.clone()], &[event(&forked)]),
            expected,
            "the newest can be known before its events are read"
        );
        assert_eq!(ends(&[ran, forked], &[]), expected);
    }

    #[test]
    fn an_exit_ends_the_last_image_and_ancestors_outside_the_window_stay() {
        let (old, child) = (image(1, 7, None, 1), image(2, 8, Some(1), 50));
        let exit = |exec_id, time_ns| Event {
            time_ns,
            actor: Some(Actor { exec_id: ExecId(exec_id), pid: 1, tid: 1, uid: 0, comm: String::new() }),
            body: Body::Exit(Exit { code: Some(0), signal: None, threads: 0 }),
        };
        let events = [event(&old), exit(1, 5), event(&child), exit(2, 60)];
        let processes = Processes::of(&[], &events);
        let late = processes.within(Window { from_ns: 40, to_ns: 100 }, &HashSet::new());
        let found: Vec<_> = late.iter().map(|life| (life.image.exec_id.0, life.end.map(|end| end.time_ns))).collect();
        assert_eq!(found, [(1, Some(5)), (2, Some(60))]);
    }
}
