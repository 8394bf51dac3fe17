//! Making files durable, on a thread of its own: the recording waits for no disk.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, mpsc};
use std::{fs, io};

/// A file that was written to.
#[derive(Debug)]
pub struct Unsynced {
    pub(super) file: Arc<File>,
    pub(super) path: PathBuf,
    /// Whether its name is new, so that its directory has to be durable too.
    pub(super) is_new: bool,
    /// What this file tells of, and what goes when this is durable.
    pub(super) then_remove: Vec<PathBuf>,
}

impl Unsynced {
    /// The same file again, written to since.
    pub fn merge(&mut self, later: Self) {
        self.file = later.file;
        self.is_new |= later.is_new;
        self.then_remove.extend(later.then_remove);
    }

    /// Waits until the disk has it.
    fn sync(&self) -> io::Result<()> {
        self.file.sync_data()?;
        match self.path.parent() {
            Some(dir) if self.is_new => File::open(dir)?.sync_all(),
            _ => Ok(()),
        }
    }
}

/// The thread that syncs.
#[derive(Debug)]
pub struct Syncer {
    orders: mpsc::SyncSender<Vec<Unsynced>>,
}

impl Syncer {
    /// Starts it. It ends with this value, after what it was given.
    ///
    /// # Errors
    /// Where no thread can be made.
    pub fn start() -> io::Result<Self> {
        let (orders, inbox) = mpsc::sync_channel::<Vec<Unsynced>>(1);
        std::thread::Builder::new().name("sync".to_owned()).spawn(move || {
            for order in inbox {
                sync_all(&order);
            }
        })?;
        Ok(Self { orders })
    }

    /// Hands files over; gives them back where the last ones are not done yet.
    pub fn order(&self, files: Vec<Unsynced>) -> Result<(), Vec<Unsynced>> {
        self.orders.try_send(files).map_err(|error| match error {
            mpsc::TrySendError::Full(files) | mpsc::TrySendError::Disconnected(files) => files,
        })
    }
}

/// Syncs files one after the other, and says which could not be.
pub fn sync_all(files: &[Unsynced]) {
    for unsynced in files {
        if let Err(error) = unsynced.sync()
            && fs::exists(&unsynced.path).unwrap_or(true)
        {
            tracing::error!(path = %unsynced.path.display(), %error, "history could not be made durable");
            continue;
        }
        unsynced.then_remove.iter().for_each(|path| remove(path));
    }
}

/// Removes a file that may be gone.
pub fn remove(path: &Path) {
    if let Err(error) = fs::remove_file(path)
        && error.kind() != io::ErrorKind::NotFound
    {
        tracing::warn!(path = %path.display(), %error, "a tail cannot be removed");
    }
}
