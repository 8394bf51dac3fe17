//! The stretch of time that the strip shows: where something happened, or the whole window; closer around the playhead.

use super::State;
use super::alarm::worry;
use super::recording::{Recording, Time};

/// How often the strip can look closer: the last time at a 512th of the stretch.
const ZOOM_MAX: u8 = 5;
/// So many lonely events at each end are left out where a long silence parts them from all others.
const LONELY_MAX: usize = 8;

impl State {
    /// The stretch that the strip shows, both ends included: around the playhead, never beyond the window.
    pub fn strip_range(&self) -> (Time, Time) {
        let (from, to) = self.stretch();
        let (from, to) = (i128::from(from), i128::from(to.max(from)));
        let span = (to - from) >> (3 * self.zoom);
        let begin = (i128::from(self.at) - span / 2).clamp(from, to - span);
        // Both lie between the window's ends, which are times.
        (begin as Time, (begin + span) as Time)
    }

    /// The strip leaves out parts of the window in which nothing happened.
    pub fn is_fitted(&self) -> bool {
        self.zoom == 0 && self.stretch() != self.bounds()
    }

    /// Closer or farther; the farthest is the whole window.
    pub(super) fn zoom_by(&mut self, by: i8) {
        let fits = self.busy.is_some() && self.filter.range.is_none();
        match (by > 0, self.zoom) {
            (true, 0) if fits && self.whole_window => self.whole_window = false,
            (false, 0) => self.whole_window = true,
            _ => self.zoom = self.zoom.saturating_add_signed(by).min(ZOOM_MAX),
        }
    }

    fn stretch(&self) -> (Time, Time) {
        let whole = self.bounds();
        match self.busy.filter(|_| !self.whole_window && self.filter.range.is_none()) {
            Some((mut from, mut to)) => {
                // Wherever the playhead goes, it is on the strip; which doubles for that, and does not creep while one plays.
                while self.at < from && from > whole.0 {
                    from = from.saturating_sub(to.saturating_sub(from)).max(whole.0);
                }
                while self.at > to && to < whole.1 {
                    to = to.saturating_add(to.saturating_sub(from)).min(whole.1);
                }
                (from, to)
            }
            None => whole,
        }
    }
}

/// Where something happened, where that is clearly less than the window; `ends` is what [`ends`] says of its events.
/// Findings to worry about and gaps are in it, however lonely.
pub fn busy(recording: &Recording, ends: Option<(Time, Time)>) -> Option<(Time, Time)> {
    let (from, to) = ends?;
    let (mut from, mut to) = (i128::from(from), i128::from(to));
    let alarms = recording.events.iter().filter(|event| worry(recording, event).is_some());
    for (begin, end) in alarms.map(|event| (event.time, event.time)).chain(recording.missing.iter().copied()) {
        (from, to) = (from.min(i128::from(begin)), to.max(i128::from(end)));
    }
    let margin = ((to - from) / 50).max(1_000_000);
    let window = (i128::from(recording.about.from), i128::from(recording.about.to));
    let (from, to) = ((from - margin).max(window.0), (to + margin).min(window.1));
    // Both lie between the window's ends, which are times.
    (from < to && (to - from) * 4 < (window.1 - window.0) * 3).then_some((from as Time, to as Time))
}

/// The first and the last of these times, which are sorted, but for lonely ones far from all others.
pub fn ends(times: &[Time]) -> Option<(Time, Time)> {
    let mut times = times;
    let span = |times: &[Time]| match times {
        [first, .., last] => last.saturating_sub(*first),
        _ => 0,
    };
    let lonely = |rest: &[Time], silence: Time| rest.len() >= 2 * LONELY_MAX && silence > span(rest);
    for _ in 0..LONELY_MAX {
        match times {
            [rest @ .., before, last] if lonely(&times[..rest.len() + 1], last.saturating_sub(*before)) => {
                times = &times[..rest.len() + 1];
            }
            [first, after, ..] if lonely(&times[1..], after.saturating_sub(*first)) => times = &times[1..],
            _ => break,
        }
    }
    Some((*times.first()?, *times.last()?))
}

#[cfg(test)]
mod tests {
    use super::ends;

    #[test]
    fn a_lonely_moment_after_a_long_silence_is_not_where_something_happened() {
        let busy: Vec<i64> = (100..130).collect();
        assert_eq!(ends(&[&busy[..], &[10_000]].concat()), Some((100, 129)));
        assert_eq!(ends(&[&[-10_000], &busy[..], &[10_000]].concat()), Some((100, 129)));
        assert_eq!(ends(&[&busy[..], &[140]].concat()), Some((100, 140)), "it is near enough");
        assert_eq!(ends(&[1, 1_000]), Some((1, 1_000)), "few are never lonely");
        assert_eq!(ends(&[]), None);
        assert_eq!(ends(&[i64::MIN, i64::MAX]), Some((i64::MIN, i64::MAX)));
    }
}
