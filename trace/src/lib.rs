//! What the recorder writes and everyone reads: the one place where writer and reader meet.
//!
//! ```text
//! ids, clock            who is who, and when, across pid reuse and clock steps
//! event                 one thing that happened, as the ring stores it
//! container             which container it happened in
//! state                 what a container was like at the trigger
//! segment               events -> zstd -> framed, checksummed, chained bytes; and back, checked
//! schema, table         the evidence tables: columns, types and their documentation
//! assemble              events of a window -> rows of the tables (flows and images brought together)
//! recall                rows of the tables -> events
//! manifest, bundle      the evidence file: written once, read as hostile input
//! signature, custody    who sealed it, as OpenSSH signs; what became of it since, line after line
//! text                  bytes of a trace -> text, and text -> something a terminal can show safely
//! ```
//!
//! Not here: how events come to be (the recorder), what they mean (rules), how they are asked for (query).

pub mod assemble;
pub mod bundle;
pub mod clock;
pub mod container;
pub mod custody;
pub mod event;
#[cfg(any(test, feature = "fixture"))]
pub mod fixture;
pub mod ids;
pub mod manifest;
pub mod recall;
pub mod schema;
pub mod segment;
pub mod signature;
pub mod state;
pub mod table;
pub mod text;

/// Version of everything this crate puts on disk. A reader refuses what is newer than itself and reads what is older:
/// one that passed over tables it does not know would hide evidence.
///
/// ```text
/// 1   process, file, network, lifecycle, finding, gap
/// 2   more columns in all but finding and gap; dns, privilege, kernel, terminal, syscall
/// 3   more columns in finding; finding_event; the state at the trigger; signatures, chain heads, redactions, custody
/// ```
pub const FORMAT_VERSION: u32 = 3;
