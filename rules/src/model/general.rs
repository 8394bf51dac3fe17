//! How facts are generalised, so that what a container does tomorrow is what it did today.
//!
//! ```text
//! in a segment of a path, in a label of a name            becomes
//! a UUID                                                  *
//! a word of 8 and more hex digits, one of them 0 to 9     *        session-7d5e4f60718293a4 -> session-*
//! a number that is a word                                 *        /proc/4711 -> /proc/*
//! numbers with points between                             *        node-v20.1.0-linux -> node-v*-linux
//! a number that ends a segment (paths only)               *        python3 and python3.11 -> python*
//! what is beyond 64 bytes of a segment                    *
//! what is beyond 10 segments or 200 bytes of a path       /**      everything below
//! a port of 32768 and more                                ephemeral
//! an address                                              its /24 or /64 network; loopback
//! ```
//!
//! Words are what stands between `- _ . : + @ = , ~`. `x86_64` stays itself. What a person writes into a file is
//! generalised as events are, and what was generalised stays what it is.

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv6Addr};

/// The first port that Linux gives out by itself (`ip_local_port_range`).
pub const EPHEMERAL_FROM: u16 = 32_768;
/// The longest segment that is kept.
const SEGMENT_BYTES: usize = 64;
/// The most segments of a path.
const SEGMENTS: usize = 10;
/// The longest path or name that is kept.
const TEXT_BYTES: usize = 200;
/// Everything below a directory.
pub const BELOW: &str = "/**";
/// Everything below a domain.
pub const SUBDOMAINS: &str = "**.";

/// Writes an absolute path of an event, generalised.
pub fn path(path: &str, out: &mut String) {
    out.clear();
    segments(path, out);
    if out.is_empty() {
        out.push('/');
    }
}

/// Writes an absolute path as a person wrote it into a file: it may end in `/**`.
pub fn written_path(written: &str, out: &mut String) {
    out.clear();
    match written.strip_suffix(BELOW) {
        Some(above) => {
            if !segments(above, out) {
                out.push_str(BELOW);
            }
        }
        None => path(written, out),
    }
}

/// Writes a domain name of an event, generalised: in lower case, without its last point.
pub fn name(name: &str, out: &mut String) {
    out.clear();
    if labels(name, out) {
        out.insert_str(0, SUBDOMAINS);
    }
}

/// Writes a domain name as a person wrote it into a file: it may begin with `**.`.
pub fn written_name(written: &str, out: &mut String) {
    let (rest, is_wide) = written.strip_prefix(SUBDOMAINS).map_or((written, false), |rest| (rest, true));
    out.clear();
    if labels(rest, out) || is_wide {
        out.insert_str(0, SUBDOMAINS);
    }
}

/// Writes the segments of a path. Gives whether the path goes on below them, which it then says.
fn segments(path: &str, out: &mut String) -> bool {
    for (at, part) in path.split('/').filter(|part| !part.is_empty()).enumerate() {
        let before = out.len();
        out.push('/');
        segment(part, true, out);
        if at == SEGMENTS || out.len() > TEXT_BYTES {
            out.truncate(before);
            out.push_str(BELOW);
            return true;
        }
    }
    false
}

/// Writes the labels of a name. Gives whether some are left out: the end says whose it is, so that is kept.
fn labels(name: &str, out: &mut String) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    if name.is_empty() {
        out.push('.');
        return false;
    }
    for reverse in ["in-addr.arpa", "ip6.arpa"] {
        let below = name.len().checked_sub(reverse.len() + 1).and_then(|from| name.get(from..));
        if name.eq_ignore_ascii_case(reverse)
            || below.is_some_and(|end| end.starts_with('.') && end[1..].eq_ignore_ascii_case(reverse))
        {
            out.push_str(reverse);
            return true;
        }
    }
    for (at, label) in name.split('.').enumerate() {
        if at > 0 {
            out.push('.');
        }
        segment(label, false, out);
    }
    out.make_ascii_lowercase();
    let mut from = 0;
    while out.len() - from > TEXT_BYTES
        && let Some(point) = out[from..].find('.')
    {
        from += point + 1;
    }
    out.drain(..from);
    from > 0
}

