//! Writing a bundle: whole or absent.

use super::{Bundle, MANIFEST, OpenError, SIGNATURE, SUMS, directory};
use crate::manifest::Manifest;
use crate::signature::{KeyError, NAMESPACE, Signer};
use crate::table::Tables;
use crate::text::hex;
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek as _, SeekFrom, Write};
use std::path::{Path, PathBuf};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

/// Why a bundle could not be written. No partial bundle is left behind.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The directory cannot be written, or is full.
    #[error("cannot write {path}: {source}")]
    Io {
        /// The file being written.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The ZIP could not be put together.
    #[error("cannot put together {path}: {source}")]
    Zip {
        /// The file being written.
        path: PathBuf,
        /// What the ZIP library said.
        source: zip::result::ZipError,
    },
    /// A table could not be turned into Parquet.
    #[error("cannot write table {table}: {source}")]
    Table {
        /// Its name.
        table: &'static str,
        /// What the Parquet library said.
        source: parquet::errors::ParquetError,
    },
    /// The manifest could not be turned into JSON.
    #[error("cannot write the manifest: {0}")]
    Manifest(#[from] serde_json::Error),
    /// A member's name that no reader would take: a fault of this program.
    #[error("a bundle has no place for a member {0:?}")]
    Name(String),
    /// What was written so far could not be opened.
    #[error("what was written so far cannot be read: {0}")]
    ReadBack(#[from] OpenError),
    /// It could not be signed.
    #[error(transparent)]
    Key(#[from] KeyError),
}

/// Further members for a bundle that has everything but its sums and its signature: a report made of its tables. It is
/// for whoever gives it to say when it fails; the evidence is sealed without it then.
pub type More<'a> = dyn Fn(&Bundle) -> Vec<(String, Vec<u8>)> + 'a;

/// What comes last into a bundle.
#[derive(Clone, Copy, Default)]
pub struct Ending<'a> {
    /// What is made of the rest.
    pub more: Option<&'a More<'a>>,
    /// Who signs. The manifest says [`NAMESPACE`] then.
    pub signer: Option<&'a Signer>,
}

/// Writes manifest and tables to `path`, durably, without a signature.
///
/// # Errors
/// [`WriteError`]; `path` then does not exist, or is what it was.
pub fn write(path: &Path, manifest: &Manifest, tables: Tables) -> Result<(), WriteError> {
    seal(path, manifest, tables, Ending::default())
}

/// Writes manifest, tables, what is made of them, sums and signature to `path`, durably.
///
/// # Errors
/// [`WriteError`]; `path` then does not exist, or is what it was.
pub fn seal(path: &Path, manifest: &Manifest, tables: Tables, ending: Ending<'_>) -> Result<(), WriteError> {
    let mut writer = Writer::create(path, manifest, ending.signer)?;
    for table in tables.into_tables() {
        let spec = table.spec();
        let bytes = table.finish().map_err(|source| WriteError::Table { table: spec.name, source })?;
        writer.add(&spec.member(), &bytes)?;
    }
    if let Some(more) = ending.more {
        writer.add_made_of(more)?;
    }
    writer.finish()
}

/// A bundle on its way: under a temporary name beside its place until it is whole, and gone where it never is.
pub struct Writer<'a> {
    path: PathBuf,
    partial: Partial,
    zip: Option<ZipWriter<File>>,
    sums: String,
    signer: Option<&'a Signer>,
}

/// A file that is removed unless it was renamed.
pub(super) struct Partial(PathBuf);

impl Partial {
    const EXTENSION: &str = "partial";

    /// Creates the one that is to become `path`. What programs were told and typed is nobody's business but the owner's,
    /// until the owner says otherwise.
    pub(super) fn beside(path: &Path) -> io::Result<(Self, File)> {
        let partial = Self(path.with_extension(Self::EXTENSION));
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(&partial.0)?;
        Ok((partial, file))
    }

    /// Gives it its name, durably.
    pub(super) fn become_whole(&self, path: &Path) -> Result<(), WriteError> {
        fs::rename(&self.0, path)
            .and_then(|()| sync_directory_of(path))
            .map_err(|source| WriteError::Io { path: path.to_owned(), source })
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        // After the rename there is none.
        let _ = fs::remove_file(&self.0);
    }
}

impl<'a> Writer<'a> {
    /// Begins a bundle with its manifest.
    ///
    /// # Errors
    /// [`WriteError`] where the directory cannot be written.
    pub fn create(path: &Path, manifest: &Manifest, signer: Option<&'a Signer>) -> Result<Self, WriteError> {
        let io_error = |source| WriteError::Io { path: path.with_extension(Partial::EXTENSION), source };
        let (partial, file) = Partial::beside(path).map_err(io_error)?;
        let zip = Some(ZipWriter::new(file));
        let mut writer = Self { path: path.to_owned(), partial, zip, sums: String::new(), signer };
        let manifest = Manifest { signature_namespace: signer.map(|_| NAMESPACE.to_owned()), ..manifest.clone() };
        writer.add(MANIFEST, &serde_json::to_vec_pretty(&manifest)?)?;
        Ok(writer)
    }

    /// Adds a member, which SHA256SUMS will name.
    ///
    /// # Errors
    /// [`WriteError`].
    pub fn add(&mut self, name: &str, bytes: &[u8]) -> Result<(), WriteError> {
        if directory::checked_name(name.as_bytes()).is_err() || [SUMS, SIGNATURE].contains(&name) {
            return Err(WriteError::Name(name.to_owned()));
        }
        // Writing into a String cannot fail.
        let _ = writeln!(self.sums, "{}  {name}", hex(&Sha256::digest(bytes)));
        self.put(name, bytes)
    }

    /// Adds what `more` makes of the members so far.
    ///
    /// # Errors
    /// [`WriteError`], also where what was written so far cannot be opened.
    pub fn add_made_of(&mut self, more: &More<'_>) -> Result<(), WriteError> {
        let partial = self.partial.0.clone();
        let io_error = |source| WriteError::Io { path: partial.clone(), source };
        let zip_error = |source| WriteError::Zip { path: partial.clone(), source };
        self.close()?;
        let members = more(&Bundle::open(&partial)?);
        let mut file = OpenOptions::new().read(true).write(true).open(&partial).map_err(io_error)?;
        let directory_at = ZipArchive::new(&file).map_err(zip_error)?.central_directory_start();
        let appending = ZipWriter::new_append(file.try_clone().map_err(io_error)?).map_err(zip_error)?;
        // Both handles have one place in the file. What comes next goes over the directory, which is written anew behind it.
        file.seek(SeekFrom::Start(directory_at)).map_err(io_error)?;
        self.zip = Some(appending);
        members.into_iter().try_for_each(|(name, bytes)| self.add(&name, &bytes))
    }

    /// Adds sums and signature, makes the file durable and gives it its name.
    ///
    /// # Errors
    /// [`WriteError`]; the name then does not exist, or is what it was.
    pub fn finish(mut self) -> Result<(), WriteError> {
        let sums = std::mem::take(&mut self.sums);
        self.put(SUMS, sums.as_bytes())?;
        if let Some(signer) = self.signer {
            self.put(SIGNATURE, signer.sign(NAMESPACE, sums.as_bytes())?.as_bytes())?;
        }
        self.close()?;
        self.partial.become_whole(&self.path)
    }

    fn put(&mut self, name: &str, bytes: &[u8]) -> Result<(), WriteError> {
        let path = &self.partial.0;
        let Some(zip) = &mut self.zip else { return Ok(()) };
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Stored)
            .unix_permissions(0o644)
            .large_file(bytes.len() as u64 > u64::from(u32::MAX / 2));
        zip.start_file(name, options).map_err(|source| WriteError::Zip { path: path.clone(), source })?;
        zip.write_all(bytes).map_err(|source| WriteError::Io { path: path.clone(), source })
    }

    /// Writes the directory and waits for the disk.
    fn close(&mut self) -> Result<(), WriteError> {
        let path = &self.partial.0;
        let Some(zip) = self.zip.take() else { return Ok(()) };
        let file = zip.finish().map_err(|source| WriteError::Zip { path: path.clone(), source })?;
        file.sync_all().map_err(|source| WriteError::Io { path: path.clone(), source })
    }
}

/// Makes the rename itself durable.
fn sync_directory_of(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => File::open(parent)?.sync_all(),
        _ => File::open(".")?.sync_all(),
    }
}
