//! What was changed on disk up to the playhead, by directory, with who did it.

use super::folds::{Foldable, Folds};
use super::recording::{About, Body, Event, ImageIx, Recording, Sym, Time};
use super::strings::Strings;
use std::collections::{BTreeMap, HashMap, HashSet};

/// What one program does to one file over and over is one deed within this part of the window.
const SAME_PART: i64 = 4_096;

/// What the row of files is told by that were changed from outside the container.
const OUTSIDE: &str = "from outside";
/// How the kernel names files that are in memory only: no directory has them.
const MEMFD: &str = "/memfd:";

/// What became of one file. Its texts are symbols of the [`FileHistory`].
#[derive(Clone, Copy, Debug)]
pub struct Change {
    /// The file.
    pub path: Sym,
    /// What was done to it last that changes what it is.
    pub deed: Deed,
    /// Where it went.
    pub to: Option<Sym>,
    /// Bytes written.
    pub written: u64,
    /// It was made executable.
    pub executable: bool,
    /// Who did the last of it.
    pub image: Option<ImageIx>,
    /// Their name.
    pub who: Option<Sym>,
    /// Their pid.
    pub pid: Option<u32>,
    /// How many times something was done to it.
    pub times: u32,
    /// When it was changed last.
    pub last: Time,
    /// Who did it came from outside the container and ran no program in it: the runtime, as a rule.
    pub outside: bool,
}

/// What was done to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    /// It was made.
    Made,
    /// It was written to.
    Written,
    /// Its mode, owner or attributes were changed.
    Altered,
    /// It has another name now.
    Moved,
    /// It was removed.
    Removed,
}

/// A line of the view.
#[derive(Clone, Debug)]
pub enum ChangeRow {
    /// A directory with so many changed files.
    Directory {
        /// Its path.
        path: String,
        /// How many files were changed in it.
        files: usize,
        /// They are not shown.
        folded: bool,
    },
    /// What was changed from outside the container: so many files.
    Outside {
        /// How many.
        files: usize,
        /// They are not shown.
        folded: bool,
    },
    /// A file: its place in [`Changes::files`].
    File(usize),
}

impl Foldable for ChangeRow {
    fn label(&self) -> Option<&str> {
        match self {
            Self::Directory { path, .. } => Some(path),
            Self::Outside { .. } => Some(OUTSIDE),
            Self::File(_) => None,
        }
    }
}

/// What became of each file, deed by deed, by path.
#[derive(Clone, Debug, Default)]
pub struct FileHistory {
    strings: Strings,
    files: Vec<Vec<Change>>,
}

/// What was changed, at the playhead.
#[derive(Debug, Default)]
pub struct Changes {
    /// The lines.
    pub list: Folds<FileHistory, ChangeRow>,
    /// The files, by path.
    pub files: Vec<Change>,
}

impl Changes {
    /// A text of a change.
    pub fn text(&self, sym: Sym) -> &str {
        self.list.known().map_or("", |known| known.strings.get(sym))
    }

    /// The file that the chosen row is.
    pub fn current(&self) -> Option<&Change> {
        match self.list.current()? {
            ChangeRow::File(at) => self.files.get(*at),
            ChangeRow::Directory { .. } | ChangeRow::Outside { .. } => None,
        }
    }

    /// The file to look at closer; a directory is folded instead.
    pub(super) fn enter(&mut self) -> Option<String> {
        if self.list.toggle() { None } else { self.current().map(|change| self.text(change.path).to_owned()) }
    }

    /// Brings it to `at`.
    pub(super) fn refresh(&mut self, at: Time) {
        let Some(known) = self.list.known().cloned().filter(|_| self.list.turns_to(at)) else { return };
        let state_at = |history: &Vec<Change>| {
            let passed = history.partition_point(|change| change.last <= at);
            history.get(passed.checked_sub(1)?).copied()
        };
        self.files = known.files.iter().filter_map(state_at).collect();
        let mut directories: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        let mut outside = Vec::new();
        for (index, change) in self.files.iter().enumerate() {
            if change.outside {
                outside.push(index);
                continue;
            }
            directories.entry(directory(known.strings.get(change.path))).or_default().push(index);
        }
        let mut rows = Vec::new();
        for (path, files) in directories {
            let folded = self.list.is_turned(path);
            rows.push(ChangeRow::Directory { path: path.to_owned(), files: files.len(), folded });
            if !folded {
                rows.extend(files.into_iter().map(ChangeRow::File));
            }
        }
        // The container's own come first; these are unfolded where somebody asks for them.
        if !outside.is_empty() {
            let folded = !self.list.is_turned(OUTSIDE);
            rows.push(ChangeRow::Outside { files: outside.len(), folded });
            if !folded {
                rows.extend(outside.into_iter().map(ChangeRow::File));
            }
        }
        self.list.show(rows);
    }
}

fn directory(path: &str) -> &str {
    if path.starts_with(MEMFD) {
        return "in memory";
    }
    match path.trim_end_matches('/').rfind('/') {
        Some(0) => "/",
        Some(end) => &path[..end],
        None => "",
    }
}

