//! What is inside an executable that is new to its container: its SHA-256, computed beside the recording.
//!
//! The file is opened as soon as its exec is noticed, while the program still runs; where that came too late, a living
//! process of the container shows it under its path. A thread of its own reads, one file at a time. Whether that is the file that ran is told by size and change
//! time; where it is not, the answer says so and holds no hash.

use crate::host;
use sha2::{Digest as _, Sha256};
use std::collections::{HashMap, HashSet, VecDeque};
use std::fs::{File, Metadata};
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::sync::{Arc, mpsc};
use taffrail_probes::abi::process::Exec;
use taffrail_probes::abi::{Header, ImageKey};
use taffrail_trace::clock::Anchor;
use taffrail_trace::event::{Actor, Digest, ExeFile};
use taffrail_trace::ids::ContainerKey;

/// The thread's name, by which its CPU time is told from that of recording.
pub const THREAD: &str = "digests";
/// How many executables can wait.
const WAITING: usize = 1024;
/// How many files are remembered as known, so that a container that runs ever new programs does not fill memory.
const KNOWN_MAX: usize = 65_536;
/// Several ticks of the slowest kernel (100 Hz).
const TICK_NS: i64 = 50_000_000;
/// How many files are held open for execs that wait for their turn.
const OPEN_MAX: usize = 256;
/// An exec whose record did not come by then was lost.
const NOTICED_NS: u64 = 1_000_000_000;
/// The longest executable that is read.
const FILE_MAX_BYTES: u64 = 512 << 20;

/// A file that ran for the first time.
#[derive(Clone, Debug)]
pub struct Question {
    /// In which container.
    pub container: ContainerKey,
    /// Who ran it.
    pub actor: Actor,
    /// The file.
    pub file: ExeFile,
    /// Its path there.
    pub path: String,
    /// The file itself, where it could be opened while the program ran.
    pub open: Option<Arc<Opened>>,
    /// A process that sees the container's files and lives longer, where one is known.
    pub other_pid: Option<u32>,
}

/// A file that was opened while it ran, when nobody can write to it.
#[derive(Debug)]
pub struct Opened {
    file: File,
    /// Change time at that moment, nanoseconds since 1970.
    ctime_ns: u64,
}

impl Opened {
    /// The executable of a running process.
    fn of(pid: u32) -> Option<Self> {
        let file = File::open(format!("/proc/{pid}/exe")).ok()?;
        let ctime_ns = ctime_ns(&file.metadata().ok()?);
        Some(Self { file, ctime_ns })
    }

    /// Its hash, where it is the file that is meant and was not touched since. An overlay's own inode may tell an older
    /// change time than the file beneath it, so the inode's number will do.
    fn sha256(&self, expected: &ExeFile) -> Option<[u8; 32]> {
        let found = self.file.metadata().ok()?;
        let is_it = self.ctime_ns == expected.ctime_ns || found.ino() == expected.inode;
        if !is_it || found.len() != expected.bytes || ctime_ns(&found) != self.ctime_ns {
            return None;
        }
        let sha256 = sum(&self.file).ok()?;
        (ctime_ns(&self.file.metadata().ok()?) == self.ctime_ns).then_some(sha256)
    }
}

/// An answer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// What was asked.
    pub question: Question,
    /// The event's body.
    pub digest: Digest,
}

/// The asking side.
#[derive(Debug)]
pub struct Digests {
    questions: mpsc::SyncSender<Question>,
    known: HashSet<(ContainerKey, u64, u32, u64)>,
    order: VecDeque<(ContainerKey, u64, u32, u64)>,
    /// Files that ran in any container.
    seen: HashSet<(u64, u32, u64)>,
    /// Files of execs that wait for their turn, by pid and exec counter.
    open: HashMap<(u32, u64), (u64, Arc<Opened>)>,
    /// Files that changed after this, nanoseconds since 1970, may have changed again.
    fresh_from_ns: u64,
}

