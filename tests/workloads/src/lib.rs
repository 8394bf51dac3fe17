//! The workloads: one static program of which each act does a single known thing, so that a test can ask the evidence
//! for exactly that. `program/` is its source; the build compiles it and it travels inside this library.
//!
//! ```text
//! workloads ACT [ARGS]     does it, prints one line of `name=value` words, exits 0 where the act itself worked
//! workloads                names every act
//! ```
//!
//! Where an act's system call is denied the act has still worked: it prints the negative errno, since what was tried
//! and failed must be in the evidence too.
//!
//! ```text
//! harbour     containers with a web server each, in one small network of their own, for whole stories
//! incident    what intruders do in them, and what everybody else does
//! ```

pub mod harbour;
pub mod incident;

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

/// The executable.
pub static PROGRAM: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/workloads"));

/// Writes the executable to `path`, with mode 755.
///
/// # Errors
/// What the system says of writing that file.
pub fn write(path: &Path) -> io::Result<()> {
    fs::write(path, PROGRAM)?;
    fs::set_permissions(path, Permissions::from_mode(0o755))
}
