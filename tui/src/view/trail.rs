//! How one came here, and which filters are on, each as a chip that can be taken off.

use super::text::{cut, width};
use super::theme::{Role, Theme};
use crate::state::{State, words};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

/// The most places that are named; those before are an ellipsis.
const PLACES_MAX: usize = 4;
/// A chip is no wider.
const CHIP_MAX: usize = 36;

/// Whether there is anything to say.
pub fn is_needed(state: &State) -> bool {
    !state.trail.is_empty() || !state.filter.is_off() || state.range_from.is_some()
}

/// Draws the line: ` story > timeline  [curl 9108 and below] [-3.000 s to +2.000 s]`
pub fn draw(frame: &mut Frame<'_>, area: Rect, state: &State, theme: Theme) {
    if area.is_empty() {
        return;
    }
    let room = usize::from(area.width);
    let mut line = Line::from(" ");
    // Places that differ by their filters only are told once: the chips tell the filters.
    let mut places: Vec<_> = state.trail.iter().map(|place| (place.view, place.at)).collect();
    places.push((state.view, state.at));
    places.dedup();
    places.pop();
    let hidden = places.len().saturating_sub(PLACES_MAX);
    if hidden > 0 {
        line.push_span(Span::styled("\u{2026} \u{203a} ", theme.style(Role::Quiet)));
    }
    for (view, at) in &places[hidden..] {
        let when = words::relative(state.recording.since_trigger(*at));
        let text = if room >= 100 {
            format!("{} {when} s \u{203a} ", view.as_str())
        } else {
            format!("{} \u{203a} ", view.as_str())
        };
        line.push_span(Span::styled(text, theme.style(Role::Quiet)));
    }
    line.push_span(Span::styled(state.view.as_str(), theme.style(Role::Strong)));
    let chips = state.filter.chips();
    for (at, chip) in chips.iter().enumerate() {
        let left = room.saturating_sub(line.width() + 3);
        let label = cut(&state.chip_label(*chip), CHIP_MAX.min(left.saturating_sub(2)));
        if left < width(&label) + 2 || label.is_empty() {
            line.push_span(Span::styled(format!(" +{}", chips.len() - at), theme.style(Role::Found)));
            break;
        }
        line.push_span(Span::raw("  "));
        line.push_span(Span::styled(format!("[{label}]"), theme.style(Role::Found)));
    }
    if let Some(from) = state.range_from {
        let text = format!("  range from {} s \u{2026}", words::relative(state.recording.since_trigger(from)));
        line.push_span(Span::styled(cut(&text, room.saturating_sub(line.width())), theme.style(Role::Focus)));
    } else if !chips.is_empty() {
        let keys: Vec<String> = state.keymap.names_of("drop-filter").take(1).collect();
        let hint = format!("  {} takes the last off", keys.join(" "));
        if line.width() + hint.len() <= room {
            line.push_span(Span::styled(hint, theme.style(Role::Quiet)));
        }
    }
    frame.render_widget(line, area);
}
