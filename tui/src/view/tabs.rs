//! The seven views by their numbers; the one that is shown stands in brackets.

use super::text::width;
use super::theme::{Role, Theme};
use crate::state::{State, View};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

/// The least width that all words fit.
const WORDS_MIN: u16 = 74;

/// Draws the line.
pub fn draw(frame: &mut Frame<'_>, area: Rect, state: &State, theme: Theme) {
    let mut line = Line::default();
    for (number, view) in (1..).zip(View::ALL) {
        let (open, close) = if view == state.view { ("[", "]") } else { (" ", " ") };
        // Where there is no room for all words the numbers stay.
        let word =
            if view == state.view || area.width >= WORDS_MIN { format!(" {}", view.as_str()) } else { String::new() };
        let word = Span::raw(format!("{open}{number}{word}{close}"));
        let role = if view == state.view { Role::Focus } else { Role::Quiet };
        line.push_span(word.style(theme.style(role)));
        if usize::from(area.width) > 90 {
            line.push_span(Span::raw(" "));
        }
    }
    let notes = state.notes.notes.len();
    let word = format!("{notes} noted ");
    if notes > 0 && line.width() + width(&word) <= usize::from(area.width) {
        frame.render_widget(Line::from(Span::styled(word, theme.style(Role::Typed))).right_aligned(), area);
    }
    frame.render_widget(line, area);
}
