//! Loads the kernel programs, attaches them and drains their records. The only crate that names aya.
//!
//! ```text
//! prebuilt object -> load (offsets from BTF, ring sizes) -> attach -> drain: both rings, merged by time -> Record
//! ```
//!
//! Invariants:
//! * A record that the kernel side could not deliver is in [`Losses`]; one that the host could not decode is in
//!   [`Drained::malformed`]. Nothing is dropped without a count.
//! * No byte of a record is trusted: every length is checked before it is used.
//! * The hooks are gone when [`Probes`] is dropped, and when the process dies.
//!
//! What it is not: it knows no containers, keeps no state about processes and writes no file.

mod attach;
mod btf;
mod control;
mod decode;
mod doctor;
mod drain;
mod hook;
mod load;
mod load_error;
mod losses;
mod merge;
mod offsets;
mod plain;
mod preflight;

pub use btf::{Btf, BtfError};
pub use control::ControlError;
pub use decode::{Body, DecodeError, Names, Record, walked_path};
pub use doctor::{Check, doctor};
pub use drain::{DrainError, Drained};
pub use hook::{Hook, HookState};
pub use load::{Options, Probes};
pub use load_error::LoadError;
pub use losses::{Losses, LossesError, Lost};
pub use taffrail_probes_abi as abi;
