//! Writing a bundle: whole or absent.

use super::{MANIFEST, SUMS};
use crate::manifest::Manifest;
use crate::table::Tables;
use crate::text::hex;
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

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
}

/// Writes manifest and tables to `path`, durably, and gives the path back.
///
/// # Errors
/// [`WriteError`]; `path` then does not exist, or is what it was.
pub fn write(path: &Path, manifest: &Manifest, tables: Tables) -> Result<(), WriteError> {
    let partial = path.with_extension("partial");
    let result = write_partial(&partial, manifest, tables).and_then(|()| {
        fs::rename(&partial, path)
            .and_then(|()| sync_directory_of(path))
            .map_err(|source| WriteError::Io { path: path.to_owned(), source })
    });
    if result.is_err() {
        // The file may not exist; the first error is the one that matters.
        let _ = fs::remove_file(&partial);
    }
    result
}

fn write_partial(partial: &Path, manifest: &Manifest, tables: Tables) -> Result<(), WriteError> {
    let io_error = |source| WriteError::Io { path: partial.to_owned(), source };
    let zip_error = |source| WriteError::Zip { path: partial.to_owned(), source };

    // What programs were told and typed is nobody's business but the owner's, until the owner says otherwise.
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(partial).map_err(io_error)?;
    let mut zip = ZipWriter::new(BufWriter::new(file));
    let mut sums = String::new();
    let mut add = |zip: &mut ZipWriter<_>, name: &str, bytes: &[u8]| {
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Stored)
            .unix_permissions(0o644)
            .large_file(bytes.len() as u64 > u64::from(u32::MAX / 2));
        zip.start_file(name, options).map_err(zip_error)?;
        zip.write_all(bytes).map_err(io_error)?;
        if name != SUMS {
            // Writing into a String cannot fail.
            let _ = writeln!(sums, "{}  {name}", hex(&Sha256::digest(bytes)));
        }
        Ok::<String, WriteError>(sums.clone())
    };

    add(&mut zip, MANIFEST, &serde_json::to_vec_pretty(manifest)?)?;
    let mut listed = String::new();
    for table in tables.into_tables() {
        let spec = table.spec();
        let bytes = table.finish().map_err(|source| WriteError::Table { table: spec.name, source })?;
        listed = add(&mut zip, &spec.member(), &bytes)?;
    }
    add(&mut zip, SUMS, listed.as_bytes())?;

    let mut out = zip.finish().map_err(zip_error)?;
    out.flush().map_err(io_error)?;
    out.get_ref().sync_all().map_err(io_error)
}

/// Makes the rename itself durable.
fn sync_directory_of(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => File::open(parent)?.sync_all(),
        _ => File::open(".")?.sync_all(),
    }
}