/// Writes a port.
pub fn port(port: u16, out: &mut String) {
    if port >= EPHEMERAL_FROM {
        out.push_str("ephemeral");
    } else {
        // Writing into a String cannot fail.
        let _ = write!(out, "{port}");
    }
}

/// The network of an address, and the bits of it; `None` for this machine itself.
pub fn network(addr: IpAddr) -> Option<(IpAddr, u8)> {
    match addr.to_canonical() {
        addr if addr.is_loopback() || addr.is_unspecified() => None,
        IpAddr::V4(addr) => {
            let [a, b, c, _] = addr.octets();
            Some((IpAddr::from([a, b, c, 0]), 24))
        }
        IpAddr::V6(addr) => {
            let [a, b, c, d, ..] = addr.segments();
            Some((Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into(), 64))
        }
    }
}

/// Writes a segment of a path or a label of a name.
fn segment(text: &str, is_path: bool, out: &mut String) {
    let kept = &text[..text.floor_char_boundary(SEGMENT_BYTES)];
    let is_cut = kept.len() < text.len();
    if kept.is_empty() {
        return out.push('*');
    }
    let bytes = kept.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let begins = at == 0 || is_separator(bytes[at - 1]);
        let rest = &kept[at..];
        if rest.starts_with("x86_64") {
            out.push_str("x86_64");
            at += "x86_64".len();
        } else if let Some(length) = begins.then(|| uuid(rest.as_bytes()).or_else(|| digest(rest.as_bytes()))).flatten()
        {
            star(out);
            at += length;
        } else if bytes[at].is_ascii_digit() {
            let (length, has_point) = number(rest.as_bytes());
            let end = at + length;
            let ends = bytes.get(end).is_none_or(|next| is_separator(*next));
            let is_last = is_path && end == bytes.len() && !is_cut;
            if has_point || begins && ends || is_last {
                star(out);
            } else {
                out.push_str(&rest[..length]);
            }
            at = end;
        } else {
            let ch = rest.chars().next().unwrap_or_default();
            if ch == '*' {
                star(out)
            } else {
                out.push(ch)
            }
            at += ch.len_utf8();
        }
    }
    if is_cut {
        star(out);
    }
}

/// Writes that anything may stand here. Two of them in a row mean more, and a directory may be called so.
fn star(out: &mut String) {
    if !out.ends_with('*') {
        out.push('*');
    }
}

fn is_separator(byte: u8) -> bool {
    b"-_.:+@=,~".contains(&byte)
}

/// The length of the UUID that `text` begins with.
fn uuid(text: &[u8]) -> Option<usize> {
    const LENGTH: usize = 36;
    let fits = |(at, byte): (usize, &u8)| match at {
        8 | 13 | 18 | 23 => *byte == b'-',
        _ => byte.is_ascii_hexdigit(),
    };
    let is_one = text.len() >= LENGTH && text[..LENGTH].iter().enumerate().all(fits);
    (is_one && text.get(LENGTH).is_none_or(|next| is_separator(*next))).then_some(LENGTH)
}

/// The length of the word of hex digits that `text` begins with.
fn digest(text: &[u8]) -> Option<usize> {
    let word = text.split(|byte| is_separator(*byte)).next()?;
    let is_one = word.len() >= 8 && word.iter().all(u8::is_ascii_hexdigit) && word.iter().any(u8::is_ascii_digit);
    is_one.then_some(word.len())
}

