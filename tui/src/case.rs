//! The case notes on disk: a sidecar next to the bundle, and documents made of it.

use crate::error::TuiError;
use crate::state::{Evidence, Notes, State};
use std::io::{ErrorKind, Read as _, Write as _};
use std::path::{Path, PathBuf};
use taffrail_query::Bundle;
use taffrail_trace::text::shown;

/// The largest file of notes that is read.
const FILE_BYTES_MAX: u64 = 16 << 20;

/// Where the notes of one bundle are.
#[derive(Clone, Debug)]
pub struct Case {
    bundle: PathBuf,
}

impl Case {
    /// The case of the bundle at `path`.
    pub fn of(path: &Path) -> Self {
        Self { bundle: path.to_owned() }
    }

    /// `<bundle>.notes.json`.
    pub fn path(&self) -> PathBuf {
        self.beside("notes.json")
    }

    fn beside(&self, suffix: &str) -> PathBuf {
        let mut name = self.bundle.clone().into_os_string();
        name.push(".");
        name.push(suffix);
        name.into()
    }

    /// Reads the notes; none where there is no file.
    ///
    /// # Errors
    /// [`TuiError::Notes`] where it cannot be read or is not what this program writes: nothing is overwritten then.
    pub fn read(&self) -> Result<Notes, TuiError> {
        let path = self.path();
        let problem = |reason: String| TuiError::Notes { path: path.clone(), reason };
        let file = match std::fs::File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Notes::default()),
            Err(error) => return Err(problem(error.to_string())),
        };
        let mut text = String::new();
        file.take(FILE_BYTES_MAX + 1).read_to_string(&mut text).map_err(|error| problem(error.to_string()))?;
        if text.len() as u64 > FILE_BYTES_MAX {
            return Err(problem(format!("it is larger than {FILE_BYTES_MAX} bytes")));
        }
        let mut notes: Notes = serde_json::from_str(&text).map_err(|error| problem(error.to_string()))?;
        notes.notes.sort_by_key(|note| note.time_ns);
        Ok(notes)
    }

    /// Writes down what has changed, and documents where they were asked for. What came of it stands on the screen.
    pub fn keep(&self, state: &mut State) {
        let changed = state.notes.take_changed();
        if changed && state.notes.evidence.is_none() {
            state.notes.evidence = self.evidence();
        }
        if changed && let Err(problem) = self.write(&self.path(), &json(&state.notes)) {
            state.notice = Some(problem.to_string());
        }
        if state.notes.take_export() {
            let path = self.beside("notes.md");
            let written =
                self.write(&path, &state.notes.markdown()).and_then(|()| self.write(&self.path(), &json(&state.notes)));
            state.notice = Some(match written {
                Ok(()) => format!("written to {} and .notes.json", shown(&path.to_string_lossy())),
                Err(problem) => problem.to_string(),
            });
        }
    }

    /// Which bundle it is; `None` where that cannot be read any more.
    fn evidence(&self) -> Option<Evidence> {
        let bundle = Bundle::open(&self.bundle).ok()?;
        let file = shown(&self.bundle.file_name()?.to_string_lossy()).into_owned();
        let id = shown(&bundle.manifest().id).into_owned();
        Some(Evidence { file, id, sums_sha256: bundle.sums_sha256().ok()? })
    }

    /// Beside it first, then in its place: a note that was written is never lost to one that could not be.
    fn write(&self, path: &Path, text: &str) -> Result<(), TuiError> {
        let fresh = self.beside("notes.new");
        let written = std::fs::File::create(&fresh)
            .and_then(|mut file| file.write_all(text.as_bytes()).and_then(|()| file.sync_all()))
            .and_then(|()| std::fs::rename(&fresh, path));
        written.map_err(|error| TuiError::Notes { path: path.to_owned(), reason: error.to_string() })
    }
}

fn json(notes: &Notes) -> String {
    // Texts and numbers: nothing of it can fail.
    serde_json::to_string_pretty(notes).unwrap_or_default() + "\n"
}
