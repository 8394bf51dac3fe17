//! The process tree at the playhead.

use super::text::{cut, width};
use super::theme::{Role, Theme};
use super::{is_focused, pane};
use crate::state::recording::Kind;
use crate::state::{Focus, Life, State, TreeRow, View, remote_input, words};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Paragraph, Wrap};

/// Draws the pane; the marked process is kept in sight.
pub fn draw(frame: &mut Frame<'_>, area: Rect, state: &State, theme: Theme) {
    if area.is_empty() {
        return;
    }
    let focused = is_focused(state, Focus::Tree);
    let rows = state.tree_rows();
    let count =
        |lives: &[Life]| state.moment.rows.iter().filter(|row| lives.contains(&row.life) && inside(state, row)).count();
    let [alive, ended, coming] = [&[Life::New, Life::Alive][..], &[Life::Ended], &[Life::Coming]].map(count);
    let now = words::relative(state.recording.since_trigger(state.at));
    let title = match state.view {
        View::Processes if area.width >= 50 && state.all_processes => {
            format!(" all processes at {now} s: {alive} alive, {ended} ended, {coming} later ")
        }
        View::Processes if area.width >= 50 => {
            format!(" processes at {now} s: {alive} alive, {ended} ended in the minute before ")
        }
        _ => format!(" processes: {alive} "),
    };
    let content = pane(frame, area, Line::from(title), focused, theme);
    if rows.is_empty() {
        frame.render_widget(
            Paragraph::new("no process is alive here").wrap(Wrap { trim: true }).style(theme.style(Role::Quiet)),
            content,
        );
        return;
    }
    let marked = state.tree_process();
    let here = rows.iter().position(|row| Some(row.process) == marked).unwrap_or(0);
    let height = usize::from(content.height);
    let top = super::events::top(here, rows.len(), height);
    let room = usize::from(content.width);
    let lines: Vec<Line<'_>> = rows[top..]
        .iter()
        .take(height)
        .map(|row| {
            let row: &TreeRow = row;
            let is_marked = Some(row.process) == marked;
            let line = draw_row(state, row, is_marked, room, theme);
            match (is_marked, focused) {
                (true, true) => bar(line, room, theme),
                (true, false) => line.style(theme.style(Role::Here)),
                (false, _) => line,
            }
        })
        .collect();
    frame.render_widget(Paragraph::new(lines), content);
}

/// The line that the focused pane stands on: one bar of one colour over the whole width, not a rag.
pub fn bar(mut line: Line<'_>, room: usize, theme: Theme) -> Line<'_> {
    for span in &mut line.spans {
        span.style = Style::new();
    }
    line.push_span(Span::raw(" ".repeat(room.saturating_sub(line.width()))));
    line.style(theme.style(Role::Selected))
}

fn inside(state: &State, row: &TreeRow) -> bool {
    state.recording.image(row.image).is_some_and(|image| image.inside)
}

/// `> ├ curl 2311 new`: mark, tree lines, name, pid, state, and the command line where there is room.
fn draw_row<'a>(state: &State, row: &TreeRow, marked: bool, room: usize, theme: Theme) -> Line<'a> {
    let Some(image) = state.recording.image(row.image) else { return Line::default() };
    let quiet = theme.style(Role::Quiet);
    let mut lines = guides(row, room / 2);
    if row.folded > 0 {
        lines.push_str("\u{2026} ");
    }
    let comm = state.recording.text(image.comm);
    // Of several containers each is named where it begins.
    let parent = image.parent.and_then(|parent| state.recording.image(parent));
    let begins = image.inside && !parent.is_some_and(|parent| parent.inside);
    let container = image.more.container.filter(|_| begins).map(|name| state.recording.text(name));
    let container = container.map_or_else(String::new, |name| format!("[{}] ", cut(name, room / 4)));
    let folded = state.folds.contains(&row.process);
    let (name_style, word) = match row.life {
        Life::New => (theme.style(Role::New), " new"),
        Life::Ended => (theme.style(Role::Ended), " ended"),
        Life::Coming => (quiet, " later"),
        Life::Alive if !image.inside => (quiet, " outside"),
        Life::Alive => (Style::new(), ""),
    };
    let left = room.saturating_sub(1 + width(&lines) + width(&container) + word.len());
    // What it did under another name is told by that. Where there is little room, what it is comes first.
    let former = state.recording.former_names(image);
    let former = if width(&former) + width(comm) + 8 <= left { former } else { String::new() };
    let left = left - width(&former);
    let name = cut(comm, left.max(4));
    // Where it is narrow the pid gives way: the detail has it.
    let pid = format!(" {}", image.pid);
    let pid = if width(&name) + pid.len() <= left { pid } else { String::new() };
    let mut line = Line::from_iter([
        Span::raw(if marked { ">" } else { " " }),
        Span::styled(lines, quiet),
        Span::styled(if folded { "+" } else { "" }, theme.style(Role::Focus)),
        Span::styled(container, quiet),
        Span::styled(cut(&former, room), quiet),
        Span::styled(name, name_style),
        Span::styled(pid, quiet),
        Span::styled(word, if row.life == Life::New { name_style } else { quiet }),
    ]);
    // What an investigator asks first: does it hang on a connection, is it root, was it in the image?
    let odd = image.more.memfd || image.more.upper || image.more.fresh || image.exe_deleted;
    let signs = [
        (odd, " *", Role::Typed),
        (remote_input(&state.recording, image).is_some(), " \u{21c4}", Role::Kind(Kind::Network)),
        (image.more.entered.is_some(), " \u{2190}in", Role::Kind(Kind::Lifecycle)),
        (image.uid == 0 && state.view == View::Processes, " root", Role::Kind(Kind::Privilege)),
    ];
    for (_, sign, role) in signs.into_iter().filter(|(is, ..)| *is && image.inside) {
        if line.width() + width(sign) <= room {
            line.push_span(Span::styled(sign, theme.style(role)));
        }
    }
    let args = state.recording.text(image.cmdline).split_once(' ').map_or("", |(_, args)| args);
    let left = room.saturating_sub(line.width() + 2);
    if left >= 16 && !args.is_empty() && image.inside {
        line.push_span(Span::styled(format!("  {}", cut(args, left)), quiet));
    }
    line
}

/// The lines that lead to a row. A tree deeper than its pane loses the lines nearest the root.
fn guides(row: &TreeRow, room: usize) -> String {
    let depth = usize::from(row.depth);
    let first = depth.saturating_sub(room / 2).max(1);
    let mut out = String::new();
    if first > 1 {
        out.push('\u{2026}');
    }
    for level in first..depth {
        out.push_str(if level < 64 && row.guides >> level & 1 == 1 { "\u{2502} " } else { "  " });
    }
    if depth > 0 {
        out.push_str(if row.last { "\u{2514} " } else { "\u{251c} " });
    }
    out
}
