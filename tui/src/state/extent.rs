//! How much of the recording is known, and how far the work in the background is.

/// How much of the recording something is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Extent {
    /// All of it: what is not there did not happen.
    All,
    /// What has been read by now.
    SoFar,
    /// What could be read.
    Cut,
}

impl Extent {
    /// What a number or an absence that is told has to say too.
    pub fn suffix(self) -> &'static str {
        match self {
            Self::All => "",
            Self::SoFar => " so far",
            Self::Cut => " in what could be read",
        }
    }
}

/// What is being done in the background, and how far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// What has been looked at, in percent.
    pub percent: u8,
    /// What for.
    pub what: Looking,
}

/// What the background looks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Looking {
    /// Everything, for the first time.
    All,
    /// What passes the filter.
    Filter,
    /// The searched text.
    Search,
}
