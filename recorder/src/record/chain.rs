//! `chain.log`: how far every chain of segments had come, and when. A chain binds who changes a part of it, and not who
//! makes it anew; a line of this log that was carried away in time binds that one too.
//!
//! One JSON object a line, appended and never changed:
//!
//! ```text
//! {"time":"...","container_key":"...","container":"web","class":"vital","seq":41,"sha256":"..."}
//! ```

use serde::Serialize;
use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use taffrail_trace::clock::{UtcNs, rfc3339};
use taffrail_trace::event::Class;
use taffrail_trace::ids::ContainerKey;
use taffrail_trace::text;

/// The log's name in the state directory; with `.1` behind it is the one before.
const NAME: &str = "chain.log";
/// A log of this length is put aside, and the one that was aside goes: two of them are some 35,000 lines.
const LOG_MAX_BYTES: u64 = 4 << 20;
/// How often heads are told where nothing is sealed.
const PAUSE: Duration = Duration::from_mins(1);

/// A class's newest segment.
#[derive(Clone, Debug, Serialize)]
pub struct Head<'a> {
    /// Whose.
    pub container_key: ContainerKey,
    /// Its name as it is known now.
    pub container: &'a str,
    /// Which class.
    pub class: Class,
    /// Its number.
    pub seq: u64,
    /// Its SHA-256, in hex.
    pub sha256: String,
}

#[derive(Serialize)]
struct Line<'a> {
    time: &'a str,
    #[serde(flatten)]
    head: Head<'a>,
}

/// The log, and what of it was told.
#[derive(Debug)]
pub struct ChainLog {
    path: PathBuf,
    told: HashMap<(ContainerKey, Class), u64>,
    told_at: Instant,
    is_failing: bool,
}

impl<'a> Head<'a> {
    /// The head of a chain.
    pub fn new(key: ContainerKey, container: &'a str, class: Class, (seq, sha256): (u64, [u8; 32])) -> Self {
        Self { container_key: key, container, class, seq, sha256: text::hex(&sha256) }
    }
}

impl ChainLog {
    /// The log in a state directory.
    pub fn of(state_dir: &Path) -> Self {
        Self { path: state_dir.join(NAME), told: HashMap::new(), told_at: Instant::now(), is_failing: false }
    }

    /// Whether it is time to tell all heads.
    pub fn is_due(&self) -> bool {
        self.told_at.elapsed() >= PAUSE
    }

    /// Appends those heads that are newer than what was told. `all` says that there are no others.
    pub fn tell<'a>(&mut self, heads: impl Iterator<Item = Head<'a>>, all: bool, utc_ns: UtcNs) {
        let mut seen = HashMap::new();
        let mut lines = Vec::new();
        let time = rfc3339(utc_ns);
        for head in heads {
            let place = (head.container_key, head.class);
            seen.insert(place, head.seq);
            if self.told.get(&place) != Some(&head.seq) {
                // A line of texts and numbers can always be written to memory.
                let _ = serde_json::to_writer(&mut lines, &Line { time: &time, head });
                lines.push(b'\n');
            }
        }
        if all {
            self.told_at = Instant::now();
        }
        match self.append(&lines) {
            // Histories that are gone are forgotten.
            Ok(()) if all => self.told = seen,
            Ok(()) => self.told.extend(seen),
            Err(error) if !self.is_failing => {
                tracing::warn!(path = %self.path.display(), %error, "the heads of the chains cannot be written down");
                self.is_failing = true;
                return;
            }
            Err(_) => return,
        }
        self.is_failing = false;
    }

    fn append(&self, lines: &[u8]) -> io::Result<()> {
        if lines.is_empty() {
            return Ok(());
        }
        let mut file = self.open()?;
        if file.metadata()?.len() > LOG_MAX_BYTES {
            let mut aside = self.path.clone().into_os_string();
            aside.push(".1");
            fs::rename(&self.path, aside)?;
            file = self.open()?;
        }
        file.write_all(lines)
    }

    fn open(&self) -> io::Result<File> {
        OpenOptions::new().append(true).create(true).mode(0o600).open(&self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(dir: &Path) -> Vec<serde_json::Value> {
        let text = fs::read_to_string(dir.join(NAME)).unwrap_or_default();
        text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
    }

    fn head(key: u64, seq: u64) -> Head<'static> {
        Head::new(ContainerKey(key), "web", Class::Vital, (seq, [seq as u8; 32]))
    }

    #[test]
    fn a_head_is_told_once_and_again_when_it_moved() {
        let dir = tempfile::tempdir().expect("a directory");
        let mut log = ChainLog::of(dir.path());
        log.tell([head(1, 3), head(2, 0)].into_iter(), true, 0);
        log.tell([head(1, 3), head(2, 0)].into_iter(), true, 0);
        log.tell([head(1, 4)].into_iter(), false, 0);
        log.tell([head(1, 4), head(2, 0)].into_iter(), true, 0);
        let told: Vec<u64> = lines(dir.path()).iter().filter_map(|line| line["seq"].as_u64()).collect();
        assert_eq!(told, [3, 0, 4]);
        let first = &lines(dir.path())[0];
        assert_eq!(first["class"], "vital");
        assert_eq!(first["sha256"], "03".repeat(32));
        assert_eq!(first["time"], "1970-01-01T00:00:00.000000000Z");
    }

    #[test]
    fn the_log_is_bounded_and_the_newest_is_in_it() {
        let dir = tempfile::tempdir().expect("a directory");
        let mut log = ChainLog::of(dir.path());
        for seq in 0..60_000 {
            log.tell([head(1, seq)].into_iter(), false, 0);
        }
        let files = [NAME.to_owned(), format!("{NAME}.1")].map(|name| dir.path().join(name));
        let total: u64 = files.iter().map(|path| fs::metadata(path).expect("a log").len()).sum();
        assert!(total < 2 * (LOG_MAX_BYTES + 512), "{total} bytes");
        assert_eq!(lines(dir.path()).last().expect("a line")["seq"], 59_999);
    }
}
