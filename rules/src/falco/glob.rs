//! Shell patterns, as `fnmatch(3)` reads them, as regular expressions: `*` and `?` match a slash too.

use crate::pattern::Pattern;

/// The pattern that a glob stands for.
///
/// # Errors
/// Where it is none, in words for whoever wrote it.
pub fn pattern(glob: &str, folded: bool) -> Result<Pattern, String> {
    let mut out = String::from(if folded { "(?si)" } else { "(?s)" });
    push(&mut out, glob)?;
    Pattern::new(&out)
}

/// Whether a text has anything but itself to match.
pub fn is_glob(text: &str) -> bool {
    text.contains(['*', '?', '['])
}

/// What a path pattern stands for: the path, and all below it.
///
/// # Errors
/// As [`pattern`].
pub fn below(glob: &str) -> Result<Pattern, String> {
    let mut out = String::from("(?s)");
    push(&mut out, glob)?;
    out.push_str("(?:/.*)?");
    Pattern::new(&out)
}

fn push(out: &mut String, glob: &str) -> Result<(), String> {
    let chars: Vec<char> = glob.chars().collect();
    // How the groups that are open repeat.
    let mut groups: Vec<&str> = Vec::new();
    let mut at = 0;
    while let Some(&ch) = chars.get(at) {
        let next = chars.get(at + 1).copied();
        at += 1;
        match ch {
            '?' | '*' | '+' | '@' if next == Some('(') => {
                groups.push(match ch {
                    '?' => ")?",
                    '*' => ")*",
                    '+' => ")+",
                    _ => ")",
                });
                out.push_str("(?:");
                at += 1;
            }
            '!' if next == Some('(') => return Err("'!(' is not read in a pattern".to_owned()),
            '*' => out.push_str(".*"),
            '?' => out.push('.'),
            '|' if !groups.is_empty() => out.push('|'),
            ')' if !groups.is_empty() => out.push_str(groups.pop().unwrap_or(")")),
            '[' => at = class(out, &chars, at),
            '\\' => {
                literal(out, next.unwrap_or('\\'));
                at += usize::from(next.is_some());
            }
            ch => literal(out, ch),
        }
    }
    if groups.is_empty() { Ok(()) } else { Err("expected ')' in the pattern, found its end".to_owned()) }
}

/// Writes the class that begins behind `[`, and says where it ends; a bracket that is never closed is itself.
fn class(out: &mut String, chars: &[char], start: usize) -> usize {
    let negated = matches!(chars.get(start), Some('!' | '^'));
    let first = start + usize::from(negated);
    // A bracket that comes first is a member.
    let Some(length) = chars.iter().skip(first + 1).position(|ch| *ch == ']') else {
        literal(out, '[');
        return start;
    };
    let end = first + 1 + length;
    out.push_str(if negated { "[^" } else { "[" });
    for (at, ch) in chars[first..end].iter().enumerate() {
        let is_range = *ch == '-' && at > 0 && first + at + 1 < end;
        if !is_range && !ch.is_alphanumeric() {
            out.push('\\');
        }
        out.push(*ch);
    }
    out.push(']');
    end + 1
}

fn literal(out: &mut String, ch: char) {
    out.push_str(&regex::escape(ch.encode_utf8(&mut [0; 4])));
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn matches(glob: &str, text: &str) -> bool {
        pattern(glob, false).expect(glob).matches(text)
    }

    #[test]
    fn a_glob_matches_as_a_shell_does_slashes_included() {
        for (glob, yes, no) in [
            ("/home/*/.ssh/*", "/home/a/b/.ssh/id", "/root/.ssh/id"),
            ("a?c", "abc", "ac"),
            ("[a-c]x", "bx", "dx"),
            ("[!a-c]x", "dx", "bx"),
            ("[]]x", "]x", "x"),
            ("a.c", "a.c", "abc"),
            (r"a\*", "a*", "ab"),
            ("@(a|bc)d", "bcd", "bd"),
            ("+(ab)", "abab", ""),
            ("x[", "x[", "x"),
            ("*(a)b", "aab", "cb"),
        ] {
            assert!(matches(glob, yes), "{glob} {yes}");
            assert!(!matches(glob, no), "{glob} {no}");
        }
        assert!(pattern("/TMP/*", true).expect("a pattern").matches("/tmp/x"));
        assert!(pattern("!(a)", false).is_err() && pattern("@(a", false).is_err());
        assert!(below("/home/*/x").expect("a pattern").matches("/home/a/x/y"));
        assert!(!below("/home/*/x").expect("a pattern").matches("/home/a/xy"));
    }

    proptest! {
        #[test]
        fn no_glob_panics_and_a_plain_text_matches_itself(glob in ".{0,40}") {
            if let Ok(pattern) = pattern(&glob, false) && !glob.contains(['*', '?', '[', '\\', '(']) {
                prop_assert!(pattern.matches(&glob));
            }
        }
    }
}
