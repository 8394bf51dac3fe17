//! A pane that is one list: only the lines that are seen are made, and the chosen one is kept in sight.

use super::pane;
use super::text::wrap;
use super::theme::{Role, Theme};
use super::tree::bar;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;
use ratatui::widgets::Paragraph;

/// What a list shows.
pub struct List<'a> {
    /// Over it.
    pub title: Line<'a>,
    /// How many rows it has.
    pub rows: usize,
    /// The chosen row.
    pub here: Option<usize>,
    /// What is said where there is no row.
    pub empty: &'a str,
    /// Keys go to it.
    pub focused: bool,
}

/// Draws it; `line` makes a row for so many columns.
pub fn draw(
    frame: &mut Frame<'_>,
    area: Rect,
    list: List<'_>,
    theme: Theme,
    line: impl Fn(usize, usize) -> Line<'static>,
) {
    if area.is_empty() {
        return;
    }
    let content = pane(frame, area, list.title, list.focused, theme);
    let room = usize::from(content.width);
    if list.rows == 0 {
        let lines: Vec<Line<'_>> = wrap(list.empty, room).into_iter().map(Line::from).collect();
        frame.render_widget(Paragraph::new(lines).style(theme.style(Role::Quiet)), content);
        return;
    }
    rows(frame, content, list.rows, list.here, list.focused, theme, line);
}

/// Draws the rows alone.
pub fn rows(
    frame: &mut Frame<'_>,
    content: Rect,
    count: usize,
    here: Option<usize>,
    focused: bool,
    theme: Theme,
    line: impl Fn(usize, usize) -> Line<'static>,
) {
    let (room, height) = (usize::from(content.width), usize::from(content.height));
    let top = super::events::top(here.unwrap_or(0), count, height);
    let lines: Vec<Line<'_>> = (top..count)
        .take(height)
        .map(|row| {
            let drawn = line(row, room);
            match (here == Some(row), focused) {
                (true, true) => bar(drawn, room, theme),
                (true, false) => drawn.style(theme.style(Role::Here)),
                (false, _) => drawn,
            }
        })
        .collect();
    frame.render_widget(Paragraph::new(lines), content);
}