impl Digests {
    /// Starts the thread; `answer` is called on it and says whether anybody still listens.
    ///
    /// # Errors
    /// Where no thread can be made.
    pub fn start(mut answer: impl FnMut(Answer) -> bool + Send + 'static) -> std::io::Result<Self> {
        let (questions, asked) = mpsc::sync_channel::<Question>(WAITING);
        std::thread::Builder::new().name(THREAD.to_owned()).spawn(move || {
            host::lowest_priority();
            while let Ok(question) = asked.recv() {
                let sha256 = look(&question);
                if let Err(reason) = &sha256 {
                    tracing::debug!(path = question.path, reason, "no digest of a program");
                }
                let ExeFile { inode, dev, ctime_ns, .. } = question.file;
                if !answer(Answer { digest: Digest { inode, dev, ctime_ns, sha256 }, question }) {
                    return;
                }
            }
        })?;
        Ok(Self {
            questions,
            known: HashSet::new(),
            order: VecDeque::new(),
            seen: HashSet::new(),
            open: HashMap::new(),
            fresh_from_ns: 0,
        })
    }

    /// An exec was noticed: where its file is new anywhere, it is opened while the program still runs.
    pub fn notice(&mut self, header: &Header, exec: &Exec) {
        let identity = (exec.exe_inode, exec.exe_dev, exec.exe_ctime_ns);
        if self.open.len() < OPEN_MAX
            && (!self.seen.contains(&identity) || exec.exe_ctime_ns >= self.fresh_from_ns)
            && let Some(opened) = Opened::of(header.image.pid)
        {
            self.open.insert((header.image.pid, header.image.exec_seq), (header.time_ns, Arc::new(opened)));
        }
    }

    /// The file of an exec that was noticed.
    pub fn opened(&mut self, image: &ImageKey) -> Option<Arc<Opened>> {
        self.open.remove(&(image.pid, image.exec_seq)).map(|(_, file)| file)
    }

    /// Sets the clocks, and closes files whose execs turned out to be of no interest.
    pub fn tick(&mut self, now: Anchor) {
        let time_ns = now.boot_ns.saturating_sub(NOTICED_NS);
        self.fresh_from_ns = u64::try_from(now.utc_ns.saturating_sub(2 * TICK_NS)).unwrap_or(0);
        self.open.retain(|_, (opened_ns, _)| *opened_ns >= time_ns);
    }

    /// Whether a file is new to its container; from now on it is not. One that changed shortly before it ran, at
    /// `utc_ns`, always is: change times have the grain of a kernel's tick, and two contents can share one.
    pub fn is_new(&mut self, container: ContainerKey, file: &ExeFile, utc_ns: i64) -> bool {
        let is_fresh = utc_ns.saturating_sub(file.ctime_ns as i64) < TICK_NS;
        let key = (container, file.inode, file.dev, file.ctime_ns);
        if self.seen.len() < KNOWN_MAX {
            self.seen.insert((file.inode, file.dev, file.ctime_ns));
        }
        if !self.known.insert(key) {
            return is_fresh;
        }
        self.order.push_back(key);
        if self.order.len() > KNOWN_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
        true
    }

    /// Asks. Where too many wait the file goes without: the answer at hand says so.
    pub fn ask(&self, question: Question) -> Option<Answer> {
        let refused = match self.questions.try_send(question) {
            Ok(()) => return None,
            Err(mpsc::TrySendError::Full(question) | mpsc::TrySendError::Disconnected(question)) => question,
        };
        let ExeFile { inode, dev, ctime_ns, .. } = refused.file;
        let sha256 = Err("too many new programs at once".to_owned());
        Some(Answer { digest: Digest { inode, dev, ctime_ns, sha256 }, question: refused })
    }
}

