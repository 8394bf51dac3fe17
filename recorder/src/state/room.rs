//! How long a look may take, and what it may hold.

use std::time::{Duration, Instant};

/// How long a look takes at most: what it tells should be of one moment.
pub const TIME_MAX: Duration = Duration::from_secs(2);
/// What a look holds at most before it is packed, by rows and their texts: a host's memory is not a container's to fill.
pub const BYTES_MAX: usize = 8 << 20;

/// What is left of both.
#[derive(Debug)]
pub struct Room {
    until: Instant,
    bytes: usize,
}

/// Why a look goes no further.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Full {
    /// It took too long.
    Time,
    /// It held too much.
    Bytes,
}

impl Full {
    /// For the manifest.
    pub fn reason(self) -> String {
        match self {
            Self::Time => format!("looking took longer than {} s", TIME_MAX.as_secs()),
            Self::Bytes => format!("there was more than {} MiB of it", BYTES_MAX >> 20),
        }
    }
}

impl Default for Room {
    fn default() -> Self {
        Self { until: Instant::now() + TIME_MAX, bytes: BYTES_MAX }
    }
}

impl Room {
    /// Takes room for one row with texts of `text_bytes`.
    pub fn take<Row>(&mut self, text_bytes: usize) -> Result<(), Full> {
        self.time()?;
        self.bytes = self.bytes.checked_sub(size_of::<Row>() + text_bytes).ok_or(Full::Bytes)?;
        Ok(())
    }

    /// Whether there is time left.
    pub fn time(&self) -> Result<(), Full> {
        if Instant::now() < self.until { Ok(()) } else { Err(Full::Time) }
    }

    /// One with little left, for tests.
    #[cfg(test)]
    pub fn of(time: Duration, bytes: usize) -> Self {
        Self { until: Instant::now() + time, bytes }
    }
}
