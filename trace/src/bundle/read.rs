//! Reading a bundle as hostile input: every count, name, length and position is checked at the door.

use super::{MANIFEST, SUMS};
use crate::FORMAT_VERSION;
use crate::manifest::Manifest;
use crate::text::hex;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use zip::{CompressionMethod, ZipArchive};

/// The most members a bundle can have: a few dozen tables and documents, with room to grow.
const MEMBERS_MAX: usize = 256;
/// The largest manifest or checksum list that is read into memory.
const TEXT_MAX_BYTES: u64 = 16 << 20;
/// The longest member name.
const NAME_MAX_BYTES: usize = 128;

/// Why a file is not opened as a bundle. Each is one line for a person.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The file cannot be read at all.
    #[error("cannot read {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It is not a ZIP, or one cut short.
    #[error("{}: not an evidence bundle, or one cut short ({reason})", path.display())]
    NotABundle {
        /// The file.
        path: PathBuf,
        /// What the ZIP reader stumbled over.
        reason: String,
    },
    /// A ZIP, but one that no recorder wrote: it is refused by what is wrong with it.
    #[error("{}: refused: {reason}", path.display())]
    Refused {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A later version of this program wrote it.
    #[error("{}: format {found} is newer than this program reads ({FORMAT_VERSION}); use a newer taffrail", path.display())]
    TooNew {
        /// The file.
        path: PathBuf,
        /// Its format version.
        found: u32,
    },
}

/// An open bundle. It keeps the file open, so that what was checked is what is read even if the name moves on.
#[derive(Debug)]
pub struct Bundle {
    path: PathBuf,
    file: Arc<File>,
    members: BTreeMap<String, Member>,
    manifest: Manifest,
}

/// Where a member's bytes are in the file: checked to lie inside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member {
    /// First byte, from the file's beginning.
    pub offset: u64,
    /// Length in bytes.
    pub len: u64,
}

/// What [`Bundle::verify`] found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Every member is there and has the digest that SHA256SUMS states; the number of members.
    Intact(usize),
    /// Something does not match.
    Altered(Vec<Mismatch>),
}

/// One way in which a bundle does not match its own SHA256SUMS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mismatch {
    /// A member's bytes are not what was written.
    Changed(String),
    /// SHA256SUMS names a member that is not there.
    Missing(String),
    /// A member that SHA256SUMS does not name.
    Added(String),
    /// A line of SHA256SUMS that cannot be read.
    BadLine(String),
}

impl Bundle {
    /// Opens the bundle at `path` and reads its manifest.
    ///
    /// # Errors
    /// [`OpenError`], which never depends on more than the directory of the ZIP and the manifest.
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        let io_error = |source| OpenError::Io { path: path.to_owned(), source };
        let file = Arc::new(File::open(path).map_err(io_error)?);
        let meta = file.metadata().map_err(io_error)?;
        if !meta.is_file() {
            return Err(OpenError::NotABundle { path: path.to_owned(), reason: "not a regular file".to_owned() });
        }
        let members = directory(&file, meta.len()).map_err(|problem| match problem {
            Problem::Zip(reason) => OpenError::NotABundle { path: path.to_owned(), reason },
            Problem::Shape(reason) => OpenError::Refused { path: path.to_owned(), reason },
        })?;

        let refused = |reason: String| OpenError::Refused { path: path.to_owned(), reason };
        let member = *members.get(MANIFEST).ok_or_else(|| refused(format!("it has no {MANIFEST}")))?;
        let text = read_text(&file, MANIFEST, member).map_err(|problem| match problem {
            TextProblem::Io(source) => OpenError::Io { path: path.to_owned(), source },
            TextProblem::TooLong(reason) => refused(reason),
        })?;
        let version: Version =
            serde_json::from_slice(&text).map_err(|error| refused(format!("{MANIFEST} cannot be read: {error}")))?;
        if version.format_version > FORMAT_VERSION {
            return Err(OpenError::TooNew { path: path.to_owned(), found: version.format_version });
        }
        let manifest =
            serde_json::from_slice(&text).map_err(|error| refused(format!("{MANIFEST} cannot be read: {error}")))?;
        Ok(Self { path: path.to_owned(), file, members, manifest })
    }

    /// Where it was opened.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The open file, for readers of members.
    pub fn file(&self) -> &Arc<File> {
        &self.file
    }

    /// Its manifest. What it says is the writer's claim until [`Bundle::verify`] is `Intact`.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Every member by name.
    pub fn members(&self) -> &BTreeMap<String, Member> {
        &self.members
    }

    /// Compares every member with SHA256SUMS, both ways.
    ///
    /// # Errors
    /// [`OpenError`] where the file cannot be read or has no readable SHA256SUMS.
    pub fn verify(&self) -> Result<Verdict, OpenError> {
        let refused = |reason: String| OpenError::Refused { path: self.path.clone(), reason };
        let io_error = |source| OpenError::Io { path: self.path.clone(), source };
        let sums = *self.members.get(SUMS).ok_or_else(|| refused(format!("it has no {SUMS}")))?;
        let text = read_text(&self.file, SUMS, sums).map_err(|problem| match problem {
            TextProblem::Io(source) => io_error(source),
            TextProblem::TooLong(reason) => refused(reason),
        })?;

        let mut wrong = Vec::new();
        let mut stated = BTreeMap::new();
        for line in String::from_utf8_lossy(&text).lines() {
            match line.split_once("  ") {
                Some((digest, name)) if digest.len() == 64 => {
                    stated.insert(name.to_owned(), digest.to_owned());
                }
                _ => wrong.push(Mismatch::BadLine(line.to_owned())),
            }
        }
        for (name, member) in self.members.iter().filter(|(name, _)| *name != SUMS) {
            match stated.remove(name) {
                None => wrong.push(Mismatch::Added(name.clone())),
                Some(digest) if digest != self.digest(*member).map_err(io_error)? => {
                    wrong.push(Mismatch::Changed(name.clone()));
                }
                Some(_) => {}
            }
        }
        wrong.extend(stated.into_keys().map(Mismatch::Missing));
        Ok(if wrong.is_empty() { Verdict::Intact(self.members.len() - 1) } else { Verdict::Altered(wrong) })
    }

    fn digest(&self, member: Member) -> io::Result<String> {
        let mut reader = self.reader(member);
        let mut hasher = Sha256::new();
        let mut buffer = vec![0; 64 << 10];
        loop {
            match reader.read(&mut buffer)? {
                0 => return Ok(hex(&hasher.finalize())),
                read => hasher.update(&buffer[..read]),
            }
        }
    }

    /// The bytes of a member of this bundle.
    pub fn reader(&self, member: Member) -> Section {
        section(&self.file, member)
    }
}

