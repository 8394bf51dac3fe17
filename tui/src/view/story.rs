//! The story: one sentence after the other, what has happened by now bright, what is still to come dim.

use super::pane;
use super::text::{cut, wrap, wrap_lines};
use super::theme::{Role, Theme};
use super::tree::bar;
use crate::state::recording::Kind;
use crate::state::{Sentence, State, View, words};
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::Modifier;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;
use std::collections::VecDeque;

/// How many lines a sentence may take that is not chosen.
const LINES_MAX: usize = 4;
/// How many one may take that is several lines itself.
const LISTED_MAX: usize = 12;
/// From this height on a line says how much is above it.
const SIGNED_MIN: usize = 8;

/// What nobody should look for here, in many words and in few.
const NOT_RECORDED: [&str; 2] = [
    " not recorded: what went over connections (other than shells'), requests to Docker, what was in files ",
    " not recorded: what was in connections (other than shells') and files ",
];

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
    super::below(frame, area, &NOT_RECORDED, theme);
    let room = usize::from(content.width);
    let content = say_verdict(frame, content, state, theme);
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
    let middle = place.unwrap_or(0);
    // Where all of the story has room nothing of it is cut.
    let lines_all = |at: &usize| lines(state, &state.story[*at], true, (room, height), theme).len();
    let all_fits = sentences.iter().try_fold(height, |left, at| left.checked_sub(lines_all(at))).is_some();
    let lines_of = |place: usize| {
        let most = if place == middle || all_fits { height } else { usize::MAX };
        lines(state, &state.story[sentences[place]], place <= middle && told > 0, (room, most), theme)
    };
    let (mut shown, is_begun) = around(middle, sentences.len(), height, lines_of);
    if !is_begun && height >= SIGNED_MIN {
        say_what_is_above(&mut shown, middle, room, theme);
    }
    let chosen = |place: usize| told > 0 && place == middle;
    let shown = shown.into_iter().map(|(place, line)| if chosen(place) { bar(line, room, theme) } else { line });
    frame.render_widget(Paragraph::new(shown.collect::<Vec<_>>()), content);
}

/// Says first that the rules found nothing to worry about, where that is so; what is left of the room.
fn say_verdict(frame: &mut Frame<'_>, content: Rect, state: &State, theme: Theme) -> Rect {
    if state.alarm.is_some() || usize::from(content.height) < SIGNED_MIN {
        return content;
    }
    let of_rules = state.recording.findings.iter().filter(|finding| finding.source.is_none()).count();
    let but = match of_rules {
        0 => String::new(),
        1 => "; 1 finding is information".to_owned(),
        count => format!("; {} findings are information", words::count(count as u64)),
    };
    let text = format!("No rule found anything critical or to warn of{but}. Rules do not know everything.");
    let lines: Vec<Line<'_>> = wrap(&text, usize::from(content.width)).into_iter().map(Line::from).collect();
    let height = u16::try_from(lines.len()).unwrap_or(u16::MAX);
    let [verdict, rest] = Layout::vertical([Constraint::Length(height), Constraint::Fill(1)]).areas(content);
    frame.render_widget(Paragraph::new(lines).style(theme.style(Role::Good)), verdict);
    rest
}

/// As many lines of sentences as fit, each with its sentence's place, and whether they begin with the first: from there
/// on, where all of the chosen one is seen then; else with that in the middle.
fn around(
    chosen: usize,
    count: usize,
    height: usize,
    lines_of: impl Fn(usize) -> Vec<Line<'static>>,
) -> (Vec<(usize, Line<'static>)>, bool) {
    let placed = |place: usize| lines_of(place).into_iter().map(move |line| (place, line));
    let mut own: Vec<_> = placed(chosen).collect();
    own.truncate(height);
    let room = height - own.len();
    let mut above = VecDeque::new();
    let mut first = chosen;
    while above.len() <= room && first > 0 {
        first -= 1;
        placed(first).rev().for_each(|line| above.push_front(line));
    }
    let is_begun = first == 0 && above.len() <= room;
    let below: Vec<_> = (chosen + 1..count).flat_map(placed).take(room).collect();
    // Where there is more above, it has a line at least.
    let taken = (height / 2).saturating_sub(own.len()).max(room - below.len()).max(usize::from(room > 0));
    let taken = if is_begun { above.len() } else { taken.min(above.len()) };
    let mut skipped = above.len() - taken;
    // Behind its first line, which is for what is above, begins a sentence, where the room is needed below.
    while !is_begun
        && above.len() - skipped + below.len() > room
        && above.get(skipped).map(|line| line.0) == above.get(skipped + 1).map(|line| line.0)
    {
        skipped += 1;
    }
    let shown = above.into_iter().skip(skipped).chain(own).chain(below);
    (shown.take(height).collect(), is_begun)
}

/// Puts the number of the sentences that are not seen, or not as a whole, in the place of the first line.
fn say_what_is_above(shown: &mut [(usize, Line<'static>)], chosen: usize, room: usize, theme: Theme) {
    let next = shown.windows(2).find(|pair| pair[0].0 != pair[1].0).map(|pair| pair[1].0);
    if let (Some(number), Some((_, line))) = (next.filter(|next| *next <= chosen), shown.first_mut()) {
        let what = if number == 1 { "moment" } else { "moments" };
        let text = format!("\u{2026} {} {what} before this, Home shows the first", words::count(number as u64));
        *line = Line::from(Span::styled(cut(&text, room), theme.style(Role::Quiet)));
    }
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
