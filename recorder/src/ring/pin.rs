//! Files of a history that stay readable, whatever the ring lets go.

use super::file::RingFile;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Files of a history that stay readable, whatever the ring lets go. It holds what was there when it was made, and what
/// is written from then on until it is full.
#[derive(Clone, Debug, Default)]
pub struct Pin {
    files: Arc<Mutex<Vec<Arc<RingFile>>>>,
    limit_bytes: u64,
}

impl Pin {
    /// A pin that is full when it holds so many bytes.
    pub(crate) fn new(limit_bytes: u64) -> Self {
        Self { files: Arc::default(), limit_bytes }
    }

    pub(super) fn add(&self, file: &Arc<RingFile>) {
        self.lock().push(Arc::clone(file));
    }

    /// Whether anybody but the history itself has it.
    pub(super) fn is_held(&self) -> bool {
        Arc::strong_count(&self.files) > 1
    }

    /// The files pinned so far.
    pub fn files(&self) -> Vec<Arc<RingFile>> {
        self.lock().clone()
    }

    /// What it holds.
    pub fn bytes(&self) -> u64 {
        self.lock().iter().map(|file| file.len()).sum()
    }

    /// Whether it holds so much that its history's budget would soon be spent twice over: time to seal.
    pub fn is_full(&self) -> bool {
        self.bytes() >= self.limit_bytes
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Arc<RingFile>>> {
        // A list of handles is right whatever a panicking thread did: it is only ever pushed to.
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
