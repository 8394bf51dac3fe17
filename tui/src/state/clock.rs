//! A time as a person types it: `12:03:04`, `-30s`, `+2m`, `trigger`.

use super::State;
use super::recording::Time;
use super::words::SECOND;

const DAY: i64 = 86_400 * SECOND;

impl State {
    /// The moment that `text` names: `trigger`, `start`, `end`, a time of day in UTC, or so long before or after the
    /// trigger (`-30s`, `+1m30s`, `+250ms`).
    pub fn time_of(&self, text: &str) -> Option<Time> {
        let about = &self.recording.about;
        let text = text.trim();
        match text {
            "trigger" | "t" => Some(about.trigger),
            "start" => Some(about.from),
            "end" => Some(about.to),
            _ if text.contains(':') => {
                // Of the days that the window touches, the one on which the clock shows it nearest to the playhead.
                let of_day = of_day(text.trim_end_matches(['Z', 'z']))?;
                let today = self.at.checked_sub(self.at.rem_euclid(DAY))?;
                let days =
                    [-1, 0, 1].into_iter().filter_map(|day: i64| today.checked_add(day * DAY)?.checked_add(of_day));
                let inside = |time: &Time| (about.from..=about.to).contains(time);
                let days: Vec<Time> = days.collect();
                let best =
                    |days: &mut dyn Iterator<Item = &Time>| days.min_by_key(|time| time.abs_diff(self.at)).copied();
                best(&mut days.iter().filter(|time| inside(time))).or_else(|| best(&mut days.iter()))
            }
            _ => {
                let (sign, rest) = match text.strip_prefix('-') {
                    Some(rest) => (-1, rest),
                    None => (1, text.strip_prefix('+').unwrap_or(text)),
                };
                about.trigger.checked_add(span(rest)?.checked_mul(sign)?)
            }
        }
    }
}

/// `12:03` or `12:03:04.5` as nanoseconds since midnight.
fn of_day(text: &str) -> Option<i64> {
    let mut parts = text.split(':');
    let hours: i64 = parts.next()?.parse().ok().filter(|hours| (0..24).contains(hours))?;
    let minutes: i64 = parts.next()?.parse().ok().filter(|minutes| (0..60).contains(minutes))?;
    let seconds = parts.next().map_or(Some(0), decimal)?;
    let whole = parts.next().is_none() && seconds < 60 * SECOND;
    whole.then(|| (hours * 3600 + minutes * 60) * SECOND + seconds)
}

/// `1h2m`, `30s`, `250ms`, `1.5` (seconds) as nanoseconds.
fn span(text: &str) -> Option<i64> {
    let mut rest = text;
    let mut sum: i64 = 0;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.find(|ch: char| !ch.is_ascii_digit() && ch != '.').unwrap_or(rest.len());
        let number = decimal(&rest[..digits])?;
        let units = rest[digits..].find(|ch: char| ch.is_ascii_digit()).map_or(rest.len(), |at| digits + at);
        let ns = match rest[digits..units].trim() {
            "" | "s" => number,
            "ms" => number / 1000,
            "us" => number / 1_000_000,
            "m" | "min" => number.checked_mul(60)?,
            "h" => number.checked_mul(3600)?,
            _ => return None,
        };
        sum = sum.checked_add(ns)?;
        rest = &rest[units..];
    }
    Some(sum)
}

/// A decimal number of seconds as nanoseconds.
fn decimal(text: &str) -> Option<i64> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(part) || part.len() > 9 {
        return None;
    }
    let part: i64 = format!("{part:0<9}").parse().ok()?;
    whole.parse::<i64>().ok()?.checked_mul(SECOND)?.checked_add(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_read_as_people_write_them() {
        assert_eq!(span("30s"), Some(30 * SECOND));
        assert_eq!(span("1m30s"), Some(90 * SECOND));
        assert_eq!(span("250ms"), Some(SECOND / 4));
        assert_eq!(span("1.5"), Some(3 * SECOND / 2));
        for wrong in ["", "s", "3 parsecs", "1..5", "99999999999999999999", "1.0000000001"] {
            assert_eq!(span(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn times_of_day_are_checked() {
        assert_eq!(of_day("12:03:04.5"), Some((12 * 3600 + 3 * 60 + 4) * SECOND + SECOND / 2));
        assert_eq!(of_day("00:01"), Some(60 * SECOND));
        for wrong in ["24:00", "1:60", "1:1:60", "1:2:3:4", "x:1"] {
            assert_eq!(of_day(wrong), None, "{wrong}");
        }
    }
}
