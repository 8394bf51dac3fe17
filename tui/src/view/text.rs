//! The only door from a trace's text to a cell: everything here comes out safe to show, and as wide as it may be.

use std::borrow::Cow;
use taffrail_trace::text::shown;
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// The most of one text that is laid out: bounds the work on a made-up bundle.
const LAID_OUT_MAX: usize = 16 << 10;

/// How many columns a text takes that is already safe.
pub fn width(safe: &str) -> usize {
    safe.width()
}

/// How many columns a raw text takes once it is safe, at most `most`.
pub fn shown_width(raw: &str, most: usize) -> usize {
    let end = raw.char_indices().nth(most).map_or(raw.len(), |(end, _)| end);
    shown(&raw[..end]).width().min(most)
}

/// The text, safe to show, in at most `width` columns; an ellipsis says that something was left out.
pub fn cut(raw: &str, width: usize) -> String {
    // A character can take no column at all, so a bound on characters comes before the bound on columns.
    let most = width.saturating_mul(4).saturating_add(16);
    let head = raw.char_indices().nth(most).map_or(raw, |(end, _)| &raw[..end]);
    let safe = shown(head);
    if safe.width() <= width && head.len() == raw.len() {
        return safe.into_owned();
    }
    let mut out = take(&safe, width.saturating_sub(1)).to_owned();
    if width > 0 {
        out.push('\u{2026}');
    }
    out
}

/// [`cut`], filled up with spaces.
pub fn fit(raw: &str, width: usize) -> String {
    let mut out = cut(raw, width);
    out.extend(std::iter::repeat_n(' ', width.saturating_sub(out.width())));
    out
}

/// The text, safe to show, on as many lines of `width` columns as it needs, broken at spaces where that helps.
pub fn wrap(raw: &str, width: usize) -> Vec<String> {
    let width = width.max(1);
    let end = raw.char_indices().nth(LAID_OUT_MAX).map_or(raw.len(), |(end, _)| end);
    let mut safe = shown(&raw[..end]);
    if end < raw.len() {
        safe = Cow::Owned(format!("{safe}\u{2026} ({} bytes more)", raw.len() - end));
    }
    let mut rest = safe.as_ref();
    let mut lines = Vec::new();
    while rest.width() > width {
        let mut line = take(rest, width);
        if line.is_empty() {
            // One character wider than the line: it goes alone and is cut by the cell.
            line = &rest[..rest.chars().next().map_or(rest.len(), char::len_utf8)];
        } else if !rest[line.len()..].starts_with(' ')
            && let Some(space) = line.rfind(' ').filter(|space| *space >= line.len() / 2)
        {
            line = &line[..=space];
        }
        lines.push(line.trim_end().to_owned());
        rest = rest[line.len()..].trim_start_matches(' ');
    }
    if !rest.is_empty() || lines.is_empty() {
        lines.push(rest.to_owned());
    }
    lines
}

/// A text of several lines, each [`wrap`]ped; tabs become spaces.
pub fn wrap_lines(raw: &str, width: usize) -> Vec<String> {
    let end = raw.char_indices().nth(LAID_OUT_MAX).map_or(raw.len(), |(end, _)| end);
    let mut lines: Vec<String> = raw[..end].lines().flat_map(|line| wrap(&line.replace('\t', "    "), width)).collect();
    if end < raw.len() {
        lines.extend(wrap(&format!("\u{2026} ({} bytes more)", raw.len() - end), width));
    }
    lines
}

/// As much of a safe text's beginning as takes at most `width` columns.
fn take(safe: &str, width: usize) -> &str {
    let mut used = 0;
    for (at, ch) in safe.char_indices() {
        used += ch.width().unwrap_or(0);
        if used > width {
            return &safe[..at];
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_text_is_never_wider_than_asked() {
        assert_eq!(cut("/usr/bin/curl", 8), "/usr/bi\u{2026}");
        assert_eq!(cut("curl", 4), "curl");
        assert_eq!(cut("\u{6f22}\u{5b57}\u{6f22}", 4), "\u{6f22}\u{2026}");
        assert_eq!(cut("abc", 0), "");
        assert_eq!(fit("ab", 4), "ab  ");
        let stacked = format!("a{}", "\u{301}".repeat(100_000));
        assert!(cut(&stacked, 10).len() < 1_000);
    }

    #[test]
    fn an_escape_sequence_is_cut_only_after_it_is_harmless() {
        assert_eq!(cut("\u{1b}[31m", 20), "\\e[31m");
        assert_eq!(cut("\u{1b}[31m", 3), "\\e\u{2026}");
    }

    #[test]
    fn lines_stay_lines_and_their_number_is_bounded() {
        assert_eq!(wrap_lines("a\tb\n\u{1b}[2J\r\n\nc", 20), ["a    b", "\\e[2J", "", "c"]);
        assert!(wrap_lines(&"\n".repeat(1 << 20), 80).len() < 20_000);
    }

    #[test]
    fn a_long_line_is_broken_at_spaces_where_that_helps() {
        assert_eq!(wrap("curl -s http://x", 8), ["curl -s", "http://x"]);
        assert_eq!(wrap("aaaaaaaaaa", 4), ["aaaa", "aaaa", "aa"]);
        assert_eq!(wrap("", 4), [""]);
        assert_eq!(wrap("ab cdefgh", 4), ["ab", "cdef", "gh"]);
        assert!(wrap(&"x".repeat(1 << 20), 80).len() < 300);
    }
}