/// Reads just the field that decides whether the rest can be understood.
#[derive(serde::Deserialize)]
struct Version {
    format_version: u32,
}

enum Problem {
    Zip(String),
    Shape(String),
}

enum TextProblem {
    Io(io::Error),
    TooLong(String),
}

/// The members of the ZIP, each checked.
fn directory(file: &File, file_len: u64) -> Result<BTreeMap<String, Member>, Problem> {
    let zip_problem = |error: zip::result::ZipError| Problem::Zip(error.to_string());
    let mut zip = ZipArchive::new(BufReader::new(file)).map_err(zip_problem)?;
    if zip.len() > MEMBERS_MAX {
        return Err(Problem::Shape(format!("it has {} members, more than {MEMBERS_MAX}", zip.len())));
    }
    let mut members = BTreeMap::new();
    let mut ranges = Vec::new();
    for index in 0..zip.len() {
        let entry = zip.by_index_raw(index).map_err(zip_problem)?;
        let name = checked_name(entry.name_raw()).map_err(Problem::Shape)?;
        if entry.compression() != CompressionMethod::Stored || entry.encrypted() {
            return Err(Problem::Shape(format!("member {name} is compressed or encrypted; ours are stored plain")));
        }
        if entry.size() != entry.compressed_size() {
            return Err(Problem::Shape(format!("member {name} states two different lengths")));
        }
        let Some(offset) = entry.data_start() else {
            return Err(Problem::Shape(format!("member {name} has no place in the file")));
        };
        let len = entry.size();
        match offset.checked_add(len) {
            Some(end) if end <= file_len => ranges.push((offset, end)),
            _ => return Err(Problem::Shape(format!("member {name} reaches beyond the end of the file"))),
        }
        if members.insert(name.clone(), Member { offset, len }).is_some() {
            return Err(Problem::Shape(format!("member {name} is there twice")));
        }
    }
    ranges.sort_unstable();
    if ranges.windows(2).any(|pair| pair[1].0 < pair[0].1) {
        return Err(Problem::Shape("members overlap".to_owned()));
    }
    Ok(members)
}

/// A member name made of plain words and at most one folder, or why not.
fn checked_name(raw: &[u8]) -> Result<String, String> {
    let shown = || crate::text::shown(&crate::text::from_bytes(raw)).into_owned();
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-' | b'/');
    if raw.is_empty() || raw.len() > NAME_MAX_BYTES || !raw.iter().all(plain) {
        return Err(format!("member name {:?} is not one of ours", shown()));
    }
    let name = String::from_utf8_lossy(raw).into_owned();
    if name.split('/').any(|part| part.is_empty() || part.starts_with('.')) {
        return Err(format!("member name {:?} is not one of ours", shown()));
    }
    Ok(name)
}

fn read_text(file: &Arc<File>, name: &str, member: Member) -> Result<Vec<u8>, TextProblem> {
    if member.len > TEXT_MAX_BYTES {
        return Err(TextProblem::TooLong(format!("{name} is {} bytes long, more than {TEXT_MAX_BYTES}", member.len)));
    }
    let mut text = Vec::with_capacity(member.len as usize);
    section(file, member).read_to_end(&mut text).map_err(TextProblem::Io)?;
    Ok(text)
}

fn section(file: &Arc<File>, member: Member) -> Section {
    Section { file: Arc::clone(file), at: member.offset, end: member.offset + member.len }
}

/// Reads a member by position, so that any number of readers can share one open file.
#[derive(Debug)]
pub struct Section {
    file: Arc<File>,
    at: u64,
    end: u64,
}

impl Read for Section {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.end - self.at).unwrap_or(usize::MAX);
        let want = buffer.len().min(left);
        let read = self.file.read_at(&mut buffer[..want], self.at)?;
        self.at += read as u64;
        Ok(read)
    }
}
