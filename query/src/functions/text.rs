//! Paths, addresses and texts taken apart.

use std::collections::HashMap;
use std::net::IpAddr;

/// The last part of a path, as basename(1): `/usr/bin/nc` is `nc`.
pub fn basename(path: &str) -> &str {
    let trimmed = path.trim_end_matches('/');
    if trimmed.is_empty() { &path[..path.len().min(1)] } else { trimmed.rsplit('/').next().unwrap_or(trimmed) }
}

/// What stands before the last part of a path, as dirname(1): `/usr/bin/nc` is `/usr/bin`.
pub fn dirname(path: &str) -> &str {
    let trimmed = path.trim_end_matches('/');
    match trimmed.rfind('/') {
        _ if trimmed.is_empty() && !path.is_empty() => "/",
        None => ".",
        Some(at) => match trimmed[..at].trim_end_matches('/') {
            "" => "/",
            directory => directory,
        },
    }
}

/// Shannon entropy in bits a character, from 0 (all the same) up: English is about 4, random hex 4, random base64 6.
pub fn entropy(text: &str) -> f64 {
    let mut counts: HashMap<char, u32> = HashMap::new();
    text.chars().for_each(|ch| *counts.entry(ch).or_default() += 1);
    let total = f64::from(counts.values().sum::<u32>());
    // Negative zero is a surprise on a screen.
    0.0 - counts.values().map(|count| f64::from(*count) / total).map(|share| share * share.log2()).sum::<f64>()
}

/// An address as a person means it: one of IPv4 that is written as one of IPv6 is of IPv4. `None` for what is none.
pub fn address(text: &str) -> Option<IpAddr> {
    // A link-local address may carry its interface.
    text.split('%').next().and_then(|addr| addr.parse::<IpAddr>().ok()).map(|addr| addr.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_comes_apart_as_the_shells_tools_take_it_apart() {
        for (path, dir, base) in [
            ("/usr/bin/nc", "/usr/bin", "nc"),
            ("/usr/bin/", "/usr", "bin"),
            ("/nc", "/", "nc"),
            ("nc", ".", "nc"),
            ("/", "/", "/"),
            ("//", "/", "/"),
            ("a//b", "a", "b"),
            ("", ".", ""),
            ("/ä/ö", "/ä", "ö"),
        ] {
            assert_eq!((dirname(path), basename(path)), (dir, base), "{path}");
        }
    }

    #[test]
    fn entropy_is_in_bits_a_character() {
        assert_eq!(entropy("").to_string(), "0");
        assert_eq!(entropy("aaaa").to_string(), "0");
        assert_eq!(entropy("ab").to_string(), "1");
        assert_eq!(entropy("0123456789abcdef").to_string(), "4");
    }

    #[test]
    fn an_address_is_the_same_however_it_is_written() {
        assert_eq!(address("::ffff:10.0.0.1"), address("10.0.0.1"));
        assert_eq!(address("fe80::1%eth0"), address("fe80::1"));
        assert_eq!(address("example.org"), None);
    }
}