/// Puts together what became of files while events come by.
#[derive(Clone, Debug)]
pub struct Deeds {
    strings: Strings,
    by_path: HashMap<Sym, Vec<Change>>,
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
        let (by_path, directories) = (HashMap::new(), HashSet::new());
        Self { strings: Strings::default(), by_path, directories, same: HashMap::new(), part_ns }
    }

    /// Events of another recording, or of another page, come next.
    pub fn enter(&mut self) {
        self.same.clear();
    }

    /// Takes an event in; they come by time.
    pub fn take(&mut self, recording: &Recording, event: &Event) {
        let Some((path, deed, to, written)) = deed(recording, event) else { return };
        let actor = recording.actor(event);
        let who = actor.comm.map(|comm| self.own(recording, comm));
        let (path, to) = (self.own(recording, path), to.map(|to| self.own(recording, to)));
        let executable = self.makes_executable(recording, event, path);
        let outside = actor.image.is_some_and(|image| recording.is_from_outside(image));
        let change = Change {
            path,
            deed,
            to,
            written,
            executable,
            image: actor.image,
            who,
            pid: actor.pid,
            times: 1,
            last: event.time,
            outside,
        };
        let now = self.put(change);
        if let (Deed::Moved, Some(to)) = (deed, to) {
            self.put(Change { path: to, deed: Deed::Made, to: None, times: 1, ..now });
        }
    }

    /// Whether the event makes a file of this path a program. A mode with more than permissions is a directory's.
    fn makes_executable(&mut self, recording: &Recording, event: &Event, path: Sym) -> bool {
        let Body::File(at) = event.body else { return false };
        let Some(file) = recording.files.get(at as usize) else { return false };
        let op = recording.text(file.op);
        if op == "mkdir" {
            self.directories.insert(path);
        }
        let permits = file.mode.is_some_and(|mode| mode & 0o111 != 0 && mode & 0o1000 == 0);
        permits && matches!(op, "create" | "chmod") && !self.directories.contains(&path)
    }

    fn put(&mut self, new: Change) -> Change {
        let history = self.by_path.entry(new.path).or_default();
        let Some(before) = history.last_mut() else {
            history.push(new);
            return new;
        };
        // What was made and then written to is still new.
        let still_new = before.deed == Deed::Made && matches!(new.deed, Deed::Written | Deed::Altered);
        let now = Change {
            deed: if still_new { Deed::Made } else { new.deed },
            written: before.written.saturating_add(new.written),
            executable: new.executable || before.executable,
            times: before.times.saturating_add(1),
            ..new
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
        let strings = &mut self.strings;
        *self.same.entry(sym).or_insert_with(|| strings.add(recording.text(sym)))
    }

    /// All of it, by path.
    pub fn finish(self) -> FileHistory {
        let (mut strings, mut files) = (self.strings, self.by_path.into_values().collect::<Vec<_>>());
        files.sort_by_key(|history| history.first().map(|change| strings.get(change.path)));
        enterable(&mut files, &strings);
        strings.seal();
        FileHistory { strings, files }
    }
}

/// What has something in it is a directory: no program, whatever its mode. The files are by path.
fn enterable(files: &mut [Vec<Change>], strings: &Strings) {
    let path = |history: &Vec<Change>| history.first().map_or("", |change| strings.get(change.path));
    for at in 0..files.len() {
        if files[at].iter().any(|change| change.executable) {
            let within = format!("{}/", path(&files[at]));
            let next = files.partition_point(|history| path(history) < within.as_str());
            if files.get(next).is_some_and(|history| path(history).starts_with(&within)) {
                files[at].iter_mut().for_each(|change| change.executable = false);
            }
        }
    }
}

/// What an event did to a file: the file, the deed, where it went, bytes written. `None` for what changed nothing.
fn deed(recording: &Recording, event: &Event) -> Option<(Sym, Deed, Option<Sym>, u64)> {
    match event.body {
        Body::Io(at) => {
            let io = recording.ios.get(at as usize).filter(|io| io.written > 0)?;
            let path = recording.text(io.path);
            let on_disk = path.starts_with('/') && !path.starts_with("/dev/");
            on_disk.then_some((io.path, Deed::Written, None, io.written))
        }
        Body::File(at) => {
            let file = recording.files.get(at as usize).filter(|file| file.result.unwrap_or(0) >= 0)?;
            let deed = match recording.text(file.op) {
                "create" | "mkdir" | "mknod" | "symlink" | "link" => Deed::Made,
                "unlink" | "rmdir" => Deed::Removed,
                "rename" => Deed::Moved,
                "chmod" | "chown" | "setxattr" | "removexattr" | "truncate" => Deed::Altered,
                _ => return None,
            };
            let made_by_link = matches!(recording.text(file.op), "link" | "symlink");
            let (path, to) = match (made_by_link, recording.text(file.op), file.new_path) {
                // A hard link's second name is the new one; a symlink's only says where it leads.
                (true, "link", Some(new)) => (new, Some(file.path)),
                (_, _, to) => (file.path, to),
            };
            (!recording.text(path).starts_with("/dev/")).then_some((path, deed, to, 0))
        }
        _ => None,
    }
}
