//! Open files by process and descriptor: whose bytes they are that the kernel side counts.
//!
//! A file gets here by its `Open` or `Use` record and leaves with its process, or when its descriptor is used again. A
//! file that is closed without a byte read or written leaves no other trace, so what is here is no list of what is open.

use super::processes::Known;
use std::collections::HashMap;
use std::sync::Arc;
use taffrail_trace::event::IoEvent;
use taffrail_trace::ids::ContainerKey;

/// The most files known at once; the bytes of one more are told without its name.
const FILES_MAX: usize = 262_144;

/// The files of all live processes.
#[derive(Debug, Default)]
pub struct Files {
    by_pid: HashMap<u32, HashMap<u32, OpenFile>>,
    count: usize,
}

/// One opening of a file.
#[derive(Debug)]
pub struct OpenFile {
    /// Time of the record that named it, which the kernel side's count repeats.
    pub named_ns: u64,
    /// Its path.
    pub path: Arc<str>,
    /// The path is as seen in another mount namespace.
    pub other_mounts: bool,
    /// Its inode number.
    pub inode: Option<u64>,
    /// Whose it is.
    pub owner: Arc<Known>,
    /// Where that belongs.
    pub container: ContainerKey,
    told: Count,
}

/// Bytes that went through a descriptor since its file was named.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// Read.
    pub read: u64,
    /// Written.
    pub written: u64,
}

impl OpenFile {
    /// A file through which nothing went so far.
    pub fn new(named_ns: u64, path: &str, owner: &Arc<Known>, container: ContainerKey) -> Self {
        Self {
            named_ns,
            path: Arc::from(path),
            other_mounts: false,
            inode: None,
            owner: Arc::clone(owner),
            container,
            told: Count::default(),
        }
    }
}

/// What is to be told of a file.
#[derive(Debug)]
pub struct Told {
    /// Whose history.
    pub container: ContainerKey,
    /// Who.
    pub owner: Arc<Known>,
    /// What.
    pub event: IoEvent,
}

impl Files {
    /// A process has a file.
    pub fn opened(&mut self, pid: u32, fd: u32, file: OpenFile) {
        if self.count >= FILES_MAX {
            return;
        }
        if self.by_pid.entry(pid).or_default().insert(fd, file).is_none() {
            self.count += 1;
        }
    }

    /// What is new in a count, where there is something new. `named_ns` is what the kernel side says with it.
    pub fn count(&mut self, pid: u32, fd: u32, named_ns: u64, count: Count, closed: bool) -> Option<Told> {
        let file = self.by_pid.get_mut(&pid)?.get_mut(&fd).filter(|file| file.named_ns == named_ns)?;
        let (bytes_read, bytes_written) =
            (count.read.saturating_sub(file.told.read), count.written.saturating_sub(file.told.written));
        file.told = count;
        if bytes_read == 0 && bytes_written == 0 {
            return None;
        }
        Some(Told {
            container: file.container,
            owner: Arc::clone(&file.owner),
            event: IoEvent {
                path: file.path.to_string(),
                other_mounts: file.other_mounts,
                // A file that io_uring names by no descriptor has a number beyond all of them.
                fd: i32::try_from(fd).unwrap_or(-1),
                inode: file.inode,
                bytes_read,
                bytes_written,
                closed,
            },
        })
    }

    /// The file that a process has at a descriptor, or had last.
    pub fn path(&self, pid: u32, fd: u32) -> Option<&str> {
        Some(&self.by_pid.get(&pid)?.get(&fd)?.path)
    }

    /// The descriptors of a process.
    pub fn of(&self, pid: u32) -> Vec<u32> {
        self.by_pid.get(&pid).map(|files| files.keys().copied().collect()).unwrap_or_default()
    }

    /// A process is over.
    pub fn ended(&mut self, pid: u32) {
        self.count -= self.by_pid.remove(&pid).map_or(0, |files| files.len());
    }
}
