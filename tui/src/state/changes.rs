//! What was changed on disk up to the playhead, by directory, with who did it.

use super::recording::{Body, Event, ImageIx, Recording, Sym, Time};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// What became of one file.
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
    /// A file: its place in [`Changes::files`].
    File(usize),
}

/// What was changed, at the playhead.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    /// The chosen row.
    pub chosen: usize,
    /// The files, by path.
    pub files: Vec<Change>,
    rows: Vec<ChangeRow>,
    folds: BTreeSet<String>,
    /// What became of each file, deed by deed, by path; `None` where the visible events are others now.
    known: Option<Vec<Vec<Change>>>,
    shown_at: Option<Time>,
}

impl Changes {
    /// The visible events are others now.
    pub(super) fn forget(&mut self) {
        self.known = None;
        self.shown_at = None;
    }

    /// The lines.
    pub fn rows(&self) -> &[ChangeRow] {
        &self.rows
    }

    /// The file that the chosen row is.
    pub fn current(&self) -> Option<&Change> {
        match self.rows.get(self.chosen)? {
            ChangeRow::File(at) => self.files.get(*at),
            ChangeRow::Directory { .. } => None,
        }
    }

    /// The file to look at closer; a directory is folded instead.
    pub(super) fn enter(&mut self) -> Option<Sym> {
        if self.toggle() { None } else { self.current().map(|change| change.path) }
    }

    /// Folds or unfolds the chosen directory; false where the row is none.
    pub(super) fn toggle(&mut self) -> bool {
        let Some(ChangeRow::Directory { path, .. }) = self.rows.get(self.chosen) else { return false };
        if !self.folds.remove(path) {
            self.folds.insert(path.clone());
        }
        self.shown_at = None;
        true
    }

    pub(super) fn toggle_all(&mut self) {
        let directories = self.rows.iter().filter_map(|row| match row {
            ChangeRow::Directory { path, .. } => Some(path.clone()),
            ChangeRow::File(_) => None,
        });
        self.folds = if self.folds.is_empty() { directories.collect() } else { BTreeSet::new() };
        self.shown_at = None;
    }

    /// Brings it to `at`.
    pub(super) fn refresh(&mut self, recording: &Recording, visible: &[u32], at: Time) {
        if self.shown_at == Some(at) {
            return;
        }
        self.shown_at = Some(at);
        let known = self.known.take().unwrap_or_else(|| known(recording, visible));
        let state_at = |history: &Vec<Change>| {
            let passed = history.partition_point(|change| change.last <= at);
            history.get(passed.checked_sub(1)?).copied()
        };
        self.files = known.iter().filter_map(state_at).collect();
        self.known = Some(known);
        self.lay_out(recording);
        self.chosen = self.chosen.min(self.rows.len().saturating_sub(1));
    }

    fn lay_out(&mut self, recording: &Recording) {
        self.rows.clear();
        let mut directories: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (index, change) in self.files.iter().enumerate() {
            directories.entry(directory(recording.text(change.path))).or_default().push(index);
        }
        for (path, files) in directories {
            let folded = self.folds.contains(path);
            self.rows.push(ChangeRow::Directory { path: path.to_owned(), files: files.len(), folded });
            if !folded {
                self.rows.extend(files.into_iter().map(ChangeRow::File));
            }
        }
    }
}

fn directory(path: &str) -> &str {
    match path.trim_end_matches('/').rfind('/') {
        Some(0) => "/",
        Some(end) => &path[..end],
        None => "",
    }
}

/// The files that visible events changed, by path: for each what it was after every deed.
fn known(recording: &Recording, visible: &[u32]) -> Vec<Vec<Change>> {
    let mut by_path: HashMap<Sym, Vec<Change>> = HashMap::new();
    for event in visible.iter().filter_map(|at| recording.events.get(*at as usize)) {
        let Some((path, deed, to, written)) = deed(recording, event) else { continue };
        let executable = match event.body {
            Body::File(at) => {
                recording.files.get(at as usize).and_then(|file| file.mode).is_some_and(|mode| mode & 0o111 != 0)
            }
            _ => false,
        };
        let actor = recording.actor(event);
        let mut put = |path: Sym, deed: Deed, to: Option<Sym>, written: u64, executable: bool| {
            let history = by_path.entry(path).or_default();
            let before = history.last().copied();
            // What was made and then written to is still new.
            let still_new =
                before.is_some_and(|before| before.deed == Deed::Made) && matches!(deed, Deed::Written | Deed::Altered);
            let now = Change {
                path,
                deed: if still_new { Deed::Made } else { deed },
                to,
                written: before.map_or(0, |before| before.written).saturating_add(written),
                executable: executable || before.is_some_and(|before| before.executable),
                image: actor.image,
                who: actor.comm,
                pid: actor.pid,
                times: before.map_or(0, |before| before.times).saturating_add(1),
                last: event.time,
            };
            history.push(now);
            now
        };
        let now = put(path, deed, to, written, executable);
        if let (Deed::Moved, Some(to)) = (deed, to) {
            put(to, Deed::Made, None, now.written, now.executable);
        }
    }
    let mut all: Vec<Vec<Change>> = by_path.into_values().collect();
    all.sort_by_key(|history| history.first().map(|change| recording.text(change.path)));
    all
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
