//! A terminal session as it was seen: the screen that its bytes made, what was typed marked.

use super::pane;
use super::text::{cut, fit, width, wrap, wrap_lines};
use super::theme::{Role, Theme};
use crate::state::{Film, State, TerminalSession, View, words};
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;
use vt100::Cell;

/// From this width on, what was typed stands beside the screen.
const BESIDE_MIN: u16 = 112;
/// Below this width typed lines lose their indentation.
const NARROW: usize = 100;

/// Draws the view.
pub fn draw(frame: &mut Frame<'_>, area: Rect, state: &State, theme: Theme) {
    if area.is_empty() {
        return;
    }
    let session = state.session().and_then(|index| Some((index, state.sessions.get(index)?)));
    let (Some((index, session)), Some(film)) = (session, &state.film) else {
        let content = pane(frame, area, Line::from(" terminal "), state.help.is_none(), theme);
        let why =
            "Nobody used a terminal in this bundle's window, and no shell had a pipe or a connection as its input.";
        let why = super::absence(state, View::Terminal, why);
        let lines: Vec<Line<'_>> = wrap(why, usize::from(content.width)).into_iter().map(Line::from).collect();
        frame.render_widget(Paragraph::new(lines).style(theme.style(Role::Quiet)), content);
        return;
    };
    if let Some(from) = state.typed_from {
        let pane_is = format!("what was {} in ", word(session));
        let title = title(state, &pane_is, index, session, usize::from(area.width));
        let content = pane(frame, area, title, state.help.is_none(), theme);
        let lines = typed_lines(state, session, film, usize::from(content.width), theme);
        let first = usize::from(from).min(lines.len().saturating_sub(1));
        let mut shown: Vec<Line<'_>> = lines.into_iter().skip(first).take(usize::from(content.height)).collect();
        let nothing = format!("Nothing was {} here by now.", word(session));
        if shown.is_empty() {
            let why = super::absence(state, View::Terminal, &nothing);
            shown.push(Line::from(Span::styled(why, theme.style(Role::Quiet))));
        }
        frame.render_widget(Paragraph::new(shown), content);
        return;
    }
    let [screen, typed] = if area.width >= BESIDE_MIN {
        Layout::horizontal([Constraint::Fill(1), Constraint::Length(area.width.saturating_sub(82).min(46))]).areas(area)
    } else {
        [area, Rect::default()]
    };
    let content =
        pane(frame, screen, title(state, "", index, session, usize::from(screen.width)), state.help.is_none(), theme);
    let [told, content] =
        Layout::vertical([Constraint::Length(u16::from(content.height > 6)), Constraint::Fill(1)]).areas(content);
    frame.render_widget(about(state, session, film, usize::from(told.width), theme), told);
    frame.render_widget(Paragraph::new(screen_lines(film, content, theme)), content);
    if !typed.is_empty() {
        let content = pane(frame, typed, Line::from(format!(" {} ", word(session))), false, theme);
        let mut lines = typed_lines(state, session, film, usize::from(content.width), theme);
        // The last of it at the bottom.
        let above = lines.len().saturating_sub(usize::from(content.height));
        let mut shown = lines.split_off(above);
        if let Some(first) = shown.first_mut().filter(|_| above > 0) {
            let text = format!("\u{2026} {} more lines, Tab shows them", above + 1);
            *first = Line::from(Span::styled(cut(&text, usize::from(content.width)), theme.style(Role::Quiet)));
        }
        frame.render_widget(Paragraph::new(shown), content);
    }
}

/// The largest scroll of what was typed, where that has this room and is shown.
pub fn typed_end(state: &State, area: Rect) -> u16 {
    let session = state.session().and_then(|index| state.sessions.get(index));
    let (Some(session), Some(film), Some(_)) = (session, &state.film, state.typed_from) else { return 0 };
    let lines = typed_lines(state, session, film, usize::from(area.width), Theme::PLAIN).len();
    u16::try_from(lines).unwrap_or(u16::MAX).saturating_sub(area.height)
}

/// What is typed at a terminal is given over a pipe or a connection.
fn word(session: &TerminalSession) -> &'static str {
    if session.tty { "typed" } else { "given" }
}

/// ` terminal 1 of 2: sh 20249 `
fn title(state: &State, pane: &str, index: usize, session: &TerminalSession, room: usize) -> Line<'static> {
    let image = session.program(&state.recording).and_then(|image| state.recording.image(image));
    let who =
        image.map_or_else(|| "?".to_owned(), |image| format!("{} {}", state.recording.text(image.comm), image.pid));
    let far = state.extent(View::Terminal).suffix();
    let container = image.and_then(|image| image.more.container);
    let container = container.map_or_else(String::new, |name| format!(" in {}", state.recording.text(name)));
    let mut text = format!(" {pane}terminal {} of {}{far}: {who}{container}", index + 1, state.sessions.len());
    let hint =
        if pane.is_empty() { format!("  Tab: what was {}", word(session)) } else { "  Tab: the screen".to_owned() };
    if session.typed > 0 && text.len() + hint.len() + 8 <= room {
        text.push_str(&hint);
    }
    Line::from(format!("{} ", cut(&text, room.saturating_sub(4))))
}

