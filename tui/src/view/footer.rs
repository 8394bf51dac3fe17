//! What plays, where we are, and what can be done.

use super::text::cut;
use super::theme::{Role, Theme};
use crate::keys::{BINDINGS, Binding};
use crate::state::{State, words};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use taffrail_trace::clock::rfc3339;

/// One line: the prompt while a text is typed, else state on the left and keys on the right.
pub fn draw(frame: &mut Frame<'_>, area: Rect, state: &State, theme: Theme) {
    let room = usize::from(area.width);
    if state.prompt.is_some() {
        frame.render_widget(prompt(state, room, theme), area);
        return;
    }
    let left = playing(state, room, theme);
    let right = hints(room.saturating_sub(left.width() + 2), theme);
    frame.render_widget(left, area);
    frame.render_widget(right.right_aligned(), area);
}

fn prompt(state: &State, room: usize, theme: Theme) -> Line<'static> {
    let found = format!(" {} events  Enter keep  Esc forget", words::count(state.visible.len() as u64));
    let found = if found.len() + 12 <= room { found } else { String::new() };
    // The end of what is typed is what the person looks at.
    let width = room.saturating_sub(found.len() + 2);
    let length = state.filter.text.chars().count();
    let tail: String = state.filter.text.chars().skip(length.saturating_sub(width)).collect();
    Line::from_iter([
        Span::styled("/", theme.style(Role::Focus)),
        Span::styled(cut(&tail, width), theme.style(Role::Strong)),
        Span::styled(" ", theme.style(Role::Selected)),
        Span::styled(found, theme.style(Role::Quiet)),
    ])
}

/// `paused 1x  -3.201 s  12:00:54.922 UTC`, and what was just skipped.
fn playing(state: &State, room: usize, theme: Theme) -> Line<'static> {
    let word = if state.playing { "playing" } else { "paused" };
    let style = theme.style(if state.playing { Role::New } else { Role::Strong });
    let now = words::relative(state.recording.since_trigger(state.at));
    let mut line = Line::from_iter([
        Span::styled(format!("{word} {}", state.speed.as_str()), style),
        Span::raw(format!("  {now} s")),
    ]);
    if let Some(skip) = state.skipped {
        let text = format!("  skipped {}", words::duration(skip.ns));
        line.push_span(Span::styled(text, theme.style(Role::Focus)));
    } else if room >= 100 {
        let clock = rfc3339(state.at);
        let clock = clock.get(11..23).unwrap_or("");
        line.push_span(Span::styled(format!("  {clock} UTC"), theme.style(Role::Quiet)));
    }
    if !state.skip_idle && room >= 100 {
        line.push_span(Span::styled("  idle is played", theme.style(Role::Quiet)));
    }
    line
}

/// As many hints as fit; help and quit, the table's last, go before all others.
fn hints(room: usize, theme: Theme) -> Line<'static> {
    let all: Vec<&Binding> = BINDINGS.iter().filter(|binding| binding.hint.is_some()).collect();
    let (first, last) = all.split_at(all.len().saturating_sub(2));
    let width = |binding: &Binding| binding.hint.map_or(0, |(key, word)| key.chars().count() + word.len() + 3);
    let mut left = room;
    let mut shown = |bindings: &[&'static Binding]| -> Vec<&'static Binding> {
        let fits = |binding: &&&Binding| {
            let fits = width(binding) <= left;
            left -= if fits { width(binding) } else { left };
            fits
        };
        bindings.iter().take_while(fits).copied().collect()
    };
    let last = shown(last);
    let first = shown(first);
    let mut line = Line::default();
    for (key, word) in first.iter().chain(&last).filter_map(|binding| binding.hint) {
        line.push_span(Span::raw(if line.spans.is_empty() { "" } else { "  " }));
        line.push_span(Span::styled(key, theme.style(Role::Focus)));
        line.push_span(Span::styled(format!(" {word}"), theme.style(Role::Quiet)));
    }
    line
}
