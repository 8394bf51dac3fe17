//! A bundle's way to somebody else: the same bytes under another name, written down before they have it.

use super::write::Partial;
use super::{Bundle, WriteError};
use crate::text::hex;
use sha2::{Digest, Sha256};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

/// A whole and durable copy that waits for its name; without [`Copy::finish`] it goes again.
pub struct Copy {
    partial: Partial,
    to: PathBuf,
    sha256: String,
}

impl Copy {
    /// Copies the file of an open bundle, whatever became of its name, beside where it is to be.
    ///
    /// # Errors
    /// [`WriteError::Io`] where `to` is there already, or cannot be written.
    pub fn of(bundle: &Bundle, to: &Path) -> Result<Self, WriteError> {
        let io_error = |source| WriteError::Io { path: to.to_owned(), source };
        if to.exists() {
            return Err(io_error(io::Error::new(io::ErrorKind::AlreadyExists, "it is there already; name a new file")));
        }
        let (partial, mut file) = Partial::beside(to).map_err(io_error)?;
        let len = bundle.file().metadata().map_err(io_error)?.len();
        let mut from = super::read::section(bundle.file(), 0..len);
        let (mut hasher, mut buffer) = (Sha256::new(), vec![0; 64 << 10]);
        loop {
            match from.read(&mut buffer).map_err(io_error)? {
                0 => break,
                read => {
                    hasher.update(&buffer[..read]);
                    file.write_all(&buffer[..read]).map_err(io_error)?;
                }
            }
        }
        file.sync_all().map_err(io_error)?;
        Ok(Self { partial, to: to.to_owned(), sha256: hex(&hasher.finalize()) })
    }

    /// SHA-256 of the whole file, in hex, as `sha256sum` prints it.
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    /// The copy under its passing name.
    pub fn path(&self) -> &Path {
        self.partial.path()
    }

    /// Gives it its name, durably.
    ///
    /// # Errors
    /// [`WriteError::Io`]; it is gone then.
    pub fn finish(self) -> Result<(), WriteError> {
        self.partial.become_whole(&self.to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bundle::Verdict;
    use crate::fixture;
    use std::fs;

    #[test]
    fn a_copy_is_the_same_file_has_its_name_last_and_writes_over_nothing() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = fixture::write_incident(dir.path());
        let bundle = Bundle::open(&path).expect("a bundle");
        let to = dir.path().join("elsewhere.evidence.zip");
        let waiting = Copy::of(&bundle, &to).expect("a copy");
        let passing = waiting.path().to_owned();
        assert!(!to.exists() && passing.exists());
        drop(waiting);
        assert!(!passing.exists(), "nothing is left of one that was never finished");
        let copy = Copy::of(&bundle, &to).expect("a copy");
        let whole = fs::read(&path).expect("bytes");
        assert_eq!(copy.sha256(), hex(&Sha256::digest(&whole)));
        copy.finish().expect("its name");
        assert_eq!(fs::read(&to).expect("bytes"), whole);
        assert!(matches!(Bundle::open(&to).expect("a bundle").verify(), Ok(Verdict::Intact(_))));
        assert!(Copy::of(&bundle, &to).is_err_and(|error| error.to_string().contains("there already")));
    }
}
