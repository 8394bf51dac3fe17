//! The help, made of the table of keys and of the marks as they are drawn.

use super::strip;
use super::text::{width, wrap};
use super::theme::{Role, Theme};
use crate::keys::{BINDINGS, Binding};
use crate::state::State;
use crate::state::recording::Kind;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, BorderType, Clear, Paragraph};

/// No wider than this, so that the eye finds the way back.
const WIDTH_MAX: u16 = 86;

/// Draws the help over everything else.
pub fn draw(frame: &mut Frame<'_>, scroll: u16, state: &State, theme: Theme) {
    let (area, text) = place(frame.area(), state, theme);
    let more = usize::from(scroll) + usize::from(area.height.saturating_sub(2)) < text.len();
    let bottom = if more { " \u{2193} more " } else { "" };
    let block = Block::bordered()
        .border_type(BorderType::Thick)
        .border_style(theme.style(Role::Focus))
        .title(" help ")
        .title_bottom(Line::from(bottom).right_aligned());
    frame.render_widget(Clear, area);
    frame.render_widget(Paragraph::new(text).scroll((scroll, 0)).block(block), area);
}

/// The largest scroll on a screen of this size.
pub fn end(screen: Rect, state: &State) -> u16 {
    let (area, text) = place(screen, state, Theme::PLAIN);
    u16::try_from(text.len()).unwrap_or(u16::MAX).saturating_sub(area.height.saturating_sub(2))
}

fn place(screen: Rect, state: &State, theme: Theme) -> (Rect, Vec<Line<'static>>) {
    let wide = screen.width.min(WIDTH_MAX);
    let text = lines(usize::from(wide).saturating_sub(4), super::layout::is_small(screen), state, theme);
    let height = u16::try_from(text.len() + 2).unwrap_or(u16::MAX).min(screen.height);
    let area = Rect {
        x: screen.x + (screen.width - wide) / 2,
        y: screen.y + (screen.height - height) / 2,
        width: wide,
        height,
    };
    (area, text)
}

fn lines(room: usize, is_small: bool, state: &State, theme: Theme) -> Vec<Line<'static>> {
    let keys = BINDINGS.iter().map(|binding| (names(state, binding), binding.does)).collect::<Vec<_>>();
    let column = keys.iter().map(|(names, _)| width(names)).max().unwrap_or(0) + 2;
    let mut lines = Vec::new();
    if is_small {
        let needed = wrap("This screen is small and shows one pane at a time: from 60x16 on it shows all.", room);
        lines.extend(needed.into_iter().map(|text| Line::styled(format!(" {text}"), theme.style(Role::Quiet))));
    }
    for (names, does) in keys {
        let name = Span::styled(format!(" {names}"), theme.style(Role::Focus));
        if column + 30 <= room {
            let mut texts = wrap(does, room - column).into_iter();
            let gap = " ".repeat(column - width(&names));
            let first = texts.next().unwrap_or_default();
            lines.push(Line::from_iter([name, Span::raw(gap), Span::raw(first)]));
            lines.extend(texts.map(|text| Line::from(format!("{}{text}", " ".repeat(column + 1)))));
        } else {
            lines.push(Line::from(name));
            lines.extend(wrap(does, room.saturating_sub(2)).into_iter().map(|text| Line::from(format!("   {text}"))));
        }
    }
    lines.push(Line::default());
    lines.extend(legend(room, theme));
    let elsewhere = [
        "Single system calls are not listed: ask the SQL table syscall.",
        "Never recorded, and so never lost: what went over connections and pipes, but for names (DNS, TLS) and a shell's own \
         input and output; so also what Docker was asked for; and what was in files. Of these it is recorded that it was, \
         of whom, and how much.",
    ];
    let elsewhere = elsewhere.into_iter().flat_map(|text| wrap(text, room));
    lines.extend(elsewhere.into_iter().map(|text| Line::styled(format!(" {text}"), theme.style(Role::Quiet))));
    lines
}

/// The keys of a row of the table: those of one command together, in the order of the words.
fn names(state: &State, binding: &Binding) -> String {
    let keys: Vec<Vec<String>> =
        binding.actions.iter().map(|(name, _)| state.keymap.names_of(name).collect()).collect();
    // Only where a command has several keys is it not plain which are whose.
    let between = if keys.iter().any(|keys| keys.len() > 1) { " \u{b7} " } else { " " };
    let keys: Vec<String> = keys.iter().filter(|keys| !keys.is_empty()).map(|keys| keys.join(" ")).collect();
    keys.join(between)
}

/// What the letters and marks mean.
fn legend(room: usize, theme: Theme) -> Vec<Line<'static>> {
    let kinds = Kind::ALL.map(|kind| (kind.letter().to_string(), Role::Kind(kind), kind.as_str()));
    let marks = [
        (strip::PLAYHEAD.to_owned(), Role::Playhead, "now"),
        (strip::TRIGGER.to_owned(), Role::Strong, "trigger"),
        (strip::VITAL.to_owned(), Role::Kind(Kind::Process), "vital events"),
        (strip::GAP.to_owned(), Role::Kind(Kind::Gap), "events are missing"),
        ("*".to_owned(), Role::Typed, "in the case notes"),
    ];
    let mut lines = marked("", kinds.into_iter().chain(marks), room, theme);
    let processes = [
        ("new", Role::New, "just begun"),
        ("ended", Role::Ended, "just ended"),
        ("later", Role::Quiet, "not begun yet"),
        ("*", Role::Typed, "program not from the image"),
        ("\u{21c4}", Role::Kind(Kind::Network), "its input is a connection"),
        ("\u{2190}in", Role::Kind(Kind::Lifecycle), "came in from outside"),
    ];
    let network = [
        ("\u{25b6}", Role::Quiet, "the container called"),
        ("\u{25c0}", Role::Quiet, "it was called"),
        ("\u{25e6}", Role::Quiet, "it waits for anybody to call"),
        ("\u{d7}3", Role::Quiet, "so many processes, or flows"),
    ];
    let files = [
        ("+", Role::New, "made"),
        ("~", Role::Kind(Kind::File), "written"),
        ("m", Role::Kind(Kind::Privilege), "mode, owner or size changed"),
        ("\u{2192}", Role::Ended, "moved"),
        ("-", Role::Ended, "removed"),
    ];
    for (view, marks) in [("processes:", &processes[..]), ("network:", &network[..]), ("files:", &files[..])] {
        let marks = marks.iter().map(|(mark, role, word)| ((*mark).to_owned(), *role, *word));
        lines.extend(marked(view, marks, room, theme));
    }
    lines
}

/// Marks with their meanings, on as many lines as they need.
fn marked(
    head: &'static str,
    marks: impl Iterator<Item = (String, Role, &'static str)>,
    room: usize,
    theme: Theme,
) -> Vec<Line<'static>> {
    let mut lines = vec![Line::default()];
    if let Some(line) = lines.last_mut().filter(|_| !head.is_empty()) {
        line.push_span(Span::raw(format!(" {head}")));
    }
    for (mark, role, word) in marks {
        let need = width(&mark) + word.len() + 4;
        if lines.last().is_some_and(|line| line.width() + need > room && !line.spans.is_empty()) {
            lines.push(Line::default());
        }
        if let Some(line) = lines.last_mut() {
            line.push_span(Span::raw(" "));
            line.push_span(Span::styled(mark, theme.style(role)));
            line.push_span(Span::styled(format!(" {word} "), theme.style(Role::Quiet)));
        }
    }
    lines
}
