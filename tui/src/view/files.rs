//! What was changed on disk, by directory, with who did it.

use super::list::{self, List};
use super::text::{cut, fit, width};
use super::theme::{Role, Theme};
use crate::state::recording::Kind;
use crate::state::{Change, ChangeRow, Deed, State, View, words};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

/// What the signs mean.
const LEGEND: &str = "\u{2500} + made  ~ written  m mode  \u{2192} to  \u{2190} from  - gone ";

/// Draws the view.
pub fn draw(frame: &mut Frame<'_>, area: Rect, state: &State, theme: Theme) {
    let changes = &state.changes;
    let now = words::relative(state.recording.since_trigger(state.at));
    let far = state.extent(View::Files).suffix();
    let mut title = format!(" files until {now} s: {}{far} ", words::count(changes.count() as u64));
    if width(&title) + width(LEGEND) + 2 <= usize::from(area.width) {
        title.push_str(LEGEND);
    }
    let list = List {
        title: Line::from(title),
        rows: changes.list.rows.len(),
        here: Some(changes.list.chosen),
        empty: super::absence(state, View::Files, "No file has been changed by now."),
        focused: state.help.is_none(),
    };
    list::draw(frame, area, list, theme, |row, room| match changes.list.rows.get(row) {
        Some(ChangeRow::Directory { path, files, folded }) => {
            let sign = if *folded { "+" } else { "-" };
            let path = if path.is_empty() { "(no directory)" } else { path };
            let count = format!("  {files}");
            Line::from_iter([
                Span::styled(
                    format!("{sign} {}", cut(path, room.saturating_sub(2 + count.len()))),
                    theme.style(Role::Focus),
                ),
                Span::styled(count, theme.style(Role::Quiet)),
            ])
        }
        Some(ChangeRow::Outside { files, folded }) => {
            let sign = if *folded { "+" } else { "-" };
            let whole = format!("{sign} from outside the container, by its runtime as a rule  {files} files");
            let text = if room < 60 { format!("{sign} from outside  {files}") } else { whole };
            Line::from(Span::styled(cut(&text, room), theme.style(Role::Quiet)))
        }
        Some(ChangeRow::File(at)) => match changes.files.get(*at) {
            Some(change) => file_line(state, change, room, theme),
            None => Line::default(),
        },
        None => Line::default(),
    });
}

/// `  + .update  1.5 MB  executable  wget 20252  +0.902`
fn file_line(state: &State, change: &Change, room: usize, theme: Theme) -> Line<'static> {
    let recording = &state.recording;
    let quiet = theme.style(Role::Quiet);
    let path = state.changes.text(change.path);
    // Those from outside stand under no directory.
    let last = path.trim_end_matches('/').rsplit('/').next().filter(|name| !name.is_empty());
    let name = if change.outside { path } else { last.unwrap_or(path) };
    let (sign, role) = match change.deed {
        Deed::Made => ("+", Role::New),
        Deed::Written => ("~", Role::Kind(Kind::File)),
        Deed::Altered => ("m", Role::Kind(Kind::Privilege)),
        Deed::Moved => ("\u{2192}", Role::Ended),
        Deed::Named => ("\u{2190}", Role::New),
        Deed::Removed => ("-", Role::Ended),
    };
    let mut facts = Vec::new();
    if let Some(to) = change.to {
        facts.push(format!("\u{2192} {}", state.changes.text(to)));
    }
    if let (Deed::Named, Some(from)) = (change.deed, change.from) {
        facts.push(format!("\u{2190} {}", state.changes.text(from)));
    }
    if change.written > 0 {
        facts.push(words::bytes(change.written));
    }
    if change.executable {
        facts.push("executable".to_owned());
    }
    if change.times > 1 {
        facts.push(format!("{} acts", change.times));
    }
    let who = format!(
        "{} {}",
        change.who.map_or("?", |who| state.changes.text(who)),
        change.pid.map_or_else(String::new, |pid| pid.to_string())
    );
    let when = words::relative(recording.since_trigger(change.last));
    let sign = Span::styled(format!("  {sign} "), theme.style(role));
    if room < 50 {
        return Line::from_iter([sign, Span::styled(cut(name, room.saturating_sub(4)), theme.style(role))]);
    }
    let (who_room, when_room) = ((room / 5).clamp(12, 24), 11);
    let left = room.saturating_sub(4 + who_room + when_room + 2);
    let name = cut(name, left);
    let facts = cut(&facts.join("  "), left.saturating_sub(width(&name) + 2));
    let gap = left.saturating_sub(width(&name) + width(&facts) + 2);
    Line::from_iter([
        sign,
        Span::styled(name, theme.style(role)),
        Span::raw("  "),
        Span::raw(facts),
        Span::raw(" ".repeat(gap + 1)),
        Span::raw(fit(&who, who_room)),
        Span::styled(format!(" {when:>when_room$}"), quiet),
    ])
}
