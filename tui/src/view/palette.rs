//! Every command by its name, over the bottom of the screen while one is typed.

use super::text::{cut, fit, width};
use super::theme::{Role, Theme};
use super::tree::bar;
use crate::state::{State, commands};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, BorderType, Clear, Paragraph};

/// How many commands are seen at once.
const ROWS_MAX: u16 = 12;
const WIDTH_MAX: u16 = 90;

/// Draws the list; the chosen command is kept in sight.
pub fn draw(frame: &mut Frame<'_>, state: &State, theme: Theme) {
    let Some(prompt) = &state.prompt else { return };
    let found = commands(&prompt.text);
    let screen = frame.area();
    let height = (found.len() as u16).clamp(1, ROWS_MAX).saturating_add(2).min(screen.height.saturating_sub(1));
    let wide = screen.width.min(WIDTH_MAX);
    let area = Rect { x: screen.x, y: screen.bottom().saturating_sub(height + 1), width: wide, height };
    let block = Block::bordered()
        .border_type(BorderType::Thick)
        .border_style(theme.style(Role::Focus))
        .title(format!(" commands: {} ", found.len()));
    let content = block.inner(area);
    frame.render_widget(Clear, area);
    frame.render_widget(block, area);
    let room = usize::from(content.width);
    let top = super::events::top(prompt.chosen, found.len(), usize::from(content.height));
    let lines: Vec<Line<'_>> = found
        .iter()
        .enumerate()
        .skip(top)
        .take(usize::from(content.height))
        .map(|(at, (name, _, does))| {
            let keys = state.keymap.names_of(name).collect::<Vec<_>>().join(" ");
            let head = Line::from_iter([
                Span::styled(fit(name, 16), theme.style(Role::Strong)),
                Span::styled(fit(&keys, 12), theme.style(Role::Focus)),
            ]);
            let left = room.saturating_sub(width(&head.to_string()));
            let mut line = head;
            line.push_span(Span::styled(cut(does, left), theme.style(Role::Quiet)));
            if at == prompt.chosen { bar(line, room, theme) } else { line }
        })
        .collect();
    frame.render_widget(Paragraph::new(lines), content);
}
