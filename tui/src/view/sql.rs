//! A question in SQL above, its answer below.

use super::list::{self, List};
use super::pane;
use super::text::{cut, fit, shown_width, wrap};
use super::theme::{Role, Theme};
use crate::state::{Answer, State, words};
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Clear, Paragraph};
use taffrail_trace::schema::COMMON;

/// How high the editor is, with its frame.
pub const EDITOR_HEIGHT: u16 = 5;
/// A column is no wider where there are several.
const COLUMN_MAX: usize = 44;
/// From this height on the chosen row is also told column by column.
const CHOSEN_FROM: u16 = 15;
/// How many words of a completion are shown.
const WORDS_MAX: usize = 6;

/// Draws the view.
pub fn draw(frame: &mut Frame<'_>, area: Rect, state: &State, theme: Theme) {
    if area.is_empty() {
        return;
    }
    let editor = if area.height < 12 { 2 } else { EDITOR_HEIGHT };
    let [top, below] = Layout::vertical([Constraint::Length(editor), Constraint::Fill(1)]).areas(area);
    let editing = state.sql_is_edited() && state.help.is_none();
    let title = if state.sql.running { " SQL: being answered, Esc stops it " } else { " SQL " };
    let content =
        if editor == EDITOR_HEIGHT { super::boxed(frame, top, Line::from(title), editing, theme) } else { top };
    let mut written = state.sql.editor.clone();
    written.set_cursor_line_style(Style::new());
    written.set_cursor_style(if editing { Style::new().add_modifier(Modifier::REVERSED) } else { Style::new() });
    frame.render_widget(&written, content);
    let answer = state.sql.answer.as_ref().filter(|_| !state.sql.lists_relations());
    match answer {
        None => ask(frame, below, state, theme),
        Some(Err(problem)) => {
            let content = pane(frame, below, Line::from(" no answer "), false, theme);
            let lines: Vec<Line<'_>> =
                problem.lines().flat_map(|line| wrap(line, usize::from(content.width))).map(Line::from).collect();
            frame.render_widget(
                Paragraph::new(lines).style(theme.style(Role::Kind(crate::state::recording::Kind::Gap))),
                content,
            );
        }
        Some(Ok(answer)) => rows(frame, below, state, answer, theme),
    }
    if editing {
        completion(frame, area, content, state, theme);
    }
}

/// What there is to ask.
fn ask(frame: &mut Frame<'_>, area: Rect, state: &State, theme: Theme) {
    let relations = &state.sql.relations;
    let name = relations.iter().map(|relation| relation.name.len()).max().unwrap_or(0);
    let chosen = !state.sql.editing;
    let list = List {
        title: Line::from(format!(" tables and views: {} ", relations.len())),
        rows: relations.len(),
        here: chosen.then_some(state.sql.row),
        empty: "no table",
        focused: chosen && state.help.is_none(),
    };
    list::draw(frame, area, list, theme, |row, room| {
        let Some(relation) = relations.get(row) else { return Line::default() };
        // What every table begins with would push out what each has of its own.
        let common = |name: &&String| COMMON.iter().any(|column| column.name == name.as_str());
        let (common, own): (Vec<&String>, Vec<&String>) = relation.columns.iter().partition(common);
        let columns: Vec<&str> = own.into_iter().chain(common).map(String::as_str).collect();
        Line::from_iter([
            Span::styled(fit(&relation.name, name.min(room)), theme.style(Role::Focus)),
            Span::styled(
                format!("  {}", cut(&columns.join(" "), room.saturating_sub(name + 2))),
                theme.style(Role::Quiet),
            ),
        ])
    });
}

/// The chosen row, a column a line: what the table above has no room for.
fn chosen(frame: &mut Frame<'_>, area: Rect, state: &State, answer: &Answer, theme: Theme) {
    let title = format!(" row {} ", words::count(state.sql.row as u64 + 1));
    let content = pane(frame, area, Line::from(title), false, theme);
    let cells = answer.columns.iter().zip(answer.rows.get(state.sql.row).into_iter().flatten());
    let name = answer.columns.iter().map(|name| shown_width(name, COLUMN_MAX)).max().unwrap_or(0);
    let room = usize::from(content.width).saturating_sub(name + 2);
    // From the column on that the table above begins with; what is empty says nothing.
    let told = cells.skip(state.sql.column).filter(|(_, cell)| !cell.is_empty());
    let lines = told.flat_map(|(column, cell)| {
        wrap(cell, room).into_iter().enumerate().map(move |(at, text)| {
            let label = if at == 0 { fit(column, name) } else { " ".repeat(name) };
            Line::from_iter([Span::styled(label, theme.style(Role::Focus)), Span::raw("  "), Span::raw(text)])
        })
    });
    frame.render_widget(Paragraph::new(lines.take(usize::from(content.height)).collect::<Vec<_>>()), content);
}

