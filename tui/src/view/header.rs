//! Who this is, why it was sealed, whether it is whole, and what is missing.

use super::text::{cut, width};
use super::theme::{Role, Theme};
use crate::state::recording::{Lost, Severity};
use crate::state::{State, View, words};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use taffrail_trace::bundle::{Mismatch, SUMS, Verdict};

/// Two lines, or one on a small screen.
pub fn draw(frame: &mut Frame<'_>, area: Rect, state: &State, theme: Theme) {
    let [first, second] = [0, 1].map(|line| row(area, line));
    let lost = missing(state, usize::from(first.width), theme);
    if area.height < 2 {
        // What is missing outranks the name.
        let room = usize::from(first.width).saturating_sub(lost.width() + 1);
        let name = Span::styled(cut(&state.recording.about.container, room), theme.style(Role::Strong));
        frame.render_widget(Line::from(name), first);
        frame.render_widget(lost.right_aligned(), first);
        return;
    }
    let wide = first.width >= 60;
    let right = if wide {
        let mut line = Line::from_iter([verdict(state, first.width, theme), Span::raw("  ")]);
        line.extend(lost);
        line
    } else {
        lost
    };
    let room = usize::from(first.width).saturating_sub(right.width() + 2);
    frame.render_widget(who(state, room, theme), first);
    frame.render_widget(right.right_aligned(), first);
    frame.render_widget(why(state, usize::from(second.width), theme), second);
}

fn row(area: Rect, line: u16) -> Rect {
    let height = u16::from(line < area.height);
    Rect { y: area.y.saturating_add(line), height, ..area }
}

/// Container, image, host: as many as fit.
fn who(state: &State, room: usize, theme: Theme) -> Line<'static> {
    let about = &state.recording.about;
    let mut line = Line::from(Span::styled(cut(&about.container, room), theme.style(Role::Strong)));
    let image = about.image.clone().unwrap_or_else(|| about.runtime.clone());
    for part in [image, format!("on {}", about.host)] {
        let left = room.saturating_sub(line.width() + 2);
        if left >= 8 || left >= width(&part) {
            line.push_span(Span::raw("  "));
            line.push_span(Span::styled(cut(&part, left), theme.style(Role::Quiet)));
        }
    }
    line
}

/// The worst that the rules found, and how much of it; else, and after it, why this was sealed.
fn why(state: &State, room: usize, theme: Theme) -> Line<'static> {
    let (recording, about) = (&state.recording, &state.recording.about);
    let severity = state.alarm.map_or(about.severity, |alarm| alarm.severity);
    let word = match severity {
        Severity::Critical => " CRITICAL ",
        Severity::Warning => " WARNING ",
        Severity::Info => " INFO ",
    };
    let mut line = Line::from(Span::styled(word, theme.style(Role::Severity(severity))));
    let (mut rule, mut message, mut sealed) = (about.rule.as_str(), about.reason.as_str(), None);
    if let Some(alarm) = state.alarm {
        (rule, message) = (recording.text(alarm.rule), recording.text(alarm.message));
        let counts = [(alarm.critical, "critical"), (alarm.warning, "warning")];
        let counts = counts.into_iter().filter(|(count, _)| *count > 0);
        let counts: Vec<String> = counts.map(|(count, word)| format!("{count} {word}")).collect();
        if alarm.critical + alarm.warning > 1 {
            line.push_span(Span::styled(format!(" {}:", counts.join(", ")), theme.style(Role::Quiet)));
        }
        if let Some(container) = alarm.container {
            line.push_span(Span::raw(format!(" {}", cut(recording.text(container), room / 4))));
        }
        if rule != about.rule {
            let by = format!("  sealed: {}", about.rule);
            sealed = Some((format!("{by}, {}", about.reason), by));
        }
    }
    line.push_span(Span::raw(" "));
    line.push_span(Span::styled(cut(rule, room.saturating_sub(line.width())), theme.style(Role::Strong)));
    // A message that begins with its rule's name says it once.
    let message = words::after_rule(message, rule).unwrap_or(message);
    let left = room.saturating_sub(line.width() + 2);
    // The reason can be a person's own words: a long message leaves it room, if that is not too long itself.
    let sealed =
        sealed.filter(|_| left >= 40).map(|(whole, by)| if width(&whole) * 3 <= left * 2 { whole } else { by });
    let kept = sealed.as_ref().map_or(0, |sealed| width(sealed).min((left / 2).max(28)));
    if left > 0 && !message.is_empty() {
        line.push_span(Span::raw(format!("  {}", cut(message, left.saturating_sub(kept)))));
    }
    let left = room.saturating_sub(line.width());
    if let Some(sealed) = sealed.filter(|_| left > 2) {
        line.push_span(Span::styled(cut(&sealed, left), theme.style(Role::Quiet)));
    }
    line
}

/// What checking gave; a wide screen also names the first thing that is not as it was written.
fn verdict(state: &State, screen: u16, theme: Theme) -> Span<'static> {
    match &state.verdict {
        None => Span::styled("not verified", theme.style(Role::Quiet)),
        Some(Verdict::Intact(_)) => Span::styled("sha256 ok", theme.style(Role::Good)),
        Some(Verdict::Altered(wrong)) => {
            let name = wrong.first().filter(|_| screen >= 100).map(|mismatch| match mismatch {
                Mismatch::Changed(name)
                | Mismatch::Missing(name)
                | Mismatch::Added(name)
                | Mismatch::Checksum(name) => cut(name, 30),
                Mismatch::Twice(_) | Mismatch::BadLine(_) => SUMS.to_owned(),
            });
            let name = name.map_or_else(String::new, |name| format!(" {name}"));
            Span::styled(format!(" ALTERED{name} "), theme.style(Role::Bad))
        }
    }
}

/// The events that are missing, and what is missing of terminals: `lost: 12   terminal: 1.2 kB not kept so far`, or
/// `lost: 12+1.2 kB`.
fn missing(state: &State, screen: usize, theme: Theme) -> Line<'static> {
    let mut line = Line::from(lost(state.recording.lost, screen, theme));
    let unkept = words::bytes(state.unkept());
    if state.unkept() > 0 {
        let far = state.extent(View::Terminal).suffix();
        // Where there is no room for the words, a sign says that it can be more.
        let (more, far) = if far.len() * 5 <= screen { ("", far) } else { ("+", "") };
        let text = if screen >= 60 {
            format!(" terminal: {unkept}{more} not kept{far} ")
        } else {
            format!("+{unkept}{more} ")
        };
        line.push_span(Span::raw(if screen >= 60 { " " } else { "" }));
        line.push_span(Span::styled(text, theme.style(Role::Bad)));
    }
    line
}

/// `lost: 12 + 40 maybe + unknown`; a small screen has `lost: 52+?`, which never says less than the truth.
fn lost(lost: Lost, screen: usize, theme: Theme) -> Span<'static> {
    let mut text = format!("lost: {}", words::count(lost.own));
    if lost.maybe > 0 {
        text.push_str(&format!(" + {} maybe", words::count(lost.maybe)));
    }
    if lost.unknown {
        text.push_str(" + unknown");
    }
    if text.len() + 2 > screen / 2 {
        let all = words::count(lost.own.saturating_add(lost.maybe));
        text = format!("lost: {all}{}", if lost.unknown { "+?" } else { "" });
    }
    let role = if lost == Lost::default() { Role::Good } else { Role::Bad };
    Span::styled(if role == Role::Bad { format!(" {text} ") } else { text }, theme.style(role))
}
