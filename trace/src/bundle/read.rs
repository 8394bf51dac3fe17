//! Reading a bundle as hostile input: every count, name, length and position is checked at the door.

use super::directory::{Problem, begins_as_bundle, directory};
use super::{MANIFEST, SIGNATURE, SUMS};
use crate::FORMAT_VERSION;
use crate::manifest::Manifest;
use crate::text::hex;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::ops::Range;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The largest manifest or checksum list that is read into memory.
const TEXT_MAX_BYTES: u64 = 16 << 20;

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
    /// It begins as a bundle does and has no end.
    #[error("{}: truncated: it begins as an evidence bundle and is cut short, or its end is damaged ({reason})", path.display())]
    Truncated {
        /// The file.
        path: PathBuf,
        /// What was stumbled over.
        reason: String,
    },
    /// It is not a ZIP.
    #[error("{}: not an evidence bundle ({reason})", path.display())]
    NotABundle {
        /// The file.
        path: PathBuf,
        /// What was stumbled over.
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
    /// CRC-32 (IEEE) of its bytes, as the ZIP states it: other readers refuse a member with another one.
    pub crc32: u32,
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
    /// A member whose bytes have another CRC-32 than the ZIP states, so that other readers refuse it.
    Checksum(String),
    /// A member that SHA256SUMS names twice.
    Twice(String),
    /// A line of SHA256SUMS that cannot be read.
    BadLine(String),
}

