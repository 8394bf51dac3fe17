//! The event list around the playhead. Only the lines that are seen are made.

use super::text::{cut, fit, width};
use super::theme::{Role, Theme};
use super::tree::bar;
use super::{is_focused, pane};
use crate::state::recording::{Body, Event, Kind, Recording};
use crate::state::{Focus, Shown, State, View, summary, words};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Paragraph, Wrap};

/// Draws the pane; the selected event is kept near the middle.
pub fn draw(frame: &mut Frame<'_>, area: Rect, state: &State, theme: Theme) {
    if area.is_empty() {
        return;
    }
    let focused = is_focused(state, Focus::Events);
    let content = pane(frame, area, title(state, usize::from(area.width).saturating_sub(2)), focused, theme);
    if state.visible.is_empty() {
        let why = if state.filter.is_off() {
            "no events in this bundle"
        } else {
            "no event passes the filter; Esc clears it"
        };
        let why = super::absence(state, View::Timeline, why);
        frame.render_widget(Paragraph::new(why).wrap(Wrap { trim: true }).style(theme.style(Role::Quiet)), content);
        return;
    }
    let height = usize::from(content.height);
    let here = state.position();
    // Before the first event of a filter, the list stands between what has been and what comes.
    let top = top(here.unwrap_or_else(|| state.passed(state.at)), state.visible.len(), height);
    let columns = Columns::new(state, usize::from(content.width));
    let line = |place: usize| {
        let number = state.visible.get(place)?;
        let selected = here == Some(place);
        let line = match state.timeline.get(number) {
            Some(event) => columns.line(state, &event, selected, theme),
            // It is being read, and comes with the next frame.
            None => Line::styled(" \u{2026}", theme.style(Role::Quiet)),
        };
        Some(match (selected, focused) {
            (true, true) => bar(line, columns.room, theme),
            (true, false) => line.style(theme.style(Role::Here)),
            (false, _) => line,
        })
    };
    let lines: Vec<Line<'_>> = (top..top + height).map_while(line).collect();
    frame.render_widget(Paragraph::new(lines), content);
}

/// The first row shown, so that `here` stands in the middle where it can.
pub fn top(here: usize, rows: usize, height: usize) -> usize {
    here.saturating_sub(height / 2).min(rows.saturating_sub(height))
}

/// ` events 12 of 340 · network · sh 2311 and below · "passwd" `
fn title(state: &State, room: usize) -> Line<'static> {
    let total = state.visible.len();
    let here = state.position().map_or(0, |at| at + 1);
    let far = state.extent(View::Timeline).suffix();
    let mut title = format!(" events: {} of {}{far}", words::count(here as u64), words::count(total as u64));
    for chip in state.filter.chips() {
        title.push_str(&format!(" \u{b7} {}", state.chip_label(chip)));
    }
    Line::from(format!("{} ", cut(&title, room.saturating_sub(1))))
}

/// How wide the columns are.
struct Columns {
    room: usize,
    time: usize,
    /// The container's name, where there are several.
    container: usize,
    name: usize,
    pid: usize,
}

impl Columns {
    fn new(state: &State, room: usize) -> Self {
        let recording = &state.recording;
        let ends = [recording.about.from, recording.about.to];
        let time = ends.map(|at| words::relative(recording.since_trigger(at)).len()).into_iter().max().unwrap_or(0);
        let (name, pid) = match room {
            0..30 => (0, 0),
            30..60 => (9, 0),
            60..90 => (12, 8),
            _ => (15, 8),
        };
        let container = if recording.about.containers > 1 && room >= 60 { (room / 8).clamp(8, 16) } else { 0 };
        Self { room, time, container, name, pid }
    }

    /// `> -3.201 N curl     connect 203.0.113.9:443`
    fn line<'a>(&self, state: &State, event: &Shown, selected: bool, theme: Theme) -> Line<'a> {
        let recording = &event.recording;
        let kind = event.body.kind();
        let quiet = theme.style(Role::Quiet);
        let time = words::relative(recording.since_trigger(event.time));
        let mut line = Line::from_iter([
            match (selected, state.notes.has(event.time)) {
                (true, _) => Span::raw(">"),
                (false, true) => Span::styled("*", theme.style(Role::Typed)),
                (false, false) => Span::raw(" "),
            },
            Span::styled(format!("{time:>width$} ", width = self.time), quiet),
            Span::styled(format!("{} ", kind.letter()), theme.style(Role::Kind(kind))),
        ]);
        let actor = recording.actor(event);
        if self.container > 0 {
            let name = actor.container.map_or("", |name| recording.text(name));
            line.push_span(Span::styled(
                format!("{} ", fit(name, self.container)),
                theme.style(Role::Kind(Kind::Lifecycle)),
            ));
        }
        if self.name > 0 {
            let comm = actor.comm.map_or("", |comm| recording.text(comm));
            line.push_span(Span::raw(fit(comm, self.name)));
            line.push_span(Span::raw(" "));
        }
        if self.pid > 0 {
            let pid = actor.pid.map_or(String::new(), |pid| pid.to_string());
            line.push_span(Span::styled(format!("{pid:<width$}", width = self.pid), quiet));
        }
        let text = summary::of(recording, event);
        let text = cut(&text, self.room.saturating_sub(line.width()));
        let typed = state.filter.texts.last().map_or("", String::as_str);
        let needle = if state.search.is_empty() { typed } else { state.search.as_str() };
        push_found(&mut line, text, needle, style(recording, event, theme), theme);
        line
    }
}

/// Failed and ended things step back, findings and gaps step forward.
fn style(recording: &Recording, event: &Event, theme: Theme) -> Style {
    let failed = match event.body {
        Body::File(at) => recording.files.get(at as usize).is_some_and(|file| file.result.unwrap_or(0) != 0),
        Body::Privilege(at) | Body::Kernel(at) => recording.calls.get(at as usize).is_some_and(|call| call.result < 0),
        Body::End(_) | Body::FlowEnd(_) => true,
        _ => false,
    };
    match event.body.kind() {
        kind @ (Kind::Finding | Kind::Gap) => theme.style(Role::Kind(kind)),
        _ if failed => theme.style(Role::Quiet),
        _ => Style::new(),
    }
}

/// Appends `text` with the first place marked where the filter's text is found.
fn push_found(line: &mut Line<'_>, text: String, needle: &str, style: Style, theme: Theme) {
    let found = (!needle.is_empty()).then(|| find(&text, needle)).flatten();
    let Some(at) = found else {
        line.push_span(Span::styled(text, style));
        return;
    };
    let (before, rest) = text.split_at(at);
    let (hit, after) = rest.split_at(needle.len());
    debug_assert!(width(hit) > 0);
    line.push_span(Span::styled(before.to_owned(), style));
    line.push_span(Span::styled(hit.to_owned(), theme.style(Role::Found)));
    line.push_span(Span::styled(after.to_owned(), style));
}

/// Where `needle` is in `text`, case of ASCII letters aside.
fn find(text: &str, needle: &str) -> Option<usize> {
    let (text_bytes, needle_bytes) = (text.as_bytes(), needle.as_bytes());
    let at = text_bytes.windows(needle_bytes.len()).position(|window| window.eq_ignore_ascii_case(needle_bytes))?;
    (text.is_char_boundary(at) && text.is_char_boundary(at + needle.len())).then_some(at)
}
