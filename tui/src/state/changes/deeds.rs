//! What became of each name of a file, put together deed by deed.
//!
//! A row of what was written comes when the file is closed or after a while, and has the name by which it was opened. By then
//! the name can be gone, or be another file's: the bytes belong to the file.

use super::{Change, Deed, FileHistory};
use crate::state::recording::{About, Body, Event, Lost, Recording, Sym};
use crate::state::strings::Strings;
use std::collections::{HashMap, HashSet};

/// What one program does to one file over and over is one deed within this part of the window.
const SAME_PART: i64 = 4_096;
/// How often a file is followed from name to name.
const MOVES_MAX: usize = 16;

/// A name in a container; where there is one container, that is nobody's.
type Name = (Option<Sym>, Sym);

/// Puts together what became of files while events come by.
#[derive(Clone, Debug)]
pub struct Deeds {
    strings: Strings,
    /// What became of each name, of each container.
    by_name: HashMap<Name, Vec<Change>>,
    /// What was made by mkdir: that one may enter it makes no program of it.
    directories: HashSet<Sym>,
    /// Texts of the recording that events are of now, as texts here.
    same: HashMap<Sym, Sym>,
    part_ns: i64,
}

impl Deeds {
    /// Nothing was done yet.
    pub fn new(about: &About) -> Self {
        let part_ns = about.to.saturating_sub(about.from).max(0) / SAME_PART;
        let (by_name, directories) = (HashMap::new(), HashSet::new());
        Self { strings: Strings::default(), by_name, directories, same: HashMap::new(), part_ns }
    }

    /// Events of another recording, or of another page, come next.
    pub fn enter(&mut self) {
        self.same.clear();
    }

    /// Takes an event in; they come by time.
    pub fn take(&mut self, recording: &Recording, event: &Event) {
        let Some(act) = act(recording, event) else { return };
        let actor = recording.actor(event);
        let [container, who] = [actor.container, actor.comm].map(|text| text.map(|text| self.own(recording, text)));
        let (mut path, to) = (self.own_path(recording, act.path), act.to.map(|to| self.own_path(recording, to)));
        if act.deed == Deed::Written {
            let Some(now) = self.name_of(container, path, act.inode) else { return };
            path = now;
        }
        let executable = self.makes_executable(recording, event, path);
        let outside = match actor.image {
            Some(image) => recording.is_from_outside(image),
            // Of a container all programs are in the record, unless some are missing.
            None => actor.pid.is_some() && recording.lost == Lost::default(),
        };
        let change = Change {
            container,
            path,
            inode: act.inode,
            deed: act.deed,
            to,
            from: None,
            written: act.written,
            executable,
            image: actor.image,
            who,
            pid: actor.pid,
            times: 1,
            last: event.time,
            outside,
        };
        let now = self.put(change);
        if let (Deed::Moved, Some(to)) = (act.deed, to) {
            self.put(Change { path: to, deed: Deed::Named, to: None, from: Some(path), times: 1, ..now });
        }
    }

    /// What the file is called by now, or was last, that was opened by this name; `None` where that is not known: another
    /// file has the name.
    fn name_of(&self, container: Option<Sym>, opened: Sym, inode: Option<u64>) -> Option<Sym> {
        let mut path = opened;
        for _ in 0..MOVES_MAX {
            let Some(history) = self.by_name.get(&(container, path)) else { return Some(path) };
            let is_anothers = history.last().is_some_and(|last| is_other(last, inode));
            let its = if is_anothers { history.iter().rfind(|change| change.inode == inode) } else { history.last() };
            match its {
                Some(Change { deed: Deed::Moved, to: Some(to), .. }) => path = *to,
                Some(_) => return (!is_anothers).then_some(path),
                // It was never seen by this name: that was given to it unseen.
                None => return Some(path),
            }
        }
        None
    }

    /// Whether the event makes a file of this path a program. A mode with more than permissions is a directory's.
    fn makes_executable(&mut self, recording: &Recording, event: &Event, path: Sym) -> bool {
        let Body::File(at) = event.body else { return false };
        let Some(file) = recording.files.get(at as usize) else { return false };
        let op = recording.text(file.op);
        if op == "mkdir" {
            self.directories.insert(path);
        }
        // Whatever has this name is entered, not run.
        if recording.text(file.path).ends_with("/.") {
            return false;
        }
        let permits = file.mode.is_some_and(|mode| mode & 0o111 != 0 && mode & 0o1000 == 0);
        permits && matches!(op, "create" | "chmod") && !self.directories.contains(&path)
    }