impl Bundle {
    /// Opens the bundle at `path` and reads its manifest.
    ///
    /// # Errors
    /// [`OpenError`], which never depends on more than the directory of the ZIP and the manifest.
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        Ok(Self::read(path)?.0)
    }

    /// Opens it where its manifest is the one that SHA256SUMS states, which costs nothing: by it everything else in the bundle
    /// is understood. One that is being made has no sums yet.
    ///
    /// # Errors
    /// [`OpenError`]; `Refused` where the manifest is another one.
    pub fn open_stated(path: &Path) -> Result<Self, OpenError> {
        let (bundle, manifest) = Self::read(path)?;
        let Some(sums) = bundle.text(SUMS)? else { return Ok(bundle) };
        let line = format!("{}  {MANIFEST}", hex(&Sha256::digest(&manifest)));
        if String::from_utf8_lossy(&sums).split('\n').any(|stated| stated == line) {
            return Ok(bundle);
        }
        Err(bundle.refused(format!(
            "{MANIFEST} is not what {SUMS} says, so nothing in it can be relied on; see `taffrail verify`"
        )))
    }

    /// The bundle, and the text of its manifest.
    fn read(path: &Path) -> Result<(Self, Vec<u8>), OpenError> {
        let io_error = |source| OpenError::Io { path: path.to_owned(), source };
        // Before it is opened: a pipe would wait for somebody to write.
        if !fs::metadata(path).map_err(io_error)?.is_file() {
            return Err(OpenError::NotABundle { path: path.to_owned(), reason: "not a regular file".to_owned() });
        }
        let file = Arc::new(File::open(path).map_err(io_error)?);
        let len = file.metadata().map_err(io_error)?.len();
        let members = directory(&file, len).map_err(|problem| match problem {
            Problem::Zip(reason) if begins_as_bundle(&file) => OpenError::Truncated { path: path.to_owned(), reason },
            Problem::Zip(reason) => OpenError::NotABundle { path: path.to_owned(), reason },
            Problem::Io(source) => OpenError::Io { path: path.to_owned(), source },
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
        Ok((Self { path: path.to_owned(), file, members, manifest }, text))
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
        let io_error = |source| OpenError::Io { path: self.path.clone(), source };
        let text = self.text(SUMS)?.ok_or_else(|| self.refused(format!("it has no {SUMS}")))?;

        let mut wrong = Vec::new();
        let mut stated = BTreeMap::new();
        for line in String::from_utf8_lossy(&text).split_terminator('\n') {
            match line.split_once("  ") {
                Some((digest, name)) if digest.len() == 64 => {
                    if stated.insert(name.to_owned(), digest.to_owned()).is_some() {
                        wrong.push(Mismatch::Twice(name.to_owned()));
                    }
                }
                _ => wrong.push(Mismatch::BadLine(line.to_owned())),
            }
        }
        for (name, member) in &self.members {
            let (sha256, crc32) = self.digests(*member).map_err(io_error)?;
            match stated.remove(name) {
                None if is_listed(name) => wrong.push(Mismatch::Added(name.clone())),
                Some(digest) if digest != sha256 => wrong.push(Mismatch::Changed(name.clone())),
                _ if crc32 != member.crc32 => wrong.push(Mismatch::Checksum(name.clone())),
                _ => {}
            }
        }
        wrong.extend(stated.into_keys().map(Mismatch::Missing));
        let listed = self.members.keys().filter(|name| is_listed(name)).count();
        Ok(if wrong.is_empty() { Verdict::Intact(listed) } else { Verdict::Altered(wrong) })
    }

    /// A short member as a whole; nothing where it is not there.
    ///
    /// # Errors
    /// [`OpenError`] where it cannot be read or is too long.
    pub fn text(&self, name: &str) -> Result<Option<Vec<u8>>, OpenError> {
        let Some(member) = self.members.get(name) else { return Ok(None) };
        match read_text(&self.file, name, *member) {
            Ok(text) => Ok(Some(text)),
            Err(TextProblem::Io(source)) => Err(OpenError::Io { path: self.path.clone(), source }),
            Err(TextProblem::TooLong(reason)) => Err(self.refused(reason)),
        }
    }

    /// SHA-256 of its SHA256SUMS, in hex: of everything in it.
    ///
    /// # Errors
    /// [`OpenError`] where there is none that can be read.
    pub fn sums_sha256(&self) -> Result<String, OpenError> {
        let sums = self.text(SUMS)?.ok_or_else(|| self.refused(format!("it has no {SUMS}")))?;
        Ok(hex(&Sha256::digest(&sums)))
    }

    /// This bundle is refused, and why.
    pub(super) fn refused(&self, reason: String) -> OpenError {
        OpenError::Refused { path: self.path.clone(), reason }
    }

    /// SHA-256, in hex, and CRC-32 of a member's bytes.
    fn digests(&self, member: Member) -> io::Result<(String, u32)> {
        let mut reader = self.reader(member);
        let (mut sha256, mut crc32) = (Sha256::new(), crc32fast::Hasher::new());
        let mut buffer = vec![0; 64 << 10];
        loop {
            match reader.read(&mut buffer)? {
                0 => return Ok((hex(&sha256.finalize()), crc32.finalize())),
                read => {
                    sha256.update(&buffer[..read]);
                    crc32.update(&buffer[..read]);
                }
            }
        }
    }

    /// The bytes of a member of this bundle.
    pub fn reader(&self, member: Member) -> Section {
        section(&self.file, member.offset..member.offset + member.len)
    }
}

/// Whether SHA256SUMS has to name a member.
fn is_listed(name: &str) -> bool {
    ![SUMS, SIGNATURE].contains(&name)
}

/// Reads just the field that decides whether the rest can be understood.
#[derive(serde::Deserialize)]
struct Version {
    format_version: u32,
}

enum TextProblem {
    Io(io::Error),
    TooLong(String),
}

fn read_text(file: &Arc<File>, name: &str, member: Member) -> Result<Vec<u8>, TextProblem> {
    if member.len > TEXT_MAX_BYTES {
        return Err(TextProblem::TooLong(format!("{name} is {} bytes long, more than {TEXT_MAX_BYTES}", member.len)));
    }
    let mut text = Vec::with_capacity(member.len as usize);
    section(file, member.offset..member.offset + member.len).read_to_end(&mut text).map_err(TextProblem::Io)?;
    Ok(text)
}

pub(super) fn section(file: &Arc<File>, bytes: Range<u64>) -> Section {
    Section { file: Arc::clone(file), at: bytes.start, end: bytes.end }
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
