//! The passing of time.

use super::State;
use super::words::SECOND;
use std::time::Duration;

/// The speeds in tenths: 0.1x to 1000x.
pub const SPEEDS: [i64; 13] = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000];
const NAMES: [&str; SPEEDS.len()] =
    ["0.1x", "0.2x", "0.5x", "1x", "2x", "5x", "10x", "20x", "50x", "100x", "200x", "500x", "1000x"];

/// A stretch without events is idle when the viewer would wait longer than this for the next one.
const IDLE_NS: i64 = 3 * SECOND / 2;
/// How long before the next event a jump lands, in the viewer's time.
const LEAD_NS: i64 = SECOND / 4;
/// How long a jump is announced, in the viewer's time.
const NOTICE_NS: i64 = 2 * SECOND;

/// How fast time passes: an index into [`SPEEDS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Speed(usize);

/// A quiet stretch that was jumped over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Skip {
    /// How much time was left out.
    pub ns: i64,
    /// How long it is still announced.
    notice_ns: i64,
}

impl Default for Speed {
    fn default() -> Self {
        Self(3)
    }
}

impl Speed {
    /// The recording's time that passes in `ns` of the viewer's.
    pub fn of(self, ns: i64) -> i64 {
        (i128::from(ns) * i128::from(SPEEDS[self.0]) / 10).clamp(i64::MIN.into(), i64::MAX.into()) as i64
    }

    /// As it is shown: `0.5x`, `1x`.
    pub fn as_str(self) -> &'static str {
        NAMES[self.0]
    }

    pub(super) fn change(&mut self, by: i32) {
        self.0 = self.0.saturating_add_signed(by as isize).min(SPEEDS.len() - 1);
    }
}

impl State {
    /// Lets `wall` of the viewer's time pass.
    pub(super) fn tick(&mut self, wall: Duration) {
        if !self.playing {
            return;
        }
        let wall = i64::try_from(wall.as_nanos()).unwrap_or(i64::MAX);
        if let Some(skip) = &mut self.skipped {
            skip.notice_ns = skip.notice_ns.saturating_sub(wall);
        }
        self.skipped = self.skipped.filter(|skip| skip.notice_ns > 0);
        let (_, end) = self.bounds();
        let passed = self.passed_here();
        // An event that is still being read is not known to be far.
        let next = self
            .visible
            .get(passed)
            .map_or(end, |number| self.timeline.fetch(number).map_or(self.at, |event| event.time));
        let mut target = self.at.saturating_add(self.speed.of(wall));
        let landing = next.saturating_sub(self.speed.of(LEAD_NS));
        if self.skip_idle && next.saturating_sub(self.at) > self.speed.of(IDLE_NS) && landing > target {
            let ns = landing.saturating_sub(target);
            self.skipped = Some(Skip { ns, notice_ns: NOTICE_NS });
            target = landing;
        }
        if target >= end {
            self.playing = false;
            self.skipped = None;
        }
        self.move_to(target);
    }

    /// Starts or stops; at the very end it starts over.
    pub(super) fn play_or_pause(&mut self) {
        self.playing = !self.playing;
        self.skipped = None;
        self.searching = None;
        if self.playing && self.at >= self.bounds().1 {
            self.move_to(self.bounds().0);
        }
    }
}
