//! A file of segments that a lane keeps.

use super::RingError;
use super::file::{RingFile, Summary};
use super::sync::Unsynced;
use std::fs::File;
use std::mem;
use std::path::PathBuf;
use std::sync::{Arc, Weak};

/// A file on disk. It is open only while somebody needs it: a host has many containers, and they many files.
#[derive(Debug)]
pub struct Kept {
    /// Where it is.
    pub path: PathBuf,
    nonce: u64,
    /// Bytes of it.
    pub bytes: u64,
    /// What is in it.
    pub holds: Summary,
    /// The last file of a lane takes what is written next.
    pub open: Option<Arc<RingFile>>,
    /// Whoever has it open, a pin as well.
    held: Weak<RingFile>,
    /// Written to since it was last made durable.
    pub unsynced: Option<Arc<File>>,
    is_new: bool,
}

impl Kept {
    /// A file that is there, closed.
    pub fn of(file: &RingFile, holds: Summary) -> Self {
        Self {
            path: file.path().to_owned(),
            nonce: file.nonce(),
            bytes: file.len(),
            holds,
            open: None,
            held: Weak::new(),
            unsynced: None,
            is_new: false,
        }
    }

    /// A file that was made this moment and takes what is written next.
    pub fn new(file: &Arc<RingFile>) -> Self {
        Self {
            path: file.path().to_owned(),
            nonce: file.nonce(),
            bytes: 0,
            holds: Summary::default(),
            open: Some(Arc::clone(file)),
            held: Arc::downgrade(file),
            unsynced: None,
            is_new: true,
        }
    }

    /// What was written since the last call, to be made durable.
    pub fn unsynced(&mut self) -> Option<Unsynced> {
        let file = self.unsynced.take()?;
        Some(Unsynced { file, path: self.path.clone(), is_new: mem::take(&mut self.is_new), then_remove: Vec::new() })
    }

    /// The file, opened again where nobody has it open.
    pub fn handle(&mut self) -> Result<Arc<RingFile>, RingError> {
        if let Some(file) = self.held.upgrade() {
            return Ok(file);
        }
        let file = Arc::new(RingFile::open(&self.path, self.nonce)?);
        self.held = Arc::downgrade(&file);
        Ok(file)
    }

    /// Whether somebody beside its lane has it open.
    pub fn is_pinned(&self) -> bool {
        self.held.strong_count() > usize::from(self.open.is_some())
    }
}
