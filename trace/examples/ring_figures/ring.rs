//! Histories as a recorder left them that was ended as it should be: a byte that is no segment is an error here.

use crate::Result;
use std::fs;
use std::path::{Path, PathBuf};
use taffrail_trace::container::Container;
use taffrail_trace::event::Class;
use taffrail_trace::segment::{self, Whole};

/// What lies on disk of one container.
pub struct History {
    /// The container's id.
    pub id: String,
    /// Bytes of every file, descriptions included.
    pub file_bytes: u64,
    /// Its files of segments, by class and in their order.
    files: Vec<(Class, PathBuf, Vec<u8>)>,
}

/// Every history below a state directory.
pub fn histories(state_dir: &Path) -> Result<Vec<History>> {
    let dir = state_dir.join("ring");
    let entries = fs::read_dir(&dir).map_err(|error| format!("{}: {error}", dir.display()))?;
    entries.map(|entry| History::read(&entry?.path())).collect()
}

impl History {
    fn read(dir: &Path) -> Result<Self> {
        let container: Container = serde_json::from_slice(&fs::read(dir.join("container.json"))?)?;
        let mut history = Self { id: container.id, file_bytes: 0, files: Vec::new() };
        for entry in fs::read_dir(dir)? {
            let path = entry?.path();
            let bytes = fs::read(&path)?;
            history.file_bytes += bytes.len() as u64;
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let class = Class::ALL.into_iter().find(|class| name.starts_with(class.as_str()));
            history.files.extend(class.map(|class| (class, path.clone(), bytes)));
        }
        history.files.sort_unstable_by(|one, other| one.1.cmp(&other.1));
        Ok(history)
    }

    /// Its segments of one class, checked.
    pub fn segments(&self, class: Class) -> impl Iterator<Item = Result<Whole<'_>>> {
        self.files.iter().filter(move |(of, ..)| *of == class).flat_map(|(_, _, bytes)| {
            let mut rest = bytes.as_slice();
            std::iter::from_fn(move || {
                let whole = (!rest.is_empty()).then(|| segment::check(rest))?;
                rest = whole.as_ref().map_or(&[], |whole| &rest[whole.head.frame_bytes()..]);
                Some(whole.map_err(Into::into))
            })
        })
    }

    /// How many events it holds.
    pub fn events(&self) -> Result<u64> {
        Class::ALL
            .into_iter()
            .flat_map(|class| self.segments(class))
            .map(|whole| Ok(u64::from(whole?.head.events)))
            .sum()
    }
}
