//! Bytes of a trace to text, and text to something that a terminal can show safely.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Kernel bytes as text: UTF-8 stays itself, every byte that is not becomes `\xNN`.
///
/// Where at least one byte had to be written so, a backslash is doubled, so that nothing is ambiguous.
pub fn from_bytes(bytes: &[u8]) -> String {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return text.to_owned();
    }
    let mut out = String::with_capacity(bytes.len() + 16);
    for chunk in bytes.utf8_chunks() {
        for ch in chunk.valid().chars() {
            if ch == '\\' {
                out.push('\\');
            }
            out.push(ch);
        }
        for byte in chunk.invalid() {
            // Writing into a String cannot fail.
            let _ = write!(out, "\\x{byte:02x}");
        }
    }
    out
}

/// Text of at most so many bytes: a longer one is cut between two characters and ends with an ellipsis.
pub fn cut(text: &str, most: usize) -> Cow<'_, str> {
    const ELLIPSIS: char = '\u{2026}';
    if text.len() <= most {
        return Cow::Borrowed(text);
    }
    let end = text.floor_char_boundary(most.saturating_sub(ELLIPSIS.len_utf8()));
    Cow::Owned(format!("{}{ELLIPSIS}", &text[..end]))
}

/// Text as a terminal or a page may show it: no control character, no direction override, nothing invisible.
///
/// Control characters become `\n`, `\t`, `\e` or `\u{..}`; so do the Unicode characters that reorder, hide or break
/// lines. Every byte that comes out of a trace passes here on its way to a screen (CVE-2021-25743, CVE-2024-52005 and
/// CVE-2021-42574 are what happens elsewhere).
pub fn shown(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    text.chars().for_each(|ch| push_shown(&mut out, ch));
    Cow::Owned(out)
}

/// Bytes of a terminal as lines of text: as [`shown`], but line ends and tabs stay what they are, and what is not UTF-8
/// becomes U+FFFD. The bytes themselves have to be kept apart: a backslash that was typed is not told from an escape.
pub fn of_terminal(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() + 16);
    for ch in String::from_utf8_lossy(bytes).chars() {
        match ch {
            '\n' | '\t' => out.push(ch),
            ch => push_shown(&mut out, ch),
        }
    }
    out
}

fn push_shown(out: &mut String, ch: char) {
    match ch {
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        '\u{1b}' => out.push_str("\\e"),
        ch if is_unsafe(ch) => out.extend(ch.escape_unicode()),
        ch => out.push(ch),
    }
}

/// Arguments as one line that a shell would take apart again: quoted where needed.
pub fn shell_line(args: &[String]) -> String {
    let plain = |ch: char| ch.is_ascii_alphanumeric() || "_-./=:,@%+".contains(ch);
    let quoted: Vec<Cow<'_, str>> = args
        .iter()
        .map(|arg| {
            if !arg.is_empty() && arg.chars().all(plain) {
                Cow::Borrowed(arg.as_str())
            } else {
                Cow::Owned(format!("'{}'", arg.replace('\'', r"'\''")))
            }
        })
        .collect();
    quoted.join(" ")
}

/// Bytes as lower-case hex, the way `sha256sum` prints a digest.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut out, byte| {
        // Writing into a String cannot fail.
        let _ = write!(out, "{byte:02x}");
        out
    })
}

/// Characters that act on a terminal, or on the reader's eyes, instead of being shown.
fn is_unsafe(ch: char) -> bool {
    ch.is_control()
        || matches!(ch,
            '\u{ad}' | '\u{61c}' | '\u{180e}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_are_not_utf8_are_kept_in_sight() {
        assert_eq!(from_bytes(b"/tmp/a\xff\\b"), "/tmp/a\\xff\\\\b");
        assert_eq!(from_bytes(b"C:\\plain"), "C:\\plain");
    }

    #[test]
    fn an_escape_sequence_reaches_no_terminal() {
        let evil = "\u{1b}]0;owned\u{7}\u{9b}31m\u{202e}txt.exe\n";
        let safe = shown(evil);
        assert_eq!(safe, "\\e]0;owned\\u{7}\\u{9b}31m\\u{202e}txt.exe\\n");
        assert!(!safe.chars().any(is_unsafe));
    }

    #[test]
    fn a_terminal_keeps_its_lines_and_loses_its_power() {
        let printed = of_terminal(b"\x1b[1mok\x1b[0m\tl\xc3\xa4rm\r\n\xff\x07\x7f\xc2\x9b2J");
        assert_eq!(printed, "\\e[1mok\\e[0m\tl\u{e4}rm\\r\n\u{fffd}\\u{7}\\u{7f}\\u{9b}2J");
        assert!(!printed.chars().any(|ch| is_unsafe(ch) && ch != '\n' && ch != '\t'));
    }

    #[test]
    fn text_is_cut_between_two_characters() {
        assert_eq!(cut("short", 5), "short");
        assert_eq!(cut("longer", 5), "lo\u{2026}");
        assert_eq!(cut(&"\u{fc}".repeat(10), 8), "\u{fc}\u{fc}\u{2026}");
    }

    #[test]
    fn a_command_line_can_be_given_to_a_shell() {
        let args = ["sh", "-c", "echo 'a b'", ""].map(str::to_owned);
        assert_eq!(shell_line(&args), r"sh -c 'echo '\''a b'\''' ''");
    }

    #[test]
    fn harmless_text_is_not_copied() {
        assert!(matches!(shown("/usr/bin/ls \u{e9}"), Cow::Borrowed(_)));
    }
}