    fn put(&mut self, new: Change) -> Change {
        let history = self.by_name.entry((new.container, new.path)).or_default();
        let Some(before) = history.last_mut() else {
            history.push(new);
            return new;
        };
        let times = before.times.saturating_add(1);
        let now = if matches!(new.deed, Deed::Made | Deed::Named) || is_other(before, new.inode) {
            Change { times, ..new }
        } else {
            let deed = match (before.deed, new.deed) {
                // What was made, or came here, and was written to then is still new.
                (known @ (Deed::Made | Deed::Named), Deed::Written | Deed::Altered) => known,
                // Through a descriptor that outlives the name.
                (Deed::Removed, Deed::Written) => Deed::Removed,
                (_, deed) => deed,
            };
            Change {
                deed,
                times,
                from: new.from.or(before.from),
                inode: new.inode.or(before.inode),
                written: before.written.saturating_add(new.written),
                executable: new.executable || before.executable,
                ..new
            }
        };
        let again = new.deed == Deed::Written
            && before.deed == now.deed
            && before.image == now.image
            && before.to == now.to
            && before.times > 1
            && now.last.saturating_sub(before.last) < self.part_ns;
        if again {
            *before = now;
        } else {
            history.push(now);
        }
        now
    }

    fn own(&mut self, recording: &Recording, sym: Sym) -> Sym {
        self.add(sym, recording.text(sym))
    }

    /// As [`Self::own`], of a path: `/usr/.` is the directory `/usr`.
    fn own_path(&mut self, recording: &Recording, sym: Sym) -> Sym {
        let path = recording.text(sym);
        let named = match path.strip_suffix("/.") {
            Some("") => "/",
            Some(directory) => directory,
            None => path,
        };
        self.add(sym, named)
    }

    fn add(&mut self, sym: Sym, text: &str) -> Sym {
        let strings = &mut self.strings;
        *self.same.entry(sym).or_insert_with(|| strings.add(text))
    }

    /// All of it, by container and path.
    pub fn finish(self) -> FileHistory {
        let (mut strings, mut files) = (self.strings, self.by_name.into_values().collect::<Vec<_>>());
        files.sort_by_key(|history| name(history, &strings));
        enterable(&mut files, &strings);
        strings.seal();
        FileHistory { strings, files }
    }
}

/// Whether the name is another file's than this.
fn is_other(change: &Change, inode: Option<u64>) -> bool {
    change.inode.zip(inode).is_some_and(|(its, this)| its != this)
}

fn name<'a>(history: &[Change], strings: &'a Strings) -> (&'a str, &'a str) {
    let text = |sym: Option<Sym>| sym.map_or("", |sym| strings.get(sym));
    let first = history.first();
    (text(first.and_then(|change| change.container)), text(first.map(|change| change.path)))
}

/// What has something in it is a directory: no program, whatever its mode. The files are by name.
fn enterable(files: &mut [Vec<Change>], strings: &Strings) {
    for at in 0..files.len() {
        if files[at].iter().any(|change| change.executable) {
            let (container, path) = name(&files[at], strings);
            let within = format!("{path}/");
            let next = files.partition_point(|history| name(history, strings) < (container, within.as_str()));
            let is_within = |(whose, path): (&str, &str)| whose == container && path.starts_with(&within);
            if files.get(next).is_some_and(|history| is_within(name(history, strings))) {
                files[at].iter_mut().for_each(|change| change.executable = false);
            }
        }
    }
}

/// What an event did to a file.
struct Act {
    path: Sym,
    deed: Deed,
    to: Option<Sym>,
    inode: Option<u64>,
    /// Bytes.
    written: u64,
}

/// `None` for what changed nothing.
fn act(recording: &Recording, event: &Event) -> Option<Act> {
    match event.body {
        Body::Io(at) => {
            let io = recording.ios.get(at as usize).filter(|io| io.written > 0)?;
            let path = recording.text(io.path);
            let on_disk = path.starts_with('/') && !path.starts_with("/dev/");
            let act = Act { path: io.path, deed: Deed::Written, to: None, inode: io.inode, written: io.written };
            on_disk.then_some(act)
        }
        Body::File(at) => {
            let file = recording.files.get(at as usize).filter(|file| file.result.unwrap_or(0) >= 0)?;
            let op = recording.text(file.op);
            let deed = match op {
                "create" | "mkdir" | "mknod" | "symlink" | "link" => Deed::Made,
                "unlink" | "rmdir" => Deed::Removed,
                "rename" => Deed::Moved,
                "chmod" | "chown" | "setxattr" | "removexattr" | "truncate" => Deed::Altered,
                _ => return None,
            };
            let (path, to) = match (op, file.new_path) {
                // A hard link's second name is the new one; a symlink's only says where it leads.
                ("link", Some(new)) => (new, Some(file.path)),
                (_, to) => (file.path, to),
            };
            let act = Act { path, deed, to, inode: file.inode, written: 0 };
            (!recording.text(path).starts_with("/dev/")).then_some(act)
        }
        _ => None,
    }
}