/// The length of the number that `text` begins with, and whether there are points in it.
fn number(text: &[u8]) -> (usize, bool) {
    let digits = |from: usize| text[from..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let mut length = digits(0);
    let mut has_point = false;
    while text.get(length) == Some(&b'.') && digits(length + 1) > 0 {
        length += 1 + digits(length + 1);
        has_point = true;
    }
    (length, has_point)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn written(write: fn(&str, &mut String), text: &str) -> String {
        let mut out = String::new();
        write(text, &mut out);
        out
    }

    fn of_path(text: &str) -> String {
        written(path, text)
    }

    fn of_name(text: &str) -> String {
        written(name, text)
    }

    #[test]
    fn versions_numbers_and_digests_in_paths_are_one_fact() {
        for (given, expected) in [
            ("/usr/lib/python3.11", "/usr/lib/python*"),
            ("/usr/bin/python3", "/usr/bin/python*"),
            ("/usr/lib/postgresql/15/bin", "/usr/lib/postgresql/*/bin"),
            ("/opt/node-v20.1.0-linux", "/opt/node-v*-linux"),
            ("/usr/bin/x86_64-linux-gnu-gcc-12", "/usr/bin/x86_64-linux-gnu-gcc-*"),
            ("/usr/bin/sha256sum", "/usr/bin/sha256sum"),
            ("/lib/libssl.so.1.1", "/lib/libssl.so.*"),
            ("/proc/4711/task/4712", "/proc/*/task/*"),
            ("/var/lib/x/3f2a9c1b-7d5e-4f60-7182-93a4b5c6d7e8/a", "/var/lib/x/*/a"),
            ("/tmp/session-7d5e4f60718293a4", "/tmp/session-*"),
            ("/tmp/systemd-private-7d5e4f60718293a4-a.service-AbCdEf", "/tmp/systemd-private-*-a.service-AbCdEf"),
            ("/srv/2026/03/14", "/srv/*/*/*"),
            ("/srv/2026-03-14", "/srv/*-*-*"),
            ("/srv/decade/facade", "/srv/decade/facade"),
            ("/srv/**/x", "/srv/*/x"),
            ("/srv/**", "/srv/*"),
            ("//srv///a/", "/srv/a"),
            ("/", "/"),
            ("/1/2/3/4/5/6/7/8/9/10/11/12", "/*/*/*/*/*/*/*/*/*/*/**"),
        ] {
            assert_eq!(of_path(given), expected);
        }
    }

    #[test]
    fn names_are_generalised_by_label_and_keep_their_end() {
        for (given, expected) in [
            ("Deb.Debian.ORG.", "deb.debian.org"),
            ("s3.eu-central-1.amazonaws.com", "s3.eu-central-*.amazonaws.com"),
            ("ip-10-0-0-1.ec2.internal", "ip-*-*-*-*.ec2.internal"),
            ("4.3.2.1.in-addr.arpa", "**.in-addr.arpa"),
            ("7d5e4f60718293a4.cdn.example", "*.cdn.example"),
            ("**.cdn.example", "*.cdn.example"),
            (".", "."),
        ] {
            assert_eq!(of_name(given), expected);
        }
        let long = format!("{}.example.org", ["a".repeat(60).as_str(); 5].join("."));
        assert!(of_name(&long).starts_with("**.aaaa") && of_name(&long).ends_with(".example.org"));
        assert!(of_name(&"é".repeat(400)).len() < 200);
    }

    #[test]
    fn only_a_person_says_everything_below() {
        assert_eq!(written(written_path, "/srv/1/**"), "/srv/*/**");
        assert_eq!(written(written_path, "/**"), "/**");
        assert_eq!(written(written_name, "**.CDN.example."), "**.cdn.example");
    }

    #[test]
    fn an_address_is_its_network_and_this_machine_is_none() {
        let of = |text: &str| network(text.parse().expect("an address")).map(|(net, bits)| format!("{net}/{bits}"));
        assert_eq!(of("198.51.100.7").as_deref(), Some("198.51.100.0/24"));
        assert_eq!(of("::ffff:198.51.100.7").as_deref(), Some("198.51.100.0/24"));
        assert_eq!(of("2001:db8:1:2:3::4").as_deref(), Some("2001:db8:1:2::/64"));
        assert_eq!(of("127.0.0.53"), None);
        assert_eq!(of("::1"), None);
    }

    proptest! {
        #[test]
        fn generalising_twice_changes_nothing_and_never_panics(text in "(/?[-_.:*a-fx0-9é]{0,80}){0,14}") {
            let once = of_path(&text);
            prop_assert_eq!(written(written_path, &once), once.clone());
            prop_assert!(once.starts_with('/') && once.len() <= TEXT_BYTES + BELOW.len());
            let once = of_name(&text);
            prop_assert_eq!(written(written_name, &once), once.clone());
        }
    }
}
