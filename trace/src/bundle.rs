//! The evidence bundle: one ZIP whose members are *stored*, so that the Parquet inside is read in place.
//!
//! ```text
//! manifest.json             see [`crate::manifest`]
//! events/<table>.parquet    one per table of [`crate::schema`], zstd inside
//! custody.log               in a redacted one: see [`crate::custody`]
//! SHA256SUMS                of every member before it, as sha256sum prints it
//! SHA256SUMS.sig            who signed that, see [`crate::signature`]; not in every bundle
//! ```
//!
//! Writing: [`seal`] builds the file under a temporary name beside its place, syncs it and renames it, so that a
//! bundle is whole or absent. Reading: [`Bundle::open`] takes the file for an attacker's: counts, names, lengths and
//! positions are checked before anything is believed, and nothing is ever extracted. Member data is only reached
//! through [`Member`], a checked range of the file. [`proof`] is what `taffrail verify` says, [`redact`] makes a bundle
//! with less in it.
//!
//! Not here: what the tables mean (query).

mod columns;
mod copy;
mod directory;
pub mod pages;
pub mod proof;
mod read;
pub mod redact;
mod rows;
mod sheet;
mod texts;
mod write;

pub use columns::Columns;
pub use copy::Copy;
pub use read::{Bundle, Member, Mismatch, OpenError, Section, Verdict};
pub use rows::Batches;
pub use sheet::Sheet;
pub use write::{Ending, More, WriteError, Writer, seal, write};

/// The manifest's member name.
pub const MANIFEST: &str = "manifest.json";
/// The checksum list's member name.
pub const SUMS: &str = "SHA256SUMS";
/// The signature's member name.
pub const SIGNATURE: &str = "SHA256SUMS.sig";
/// The member name of what became of a bundle before this one.
pub const CUSTODY: &str = "custody.log";
/// What the name of every bundle ends with.
pub const SUFFIX: &str = ".evidence.zip";