fn rows(frame: &mut Frame<'_>, area: Rect, state: &State, answer: &Answer, theme: Theme) {
    let below = if area.height >= CHOSEN_FROM && !answer.rows.is_empty() { area.height * 2 / 5 } else { 0 };
    let [area, row] = Layout::vertical([Constraint::Fill(1), Constraint::Length(below)]).areas(area);
    if below > 0 {
        chosen(frame, row, state, answer, theme);
    }
    let from = state.sql.column.min(answer.columns.len().saturating_sub(1));
    let took = words::duration(i64::try_from(answer.took.as_nanos()).unwrap_or(i64::MAX));
    let kept = if answer.total > answer.rows.len() {
        format!(", the first {} of them", words::count(answer.rows.len() as u64))
    } else {
        String::new()
    };
    let columns =
        if from > 0 { format!(", from column {} of {}", from + 1, answer.columns.len()) } else { String::new() };
    let title = format!(" {} rows{kept}{columns} in {took} ", words::count(answer.total as u64));
    let inside = super::inner(area);
    let widths = widths(answer, from, state.sql.row, usize::from(inside.width));
    let names = answer.columns.iter().skip(from).zip(&widths).map(|(name, width)| format!("{} ", fit(name, *width)));
    let head: String = names.collect();
    let list = List {
        title: Line::from(title),
        rows: answer.rows.len(),
        here: Some(state.sql.row),
        empty: "no row",
        focused: !state.sql.editing && state.help.is_none(),
    };
    // The names of the columns stand over the rows: one line of the pane is theirs.
    if inside.height < 3 {
        list::draw(frame, area, list, theme, |row, room| line(answer, from, &widths, row, room));
        return;
    }
    let content = pane(frame, area, list.title, list.focused, theme);
    let [names, content] = Layout::vertical([Constraint::Length(1), Constraint::Fill(1)]).areas(content);
    frame
        .render_widget(Line::from(Span::styled(cut(&head, usize::from(names.width)), theme.style(Role::Focus))), names);
    list::rows(frame, content, list.rows, list.here, list.focused, theme, |row, room| {
        line(answer, from, &widths, row, room)
    });
}

fn line(answer: &Answer, from: usize, widths: &[usize], row: usize, room: usize) -> Line<'static> {
    let cells = answer.rows.get(row).into_iter().flatten().skip(from).zip(widths);
    let text: String = cells.map(|(cell, width)| format!("{} ", fit(cell, *width))).collect();
    Line::from(cut(&text, room))
}

/// As wide as what stands in the rows around the chosen one, the last column as wide as there is room.
fn widths(answer: &Answer, from: usize, here: usize, room: usize) -> Vec<usize> {
    let first = here.saturating_sub(60);
    let mut widths: Vec<usize> = answer.columns.iter().skip(from).map(|name| shown_width(name, COLUMN_MAX)).collect();
    for row in answer.rows.iter().skip(first).take(120) {
        for (width, cell) in widths.iter_mut().zip(row.iter().skip(from)) {
            *width = (*width).max(shown_width(cell, COLUMN_MAX));
        }
    }
    let others: usize = widths.iter().rev().skip(1).map(|width| width + 1).sum();
    if let Some(last) = widths.last_mut() {
        *last = room.saturating_sub(others + 1).max(*last);
    }
    widths
}

/// The words that fit, under the cursor.
fn completion(frame: &mut Frame<'_>, area: Rect, editor: Rect, state: &State, theme: Theme) {
    let Some(completion) = state.sql.completion.as_ref().filter(|completion| completion.words.len() > 1) else {
        return;
    };
    let top = completion.chosen.saturating_sub(WORDS_MAX - 1);
    let words: Vec<(usize, &String)> = completion.words.iter().enumerate().skip(top).take(WORDS_MAX).collect();
    let wide = words.iter().map(|(_, word)| word.len()).max().unwrap_or(0) + 2;
    let cursor = state.sql.editor.screen_cursor();
    let x = editor.x + (cursor.col as u16).min(editor.width.saturating_sub(wide as u16));
    let y = editor.y + (cursor.row as u16 + 1).min(editor.height);
    let place = Rect { x, y, width: wide as u16, height: words.len() as u16 }.intersection(area);
    frame.render_widget(Clear, place);
    let lines: Vec<Line<'_>> = words
        .into_iter()
        .map(|(at, word)| {
            let role = if at == completion.chosen { Role::Selected } else { Role::Focus };
            Line::from(Span::styled(format!(" {} ", fit(word, wide.saturating_sub(2))), theme.style(role)))
        })
        .collect();
    frame.render_widget(Paragraph::new(lines), place);
}
