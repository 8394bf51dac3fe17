//! Numbers as people read them.

use super::facts::Cut;
use taffrail_trace::clock::rfc3339;

const NS_PER_MS: i64 = 1_000_000;

/// `2026-11-22 08:47:49 UTC`.
pub fn moment(utc_ns: i64) -> String {
    let text = rfc3339(utc_ns);
    let (date, time) = text.split_once('T').unwrap_or((&text, ""));
    format!("{date} {} UTC", time.get(..8).unwrap_or(time))
}

/// `08:47:49.963`.
pub fn clock(utc_ns: i64) -> String {
    let text = rfc3339(utc_ns);
    let time = text.split_once('T').map_or(text.as_str(), |(_, time)| time);
    time.get(..12).unwrap_or(time).to_owned()
}

/// The distance from the trigger: `−0.6 s`, `+3.2 s`, `+12 min`.
pub fn offset(utc_ns: i64, trigger_ns: i64) -> String {
    let ns = i128::from(utc_ns) - i128::from(trigger_ns);
    if ns.unsigned_abs() < NS_PER_MS as u128 {
        return "0 ms".to_owned();
    }
    let sign = if ns < 0 { '−' } else { '+' };
    format!("{sign}{}", span(ns.unsigned_abs()))
}

/// A length of time: `412 ms`, `3.2 s`, `4 min 10 s`, `2 h 5 min`.
pub fn span(ns: u128) -> String {
    let ms = ns / NS_PER_MS as u128;
    let s = ms / 1000;
    match () {
        () if ms < 1000 => format!("{ms} ms"),
        () if s < 60 => format!("{}.{} s", s, ms % 1000 / 100),
        () if s < 3600 => format!("{} min {} s", s / 60, s % 60),
        () if s < 86400 => format!("{} h {} min", s / 3600, s % 3600 / 60),
        () => format!("{} d {} h", s / 86400, s % 86400 / 3600),
    }
}

/// `1.4 MB`.
pub fn bytes(count: u64) -> String {
    let mut value = count as f64;
    if value < 1000.0 {
        return format!("{count} B");
    }
    for unit in ["kB", "MB", "GB", "TB"] {
        value /= 1000.0;
        if value < 999.5 {
            return if value < 10.0 { format!("{value:.1} {unit}") } else { format!("{value:.0} {unit}") };
        }
    }
    format!("{:.0} PB", value / 1000.0)
}

/// `1 486 222`, with thin spaces.
pub fn number(count: u64) -> String {
    let digits = count.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push('\u{202f}');
        }
        out.push(digit);
    }
    out
}

/// `1 program`, `14 programs`, `no programs`.
pub fn many(count: u64, one: &str, more: &str) -> String {
    match count {
        0 => format!("no {more}"),
        1 => format!("1 {one}"),
        _ => format!("{} {more}", number(count)),
    }
}

/// What a cut table says below it; `None` where it is whole.
pub fn rest<T>(cut: &Cut<T>, one: &str, more: &str) -> Option<String> {
    (cut.more > 0).then(|| format!("and {}", many(cut.more, &format!("more {one}"), &format!("more {more}"))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_as_people_write_them() {
        assert_eq!(moment(1_773_478_800_000_000_000), "2026-03-14 09:00:00 UTC");
        assert_eq!(clock(1_773_478_800_000_000_000 + 1_500_000), "09:00:00.001");
        assert_eq!(offset(0, 600_000_000), "−600 ms");
        assert_eq!(offset(-999_999, 0), "0 ms");
        assert_eq!(offset(i64::MAX, i64::MIN), "+213503 d 23 h");
        assert_eq!((span(3_240_000_000), span(250_000_000_000)), ("3.2 s".to_owned(), "4 min 10 s".to_owned()));
        assert_eq!([bytes(999), bytes(1_435_944), bytes(u64::MAX)], ["999 B", "1.4 MB", "18447 PB"]);
        assert_eq!(number(1_486_222), "1\u{202f}486\u{202f}222");
        assert_eq!([many(0, "file", "files"), many(1, "file", "files")], ["no files", "1 file"]);
    }
}
