//! What plays, where we are, and what can be done.

use super::text::cut;
use super::theme::{Role, Theme};
use crate::keys::{BINDINGS, Binding};
use crate::state::{Looking, Prompt, Prompting, State, View, words};
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};
use taffrail_trace::clock::rfc3339;

/// What a small screen says.
const SMALL: &str = "more from 60x16 on";

/// One line: the prompt while a text is typed, else state on the left and keys on the right.
pub fn draw(frame: &mut Frame<'_>, area: Rect, state: &State, theme: Theme) {
    let room = usize::from(area.width);
    if let Some(prompt) = &state.prompt {
        let [bar, below] = Layout::vertical([Constraint::Length(1), Constraint::Fill(1)]).areas(area);
        let (line, shift) = typed(state, prompt, room, theme);
        frame.render_widget(line, bar);
        frame.render_widget(more(prompt, shift, room, theme), below);
        return;
    }
    let left = playing(state, room, theme);
    let left_over = room.saturating_sub(left.width() + 2);
    if super::layout::is_small(frame.area()) && left_over < SMALL.len() && !state.playing && state.notice.is_none() {
        // The list says where we are; nothing else says that there is more.
        frame.render_widget(Line::styled(cut(SMALL, room), theme.style(Role::Quiet)), area);
        return;
    }
    let right = match &state.notice {
        Some(notice) if left_over >= 12 => Line::styled(cut(notice, left_over), theme.style(Role::Focus)),
        None if super::layout::is_small(frame.area()) && left_over >= SMALL.len() => {
            let help: Option<String> = state.keymap.names_of("help").next();
            let help = help.map(|key| format!("{key} help  {SMALL}")).filter(|text| text.len() <= left_over);
            Line::styled(help.unwrap_or_else(|| SMALL.to_owned()), theme.style(Role::Quiet))
        }
        _ => hints(state, left_over, theme),
    };
    frame.render_widget(left, area);
    frame.render_widget(right.right_aligned(), area);
}

/// What the prompt is for, what is typed, and what can be done with it.
/// And how far right its first character would stand, negative where it is off the screen.
fn typed(state: &State, prompt: &Prompt, room: usize, theme: Theme) -> (Line<'static>, isize) {
    let (sign, about) = match prompt.what {
        Prompting::Filter => {
            let far = state.progress().filter(|progress| progress.what == Looking::Filter);
            let far = far.map_or_else(String::new, |progress| format!(" in {} %", progress.percent));
            ("filter: ", format!(" {} events{far}  Enter keep  Esc forget", words::count(state.visible.len() as u64)))
        }
        Prompting::Search => {
            let far = state.progress().filter(|progress| progress.what == Looking::Search);
            let about = match (far, &state.notice) {
                (Some(progress), _) => format!("  {} % searched  Enter search on  Esc stop", progress.percent),
                (None, Some(notice)) => format!("  {notice}"),
                (None, None) => "  Enter keep  Esc forget".to_owned(),
            };
            ("/", about)
        }
        Prompting::GoTo => ("go to: ", "  12:03:04  -30s  +2m  trigger".to_owned()),
        Prompting::Note => ("note: ", "  #words are tags  Enter keep".to_owned()),
        Prompting::Palette => (":", "  Enter do it  Esc leave".to_owned()),
    };
    let sign = if room < 40 { &sign[..1] } else { sign };
    let about = if about.len() + sign.len() + 12 <= room { about } else { String::new() };
    // The end of what is typed is what the person looks at.
    let width = room.saturating_sub(about.len() + sign.len() + 1);
    let length = prompt.text.chars().count();
    let hidden = length.saturating_sub(width);
    let tail: String = prompt.text.chars().skip(hidden).collect();
    let shift = sign.len() as isize - hidden as isize;
    let line = Line::from_iter([
        Span::styled(sign.to_owned(), theme.style(Role::Focus)),
        Span::styled(cut(&tail, width), theme.style(Role::Strong)),
        Span::styled(" ", theme.style(Role::Selected)),
        Span::styled(about, theme.style(Role::Quiet)),
    ]);
    (line, shift)
}

/// Whether there is something to say below the bar.
pub fn has_more(state: &State) -> bool {
    state.prompt.as_ref().is_some_and(|prompt| prompt.fault.is_some() || !prompt.offered.is_empty())
}

