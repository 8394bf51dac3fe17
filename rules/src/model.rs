//! Models: what is normal for an image, learned from what its containers do.
//!
//! ```text
//! fact        an event -> what it says of the image: a program, a kind, a text
//! general     how facts are generalised: versions, numbers and digests in paths and names, ports
//! peer        the other end of a connection: a network and a port
//! profile     the facts of an image, bounded; learning and merging
//! wide        many siblings -> one fact for all of them
//! document    a profile as a readable file, and back
//! judge       a profile prepared for events: what deviates
//! words       a deviation said for a person, with what was expected
//! diff        what one profile has and another lacks
//! ```
//!
//! # Invariants
//!
//! * What was learned never deviates. Learning, reading a file and merging only ever widen what is allowed.
//! * Every fact is a program, a [`Kind`] and one line of text, the same in memory, in the file and in words.
//! * Every set is bounded. A kind that had no room for a fact is *full*: it says so, and nothing of that kind deviates
//!   any more. Wide open is better than noisy.
//! * No clock and no disk: how long a model learns and where it is kept is the recorder's.

pub mod diff;
mod document;
mod fact;
pub mod general;
mod judge;
mod peer;
mod profile;
mod wide;
mod words;

pub use document::{DOCUMENT_MAX_BYTES, DocumentError, quoted};
pub use fact::{OUTSIDE, Reader};
pub use judge::{Deviation, Judge};
pub use profile::{Habits, Learned, Profile};

use serde::{Deserialize, Serialize};

/// What a fact is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A program was run by a process of this one.
    Runs,
    /// A port was listened on, or answered at.
    Listens,
    /// A network and port were called, or a unix socket.
    Connects,
    /// A name was asked for in DNS, or of a TLS server.
    Names,
    /// Something in a directory was made, changed or removed.
    Writes,
    /// A privilege was used, or the kernel itself asked for something.
    Privileges,
}

impl Kind {
    /// Every one, in the order of the file.
    pub const ALL: [Self; 6] = [Self::Runs, Self::Listens, Self::Connects, Self::Names, Self::Writes, Self::Privileges];

    /// Its word in the file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Runs => "runs",
            Self::Listens => "listens",
            Self::Connects => "connects",
            Self::Names => "names",
            Self::Writes => "writes",
            Self::Privileges => "privileges",
        }
    }

    /// How many facts of it a profile keeps, all programs together.
    pub fn most(self) -> usize {
        match self {
            Self::Listens => 128,
            Self::Privileges => 256,
            Self::Runs | Self::Connects | Self::Names => 512,
            Self::Writes => 1024,
        }
    }
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}