/// What the session goes over, how much went, how far it is played.
fn about(state: &State, session: &TerminalSession, film: &Film, room: usize, theme: Theme) -> Line<'static> {
    let recording = &state.recording;
    let image = session.image.and_then(|image| recording.image(image));
    let over = image.map_or("", |image| match image.more.tty {
        Some(tty) => recording.text(tty),
        None => recording.text(image.stdin),
    });
    let cut_off = match session.unkept {
        0 if session.cut => "  (not all of it was kept)".to_owned(),
        0 => String::new(),
        unkept => format!("  ({} not kept)", words::bytes(unkept)),
    };
    // A program that reads all of a script at once has it before it does what that says.
    let early = if session.typed > 0 && !session.tty { ", each part where it was read" } else { "" };
    let text = format!(
        "{} of {}  {} {}{early}, printed {}{cut_off}  over {}",
        film.played(),
        session.stretches.len(),
        word(session),
        words::bytes(session.typed),
        words::bytes(session.printed),
        if over.is_empty() { "an unknown way" } else { over },
    );
    let role = if session.cut { Role::Bad } else { Role::Quiet };
    Line::from(Span::styled(cut(&text, room), theme.style(role)))
}

/// The screen; of one that is higher than the pane the part around the cursor.
fn screen_lines(film: &Film, area: Rect, theme: Theme) -> Vec<Line<'static>> {
    let screen = film.screen();
    let (rows, columns) = screen.size();
    let (cursor_row, cursor_column) = screen.cursor_position();
    let last_used = (0..rows.get())
        .rev()
        .find(|row| (0..columns.get()).any(|column| screen.cell(*row, column).is_some_and(Cell::has_contents)));
    let end = cursor_row.max(last_used.unwrap_or(0)) + 1;
    let top = end.saturating_sub(area.height).min(cursor_row);
    let mut lines = Vec::new();
    for row in top..rows.get().min(top.saturating_add(area.height)) {
        let mut line = Line::default();
        let mut used = 0;
        for column in 0..columns.get().min(area.width) {
            let Some(cell) = screen.cell(row, column).filter(|cell| !cell.is_wide_continuation()) else { continue };
            let cells = if cell.is_wide() { 2 } else { 1 };
            if used + cells > usize::from(area.width) {
                break;
            }
            let here = (row, column) == (cursor_row, cursor_column) && !screen.hide_cursor();
            let mut style = style(film, cell, theme);
            if here {
                style = style.add_modifier(Modifier::REVERSED);
            }
            // Through the one door: a cell can hold characters that reorder or hide.
            let text = if cell.has_contents() { fit(cell.contents(), cells) } else { " ".to_owned() };
            used += width(&text).max(1);
            match line.spans.last_mut() {
                Some(span) if span.style == style => span.content.to_mut().push_str(&text),
                _ => line.push_span(Span::styled(text, style)),
            }
        }
        lines.push(line);
    }
    lines
}

fn style(film: &Film, cell: &Cell, theme: Theme) -> Style {
    if film.is_typed(cell.fgcolor()) {
        return theme.style(Role::Typed).add_modifier(Modifier::UNDERLINED);
    }
    if film.is_missing(cell.fgcolor()) {
        return theme.style(Role::Bad);
    }
    let mut style = Style::new();
    if theme.has_colours() {
        style.fg = colour(cell.fgcolor());
        style.bg = colour(cell.bgcolor());
    }
    for (is, modifier) in [
        (cell.bold(), Modifier::BOLD),
        (cell.dim(), Modifier::DIM),
        (cell.italic(), Modifier::ITALIC),
        (cell.underline(), Modifier::UNDERLINED),
        (cell.inverse(), Modifier::REVERSED),
    ] {
        if is {
            style = style.add_modifier(modifier);
        }
    }
    style
}

fn colour(colour: vt100::Color) -> Option<Color> {
    match colour {
        vt100::Color::Default => None,
        vt100::Color::Idx(index) => Some(Color::Indexed(index)),
        vt100::Color::Rgb(red, green, blue) => Some(Color::Rgb(red, green, blue)),
    }
}

/// Every line typed by now, with the time at which it came.
fn typed_lines(state: &State, session: &TerminalSession, film: &Film, room: usize, theme: Theme) -> Vec<Line<'static>> {
    let mut before = None;
    let mut shown = Vec::new();
    for (time, text) in session.typed_lines(film.played()) {
        // Where there is little room it is not spent on the indentation of a script.
        let text = if room < NARROW { text.trim() } else { text.trim_end() };
        // Lines that came together have their time once.
        let when = words::relative(state.recording.since_trigger(time));
        let mut when = if before.replace(time) == Some(time) { String::new() } else { when };
        for line in wrap_lines(text, room.saturating_sub(10)) {
            shown.push(Line::from_iter([
                Span::styled(format!("{:>9} ", std::mem::take(&mut when)), theme.style(Role::Quiet)),
                Span::styled(line, theme.style(Role::Typed)),
            ]));
        }
    }
    shown
}
