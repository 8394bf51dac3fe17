//! What a guest consists of: busybox, programs with their libraries, modules, and the first program's script.

use super::archive::Archive;
use super::kernel::Kernel;
use crate::test::read;
use anyhow::{Context as _, Result};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

const INIT: &str = include_str!("init.sh");

/// Where the busybox of the guest lies, beside the paths of this machine's programs.
const BUSYBOX: &str = "/guest/busybox";

/// A guest that is put together.
pub struct Image {
    /// Path in the guest and the file here that it is a copy of.
    files: BTreeMap<PathBuf, PathBuf>,
    /// Symbolic links at the top: `/bin` and others, where this machine has them so.
    links: BTreeMap<PathBuf, PathBuf>,
}

impl Image {
    /// One with nothing in it.
    pub fn new() -> Self {
        let mut links = BTreeMap::new();
        for name in ["/bin", "/sbin", "/lib", "/lib32", "/lib64"] {
            if let Ok(to) = std::fs::read_link(name) {
                links.insert(name.into(), to);
            }
        }
        Self { files: BTreeMap::new(), links }
    }

    /// Adds a program and the libraries that it loads, each where it is here. Any other file does as well.
    pub fn program(&mut self, path: &Path) -> Result<()> {
        self.file(path)?;
        // Of a static program, and of what is no program, it says so and fails.
        let output = Command::new("ldd").arg(path).env("LC_ALL", "C").output().context("cannot run ldd")?;
        for line in String::from_utf8_lossy(&output.stdout).lines() {
            // `name => /path (address)`, or only the path of what loads the others.
            let place = line.split_once("=>").map_or(line, |(_, place)| place).trim();
            if let Some((path, _)) = place.split_once(" (0x")
                && path.starts_with('/')
            {
                self.file(Path::new(path))?;
            }
        }
        Ok(())
    }

    /// Adds a file under the name it has here, in the directory that its path leads to.
    fn file(&mut self, path: &Path) -> Result<()> {
        let (directory, name) = path.parent().zip(path.file_name()).context("a path without a name")?;
        let directory = directory.canonicalize().with_context(|| format!("finding {}", path.display()))?;
        self.files.insert(directory.join(name), path.to_owned());
        Ok(())
    }

    /// Writes it as an initramfs whose init runs `script` in a shell.
    pub fn write(&self, to: &Path, kernel: &Kernel, script: &str) -> Result<()> {
        let mut archive = Archive::create(to)?;
        let mut made = BTreeSet::new();
        for (link, to) in &self.links {
            archive.link(text(link)?, text(to)?)?;
        }
        for directory in ["/guest/modules", "/etc", "/usr/bin", "/usr/sbin", "/usr/lib", "/usr/lib64", "/sys"] {
            directories(&mut archive, &mut made, Path::new(directory))?;
        }
        archive.file("/init", INIT.as_bytes())?;
        archive.file("/guest/run", script.as_bytes())?;
        archive.file(BUSYBOX, &read(&super::find_program("busybox")?)?)?;
        archive.file("/etc/passwd", b"root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n")?;
        archive.file("/etc/group", b"root:x:0:\nnogroup:x:65534:\n")?;
        archive.file("/etc/hosts", b"127.0.0.1 localhost guest\n::1 localhost\n")?;
        for (number, (name, content)) in kernel.modules()?.iter().enumerate() {
            archive.file(&format!("/guest/modules/{number:02}-{name}.ko"), content)?;
        }
        for (path, from) in &self.files {
            directories(&mut archive, &mut made, path.parent().context("a path without a directory")?)?;
            archive.file(text(path)?, &read(from)?)?;
        }
        archive.finish()
    }
}

/// Adds a directory and those above it, each once.
fn directories(archive: &mut Archive, made: &mut BTreeSet<PathBuf>, path: &Path) -> Result<()> {
    let mut above: Vec<&Path> = path.ancestors().filter(|path| path.parent().is_some()).collect();
    above.reverse();
    for path in above {
        if made.insert(path.to_owned()) {
            archive.directory(text(path)?)?;
        }
    }
    Ok(())
}

fn text(path: &Path) -> Result<&str> {
    path.to_str().with_context(|| format!("{} is not UTF-8", path.display()))
}
