//! The story: one sentence after the other, what has happened by now bright, what is still to come dim.

use super::pane;
use super::text::{cut, wrap, wrap_lines};
use super::theme::{Role, Theme};
use super::tree::bar;
use crate::state::recording::Kind;
use crate::state::{Sentence, State, View, words};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Modifier;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

/// How many lines a sentence may take that is not chosen.
const LINES_MAX: usize = 4;
/// How many one may take that is several lines itself.
const LISTED_MAX: usize = 12;

/// Draws the view.
pub fn draw(frame: &mut Frame<'_>, area: Rect, state: &State, theme: Theme) {
    if area.is_empty() {
        return;
    }
    let sentences = state.sentences();
    let here = state.sentence();
    let place = here.and_then(|here| sentences.iter().position(|at| *at == here));
    let told = place.map_or(0, |place| place + 1);
    let [at, all, events] = [told, sentences.len(), state.visible.len()].map(|number| words::count(number as u64));
    let far = state.extent(View::Story).suffix();
    let title = format!(" story: {at} of {all} moments from {events} events{far} ");
    let content = pane(frame, area, Line::from(title), state.help.is_none(), theme);
    let room = usize::from(content.width);
    if sentences.is_empty() {
        let why = match state.visible.len() {
            _ if state.filter.is_off() => {
                "Nothing that stands out happened in this bundle's window; the timeline has every event.".to_owned()
            }
            0 => "No event passes the filter.".to_owned(),
            1 => "The story does not tell the one event that passes the filter; 2 shows it.".to_owned(),
            count => format!("The story tells none of these {} events; 2 shows them.", words::count(count as u64)),
        };
        let why = super::absence(state, View::Story, &why);
        let lines: Vec<Line<'_>> = wrap(why, room).into_iter().map(Line::from).collect();
        frame.render_widget(Paragraph::new(lines).style(theme.style(Role::Quiet)), content);
        return;
    }
    let height = usize::from(content.height);
    // From the chosen sentence upwards until half of the room is taken, then downwards until all of it is.
    let middle = place.unwrap_or(0);
    let lines_of = |place: usize| {
        let most = if place == middle { height } else { usize::MAX };
        lines(state, &state.story[sentences[place]], place <= middle && told > 0, (room, most), theme)
    };
    let mut blocks: std::collections::VecDeque<(usize, Vec<Line<'static>>)> = [(middle, lines_of(middle))].into();
    let taken = |blocks: &std::collections::VecDeque<(usize, Vec<Line<'static>>)>| -> usize {
        blocks.iter().map(|(_, lines)| lines.len()).sum()
    };
    let (mut first, mut last) = (middle, middle);
    while taken(&blocks) < height / 2 && first > 0 {
        first -= 1;
        blocks.push_front((first, lines_of(first)));
    }
    while taken(&blocks) < height && last + 1 < sentences.len() {
        last += 1;
        blocks.push_back((last, lines_of(last)));
    }
    while taken(&blocks) < height && first > 0 {
        first -= 1;
        blocks.push_front((first, lines_of(first)));
    }
    let all: Vec<Line<'static>> = blocks
        .into_iter()
        .flat_map(|(place, lines)| {
            let chosen = told > 0 && place == middle;
            lines.into_iter().map(move |line| if chosen { bar(line, room, theme) } else { line })
        })
        .collect();
    // The chosen sentence must be whole: what is too much goes from the top.
    let before = all.len().saturating_sub(height);
    let skip = if first == 0 && last + 1 < sentences.len() { 0 } else { before };
    frame.render_widget(Paragraph::new(all[skip.min(before)..].to_vec()), content);
}

/// `  +0.300 $ Somebody typed ...`, as many lines as it needs.
fn lines(
    state: &State,
    sentence: &Sentence,
    passed: bool,
    (room, most): (usize, usize),
    theme: Theme,
) -> Vec<Line<'static>> {
    let recording = &state.recording;
    let time = sentence.time;
    let noted = state.notes.has(time);
    let ends = [recording.about.from, recording.about.to];
    let column = ends.map(|at| words::relative(recording.since_trigger(at)).len()).into_iter().max().unwrap_or(0);
    let when = format!("{:>column$}", words::relative(recording.since_trigger(time)));
    let narrow = room < 40;
    let head = if narrow { 2 } else { column + 5 };
    let text = if sentence.times > 1 {
        format!("{} ({} times)", sentence.text, sentence.times)
    } else {
        sentence.text.clone()
    };
    let listed = text.contains('\n');
    let mut texts = wrap_lines(&text, room.saturating_sub(head));
    // The chosen one is shown as far as the screen goes.
    let most = if most == usize::MAX { if listed { LISTED_MAX } else { LINES_MAX } } else { most.max(2) };
    if texts.len() > most {
        let more = texts.len() - (most - 1);
        texts.truncate(most - 1);
        let key = View::ALL.iter().position(|view| *view == sentence.view).map_or(2, |place| place + 1);
        texts.push(cut(&format!("\u{2026} {more} more lines, {key} shows them"), room.saturating_sub(head)));
    }
    let loud = matches!(sentence.kind, Kind::Finding | Kind::Gap);
    let style = match (loud, passed) {
        (true, true) => theme.style(Role::Kind(sentence.kind)),
        (true, false) => theme.style(Role::Kind(sentence.kind)).remove_modifier(Modifier::BOLD),
        (false, true) => theme.style(Role::Strong).remove_modifier(Modifier::BOLD),
        (false, false) => theme.style(Role::Quiet),
    };
    let letter = Span::styled(format!("{} ", sentence.kind.letter()), theme.style(Role::Kind(sentence.kind)));
    let mark = if noted { "*" } else { " " };
    texts
        .into_iter()
        .enumerate()
        .map(|(index, text)| {
            let text = Span::styled(text, style);
            match (index, narrow) {
                (0, true) => Line::from_iter([letter.clone(), text]),
                (0, false) => Line::from_iter([
                    Span::styled(mark, theme.style(Role::Typed)),
                    Span::styled(format!("{when}  "), theme.style(Role::Quiet)),
                    letter.clone(),
                    text,
                ]),
                _ => Line::from_iter([Span::raw(" ".repeat(head)), text]),
            }
        })
        .collect()
}
