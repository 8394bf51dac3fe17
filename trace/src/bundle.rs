//! The evidence bundle: one ZIP whose members are *stored*, so that the Parquet inside is read in place.
//!
//! ```text
//! manifest.json             see [`crate::manifest`]
//! events/<table>.parquet    one per table of [`crate::schema`], zstd inside
//! SHA256SUMS                of every other member, as sha256sum prints it
//! ```
//!
//! Writing: [`write`] builds the file under a temporary name beside its place, syncs it and renames it, so that a
//! bundle is whole or absent. Reading: [`Bundle::open`] takes the file for an attacker's: counts, names, lengths and
//! positions are checked before anything is believed, and nothing is ever extracted. Member data is only reached
//! through [`Member`], a checked range of the file.
//!
//! Not here: what the tables mean (query) and signatures.

mod read;
mod write;

pub use read::{Bundle, Member, Mismatch, OpenError, Section, Verdict};
pub use write::{WriteError, write};

/// The manifest's member name.
pub const MANIFEST: &str = "manifest.json";
/// The checksum list's member name.
pub const SUMS: &str = "SHA256SUMS";
/// What the name of every bundle ends with.
pub const SUFFIX: &str = ".evidence.zip";