fn look(question: &Question) -> Result<[u8; 32], String> {
    if let Some(sha256) = question.open.as_ref().and_then(|opened| opened.sha256(&question.file)) {
        return Ok(sha256);
    }
    let running = PathBuf::from(format!("/proc/{}/exe", question.actor.pid));
    let seen_by = |pid: u32| PathBuf::from(format!("/proc/{pid}/root{}", question.path));
    let mut places = vec![running];
    if !question.file.deleted {
        places.push(seen_by(question.actor.pid));
        places.extend(question.other_pid.map(seen_by));
    }
    let mut reason = "the process was over before its file could be read".to_owned();
    for place in places {
        let Ok(file) = File::open(&place) else { continue };
        match read(&file, &question.file) {
            Ok(sha256) => return Ok(sha256),
            Err(why) => reason = why,
        }
    }
    Err(reason)
}

fn read(file: &File, expected: &ExeFile) -> Result<[u8; 32], String> {
    let found = file.metadata().map_err(|error| error.to_string())?;
    if !found.is_file() || found.len() != expected.bytes || ctime_ns(&found) != expected.ctime_ns {
        return Err("the file was replaced before it could be read".to_owned());
    }
    sum(file)
}

fn ctime_ns(found: &Metadata) -> u64 {
    found.ctime().wrapping_mul(1_000_000_000).wrapping_add(found.ctime_nsec()) as u64
}

fn sum(mut file: &File) -> Result<[u8; 32], String> {
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 128 << 10];
    let mut left = FILE_MAX_BYTES;
    loop {
        match file.read(&mut buffer).map_err(|error| error.to_string())? {
            0 => return Ok(hasher.finalize().into()),
            read => hasher.update(&buffer[..read]),
        }
        left = left.checked_sub(buffer.len() as u64).ok_or("the file is longer than is read")?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question(path: &std::path::Path, bytes: u64, ctime_ns: u64) -> Question {
        let file =
            ExeFile { inode: 1, dev: 1, mode: 0o755, bytes, ctime_ns, deleted: false, memfd: false, upper: false };
        let actor = Actor {
            exec_id: taffrail_trace::ids::ExecId(1),
            pid: 4_000_000,
            tid: 4_000_000,
            uid: 0,
            comm: String::new(),
        };
        Question {
            container: ContainerKey(1),
            actor,
            file,
            path: path.to_string_lossy().into_owned(),
            open: None,
            other_pid: Some(std::process::id()),
        }
    }

    #[test]
    fn a_file_is_hashed_as_another_process_sees_it_and_never_when_it_was_replaced() {
        let dir = tempfile::tempdir().expect("tempdir");
        let path = dir.path().join("program");
        std::fs::write(&path, b"abc").expect("write");
        let found = std::fs::metadata(&path).expect("metadata");
        let ctime_ns = (found.ctime() * 1_000_000_000 + found.ctime_nsec()) as u64;
        let sha256 = look(&question(&path, 3, ctime_ns)).expect("a hash");
        assert_eq!(sha256[..4], [0xba, 0x78, 0x16, 0xbf], "SHA-256 of abc");
        assert!(look(&question(&path, 3, ctime_ns - 1)).expect_err("another file").contains("replaced"));
        assert!(look(&question(&dir.path().join("none"), 3, 0)).expect_err("no file").contains("over"));
    }

    #[test]
    fn a_program_is_new_once_in_each_container() {
        let (answers, got) = mpsc::channel();
        let mut digests = Digests::start(move |answer| answers.send(answer).is_ok()).expect("a thread");
        let question = question(std::path::Path::new("/nowhere"), 0, 0);
        assert!(digests.is_new(ContainerKey(1), &question.file, i64::MAX));
        assert!(!digests.is_new(ContainerKey(1), &question.file, i64::MAX));
        assert!(digests.is_new(ContainerKey(2), &question.file, i64::MAX));
        assert!(digests.is_new(ContainerKey(1), &question.file, 1), "it changed a moment ago");
        assert!(digests.ask(question).is_none());
        assert!(got.recv().expect("an answer").digest.sha256.is_err());
    }
}
