//! How long an event waited until its segment was made.

use serde::Serialize;
use taffrail_trace::event::Class;
use taffrail_trace::segment::{Content, Head};

/// Nanoseconds from each event to the clock in its segment's head, by class. That clock is read before the segment is
/// packed; of an event that came after it the delay is below zero.
#[derive(Default)]
pub struct Delays([Vec<i64>; 2]);

/// Of each class.
#[derive(Serialize)]
pub struct Figures {
    vital: Spread,
    bulk: Spread,
}

/// How the delays of one class are spread.
#[derive(Serialize)]
struct Spread {
    events: u64,
    /// Events later than the clock in their segment's head.
    below_zero: u64,
    p50_ns: i64,
    p99_ns: i64,
    max_ns: i64,
}

impl Delays {
    /// Takes the events of a segment.
    pub fn take(&mut self, head: &Head, content: &Content) {
        let delay = |time_ns: u64| head.anchor.boot_ns.wrapping_sub(time_ns).cast_signed();
        self.0[head.class as usize].extend(content.events.iter().map(|event| delay(event.time_ns)));
    }

    /// What they come to.
    pub fn figures(self) -> Figures {
        let mut delays = self.0;
        let mut of = |class: Class| Spread::of(&mut delays[class as usize]);
        Figures { vital: of(Class::Vital), bulk: of(Class::Bulk) }
    }
}

impl Spread {
    fn of(delays: &mut [i64]) -> Self {
        delays.sort_unstable();
        // The smallest that so many percent do not exceed.
        let percent = |share: usize| delays.get((delays.len() * share).div_ceil(100).max(1) - 1).copied().unwrap_or(0);
        Self {
            events: delays.len() as u64,
            below_zero: delays.iter().filter(|delay| **delay < 0).count() as u64,
            p50_ns: percent(50),
            p99_ns: percent(99),
            max_ns: percent(100),
        }
    }
}
