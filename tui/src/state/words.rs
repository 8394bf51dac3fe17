//! Numbers to words: times relative to the trigger, sizes, errno and signal names.

use std::fmt::Write as _;

/// Nanoseconds in a second.
pub const SECOND: i64 = 1_000_000_000;

/// `-1:02:03.456`, `-58.204`, `+0.000`: relative to the trigger, as short as its size allows.
pub fn relative(ns: i64) -> String {
    let millis = ns.unsigned_abs() / 1_000_000 % 1000;
    format!("{}.{millis:03}", whole_seconds(ns))
}

/// [`relative`] to the microsecond: `-58.204117`.
pub fn relative_micros(ns: i64) -> String {
    let micros = ns.unsigned_abs() / 1000 % 1_000_000;
    format!("{}.{micros:06}", whole_seconds(ns))
}

fn whole_seconds(ns: i64) -> String {
    let sign = if ns < 0 { '-' } else { '+' };
    let seconds = ns.unsigned_abs() / 1_000_000_000;
    match (seconds / 3600, seconds / 60 % 60) {
        (0, 0) => format!("{sign}{seconds}"),
        (0, minutes) => format!("{sign}{minutes}:{:02}", seconds % 60),
        (hours, minutes) => format!("{sign}{hours}:{minutes:02}:{:02}", seconds % 60),
    }
}

/// What a message says behind its rule's name; `None` where it does not begin with that.
pub fn after_rule<'a>(message: &'a str, rule: &str) -> Option<&'a str> {
    let rest = message.strip_prefix(rule)?;
    let is_name = rule.is_empty() || rest.is_empty() || rest.starts_with([':', ' ']);
    is_name.then(|| rest.trim_start_matches([':', ' ']))
}

/// `350 ms`, `12.5 s`, `3 min 20 s`, `2 h 05 min`: how long.
pub fn duration(ns: i64) -> String {
    let ns = ns.unsigned_abs();
    let seconds = ns / 1_000_000_000;
    match seconds {
        0 if ns < 1_000_000 => format!("{} us", ns / 1000),
        0 => format!("{} ms", ns / 1_000_000),
        1..=59 => format!("{}.{} s", seconds, ns / 100_000_000 % 10),
        60..=3599 => format!("{} min {:02} s", seconds / 60, seconds % 60),
        _ => format!("{} h {:02} min", seconds / 3600, seconds / 60 % 60),
    }
}

/// `812 B`, `1.4 kB`, `3.2 MB`.
pub fn bytes(count: u64) -> String {
    let mut value = count as f64;
    let mut unit = "B";
    for next in ["kB", "MB", "GB", "TB", "PB", "EB"] {
        if value < 1000.0 {
            break;
        }
        value /= 1000.0;
        unit = next;
    }
    if unit == "B" { format!("{count} B") } else { format!("{value:.1} {unit}") }
}

/// `1 234 567`.
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(' ');
        }
        out.push(digit);
    }
    out
}

/// Appends `: ENOENT` for a failed result, nothing for one that is no error.
pub fn push_failure(out: &mut String, result: i64) {
    if result >= 0 {
        return;
    }
    // Writing into a String cannot fail.
    let _ = match errno(result) {
        Some(name) => write!(out, ": {name}"),
        None => write!(out, ": error {}", result.unsigned_abs()),
    };
}

/// The name of a negative errno, where it is one that calls meet.
pub fn errno(result: i64) -> Option<&'static str> {
    let name = match result.checked_neg()? {
        1 => "EPERM",
        2 => "ENOENT",
        3 => "ESRCH",
        4 => "EINTR",
        5 => "EIO",
        6 => "ENXIO",
        7 => "E2BIG",
        8 => "ENOEXEC",
        9 => "EBADF",
        11 => "EAGAIN",
        12 => "ENOMEM",
        13 => "EACCES",
        14 => "EFAULT",
        16 => "EBUSY",
        17 => "EEXIST",
        18 => "EXDEV",
        19 => "ENODEV",
        20 => "ENOTDIR",
        21 => "EISDIR",
        22 => "EINVAL",
        23 => "ENFILE",
        24 => "EMFILE",
        26 => "ETXTBSY",
        27 => "EFBIG",
        28 => "ENOSPC",
        30 => "EROFS",
        32 => "EPIPE",
        36 => "ENAMETOOLONG",
        38 => "ENOSYS",
        39 => "ENOTEMPTY",
        40 => "ELOOP",
        61 => "ENODATA",
        95 => "EOPNOTSUPP",
        97 => "EAFNOSUPPORT",
        98 => "EADDRINUSE",
        99 => "EADDRNOTAVAIL",
        101 => "ENETUNREACH",
        103 => "ECONNABORTED",
        104 => "ECONNRESET",
        106 => "EISCONN",
        110 => "ETIMEDOUT",
        111 => "ECONNREFUSED",
        113 => "EHOSTUNREACH",
        115 => "EINPROGRESS",
        122 => "EDQUOT",
        125 => "ECANCELED",
        _ => return None,
    };
    Some(name)
}

/// The name of a signal by its number on Linux (x86 and Arm).
pub fn signal(number: i32) -> Option<&'static str> {
    const NAMES: [&str; 31] = [
        "SIGHUP",
        "SIGINT",
        "SIGQUIT",
        "SIGILL",
        "SIGTRAP",
        "SIGABRT",
        "SIGBUS",
        "SIGFPE",
        "SIGKILL",
        "SIGUSR1",
        "SIGSEGV",
        "SIGUSR2",
        "SIGPIPE",
        "SIGALRM",
        "SIGTERM",
        "SIGSTKFLT",
        "SIGCHLD",
        "SIGCONT",
        "SIGSTOP",
        "SIGTSTP",
        "SIGTTIN",
        "SIGTTOU",
        "SIGURG",
        "SIGXCPU",
        "SIGXFSZ",
        "SIGVTALRM",
        "SIGPROF",
        "SIGWINCH",
        "SIGIO",
        "SIGPWR",
        "SIGSYS",
    ];
    NAMES.get(usize::try_from(number).ok()?.checked_sub(1)?).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_as_short_as_their_size_allows() {
        assert_eq!(relative(0), "+0.000");
        assert_eq!(relative(-58_204_999_999), "-58.204");
        assert_eq!(relative(3_723_000_000_000), "+1:02:03.000");
        assert_eq!(relative(-62 * SECOND), "-1:02.000");
        assert_eq!(relative(i64::MIN).chars().next(), Some('-'));
        assert_eq!(duration(12_540_000_000), "12.5 s");
        assert_eq!(duration(200 * SECOND), "3 min 20 s");
    }

    #[test]
    fn sizes_and_counts_are_for_people() {
        assert_eq!(bytes(812), "812 B");
        assert_eq!(bytes(1_440), "1.4 kB");
        assert_eq!(bytes(u64::MAX), "18.4 EB");
        assert_eq!(count(1_234_567), "1 234 567");
        assert_eq!(count(999), "999");
    }

    #[test]
    fn results_have_names() {
        assert_eq!(errno(-13), Some("EACCES"));
        assert_eq!(errno(i64::MIN), None);
        assert_eq!(signal(9), Some("SIGKILL"));
        assert_eq!(signal(0), None);
        let mut out = "open /x".to_owned();
        push_failure(&mut out, -999);
        assert_eq!(out, "open /x: error 999");
    }
}
