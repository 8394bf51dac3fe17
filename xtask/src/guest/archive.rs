//! An initramfs: a cpio archive in the form "newc", which the kernel unpacks into its first root.

use anyhow::{Context as _, Result};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

const DIRECTORY: u32 = 0o040_755;
const LINK: u32 = 0o120_777;
const PROGRAM: u32 = 0o100_755;
/// What the last entry is called.
const END: &str = "TRAILER!!!";

/// An archive being written. Everything in it is root's.
pub struct Archive {
    out: BufWriter<File>,
    entries: u32,
}

impl Archive {
    /// Begins one at a path.
    pub fn create(path: &Path) -> Result<Self> {
        let file = File::create(path).with_context(|| format!("writing {}", path.display()))?;
        Ok(Self { out: BufWriter::new(file), entries: 0 })
    }

    /// Adds a directory; whatever lies in it comes later.
    pub fn directory(&mut self, path: &str) -> Result<()> {
        self.entry(path, DIRECTORY, &[])
    }

    /// Adds a symbolic link.
    pub fn link(&mut self, path: &str, to: &str) -> Result<()> {
        self.entry(path, LINK, to.as_bytes())
    }

    /// Adds a file that may be run.
    pub fn file(&mut self, path: &str, content: &[u8]) -> Result<()> {
        self.entry(path, PROGRAM, content)
    }

    /// Ends it.
    pub fn finish(mut self) -> Result<()> {
        self.entry(END, 0, &[])?;
        self.out.flush().context("writing the initramfs")
    }

    fn entry(&mut self, path: &str, mode: u32, content: &[u8]) -> Result<()> {
        self.entries += 1;
        let path = path.trim_start_matches('/');
        let size = u32::try_from(content.len()).context("a file is too large for an initramfs")?;
        let name = u32::try_from(path.len() + 1)?;
        // Magic; inode, mode, uid, gid, links, time, size, four device numbers, bytes of the name, no checksum.
        write!(self.out, "070701")?;
        for field in [self.entries, mode, 0, 0, 1, 0, size, 0, 0, 0, 0, name, 0] {
            write!(self.out, "{field:08X}")?;
        }
        write!(self.out, "{path}\0")?;
        self.pad(110 + path.len() + 1)?;
        self.out.write_all(content)?;
        self.pad(content.len())
    }

    /// Header with name, and content, both end at a multiple of four.
    fn pad(&mut self, written: usize) -> Result<()> {
        let bytes = written.next_multiple_of(4) - written;
        self.out.write_all(&[0; 3][..bytes]).context("writing the initramfs")
    }
}
