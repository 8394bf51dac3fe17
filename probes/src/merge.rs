//! Puts the records of both rings into one order of time.
//!
//! Each ring is in order of *writing*, which across CPUs is nearly the order of time. Records younger than
//! [`HOLD_NS`] are held back, so that an older one from another CPU or the other ring can still go before them.
//!
//! ```text
//! bytes: | record | record | record | ...        in order of arrival
//! index: (time, class, where) ...                 sorted by time before delivery; equal times keep their arrival
//! ```

/// How long a record waits for older ones. A program takes microseconds from its clock reading to its ring buffer;
/// the rest is for interrupts and for a virtual machine that loses its CPU.
pub const HOLD_NS: u64 = 10_000_000;

/// The most bytes held back. Beyond it the oldest go out, late ones may then arrive out of order.
pub const HOLD_MAX_BYTES: usize = 16 * 1024 * 1024;

#[derive(Clone, Copy, Debug)]
struct Held {
    time_ns: u64,
    start: usize,
    len: usize,
}

/// Records waiting for their turn.
#[derive(Debug, Default)]
pub struct Merge {
    bytes: Vec<u8>,
    index: Vec<Held>,
}

impl Merge {
    /// Takes a copy of a record.
    pub fn hold(&mut self, time_ns: u64, record: &[u8]) {
        self.index.push(Held { time_ns, start: self.bytes.len(), len: record.len() });
        self.bytes.extend_from_slice(record);
    }

    /// Whether no more should be taken before something is delivered.
    pub fn is_full(&self) -> bool {
        self.bytes.len() >= HOLD_MAX_BYTES
    }

    /// Hands out, oldest first, every record that is not younger than `until_ns`.
    pub fn deliver(&mut self, until_ns: u64, each: &mut dyn FnMut(&[u8])) {
        self.index.sort_by_key(|held| held.time_ns);
        let ready = self.index.partition_point(|held| held.time_ns <= until_ns);
        for held in &self.index[..ready] {
            each(&self.bytes[held.start..held.start + held.len]);
        }
        self.keep_from(ready);
    }

    /// Hands out the older half, whatever its age: for when the hold is full.
    pub fn deliver_half(&mut self, each: &mut dyn FnMut(&[u8])) {
        self.index.sort_by_key(|held| held.time_ns);
        let median = self.index.get(self.index.len() / 2).map_or(u64::MAX, |held| held.time_ns);
        self.deliver(median, each);
    }

    /// Drops what stands before `ready` in the index and closes the gaps in the bytes.
    fn keep_from(&mut self, ready: usize) {
        if ready == self.index.len() {
            self.index.clear();
            self.bytes.clear();
            return;
        }
        let mut bytes = Vec::with_capacity(self.bytes.len() / 4);
        self.index.drain(..ready);
        for held in &mut self.index {
            let start = bytes.len();
            bytes.extend_from_slice(&self.bytes[held.start..held.start + held.len]);
            held.start = start;
        }
        self.bytes = bytes;
    }
}

#[cfg(test)]
mod tests {
    use super::{HOLD_MAX_BYTES, Merge};

    fn delivered(merge: &mut Merge, until_ns: u64) -> Vec<u8> {
        let mut seen = Vec::new();
        merge.deliver(until_ns, &mut |bytes| seen.push(bytes[0]));
        seen
    }

    #[test]
    fn records_leave_in_order_of_time_and_the_young_wait() {
        let mut merge = Merge::default();
        for (time, name) in [(30, 3), (10, 1), (50, 5), (20, 2)] {
            merge.hold(time, &[name, 0]);
        }
        assert_eq!(delivered(&mut merge, 30), [1, 2, 3]);
        merge.hold(40, &[4, 4, 4]);
        assert_eq!(delivered(&mut merge, 45), [4]);
        assert_eq!(delivered(&mut merge, u64::MAX), [5]);
        assert_eq!(delivered(&mut merge, u64::MAX), []);
    }

    #[test]
    fn equal_times_keep_the_order_of_arrival() {
        let mut merge = Merge::default();
        for name in 0..50 {
            merge.hold(7, &[name]);
        }
        assert_eq!(delivered(&mut merge, 7), (0..50).collect::<Vec<u8>>());
    }

    #[test]
    fn a_full_hold_lets_its_older_half_go() {
        let mut merge = Merge::default();
        let record = vec![0; HOLD_MAX_BYTES / 4];
        for time in 1..=4 {
            merge.hold(time, &record);
        }
        assert!(merge.is_full());
        let mut count = 0;
        merge.deliver_half(&mut |_| count += 1);
        assert!(count >= 2 && !merge.is_full());
    }
}
