//! How often something may happen: a bucket that fills slowly and may be emptied at once.

use std::time::Instant;

/// A bucket of permissions.
#[derive(Debug)]
pub struct Bucket {
    most: f64,
    per_second: f64,
    left: f64,
    filled: Instant,
}

impl Bucket {
    /// A full one: `most` at once, `per_second` in the long run.
    pub fn new(most: u32, per_second: u32, now: Instant) -> Self {
        Self { most: most.into(), per_second: per_second.into(), left: most.into(), filled: now }
    }

    /// Takes one out, if there is one.
    pub fn take(&mut self, now: Instant) -> bool {
        let elapsed = now.saturating_duration_since(self.filled).as_secs_f64();
        self.filled = now;
        self.left = (self.left + elapsed * self.per_second).min(self.most);
        let is_there = self.left >= 1.0;
        if is_there {
            self.left -= 1.0;
        }
        is_there
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_burst_is_let_through_and_then_as_many_as_fill_in() {
        let start = Instant::now();
        let mut bucket = Bucket::new(5, 2, start);
        let taken = |bucket: &mut Bucket, at: Instant| (0..100).filter(|_| bucket.take(at)).count();
        assert_eq!(taken(&mut bucket, start), 5);
        assert_eq!(taken(&mut bucket, start + Duration::from_secs(1)), 2);
        assert_eq!(taken(&mut bucket, start + Duration::from_secs(100)), 5, "no more than it holds");
    }
}
