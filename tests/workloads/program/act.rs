//! What an act is given and what it gives back.

use std::ffi::CString;
use std::io;
use std::path::{Path, PathBuf};

/// The line that the act prints.
pub type Told = io::Result<String>;
/// An act by its name.
pub type Act = (&'static str, fn(&Args) -> Told);

/// The arguments behind the act's name.
pub struct Args<'a>(pub &'a [String]);

impl<'a> Args<'a> {
    /// The argument at a place.
    pub fn text(&self, at: usize) -> io::Result<&'a str> {
        self.0.get(at).map(String::as_str).ok_or_else(|| io::Error::other(format!("argument {} is missing", at + 1)))
    }

    /// The number at a place.
    pub fn number(&self, at: usize) -> io::Result<u64> {
        self.text(at)?.parse().map_err(io::Error::other)
    }

    /// The number at a place, or what stands for it where nothing does.
    pub fn number_or(&self, at: usize, otherwise: u64) -> io::Result<u64> {
        if self.0.len() > at { self.number(at) } else { Ok(otherwise) }
    }

    /// The port at a place, or 0 for one that the kernel chooses.
    pub fn port(&self, at: usize) -> io::Result<u16> {
        u16::try_from(self.number_or(at, 0)?).map_err(io::Error::other)
    }

    /// A name in the directory at the first place, which is made where it is missing.
    pub fn below(&self, name: &str) -> io::Result<PathBuf> {
        let dir = Path::new(self.text(0)?);
        if !dir.is_dir() {
            std::fs::create_dir_all(dir)?;
        }
        Ok(dir.join(name))
    }
}

/// A path as the kernel takes it.
pub fn c(path: impl AsRef<Path>) -> io::Result<CString> {
    use std::os::unix::ffi::OsStrExt as _;
    CString::new(path.as_ref().as_os_str().as_bytes()).map_err(io::Error::other)
}
