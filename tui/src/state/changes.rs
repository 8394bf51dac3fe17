//! What was changed on disk up to the playhead, by directory, with who did it.

use super::folds::{Foldable, Folds};
use super::recording::{ImageIx, Sym, Time};
use super::strings::Strings;
use std::collections::BTreeMap;

mod deeds;

pub use deeds::Deeds;

/// What the row of files is told by that were changed from outside the container.
const OUTSIDE: &str = "from outside";
/// How the kernel names files that are in memory only: no directory has them.
const MEMFD: &str = "/memfd:";

/// What became of one file. Its texts are symbols of the [`FileHistory`].
#[derive(Clone, Copy, Debug)]
pub struct Change {
    /// The container whose file it is, where there are several.
    pub container: Option<Sym>,
    /// The file.
    pub path: Sym,
    /// Which file has this name, as far as it is known.
    inode: Option<u64>,
    /// What was done to it last that changes what it is.
    pub deed: Deed,
    /// Where it went.
    pub to: Option<Sym>,
    /// Where the file came from that has this name.
    pub from: Option<Sym>,
    /// Bytes written to the file that has this name, or had it when it was removed.
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
    /// A file that had another name has this one now; whether a file had it before is not known.
    Named,
    /// It was removed.
    Removed,
}

/// A line of the view.
#[derive(Clone, Debug)]
pub enum ChangeRow {
    /// A directory with so many changed files.
    Directory {
        /// Its path, after its container's name in brackets where there are several.
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

    /// How many files were changed: one that has another name by now is told by both, and is one.
    pub fn count(&self) -> usize {
        let is_elsewhere = |change: &&Change| change.deed == Deed::Moved && change.to.is_some();
        self.files.len() - self.files.iter().filter(is_elsewhere).count()
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
        let mut directories: BTreeMap<(Option<&str>, &str), Vec<usize>> = BTreeMap::new();
        let mut outside = Vec::new();
        for (index, change) in self.files.iter().enumerate() {
            if change.outside {
                outside.push(index);
                continue;
            }
            let container = change.container.map(|name| known.strings.get(name));
            directories.entry((container, directory(known.strings.get(change.path)))).or_default().push(index);
        }
        let mut rows = Vec::new();
        for ((container, directory), files) in directories {
            let path = container.map_or_else(|| directory.to_owned(), |name| format!("[{name}] {directory}"));
            let folded = self.list.is_turned(&path);
            rows.push(ChangeRow::Directory { path, files: files.len(), folded });
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
        return "in memory, gone when no process has it";
    }
    match path.trim_end_matches('/').rfind('/') {
        None if path.starts_with('/') => "/",
        Some(0) => "/",
        Some(end) => &path[..end],
        None => "",
    }
}
