//! Text that comes out of a trace, on its way to a page: it cannot be printed, only shown.

use maud::{Escaper, Render};
use std::fmt::Write as _;
use taffrail_trace::text;

/// The longest text that a report shows of one value, in characters.
const CHARS_MAX: usize = 400;

/// A text of a trace or manifest. It has no `Display`: every way out of it writes control characters and characters that
/// reorder or hide as visible escapes, and then escapes what the page's language takes for its own.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Foreign(String);

impl Foreign {
    /// Of a value: one line, cut where it is very long.
    pub fn new(value: &str) -> Self {
        let mut line: String =
            text::shown(value.get(..CHARS_MAX * 8).unwrap_or(value)).chars().take(CHARS_MAX + 1).collect();
        if line.chars().count() > CHARS_MAX {
            line.pop();
            line.push('…');
        }
        Self(line)
    }

    /// Of a terminal: lines and tabs stay.
    pub fn lines(value: &str) -> Self {
        Self(text::of_terminal(value.as_bytes()))
    }

    /// Whether there is nothing to show.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The first `chars` characters, for where there is little room.
    pub fn brief(&self, chars: usize) -> Self {
        if self.0.chars().count() <= chars {
            return self.clone();
        }
        Self(self.0.chars().take(chars.saturating_sub(1)).chain(['…']).collect())
    }

    /// A digest and its file, as `sha256sum` prints them.
    pub fn beside(&self, file: &Self) -> Self {
        Self(format!("{}  {}", self.0, file.0))
    }

    /// This and then the other.
    pub fn followed(&self, other: &Self) -> Self {
        Self(format!("{}{}", self.0, other.0))
    }

    /// Without what it begins with, and spaces behind that.
    pub fn without(&self, beginning: &Self) -> Self {
        Self(self.0.strip_prefix(&beginning.0).map_or(self.0.as_str(), str::trim_start).to_owned())
    }

    /// As one word for a shell.
    pub fn quoted(&self) -> Self {
        Self(text::shell_line(std::slice::from_ref(&self.0)))
    }

    /// As a code span of Markdown that also stands in a table.
    pub fn markdown(&self) -> String {
        if self.0.is_empty() {
            return String::new();
        }
        let fence = "`".repeat(self.longest_run() + 1);
        let pad = if self.0.starts_with('`') || self.0.ends_with('`') { " " } else { "" };
        format!("{fence}{pad}{}{pad}{fence}", self.0.replace('|', "\\|"))
    }

    /// As a code block of Markdown.
    pub fn markdown_block(&self) -> String {
        let fence = "`".repeat(self.longest_run().max(2) + 1);
        format!("{fence}text\n{}\n{fence}\n", self.0.trim_end_matches('\n'))
    }

    /// Lines for a code block, each marked where it was typed.
    pub fn markdown_text(&self, typed: bool) -> String {
        let mark = if typed { "> " } else { "" };
        self.0.lines().flat_map(|line| [mark, line, "\n"]).collect()
    }

    fn longest_run(&self) -> usize {
        self.0.split(|ch| ch != '`').map(str::len).max().unwrap_or(0)
    }
}

impl Render for Foreign {
    fn render_to(&self, out: &mut String) {
        // Writing into a String cannot fail.
        let _ = Escaper::new(out).write_str(&self.0);
    }
}

/// Lines one after another, as they are copied.
impl<'a> FromIterator<&'a Foreign> for Foreign {
    fn from_iter<I: IntoIterator<Item = &'a Foreign>>(lines: I) -> Self {
        Self(lines.into_iter().map(|line| line.0.as_str()).collect::<Vec<_>>().join("\n"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_is_a_program_is_shown_and_does_nothing() {
        let evil = Foreign::new("<script>alert('1')</script>\u{202e}\u{1b}[31m`|`\n# title");
        let page = evil.render().into_string();
        assert!(!page.contains('<') && !page.contains('"'), "{page}");
        assert!(page.contains("&lt;script&gt;") && page.contains("\\u{202e}\\e[31m"), "{page}");
        let markdown = evil.markdown();
        assert!(markdown.starts_with("``<script>") && markdown.ends_with("``"), "{markdown}");
        assert!(markdown.contains("\\|") && !markdown.contains('\n'), "{markdown}");
    }

    #[test]
    fn a_code_block_is_not_left_by_what_stands_in_it() {
        let block = Foreign::lines("a\n````\n<b>").markdown_block();
        assert_eq!(block, "`````text\na\n````\n<b>\n`````\n");
    }

    #[test]
    fn a_very_long_text_is_cut() {
        let cut = Foreign::new(&"ä".repeat(5000));
        assert_eq!(cut.0.chars().count(), CHARS_MAX + 1);
        assert_eq!(cut.brief(3).0, "ää…");
    }
}