/// What is wrong with the condition, under the character where it is; else what its last word can become.
fn more(prompt: &Prompt, shift: isize, room: usize, theme: Theme) -> Line<'static> {
    if !prompt.offered.is_empty() {
        return offered(prompt, room, theme);
    }
    let Some(fault) = &prompt.fault else { return Line::default() };
    let at = (shift + fault.column as isize - 1).clamp(0, room.saturating_sub(1) as isize) as usize;
    let message = format!("^ {}", fault.message);
    if at + message.chars().count() <= room {
        return Line::styled(cut(&format!("{}{message}", " ".repeat(at)), room), theme.style(Role::Bad));
    }
    // No room to its right: it stands left of the sign.
    let text = cut(&fault.message, at.saturating_sub(1));
    if text.chars().count() >= 12 {
        let pad = " ".repeat(at.saturating_sub(super::text::width(&text) + 1));
        return Line::styled(format!("{pad}{text} ^"), theme.style(Role::Bad));
    }
    Line::styled(cut(&format!("{}: {}", fault.column, fault.message), room), theme.style(Role::Bad))
}

/// `Tab: proc.name  proc.pid  +12`: as many completions as fit, the one that is written among them.
fn offered(prompt: &Prompt, room: usize, theme: Theme) -> Line<'static> {
    let at = prompt.turn.map(|turn| turn.at);
    let mut line = Line::from(Span::styled("Tab: ", theme.style(Role::Quiet)));
    let first = at.unwrap_or(0).saturating_sub(1);
    for (place, word) in prompt.offered.iter().enumerate().skip(first) {
        let word = cut(word, room / 2);
        let rest = prompt.offered.len() - place;
        if line.width() + super::text::width(&word) + 8 > room {
            line.push_span(Span::styled(format!("+{rest}"), theme.style(Role::Quiet)));
            break;
        }
        let role = if at == Some(place) { Role::Focus } else { Role::Quiet };
        line.push_span(Span::styled(format!("{word}  "), theme.style(role)));
    }
    line
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
    } else if let Some(progress) = state.progress() {
        let word = match progress.what {
            Looking::All => "read",
            Looking::Filter => "filtered",
            Looking::Search => "searched, Esc stops",
        };
        line.push_span(Span::styled(format!("  {}% {word}", progress.percent), theme.style(Role::Focus)));
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
fn hints(state: &State, room: usize, theme: Theme) -> Line<'static> {
    let hint = |binding: &Binding| {
        // Of a pair both keys, as `<- ->`; of one command the first key.
        let keys: Vec<String> =
            binding.actions.iter().filter_map(|(name, _)| state.keymap.names_of(name).next()).collect();
        let keys =
            if keys.iter().all(|key| key.chars().count() == 1) { keys.concat() } else { keys.into_iter().next()? };
        Some((keys, binding.hint?))
    };
    // While a question is typed, letters are letters and no commands.
    let commands = BINDINGS.iter().filter(|_| !state.sql_is_edited()).filter_map(hint);
    let all: Vec<(String, &'static str)> = own_hints(state).into_iter().chain(commands).collect();
    let (first, last) = all.split_at(all.len().saturating_sub(2));
    let width = |(key, word): &(String, &str)| key.chars().count() + word.len() + 3;
    let mut left = room;
    let mut fits = |hint: &&(String, &'static str)| {
        let fits = width(hint) <= left;
        left -= if fits { width(hint) } else { left };
        fits
    };
    let last: Vec<_> = last.iter().take_while(&mut fits).collect();
    let first: Vec<_> = first.iter().take_while(&mut fits).collect();
    let mut line = Line::default();
    for (key, word) in first.into_iter().chain(last) {
        line.push_span(Span::raw(if line.spans.is_empty() { "" } else { "  " }));
        line.push_span(Span::styled(key.clone(), theme.style(Role::Focus)));
        line.push_span(Span::styled(format!(" {word}"), theme.style(Role::Quiet)));
    }
    line
}

/// What the view itself offers.
fn own_hints(state: &State) -> Vec<(String, &'static str)> {
    let key = |name: &str| state.keymap.names_of(name).next();
    let pair = |(name, word): (&str, &'static str)| Some((key(name)?, word));
    let fixed = |keys: &[(&str, &'static str)]| keys.iter().map(|(key, word)| ((*key).to_owned(), *word)).collect();
    match state.view {
        View::Sql if state.sql_is_edited() => {
            fixed(&[("Enter", "ask"), ("Ctrl-U", "erase"), ("Tab", "complete"), ("Esc", "out of the editor")])
        }
        View::Sql if state.sql.lists_relations() => fixed(&[("Enter", "ask it"), ("Tab", "edit")]),
        View::Sql => fixed(&[("Enter", "go there"), ("\u{2190}\u{2192}", "columns"), ("Tab", "edit")]),
        View::Processes => {
            let all = ("all-processes", if state.all_processes { "now" } else { "all" });
            [("fold", "fold"), all].into_iter().filter_map(pair).collect()
        }
        View::Files => [("fold", "fold")].into_iter().filter_map(pair).collect(),
        _ => Vec::new(),
    }
}
