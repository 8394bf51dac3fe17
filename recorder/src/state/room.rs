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
            Self::Bytes => format!("there was more than its share of the {} MiB that a look holds", BYTES_MAX >> 20),
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

    /// Lets `look` use a share of everything, and no more: nobody's rows may crowd out those of others.
    pub fn share<T>(&mut self, share: usize, look: impl FnOnce(&mut Self) -> T) -> T {
        let given = self.bytes.min(BYTES_MAX / share);
        let mut part = Self { until: self.until, bytes: given };
        let found = look(&mut part);
        self.bytes -= given - part.bytes;
        found
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_uses_up_its_share_leaves_the_others_theirs() {
        let mut room = Room::default();
        for share in [4, 4, 8] {
            room.share(share, |room| while room.take::<u64>(1000).is_ok() {});
        }
        assert!(room.bytes >= BYTES_MAX * 3 / 8 && room.bytes < BYTES_MAX / 2, "{} bytes left", room.bytes);
        room.share(1, |room| assert!(room.take::<u64>(BYTES_MAX).is_err(), "no share is more than what is left"));
        assert_eq!(room.take::<u64>(1000), Ok(()));
    }
}
